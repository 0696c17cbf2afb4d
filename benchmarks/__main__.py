"""`python -m benchmarks [name …] [--quick] [--json | --markdown | --write]`: measure, and print what came of it.

Exits with 0 whatever the figures are: whether an aim is met on a machine that does other things as well is for people
to judge.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from benchmarks import (
    beside,
    day_root,
    engine,
    handover,
    ingest,
    many_chains,
    model,
    operators,
    reads,
    receive,
    replay,
    shovel,
    verify,
    workers,
)
from benchmarks.machine import machine_line
from benchmarks.measure import Figure
from benchmarks.report import as_json, as_markdown, as_text, between_marks
from benchmarks.sizes import FULL, QUICK, Sizes

_MODULES: Sequence[Any] = (
    *(verify, receive, ingest, engine, replay, operators, beside, day_root, many_chains, handover, shovel, reads),
    *(workers, model),
)

BENCHMARKS: dict[str, Callable[[Sizes], list[Figure]]] = {module.NAME: module.run for module in _MODULES}


DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks asked for and print what they give; return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.name if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,  # as in a node
    )
    figures: list[Figure] = []
    for name in options.name or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name](QUICK if options.quick else FULL)
    if options.write:
        document = DOCUMENT.read_text(encoding="utf-8")
        DOCUMENT.write_text(between_marks(document, as_markdown(machine_line(), figures)), encoding="utf-8")
        return 0
    write = as_json if options.json else as_markdown if options.markdown else as_text
    print(write(machine_line(), figures))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against the limits.")
    parser.add_argument("name", nargs="*", help=f"which of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="less work and fewer rounds: a first look")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--markdown", action="store_true", help="the table of docs/performance.md")
    form.add_argument("--write", action="store_true", help="put that table into docs/performance.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
