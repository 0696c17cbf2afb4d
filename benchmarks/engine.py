"""Steps of the engine beside the `transitions` library on a comparable machine.

Both answer "who may do what now, and where does it lead" on one state with an action that leads back to it. The
engine's step does more: it is pure (a new process beside the old one), checks the response's data against its JSON
Schema, runs update instructions under a budget, validates what changed, keeps the history and evaluates texts and
actions of the state again. `transitions` checks one condition and calls one function that changes the model.
"""

from collections.abc import Sequence
from typing import Any

from transitions import Machine

from benchmarks import samples
from benchmarks.measure import Figure, compare, timed
from benchmarks.sizes import Sizes
from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.hashing import sha256
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.process import Process

NAME = "engine"

_CHAIN = str(samples.chain_id("engine"))
_USER = str(samples.USER.public_key)


class Model:
    """What `transitions` keeps the state of."""

    def __init__(self) -> None:
        self.count: dict[str, Any] = {}

    def is_user(self, actor: str, _data: dict[str, Any]) -> bool:
        """Whether the actor may act."""
        return actor == "user"

    def write(self, _actor: str, data: dict[str, Any]) -> None:
        """Do what the scenario's update instruction does."""
        self.count = {**self.count, **data}


def entry(number: int, body: dict[str, Any]) -> Entry:
    """Return an event as the engine sees it."""
    return Entry(
        chain=_CHAIN,
        hash=base58.encode(sha256(number.to_bytes(8, "big"))),
        previous=base58.encode(sha256(b"")),
        timestamp=samples.START + number,
        body=body,
        signer=_USER,
        identity="user",
        key_names=frozenset({"user"}),
        members=frozenset({"user", "peer"}),
    )


def play(starts: Sequence[Process], entries: Sequence[Entry]) -> Process:
    """Step through all entries, `samples.LENGTH` to a process, and return the last process."""
    process = starts[0]
    for index, item in enumerate(entries):
        process = machine.step(process if index % samples.LENGTH else starts[index // samples.LENGTH], item)
    return process


def play_transitions(bodies: Sequence[dict[str, Any]]) -> Model:
    """Trigger as many transitions."""
    model = Model()
    Machine(
        model,
        states=["initial", "success"],
        initial="initial",
        auto_transitions=False,
        transitions=[
            {"trigger": "count_up", "source": "initial", "dest": "=", "conditions": "is_user", "after": "write"},
            {"trigger": "stop", "source": "initial", "dest": "success"},
        ],
    )
    trigger = model.count_up  # type: ignore[attr-defined]  # made by the library
    for body in bodies:
        trigger("user", body["data"])
    return model


def run(sizes: Sizes) -> list[Figure]:
    """Measure."""
    bodies = [samples.response(number) for number in range(sizes.steps)]
    scenario = load(samples.SCENARIO)
    processes = range(-(-sizes.steps // samples.LENGTH))
    starts = [machine.start(scenario, entry(sizes.steps + number, samples.process(number))) for number in processes]
    entries = [entry(number, body) for number, body in enumerate(bodies)]
    if play(starts, entries[:1]).assets["count"] != play_transitions(bodies[:1]).count:
        raise RuntimeError("the two machines come to different data")
    ratio, seconds, limit_seconds = compare(
        timed(lambda: play(starts, entries)), timed(lambda: play_transitions(bodies)), rounds=sizes.rounds
    )
    figure = Figure(
        benchmark=NAME,
        what="a step of the engine: actor, schema, update instructions, transition, state entered again",
        limit="`transitions`: one condition, one callback, no schema, no history",
        ratio=ratio,
        meaning="speed",
        aim=None,
        count=sizes.steps,
        unit="step",
        seconds=seconds,
        limit_seconds=limit_seconds,
    )
    return [figure]
