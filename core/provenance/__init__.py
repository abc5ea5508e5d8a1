# SPDX-License-Identifier: GPL-3.0-or-later
"""Provenance: a take's files say that it is made, of whom, by whose leave and with whose key, and whether that still holds
can be found out.

`marks` says it in a file, `signing` signs with a key of `keys`, `verifying` looks whether it holds. `sharing` makes movies
and stills that carry both, `turnover` hands a take over, `forgetting` deletes a person and finds the takes that hold them.

May enter: root, landmarks, imaging, nouns.
"""
