"""Results in words, for people who do not program."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workflow_engine.testing.coverage import KINDS
from workflow_engine.testing.mutation import Report
from workflow_engine.testing.running import Failure, Result

_SHOWN = 12
"""Steps of a history that a failure shows; the last ones."""


def results_text(results: Iterable[Result], *, verbose: bool = False) -> str:
    """Return the failures in full and a count; with `verbose`, a line for every test."""
    lines, failed, passed = [], 0, 0
    for result in results:
        passed, failed = passed + (result.failure is None), failed + (result.failure is not None)
        if result.failure is not None:
            lines += [f"FAILED  {result.name}", *failure_lines(result.failure), ""]
        elif verbose:
            lines.append(f"passed  {result.name}")
    total = passed + failed
    summary = f"{total} test{'' if total == 1 else 's'}: {passed} passed"
    return "\n".join([*lines, f"{summary}, {failed} failed" if failed else summary])


def failure_lines(failure: Failure) -> list[str]:
    """Return what is told of a failure: where, what was expected, what is, what was possible, what was done before."""
    place = failure.file if failure.line is None else f"{failure.file}, line {failure.line}"
    rows = [
        ("Where", place),
        ("Step", failure.step),
        ("Expected", failure.expected),
        ("But", failure.actual),
        ("Hint", failure.hint or ""),
        ("Now", "; ".join(failure.now)),
        *(("Possible", _possible(there, many=len(failure.possible) > 1)) for there in failure.possible),
        ("So far", _so_far(failure.so_far)),
    ]
    return [f"  {name:<9} {text}" for name, text in rows if text]


def _possible(there: Mapping[str, Any], *, many: bool) -> str:
    where = f'in "{there["process"]}", state "{there["state"]}": ' if many else f'in the state "{there["state"]}": '
    actions = "; ".join(f"{action} by {', '.join(people)}" for action, people in there["actions"].items())
    return where + (actions or "nothing")


def _so_far(steps: Sequence[str]) -> str:
    if not steps:
        return "nothing was done yet"
    shown = ", ".join(steps[-_SHOWN:])
    return f"… {shown}" if len(steps) > _SHOWN else shown


def coverage_text(report: Iterable[Mapping[str, Any]]) -> str:
    """Return what tests came to, for each scenario, and what they did not."""
    lines = []
    for scenario in report:
        counts = ", ".join(f"{scenario[f'{kind}s'][0]} of {scenario[f'{kind}s'][1]} {kind}s" for kind in KINDS)
        lines.append(f"{scenario['scenario']}: {scenario['percent']} % ({counts})")
        lines += [f"  {item['message']} (at {item['path']})" for item in scenario["missing"]]
    return "\n".join(lines)


def mutation_text(report: Report) -> str:
    """Return which mutants no test notices, and a count of the others."""
    if report.failed:
        return f"These tests fail on the scenario as it is:\n\n{results_text(report.failed)}"
    survived = report.of("survived")
    lines = [f"SURVIVED  {verdict.kind} {verdict.path}\n  {verdict.message}" for verdict in survived]
    lines += [f"explained {verdict.kind} {verdict.path}\n  {verdict.by}" for verdict in report.of("explained")]
    lines += [f"needless explanation: {key} is noticed by a test, or does not exist." for key in report.needless]
    counts = {
        "noticed by a test": len(report.of("noticed")),
        "refused by the check": len(report.of("refused")),
        "explained": len(report.of("explained")),
        "survived": len(survived),
    }
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return "\n".join([*lines, f"{len(report.verdicts)} mutants: {said or 'none'}"])
