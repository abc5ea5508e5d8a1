# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: reading photos and clips, crops and their inverse, colour, mattes, EXR.

Colour is handled here, at the edges: pictures within the program are sRGB-encoded, uint8 or float 0 to 1, and a name says
where one is scene-linear. Knows no network and no Blender. `read` opens clips and
photos of every kind; `pictures`, `exr` and `movie` (through `decoding`) read one kind each.

May enter: root, landmarks.
"""
