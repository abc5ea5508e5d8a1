# SPDX-License-Identifier: GPL-3.0-or-later
"""The residual flow of one person: a few photos say more of how this skin moves than many other people do.

Every two photos are a pair, as in `learning.flow`. Held-out photos say whether it helped; where it did, all pairs are
learned. It takes a few seconds, so it is no part of fine-tuning, which an artist has to ask for.
"""

from __future__ import annotations

import copy
from itertools import permutations

import numpy as np
import torch

from ..learning.flow import FlowPair, fit, flow_pair, followed, said_rightly
from ..learning.made import Changed
from ..network.residual import ResidualFlow
from ..progress import Reporter
from .tuning import HELD_OUT

MOST_PAIRS = 90
"""Pairs that are looked at, seven seconds of a core."""
STEPS, BATCH = 60, 32
"""150 steps learn the photos by heart: held-out frames lose a tenth of what they gain."""
LEAST_GAIN = 0.005
"""Part of the flow's length that counts as a gain."""


def learn_own_flow(residual: ResidualFlow, photos: list[Changed], reporter: Reporter) -> ResidualFlow | None:
    """A copy of a trained `residual` that has learned from a person's `photos`; None where held-out photos gain
    nothing, and where there are too few photos to hold one out."""
    if residual.idle or len(photos) < HELD_OUT:
        return None
    numbers = np.array(list(permutations(range(len(photos)), 2)))
    numbers = np.random.default_rng(0).permutation(numbers)[:MOST_PAIRS]
    pairs = []
    for done, (photo, truth) in enumerate(numbers):
        reporter.step("flow between photos", done, len(numbers))
        pairs.append(flow_pair(photos[photo], photos[truth]))
    reporter.step("flow between photos", len(numbers), len(numbers))
    device = residual.last.weight.device
    found = FlowPair(*(torch.stack(parts).to(device) for parts in zip(*pairs, strict=True)))
    held = torch.from_numpy(numbers % HELD_OUT == HELD_OUT - 1)
    known, checks = (followed(_chosen(found, which)) for which in (~held.any(1), ~held[:, 0] & held[:, 1]))
    if not len(known.face) or not len(checks.face):
        return None
    before = said_rightly(residual, checks)
    after = said_rightly(_learned(residual, known, reporter), checks)
    if after < before + LEAST_GAIN:
        return None
    reporter.note(
        f"This face's own flow, from {len(numbers)} pairs of photos: {after:.0%} of what splines miss is foretold in "
        f"held-out photos, {before:.0%} without"
    )
    return _learned(residual, followed(found), reporter)


def _chosen(pairs: FlowPair, which: torch.Tensor) -> FlowPair:
    return FlowPair(*(part[which.to(part.device)] for part in pairs))


def _learned(residual: ResidualFlow, pairs: FlowPair, reporter: Reporter) -> ResidualFlow:
    own = copy.deepcopy(residual)
    fit(own, pairs, reporter, STEPS, BATCH)
    return own
