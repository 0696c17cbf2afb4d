"""The figures as text for people, as JSON for machines, and as the table of `docs/performance.md`."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.measure import Figure

BEGIN = "<!-- figures: made by `python -m benchmarks --write` -->"
END = "<!-- end of figures -->"

_VERDICTS = {True: "met", False: "missed", None: "none"}


def as_text(machine: str, figures: Sequence[Figure]) -> str:
    """Return one paragraph per figure."""
    lines = [machine]
    for figure in figures:
        lines += [
            "",
            f"{figure.benchmark}: {figure.what}",
            f"  measured  {measured(figure)}",
            f"  limit     {limit(figure)}   {figure.limit}",
            f"  ratio     {ratio(figure)}   {aim(figure)}",
        ]
        lines += [f"  {name:<24} {text}" for name, text in figure.details.items()]
    return "\n".join(lines)


def as_json(machine: str, figures: Sequence[Figure]) -> str:
    """Return one JSON document."""
    items = [{**asdict(figure), "met": figure.is_met} for figure in figures]
    return json.dumps({"machine": machine, "figures": items}, ensure_ascii=False, indent=2)


def as_markdown(machine: str, figures: Sequence[Figure]) -> str:
    """Return the table, and the details below it."""
    lines = [
        f"Measured on {machine}.",
        "",
        "| what | measured | limit, in the same run | ratio: median (lowest to highest) | aim | command |",
        "|---|---|---|---|---|---|",
    ]
    for figure in figures:
        cells = (
            figure.what,
            measured(figure),
            f"{figure.limit}: {limit(figure)}",
            ratio(figure),
            aim(figure),
            f"`./dev bench {figure.benchmark}`",
        )
        lines.append(f"| {' | '.join(cells)} |")
    for figure in figures:
        if figure.details:
            parts = "; ".join(f"{name} {text}" for name, text in figure.details.items())
            lines += ["", f"Of *{figure.what}*: {parts}."]
    return "\n".join(lines)


def between_marks(document: str, table: str) -> str:
    """Return a document with the table between its marks.

    Raises:
        ValueError: It has no marks.
    """
    before, start, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the document has no {BEGIN} … {END}")
    return f"{before}{start}\n{table}\n{end}{after}"


def measured(figure: Figure) -> str:
    """Return what was measured."""
    return figure.shown[0] if figure.shown else speed(figure.seconds, figure)


def limit(figure: Figure) -> str:
    """Return what it is held against."""
    return figure.shown[1] if figure.shown else speed(figure.limit_seconds, figure)


def speed(seconds: float, figure: Figure) -> str:
    """Return time per unit and units per second."""
    per_unit = seconds / figure.count * 1e6
    return f"{per_unit:,.{1 if per_unit < 1000 else 0}f} µs/{figure.unit} ({figure.count / seconds:,.0f}/s)"


def ratio(figure: Figure) -> str:
    """Return median, lowest and highest."""
    found = figure.ratio
    digits = 3 if found.median < 0.1 else 2
    return f"{found.median:.{digits}f} ({found.lowest:.{digits}f} to {found.highest:.{digits}f})"


def aim(figure: Figure) -> str:
    """Return the aim, and whether it is met."""
    if figure.aim is None:
        return "none"
    sign = "≥" if figure.meaning == "speed" else "≤"
    return f"{sign} {figure.aim}: {_VERDICTS[figure.is_met]}"
