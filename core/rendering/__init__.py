# SPDX-License-Identifier: GPL-3.0-or-later
"""The road from a Likeness and a Performance to frames on disk, with the manifest that makes a take resumable.

`render` is the road; `frames` makes one frame, `in_plate` puts it into a plate, `retry` paints a bad one again. `preview`
is the live preview; `canvas` is the picture that Blender and the worker share.

May enter: root, network, landmarks, imaging, nouns, painting, judging, provenance, tracking.
"""
