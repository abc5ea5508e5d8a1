# SPDX-License-Identifier: GPL-3.0-or-later
"""People who never lived, rendered in Blender to train on: `headcast synthesize`.

The studio (`studio`, `materials`, run by `__main__` in a Blender process of its own) is the one place in `core` that may
enter Blender. All else is numpy: who it is (`person`), how they act (`acting`), the body that does it (`figure`), what
lies behind (`backdrop`), the labels (`labels`), and the job that starts processes and looks after shards (`synthesize`).

May enter: root, landmarks, imaging, training.
"""
