# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist sees: one sidebar tab with Likeness, Performance, Take, in the order of the work."""
