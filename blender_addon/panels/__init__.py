# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels: one sidebar tab with Likeness, Performance, Take, in the order of the work."""
