"""Plain compositor node groups, built by code: they render the same where the add-on is missing.

Each module is one group. Building is idempotent: what is there and current is used again. Enters `compat` alone.
"""
