# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces as points: the iBUG 68 schema, detectors, the 3D head behind the points, smoothing, retargeting, rasterising.

Arrays of landmarks are [..., 70, 2] in pixels from the top left corner (see `ibug68`). Only `raster` needs torch, only
`detectors` need a package of their own.

May enter: root.
"""
