"""Set off the bombs of some modules, or of all: `python -m tests.workflow_engine.bombs [--json] [MODULE…]`."""

import argparse
import importlib
import json
import sys
from pathlib import Path

from .limits import CPU_SECONDS, set_off

NO_BOMBS = {"__init__", "__main__", "limits", "parts", "unguarded"}


def modules() -> list[str]:
    """Return the names of the modules with bombs."""
    return sorted({path.stem for path in Path(__file__).parent.glob("*.py")} - NO_BOMBS)


def main() -> None:
    """Print how each bomb ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="all of them where none is named")
    parser.add_argument("--json", action="store_true", help="one JSON document a line")
    parser.add_argument("--seconds", type=int, default=CPU_SECONDS, help="of the processor, for each")
    given = parser.parse_args()
    for part in given.modules or modules():
        for name, attack in importlib.import_module(f"{__package__}.{part}").BOMBS.items():
            outcome = set_off(name, attack, seconds=given.seconds)
            if given.json:
                sys.stdout.write(json.dumps(outcome._asdict()) + "\n")
            else:
                cost = f"{outcome.seconds:6.2f} s {outcome.mebibytes:4} MiB"
                sys.stdout.write(f"{cost}  {outcome.end:9} {part}: {name}: {outcome.said[:160]}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
