# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks at work: one head painted from a Likeness.

`player` holds an opened painter, which `role` has play a performance; `comparing` holds photos against footage. `feed` turns
arrays into tensors, `weights` finds, reads and writes trained weights, `devices` chooses where the networks run.

May enter: root, network, landmarks, imaging, nouns.
"""
