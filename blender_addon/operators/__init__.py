# SPDX-License-Identifier: GPL-3.0-or-later
"""The artist's commands: adapt, track, render, composite, cancel. `modal` watches a job; the others say what it is."""
