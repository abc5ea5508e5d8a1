# SPDX-License-Identifier: GPL-3.0-or-later
"""`headcast doctor`: what is installed, which device, which weights, what is missing and how to get it."""

from __future__ import annotations

import json
import sys

from ..examining import examine
from ..paths import cache_folder


def doctor(as_json: bool) -> int:
    """Print the findings; the exit code is 0 where nothing that is needed is missing, else 2."""
    report = examine()
    if as_json:
        print(json.dumps(report))
    else:
        print(f"headcast {report['version']}, Python {report['python']} at {sys.executable}, cache {cache_folder()}")
        for finding in report["findings"]:
            print(f"  {finding['state']:9} {finding['name']:26} {finding['detail']}")
            if finding["way_out"]:
                print(f"  {'':9} {'':26} {finding['way_out']}")
    return 0 if report["healthy"] else 2
