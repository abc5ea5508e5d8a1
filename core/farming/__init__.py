# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as a job for a farm: chunks of its frames, then a last task that sees that all is there and writes the report.

`bundle` writes the folder that farms take: an Open Job Description template with its values, and the same for Flamenco,
whose job type is `headcast_take.js`.

May enter: root, nouns, tracking.
"""
