"""Writing features: a run of a scenario as a case that passes. Pure; what is written is read back as the same.

Every response becomes a sentence, with the state that it leads to. Everything that is possible in a state is listed
once, and again where it is something else; at the end stands what the process holds.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_engine import simulate, simulate_talk
from workflow_engine.body import SUB_PROCESS_ID
from workflow_engine.durations import from_iso, to_iso
from workflow_engine.errors import quote
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import MAX_LINE
from workflow_engine.testing.values import leaves, write_cell
from workflow_engine.timing import turns

PROCESS = "main"

_MAX_ROWS = 100
_PLAIN_PATH = re.compile(r"[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is written as one case.

    Attributes:
        title: Its name.
        responses: As `livecontract scenario simulate` takes them.
    """

    title: str
    responses: Sequence[Mapping[str, Any]]


def feature_text(name: str, scenario: Scenario, runs: Iterable[Run]) -> str:
    """Return a feature in which every run is a case that passes.

    Args:
        name: By which the feature finds the scenario.
        scenario: The scenario itself.
        runs: Each is accepted by it.

    Raises:
        LiveContractError: A run is refused by the scenario.
        InvalidFeatureError: Something has a name, or a text, that no feature can hold.
    """
    people = sorted(scenario.actors)
    if not people:
        raise InvalidFeatureError("The scenario has no actors, so nobody could start it.")
    lines = [
        f"Feature: {_title(scenario.title or name)}",
        "",
        "  Background:",
        f"    Given a chain is created by {said(people[0])}",
        f"    And {said(people[0])} creates the {said(PROCESS)} process using the {said(name)} scenario",
        *(f"    And {said(key)} is the {said(key)} actor of the {said(PROCESS)} process" for key in people),
    ]
    listed: set[tuple[str, str]] = set()
    for run in runs:
        lines += ["", f"  Scenario: {_title(run.title)}"]
        lines += [f"    {line}" for line in _joined(_case(run, scenario, listed))]
    return "\n".join([*lines, ""])


def _joined(lines: Iterator[str]) -> Iterator[str]:
    """Write `And` where a sentence goes on with the keyword of the one before it."""
    last = ""
    for line in lines:
        keyword, _, rest = line.partition(" ")
        if keyword not in ("Given", "When", "Then"):
            yield line
            continue
        yield f"And {rest}" if keyword == last else line
        last = keyword


