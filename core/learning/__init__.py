# SPDX-License-Identifier: GPL-3.0-or-later
"""How a network learns, whether from one person or from many: `adapting` and `training` both come here.

`steps` is one step of the paper's networks, `losses` are their losses. `regions` is one step of the painters of mouth and
eyes; `pairing` and `made` make the pairs that these learn from. `perceptual` opens the networks that compare pictures (the
evaluation uses them too).

May enter: root, network, landmarks.
"""
