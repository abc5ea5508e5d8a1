# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the version stands; `pyproject.toml` and the extension's manifest are held to it by a test."""

VERSION = "0.1.0"