def _case(run: Run, scenario: Scenario, listed: set[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines of a case; `listed` collects the states and actions that were listed."""
    responses = simulate.spelled_out(scenario, run.responses)
    families = simulate.families(scenario, responses)
    family = next(families)
    if family.root.current.timestamp != simulate.START:
        yield f"Given it is {said(to_iso(family.root.current.timestamp))}"
    yield from _possible(family.root, listed)
    for response in responses:
        before = family.inside(response.get("in"))
        next(families)
        if simulate_talk.kind_of(response) is None:
            yield from _response(response, before, family.given[-1])
        else:
            yield from _saying(response, before, family.given[-1])
        yield f"Then the {said(PROCESS)} process is in the {said(family.root.current.key)} state"
        yield from _possible(family.root, listed)
    rows = _held(family.root)
    if rows:
        yield f"Then the {said(PROCESS)} process has:"
        yield from _table(rows)


def _response(response: Mapping[str, Any], before: Process, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was said: `given` is the response with all that it left open."""
    action, moment, inner = given["action"], from_iso(given["at"]), _inner(given)
    within = "" if inner is None else f" in the {inner} sub-process"
    if action == TIMEOUT and _is_plain_timeout(before, response, moment):
        yield f"Then the {said(PROCESS)} process has:" if inner is None else f"Then the {inner} sub-process has:"
        yield from _table([("current.due_date", to_iso(moment))])
        yield f"When the time of the state{within} is over"
        return
    person = before.actors[given["actor"]]["identity"]["id"]
    giving = "" if action == TIMEOUT else f" giving {_article(given['response'])} {said(given['response'])} response"
    at = _at(response, given)
    data = list(_data(given.get("data")))
    yield f"When {said(person)} runs the {said(action)} action{within}{giving}{at}{' with:' if data else ''}"
    yield from data


def _inner(item: Mapping[str, Any]) -> str | None:
    """Return how a sentence calls the sub-process that an item is for, or None for the process in play."""
    place = item.get("in")
    return None if place is None else said(place if isinstance(place, str) else "/".join(place))


def _at(item: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return how a sentence says when it happens, where the item says so; nothing where it follows at once."""
    is_told = item.get("at") is not None or item.get("after") is not None
    return f" at {said(to_iso(from_iso(given['at'])))}" if is_told else ""


def _saying(item: Mapping[str, Any], process: Process, given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of something that is said or proposed; `given` is the item with its moment."""
    person = said(process.actors[item["actor"]]["identity"]["id"])
    at = _at(item, given)
    inner = _inner(item)
    within = "" if inner is None else f" in the {inner} sub-process"
    of = f"{within} of the {said(PROCESS)} process"
    if "propose" in item:
        if "scenario" in item:
            raise InvalidFeatureError(
                "A feature names the scenario that an update leads to, and a run holds all of it.",
                hint='Write this one by hand: … proposes the deviation "…", and put the scenario beside the feature.',
            )
        yield f"When {person} proposes this deviation{of}{at}:"
        yield from _document({key: value for key, value in item["propose"].items() if key != "process"})
        return
    if "comment" in item:
        reply = "" if item.get("reply_to") is None else f" in reply to {said(item['reply_to'])}"
        comment = item["comment"]
        yield f"When {person} comments{within} on the {said(PROCESS)} process{reply}{at} with:"
        yield from _document({"content": comment} if isinstance(comment, str) else comment)
        return
    name = "" if item.get("deviation") is None else f" {said(item['deviation'])}"
    because = "" if item.get("reason") is None else f" because {said(item['reason'])}"
    sentences = {
        "agree": f"agrees{name and f' to the deviation{name}'}{of}",
        "refuse": f"refuses{name and f' the deviation{name}'}{of}{because}",
        "withdraw": f"withdraws the deviation{name}{of}{because}",
    }
    yield f"When {person} {sentences[item['answer']]}{at}"


def _is_plain_timeout(before: Process, response: Mapping[str, Any], moment: int) -> bool:
    """Tell whether a timeout was noted when it was due, by whose node does so."""
    turn = next(iter(turns(before)), None)
    return turn is not None and (turn.actor, turn.due_date) == (response.get("actor"), moment)


def _article(word: str) -> str:
    return "an" if word[:1].lower() in "aeiou" else "a"


def _possible(process: Process, listed: set[tuple[str, str]]) -> Iterator[str]:
    """Yield what is possible in a state, unless just that was listed, or nothing can be done."""
    actors = {key: process.current.actions[key]["actors"] for key in process.available}
    if (process.current.key, repr(actors)) in listed or not actors:
        return
    if any("," in name or name != name.strip() for names in actors.values() for name in names):
        return
    listed.add((process.current.key, repr(actors)))
    yield "Then the possible actions are:"
    yield from _table([(key, ", ".join(names)) for key, names in actors.items()], plain=True)


def _held(process: Process) -> list[tuple[str, Any]]:
    """Return the paths and values of what a process holds, as far as a table can show them.

    The ids of sub-processes are left out: they are made of events, which differ from play to play.
    """
    held = {"title": process.title, "actors": process.actors, "assets": process.assets}
    rows = [
        (path, value)
        for path, value in leaves(held)
        if _PLAIN_PATH.fullmatch(path) and not re.fullmatch(r"actors\.[^.]+\.(key|title)|title", path)
    ]
    rows = [(path, value) for path, value in rows if not (isinstance(value, str) and value.startswith(SUB_PROCESS_ID))]
    return [(path, value) for path, value in rows if len(write_cell(value)) < MAX_LINE - 2_000][:_MAX_ROWS]


def _data(value: Any) -> Iterator[str]:
    """Yield the lines of a table or of a doc string that means a value; none where there is none."""
    if value is None:
        return
    rows = list(leaves(value)) if isinstance(value, Mapping) and value else []
    fits = all(_PLAIN_PATH.fullmatch(path) and len(write_cell(item)) < MAX_LINE - 2_000 for path, item in rows)
    if rows and fits and len(rows) <= _MAX_ROWS:
        yield from _table(rows)
        return
    yield from _document(value)


def _document(value: Any) -> Iterator[str]:
    """Yield the lines of a doc string that means a value."""
    text = re.sub(r"\\(.)", lambda match: "\\u0022" if match[1] == '"' else match[0], _json(value))
    lines = ['"""', *text.replace("${", "\\u0024{").split("\n"), '"""']
    if any(len(line) > MAX_LINE - 100 for line in lines):
        raise InvalidFeatureError(f"The data holds a text of more than {MAX_LINE - 100} characters.")
    yield from (f"  {line}" for line in lines)


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if text.replace("\n", "").isprintable() else json.dumps(value, indent=2)


def _table(rows: Sequence[tuple[str, Any]], *, plain: bool = False) -> Iterator[str]:
    cells = [(said_cell(path), said_cell(str(value)) if plain else write_cell(value)) for path, value in rows]
    first = max(len(path) for path, _ in cells)
    second = max((len(value) for _, value in cells if len(value) <= 40), default=0)
    yield from (f"  | {path:<{first}} | {value:<{second}} |" for path, value in cells)


def said(name: str) -> str:
    """Return a name as it stands in a sentence.

    Raises:
        InvalidFeatureError: No sentence can hold it.
    """
    if not 0 < len(name) <= 500 or not name.isprintable() or "${" in name:
        raise InvalidFeatureError(f"The name {quote(name)} cannot stand in a feature.")
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def said_cell(name: str) -> str:
    """Return a name as it stands in a cell. Raises what `said` raises."""
    said(name)
    return name.replace("\\", "\\\\").replace("|", "\\|")


def _title(text: str) -> str:
    shown = " ".join(text.split())
    return "".join(c if c.isprintable() else "�" for c in shown)[:500] or "(without a name)"
