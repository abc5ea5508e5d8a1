# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene: rigs and cameras read, image sequences and node trees written."""
