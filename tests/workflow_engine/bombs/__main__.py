"""Set off the bombs of some modules, or of all: `python -m tests.workflow_engine.bombs [--json] [MODULE…]`."""

import importlib
import json
import sys
from pathlib import Path

from .limits import set_off

NO_BOMBS = {"__init__", "__main__", "limits", "parts"}


def main(arguments: list[str]) -> None:
    """Print how each bomb ended."""
    as_json = "--json" in arguments
    chosen = [name for name in arguments if name != "--json"]
    names = chosen or sorted({path.stem for path in Path(__file__).parent.glob("*.py")} - NO_BOMBS)
    modules = {name: importlib.import_module(f"{__package__}.{name}") for name in names}
    for part, module in modules.items():
        for name, attack in module.BOMBS.items():
            outcome = set_off(f"{part}: {name}", attack)
            if as_json:
                sys.stdout.write(json.dumps(outcome._asdict()) + "\n")
            else:
                cost = f"{outcome.seconds:6.2f} s {outcome.mebibytes:4} MiB"
                sys.stdout.write(f"{cost}  {outcome.end:9} {outcome.name}: {outcome.said[:160]}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
