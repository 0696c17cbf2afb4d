"""`livecontract scenario check` and `compare`: what a scenario can do, and what is wrong with that."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livecontract.cli.files import DocumentFile, read_document, refuse_deviation
from livecontract.cli.outcome import FAILURE, OK, AsJson, count, finish
from livecontract.errors import InvalidFileError

if TYPE_CHECKING:
    from workflow_engine.model import Comparison, Examination, Limits
    from workflow_engine.model.comparison import Parting, Step
    from workflow_engine.model.deviating import Deviated
    from workflow_engine.model.goal import Answer
    from workflow_engine.model.runs import Run

Configurations = Annotated[int, typer.Option(min=1, help="How many configurations to explore at most.")]
Seconds = Annotated[float, typer.Option(min=0, help="How long to explore at most.")]
Runs = Annotated[str | None, typer.Option(metavar="DIR", help="Write each run there, as `simulate` takes it.")]

_MOST = 10_000
_LONGEST = 60.0

_ALL_SEEN = "Nothing else can become possible, and no other end is lost."


def register(app: typer.Typer) -> None:
    """Add the commands of this module to those of scenarios."""
    app.command("check")(check)
    app.command("compare")(compare)


def check(
    file: DocumentFile,
    quick: Annotated[bool, typer.Option("--quick", help="Only the passive tests that nodes run.")] = False,
    game: Annotated[bool, typer.Option("--game", help="Show which party can force or prevent which end.")] = False,
    goal: Annotated[
        list[str] | None, typer.Option(help='Ask: can "seller: :success" be forced? May be repeated.')
    ] = None,
    runs: Runs = None,
    configurations: Configurations = _MOST,
    seconds: Seconds = _LONGEST,
    as_json: AsJson = False,
) -> None:
    """Check a scenario and explore what it can do; negative if a finding is an error, or the answer to a goal is no."""
    from workflow_engine.checks import check as check_passively
    from workflow_engine.model import examine
    from workflow_engine.model.goal import conditions_in

    if quick and (game or goal or runs):
        raise typer.BadParameter("--quick explores nothing, so there is no game, goal or run")
    document = read_document(file)
    refuse_deviation(document, file)
    if quick:
        report = check_passively(document)
        form = report.to_dict()
        finish(form, _report_text(form), as_json=as_json, code=OK if report.valid else FAILURE)
        return
    watched = conditions_in(goal or [])
    examination = examine(document, limits=limits_of(configurations, seconds), watched=watched)
    form = examination.to_dict()
    answers = _answers(examination, goal or [], watched)
    table = _table(examination) if game else None
    form |= {"game": table} if game else {}
    form |= {"goals": [item.to_dict() for item in answers]} if goal else {}
    found = [(item.problem.rule, item.run) for item in examination.findings if item.run is not None]
    found += [("goal", item.run) for item in answers if item.run is not None]
    text = [_report_text(form), *_explored_lines(form["explored"]), *_game_lines(table), *_answer_lines(answers)]
    if runs is not None:
        text.append(_written(runs, found))
    is_fine = examination.is_sound and all(item.power.forces for item in answers)
    finish(form, "\n".join(text), as_json=as_json, code=OK if is_fine else FAILURE)


def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A scenario; - reads standard input.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The scenario to compare it with.")],
    runs: Runs = None,
    configurations: Configurations = _MOST,
    seconds: Seconds = _LONGEST,
    as_json: AsJson = False,
) -> None:
    """Compare what two scenarios say and what they can do; negative if they can do different things."""
    from workflow_engine.compiling import load
    from workflow_engine.model import compare as compare_scenarios

    if old == new == "-":
        raise typer.BadParameter("only one of the two files can be standard input")
    first, second = load(read_document(old)), load(read_document(new))
    found = compare_scenarios(first, second, limits=limits_of(configurations, seconds))
    form = found.to_dict()
    texts = [f"{count(len(found.changes), 'difference')} in what is written", *(f"  {item}" for item in found.changes)]
    text = "\n".join([*texts, *behaviour_lines(found)])
    if runs is not None:
        examples = [("possible", item.run) for item in found.possible]
        examples += [("impossible", item.run) for item in found.impossible]
        text += "\n" + _written(runs, examples)
    finish(form, text, as_json=as_json, code=OK if found.same_behaviour else FAILURE)


def limits_of(configurations: int = _MOST, seconds: float = _LONGEST) -> "Limits":
    """Return how much is explored, until that many seconds from now."""
    from workflow_engine.model import Limits

    return Limits(configurations=configurations, steps=10 * configurations, is_over=clock(seconds))


def clock(seconds: float) -> Callable[[], bool]:
    """Return what tells whether that many seconds from now are over."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _answers(examination: "Examination", goals: Sequence[str], watched: Sequence[Any]) -> "list[Answer]":
    from workflow_engine.model.goal import answer, read_goal

    scenario, graph = examination.scenario, examination.graph
    if scenario is None or graph is None:
        return []
    return [answer(read_goal(text, scenario), scenario, graph, watched) for text in goals]


