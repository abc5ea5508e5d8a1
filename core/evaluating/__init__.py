# SPDX-License-Identifier: GPL-3.0-or-later
"""How good Headcast is on whole clips, beside simple baselines: `headcast evaluate`.

`evaluation` is the protocol; `subjects` reads the clips, `roads` runs `adapt` and `render` on them. `scores` and `metrics`
measure whole frames, `close_up` and `squares` mouths and eyes, `teeth` what is between the lips, `response` how far a face
goes when asked, `trial` a likeness without a driver, `cross_identity` and `proportions` another person's performance.
`speech` does the same for voices. `baseline` has the simple methods, `report` and `groups` make the tables, `sheet` the
pictures.

May enter: root, landmarks, imaging, nouns, painting, judging, learning, tracking, speech, adapting, rendering,
training.
"""
