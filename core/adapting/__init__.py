# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos to a Likeness: `headcast adapt`.

`adapt` is the road, `inspecting` looks at the photos beforehand. `personal` embeds one person and fine-tunes the network on
them, with the exercises in `practice`; `tuning` does so for the painters of mouth and eyes.

May enter: root, network, landmarks, imaging, nouns, painting, judging, learning, tracking.
"""
