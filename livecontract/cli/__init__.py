"""The command line: `main` runs it; one module for each group of commands.

Exit codes: 0 ok, 1 verification negative or failure, 2 usage, 3 invalid input document, 4 not reachable, 5 conflict.
Data goes to stdout, messages to stderr. With `--json`, stdout holds exactly one JSON document, also for an error.
Modules load what they need when a command runs, so that `--help` is there at once.
"""

from livecontract.cli.main import main

__all__ = ["main"]
