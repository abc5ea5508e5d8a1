# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist can do: adapt, track, render, composite, cancel. `modal` watches a job; the others say what it is."""
