# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m headcast.core.worker`"""

from .process import main

main()
