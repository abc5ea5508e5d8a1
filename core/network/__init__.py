# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, as plain torch modules of tensors: no file, no device, no colour space, no landmark format in them.

`painter` names the presets that can be built and builds them. Pictures are [B, 3, H, W], -1 to 1, sRGB; positions are in
units of the picture, -1 to 1 from edge to edge (`align_corners=False`).

May enter: nothing.
"""
