"""`python -m livecontract`: the command line."""

import sys

from livecontract.cli import main

sys.exit(main())
