# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain compositor node groups, built by code: they render the same where the add-on is missing.

Each group is a module: `take`, `matte`, `grade`, `grain` and `comp`. `build` says what a group is made from, and uses again
what is there and current; `wires` writes nodes as formulae; `shelf` has them all, as assets. Enters `compat` alone.
"""
