# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m headcast.core.cli`"""

import sys

from .main import main

sys.exit(main())
