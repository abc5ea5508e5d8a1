# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a painted frame is. The render's gate and the evaluation both ask here.

`gate` scores a frame and decides whether it is bad, `identity` compares faces, `flicker` compares neighbouring frames.

May enter: root, network, landmarks, imaging, nouns.
"""