def _table(examination: "Examination") -> Mapping[str, Any] | None:
    from workflow_engine.model.goal import game_to_dict

    if examination.scenario is None or examination.graph is None:
        return None
    return game_to_dict(examination.scenario, examination.graph)


def _report_text(report: Mapping[str, Any]) -> str:
    lines = []
    for item in report["problems"]:
        lines.append(f"  {item['severity']:<8} {item['rule']}: {item['message']} (at {item['path']})")
        if "run" in item:
            lines.append(f"           run: {_in_words(item['run'])}")
    soundness = "Valid" if report.get("sound", True) else "Valid to every node, but not sound"
    verdict = f"{soundness}: scenario {report['id']}" if report["valid"] else "Not valid:"
    return "\n".join([verdict, *lines])


def _in_words(run: Mapping[str, Any]) -> str:
    from workflow_engine.model.runs import Run, in_words

    return in_words(Run(responses=tuple(run["responses"]), state=run["state"]))


def _explored_lines(explored: Mapping[str, Any] | None) -> Iterator[str]:
    if explored is None:
        return
    size = f"{explored['configurations']} configurations, {explored['moves']} moves"
    yield f"Explored {size}" + (": all there are." if explored["complete"] else f". {explored['bound']}")
    yield from (f"  {note}" for note in explored["notes"])


def _game_lines(table: Mapping[str, Any] | None) -> Iterator[str]:
    if table is None:
        return
    names = sorted({state for row in table["table"].values() for state in row})
    width = max((len(party) for party in table["table"]), default=0)
    yield "Game: what each party alone can do about each end"
    yield "  " + " " * width + "".join(f"  {name:<16}" for name in names).rstrip()
    for party, row in table["table"].items():
        cells = "".join(f"  {_cell(row[name]):<16}" for name in names)
        yield f"  {party:<{width}}{cells}".rstrip()
    for state, parts in table["decides"].items():
        for party, choice in parts.items():
            yield f'  In "{state}", "{party}" alone decides between {", ".join(choice)}.'
    for stall in table["stalls"]:
        others = ", ".join(stall["done"])
        before = f"acted before: {others or 'nobody'}"
        yield f'  In "{stall["state"]}", "{stall["party"]}" can let all wait for ever; {before}.'


def _cell(power: Mapping[str, bool]) -> str:
    names = [name for name, can in (("force", power["forces"]), ("prevent", power["prevents"])) if can]
    return ", ".join(names) or "neither"


def _answer_lines(answers: "Sequence[Answer]") -> Iterator[str]:
    for item in answers:
        if item.power.forces:
            yield f"Yes: {item.goal.text} can be forced."
        else:
            known = (
                "cannot be forced" if item.power.is_known else "was not found to be forced, and not all was explored"
            )
            yield f"No: {item.goal.text} {known}."
        if item.run is not None:
            yield f"           run: {_in_words(item.run.to_dict())}"


def behaviour_lines(found: "Comparison | Deviated") -> Iterator[str]:
    """Yield what can happen by one of two texts and not by the other, or what a deviation changes about that."""
    from workflow_engine.model import Comparison

    yield from _step_lines("newly possible", found.possible)
    if isinstance(found, Comparison):
        yield from _step_lines("no longer possible", found.impossible)
    else:
        yield f"{count(len(found.lost), 'end')} no longer possible once it is in force"
        for end in found.lost:
            yield f'  "{end.state}", until now:'
            yield f"           run: {_in_words(end.run.to_dict())}"
        for state, step in found.unknown_steps:
            yield f'  not known: in "{state}": {_step_in_words(step)}, which leads to "{step[3]}"'
        yield from (f'  not known: whether "{state}" can still be reached' for state in found.unknown_ends)
    yield found.bound or ("Everything was compared." if isinstance(found, Comparison) else _ALL_SEEN)


def _step_lines(title: str, items: "Sequence[Parting]") -> Iterator[str]:
    yield f"{count(len(items), 'step')} {title}"
    for item in items:
        yield f'  in "{item.state}": {_step_in_words(item.step)}, which leads to "{item.step[3]}"'
        yield f"           run: {_in_words(item.run.to_dict())}"


def _step_in_words(step: "Step") -> str:
    from workflow_engine.consent import DEVIATION
    from workflow_engine.model.graph import NATURE, TIMEOUT

    mover, action, response, _ = step
    if action == TIMEOUT:
        return "the time runs out"
    if action == DEVIATION:
        return "the deviation comes into force"
    return f"{'a node' if mover == NATURE else mover}: {action}" + ("" if response == "ok" else f".{response}")


def _written(folder: str, runs: "Sequence[tuple[str, Run | None]]") -> str:
    """Write runs as files, and say so."""
    written = 0
    try:
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for number, (name, run) in enumerate(runs, start=1):
            if run is not None:
                text = json.dumps(list(run.responses), indent=2, ensure_ascii=False)
                (place / f"{number:02}-{name}.json").write_text(text + "\n", "utf-8")
                written += 1
    except (OSError, ValueError) as error:
        raise InvalidFileError(f"{folder} cannot be written to", hint="Name a directory of yours.") from error
    return f"Wrote {count(written, 'run')} to {folder}"
