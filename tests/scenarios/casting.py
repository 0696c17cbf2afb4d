"""A process of the library in which one person may play several actors, or an actor may be played by nobody."""

from functools import cache

import scenarios
from eventchain.core.entry import Entry
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.playing import data_of
from workflow_engine.simulate import START

CHAIN = "chain"
DAY = 86_400_000


@cache
def loaded(name):
    """Return a scenario of the library, which nobody can change; loading one takes longer than playing it."""
    return load(scenarios.load(name))


def start(scenario, cast):
    """Start a process; `cast` is the identity of each actor who is played by somebody."""
    body = {"id": "p", "scenario": scenario.id, "actors": {key: {"identity": who} for key, who in cast.items()}}
    return machine.start(scenario, entry(0, START, body, next(iter(cast.values())), cast))


def respond(process, who, action, data=None, *, days=0, key=None, actor=None):
    """Return the process after a response of an identity, so many days after the last event."""
    body = {"process": "p", "action": action, "key": key, "actor": actor}
    body["data"] = data_of(process, action, data)
    number = len(process.previous) + 1
    last = process.previous[-1]["timestamp"] if process.previous else START
    return machine.step(process, entry(number, last + days * DAY, body, who, {}))


def entry(number, moment, body, identity, cast):
    return Entry(
        chain=CHAIN,
        hash=f"event-{number}",
        previous=f"event-{number - 1}",
        timestamp=moment,
        body={name: value for name, value in body.items() if value is not None},
        signer="",
        identity=identity,
        key_names=frozenset({"user", "system"}),
        members=frozenset(cast.values()),
    )
