"""Runs: what happened, one response after the other, in the form that `scenario simulate` takes.

A way through the graph becomes a run by playing it with the engine. Where configurations were merged, a way may not be
one that a single process can go; then the run that is told ends where it can still be played, and is not certain.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine import machine, simulate
from workflow_engine.durations import to_iso
from workflow_engine.model.graph import Move
from workflow_engine.model.trying import Attempt, entry_of
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.sub_processes.relation import believed

MAX_SHOWN = 80
"""Characters of data that a run on one line shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happens, and where it leads.

    Attributes:
        responses: `{ actor, action, response?, data?, at? }` each, or the proposal of a deviation and consents to it.
        state: Key of the state that the process is in then.
        is_certain: The engine played all of it; else it is what is possible by all that is known of the data.
        assets: What the process was handed when it started, where it is that of an embedded scenario.
    """

    responses: tuple[dict[str, Any], ...]
    state: str
    is_certain: bool = True
    assets: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        form = {"state": self.state, "certain": self.is_certain, "responses": list(self.responses)}
        return form | ({"assets": dict(self.assets)} if self.assets else {})


def run_along(
    scenario: Scenario, way: Iterable[Move], *, ends_refused: bool = False, assets: Mapping[str, Any] | None = None
) -> Run:
    """Return the run along a way of the graph, played by the engine.

    Args:
        scenario: Compiled.
        way: Moves, each leaving where the one before it leads.
        ends_refused: The last move is one that the engine refuses.
        assets: What the process is handed when it starts.
    """
    assets = assets or {}
    process = simulate.start(scenario, assets=assets)
    moves = list(way)
    last = len(moves) if ends_refused else None
    responses: list[dict[str, Any]] = []
    for number, move in enumerate(moves, start=1):
        moment = _moment(process, move)
        given = move.submitted or move.response
        attempt = Attempt(
            mover=move.mover, actor=move.actor, action=move.action, response=given, data=move.data, at=moment
        )
        responses.append(_response(move, moment))
        try:
            process = machine.step(process, entry_of(process, attempt, number), believed)
        except LiveContractError:
            return Run(responses=tuple(responses), state=process.current.key, is_certain=number == last, assets=assets)
    return Run(responses=tuple(responses), state=process.current.key, assets=assets)


def _moment(process: Process, move: Move) -> int:
    last = _last_moment(process) + simulate.STEP
    due_date = process.current.due_date
    return max(last, due_date) if move.action == TIMEOUT and due_date is not None else last


def _last_moment(process: Process) -> int:
    return int(process.previous[-1]["timestamp"]) if process.previous else process.current.timestamp


def _response(move: Move, moment: int) -> dict[str, Any]:
    form: dict[str, Any] = {"actor": move.actor, "action": move.action}
    if move.action == TIMEOUT:
        return {**form, "at": to_iso(moment)}
    form["response"] = move.submitted or move.response
    return form if move.data is None else {**form, "data": move.data}


def in_words(run: Run) -> str:
    """Return a run on one line: who did what, the last step with its data, on which a finding often depends."""
    steps = [_item_in_words(item) for item in run.responses]
    data = run.responses[-1].get("data") if run.responses else None
    told = "" if data is None else f" with {_shortened(data)}"
    return (" → ".join(steps) + told) or "the start"


def _item_in_words(item: Mapping[str, Any]) -> str:
    if "propose" in item:
        return f"{item['actor']}: proposes the deviation"
    if "answer" in item:
        return f"{item['actor']}: agrees"
    if item["action"] == TIMEOUT:
        return "the time runs out"
    return f"{item['actor']}: {item['action']}" + ("" if item["response"] == "ok" else f".{item['response']}")


def _shortened(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
