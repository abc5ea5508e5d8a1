# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning from many people: `headcast prepare` and `headcast train`.

`prepare` and `footage` make shards of videos; `shards`, `dataset` and `augment` hold the data; `meta` is the loop.

May enter: root, network, landmarks, imaging, painting, learning, tracking.
"""
