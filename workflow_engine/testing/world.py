"""The world of one test: people, a chain, and processes that the real machine runs. Everything is in memory.

A person is named by the feature, and is on the chain under that name as identity. Time is a clock that starts on
1 January 2020 and goes one second on with every response, and further when a step says so; nodes do what is due then.
A system action waits until a step runs it, answers its request, or says what came of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine import body, machine
from workflow_engine.due import due
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import ActionNotAvailableError, AlreadyExistsError, quote
from workflow_engine.operators import paths
from workflow_engine.ports import HttpResponse
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT, Scenario
from workflow_engine.simulate import START, STEP, data_of
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError

CHAIN = "chain"
KEYS = frozenset({"user", "system"})
"""The keys that everybody has, unless a step says with which one somebody signs."""

MAX_TIMEOUTS = 1_000
"""Timeouts that may be over within one step."""

MAX_MEMBERS = 1_000


Asked = tuple[str, str, str]
"""A request that a system action makes: name of the process, method, URL."""


@dataclass(slots=True, kw_only=True)
class Draft:
    """A process that has not started.

    Attributes:
        creator: Name of the person who starts it.
        scenario: What it is an instance of.
        actors: What the process says of each actor, by key.
        assets: First values by key.
    """

    creator: str
    scenario: Scenario
    actors: dict[str, dict[str, Any]] = field(default_factory=dict)
    assets: dict[str, Any] = field(default_factory=dict)


class World:
    """What a test has come to; the steps change it.

    Args:
        scenario_of: Finds a scenario by the name that the feature uses.
    """

    def __init__(self, scenario_of: Callable[[str], Scenario]) -> None:
        self._scenario_of = scenario_of
        self._drafts: dict[str, Draft] = {}
        self._keys: dict[str, frozenset[str]] = {}
        self._events = 0
        self.now = START
        self.members: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, Process] = {}
        self.traces: dict[str, list[Process]] = {}
        self.answers: dict[Asked, HttpResponse | None] = {}
        self.asked: Asked | None = None

    # --- People -------------------------------------------------------------------------------------------------------

    def join(self, person: str, data: Mapping[str, Any] | None = None) -> None:
        """Put a person on the chain, with what its identity says beside its id.

        Raises:
            InvalidFeatureError: There are too many, or the data is no object.
        """
        if data is not None and not isinstance(data, Mapping):
            raise InvalidFeatureError("An identity should be described by a table or an object.")
        if person not in self.members and len(self.members) >= MAX_MEMBERS:
            raise InvalidFeatureError(f"At most {MAX_MEMBERS} people take part in a test.")
        known = self.members.get(person, {"id": person})
        self.members[person] = {**known, **(data or {}), "id": person}

    def sign_with(self, person: str, key: str) -> None:
        """Let a person sign with one key only, named like the keys of an identity (`user`, `system`)."""
        self._keys[person] = frozenset({key})

    # --- Processes ----------------------------------------------------------------------------------------------------

    def create(self, person: str, process: str, scenario: str) -> None:
        """Prepare a process; it starts with its first action, or when a step says so.

        Raises:
            InvalidFeatureError: There is one of this name.
        """
        if process in self._drafts or process in self.processes:
            raise InvalidFeatureError(f"There is a process {quote(process)} already.")
        self.join(person)
        self._drafts[process] = Draft(creator=person, scenario=self._scenario_of(scenario))

    def name_of(self, process: str | None) -> str:
        """Return the name of a process, or of the only one there is.

        Raises:
            InvalidFeatureError: There is none of this name, or there are several.
        """
        names = [*self.processes, *self._drafts]
        if process is None:
            if len(names) == 1:
                return names[0]
            said = "There is no process yet." if not names else "There are several processes; say which one is meant."
            raise InvalidFeatureError(said, hint='Begin with: "Ann" creates the "main" process using the "…" scenario')
        if process not in names:
            known = ", ".join(quote(name) for name in names)
            raise InvalidFeatureError(f"There is no process {quote(process)}.", hint=f"There is {known or 'none yet'}.")
        return process

    def draft(self, process: str | None) -> Draft | None:
        """Return a process that has not started yet, or None where it has."""
        return self._drafts.get(self.name_of(process))

    def start(self, process: str | None) -> Process:
        """Start a process, unless it has started, and return it.

        Raises:
            InvalidFeatureError: There is none of this name.
            LiveContractError: The machine refuses it.
        """
        name = self.name_of(process)
        draft = self._drafts.get(name)
        if draft is None:
            return self.processes[name]
        document = {"id": name, "scenario": draft.scenario.id, "actors": draft.actors, "assets": draft.assets}
        started = machine.start(draft.scenario, self._entry(document, draft.creator))
        del self._drafts[name]
        return self._keep(name, started)

    def start_all(self) -> None:
        """Start every process that was created. Raises what `start` raises."""
        for name in list(self._drafts):
            self.start(name)

    def begin(self, person: str, document: Mapping[str, Any]) -> Process:
        """Start the process that an event of a system action describes; it names its scenario like a feature does.

        Raises:
            LiveContractError: The machine refuses it.
        """
        scenario = self._scenario_of(body.scenario_reference(document))
        entry = self._entry(document, person)
        started = machine.start(scenario, entry)
        if started.id in self.processes or started.id in self._drafts:
            raise AlreadyExistsError(f"There is a process {quote(started.id)} already.", path="$.id")
        return self._keep(started.id, started)

    def respond(
        self, person: str, process: str | None, action: str, key: str | None, data: Any, *, actor: str | None = None
    ) -> Process:
        """Let somebody respond, and return the process after it.

        Raises:
            InvalidFeatureError: Nobody knows this process or person.
            LiveContractError: The machine refuses it.
        """
        before = self.start(process)
        after = machine.step(before, self._response(before, person, action, key, data, actor))
        self.now += STEP
        return self._keep(before.id, after)

    def attempt(self, person: str, process: str | None, action: str, key: str | None, data: Any) -> None:
        """Try what `respond` does, and keep nothing of it. Raises what it raises."""
        before = self.start(process)
        machine.step(before, self._response(before, person, action, key, data, None))

    def _response(
        self, process: Process, person: str, action: str, key: str | None, data: Any, actor: str | None
    ) -> Entry:
        if person not in self.members and not process.actors_of(person):
            raise InvalidFeatureError(
                f"Nobody here is called {quote(person)}.",
                hint=f"There is {', '.join(sorted(self.members)) or 'nobody'}.",
            )
        document = {"process": process.id, "action": action, "key": key, "actor": actor}
        return self._entry({**document, "data": data_of(process, action, data)}, person)

    def _entry(self, document: Mapping[str, Any], person: str) -> Entry:
        self._events += 1
        return Entry(
            chain=CHAIN,
            hash=f"event-{self._events}",
            previous=f"event-{self._events - 1}",
            timestamp=self.now,
            body=document,
            signer="",
            identity=person,
            key_names=self._keys.get(person, KEYS),
            members=frozenset(self.members),
        )

    def _keep(self, name: str, process: Process) -> Process:
        self.processes[name] = process
        self.traces.setdefault(name, []).append(process)
        return process

    # --- Time ---------------------------------------------------------------------------------------------------------

    def let_pass(self, duration: str) -> None:
        """Let time pass; the nodes say of every state whose time is over in it that it is.

        Raises:
            InvalidFeatureError: It is no duration, or too much happens in it.
        """
        try:
            self.wait_until(add_duration(self.now, duration))
        except InvalidError as error:
            raise InvalidFeatureError(error.message, hint=error.hint) from None

    def wait_until(self, moment: int) -> None:
        """Let time pass until a moment, in milliseconds since 1970."""
        idle: set[tuple[str, str]] = set()
        for _ in range(MAX_TIMEOUTS):
            waiting = [
                (task.not_before, process.id, task.identity)
                for process in self.processes.values()
                for task in due(process)
                if task.action == TIMEOUT and task.not_before <= moment and (process.id, task.event) not in idle
            ]
            if not waiting:
                self.now = max(self.now, moment)
                return
            not_before, name, identity = min(waiting)
            self.now = max(self.now, not_before)
            try:
                self.respond(identity, name, TIMEOUT, None, None)
            except ActionNotAvailableError:
                idle.add((name, self.processes[name].current.event))
        raise InvalidFeatureError(f"More than {MAX_TIMEOUTS} timeouts are over in this time.")

    def time_out(self, process: str | None) -> None:
        """Let the time of the state of a process be over.

        Raises:
            UnmetError: The state has no timeout.
            LiveContractError: The machine refuses it.
        """
        present = self.start(process)
        task = next((task for task in due(present) if task.action == TIMEOUT), None)
        if task is None:
            raise UnmetError(
                f"the state {quote(present.current.key)} to have a timeout", "no transition of it waits for one"
            )
        self.now = max(self.now, task.not_before)
        self.respond(task.identity, present.id, TIMEOUT, None, None)

    # --- What is told of it -------------------------------------------------------------------------------------------

    def lookup(self, name: str) -> Any:
        """Return what `${name}` stands for.

        Raises:
            InvalidFeatureError: Nothing is called so.
        """
        if name in ("now", "today"):
            return to_iso(self.now)[: 10 if name == "today" else None]
        process, _, path = name.partition(".")
        if process not in self.processes:
            raise InvalidFeatureError(
                f"Nothing is called {quote('${' + name + '}')}.",
                hint="There are ${today}, ${now} and, of a process that has started, ${process.path}.",
            )
        return paths.find(path or "$", view(self.processes[process]))


def possible(process: Process) -> dict[str, Any]:
    """Return what may be done in a process, and by whom: `{ process, state, actions: { key: [person …] } }`."""
    actions = {key: _people(process.current.actions[key]["actors"], process) for key in process.available}
    return {"process": process.id, "state": process.current.key, "actions": actions}


def _people(actors: Sequence[str], process: Process) -> list[str]:
    """Return the people behind actors, with the actor where the person is called otherwise."""
    found = []
    for actor in actors:
        person = identity_of(process.actors[actor])
        found.append(actor if person == actor else f"{person or 'nobody yet'} ({actor})")
    return found


def history(process: Process) -> list[str]:
    """Return what was done in a process: `action.response by person`, in order."""
    found = []
    for given in process.previous:
        person = given["actor"].get("identity", {}).get("id", given["actor"]["key"])
        found.append(f"{given['action']['key']}.{given['key']} by {person}")
    return found


def view(process: Process) -> dict[str, Any]:
    """Return what dot paths of a test look into: the process with its definitions and history."""
    return {
        **process.state(),
        "definitions": dict(process.scenario.definitions),
        "previous": list(process.previous),
    }


def shown_state(process: Process) -> str:
    """Return the name of the state a process is in, for a message."""
    title = process.current.title
    return f"{quote(process.current.key)} ({title})" if title else quote(process.current.key)
