"""`python -m livecontract`: the command line."""

import sys

from livecontract.cli import main

if __name__ == "__main__":
    sys.exit(main())
