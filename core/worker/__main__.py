"""`python -m headcast.core.worker`"""

from .process import main

main()
