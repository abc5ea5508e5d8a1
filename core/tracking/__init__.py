# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives: clips, captures and other motion become a Performance, which can be retimed and measured.

May enter: root, network, landmarks, imaging, nouns, painting.
"""
