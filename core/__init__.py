# SPDX-License-Identifier: GPL-3.0-or-later
"""Headcast's core: a Likeness plays a Performance, and the Take is a sequence of frames. Knows no Blender.

The nouns are `likeness`, `performance` and `take`; the roads to them are `adapting.adapt`, `tracking.track`,
`speech.speak` and `rendering.render`. The doors are `jobs` and `examining`: the command line and the worker come in there,
and call the same functions as the tests. All other files beside this one are the root: errors, settings, files, progress,
shared by the rooms.

Root may enter: nothing.
Nouns may enter: root, landmarks.
Doors may enter: root, network, landmarks, imaging, nouns, installing, painting, provenance, tracking, speech, adapting,
rendering, training, evaluating, synthetic, farming.
"""
