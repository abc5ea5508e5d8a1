# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning from many people: `headcast prepare` and `headcast train`.

`prepare`, `footage` and `portraits` make shards of videos and photos, `shards` holds them. `meta` is the loop; `course` says
what a preset learns from: whole heads (`dataset`, `augment`, `validation`) or close-ups (`pairs`, `region_validation`).

May enter: root, network, landmarks, imaging, painting, learning, tracking.
"""
