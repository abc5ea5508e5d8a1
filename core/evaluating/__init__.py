"""How good Headcast is on whole clips, beside simple baselines: `headcast evaluate`.

`evaluation` is the protocol; `subjects` reads the clips, `roads` runs `adapt` and `render` on them. `scores`, `metrics`,
`cross_identity` and `proportions` measure, `baseline` has the simple methods, `report` makes the tables.

May enter: root, landmarks, imaging, nouns, painting, judging, learning, tracking, adapting, rendering, training.
"""
