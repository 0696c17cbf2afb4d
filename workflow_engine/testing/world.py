"""The world of one test: people, a chain, and processes that the real machine runs. Everything is in memory.

A person is named by the feature, and is on the chain under that name as identity, or under that of an invitation. Time
is a clock that starts on 1 January 2020 and goes one second on with every response, and further when a step says so
(`passing`). A system action waits until a step runs it, answers its request, or says what came of it, or time passes;
sub-processes are started and answered for by themselves.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from eventchain.core.entry import NEW, OTHER, OWN, Entry
from workflow_engine import body, machine
from workflow_engine.conversation import Conversation
from workflow_engine.durations import to_iso
from workflow_engine.errors import ActorNotAllowedError, AlreadyExistsError, quote
from workflow_engine.operators import paths
from workflow_engine.playing import data_of
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.simulate import START, STEP
from workflow_engine.sub_processes.conduct import conducted, finding
from workflow_engine.sub_processes.relation import children_of
from workflow_engine.supposed import origin_of
from workflow_engine.testing.errors import InvalidFeatureError, UnmetError
from workflow_engine.testing.inviting import Invitations
from workflow_engine.testing.services import Services
from workflow_engine.testing.showing import view

CHAIN = "chain"
KEYS = frozenset({"user", "system"})
"""The keys that everybody has, unless a step says with which one somebody signs."""

NODE_KEY = frozenset({"system"})
"""What a node signs with."""

_OF_EVENTS = frozenset({"$schema", "process", "action"})
"""Members of an identity event that say nothing of the identity."""

MAX_MEMBERS = 1_000

MAX_EVENTS = 20_000
"""Events of one test, those of nodes among them; as many as in one play."""


class Finder(Protocol):
    """Finds what a feature names. What it raises is InvalidFeatureError."""

    def __call__(self, name: str) -> Scenario:
        """Return the scenario of a name."""

    def proposal(self, name: str) -> Mapping[str, Any]:
        """Return the body of a proposal to deviate, by the name of its file."""


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
        find: Finds scenarios and proposals by the names that the feature uses.

    Attributes:
        now: The clock, in milliseconds since 1970.
        members: What the identities on the chain say of themselves, by id.
        processes: Those that have started, by name.
        traces: Each process as it was after its start and after every response.
        conversations: What was said and proposed beside each process.
        services: What answers the requests of system actions.
        invitations: What nodes have sent.
        submitted: Events of system actions that were made: idempotency key, and number.
        down: Identities whose node is down.
        removed: Identities that an action has removed from the chain.
    """

    def __init__(self, find: Finder) -> None:
        self.find = find
        self._drafts: dict[str, Draft] = {}
        self._keys: dict[str, frozenset[str]] = {}
        self._events = 0
        self.now = START
        self.members: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, Process] = {}
        self.traces: dict[str, list[Process]] = {}
        self.conversations: dict[str, Conversation] = {}
        self.services = Services()
        self.invitations = Invitations()
        self.submitted: set[tuple[str, int]] = set()
        self.down: set[str] = set()
        self.removed: set[str] = set()

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
        self.removed.discard(person)

    def sign_with(self, person: str, key: str) -> None:
        """Let a person sign with one key only, named like the keys of an identity (`user`, `system`)."""
        self._keys[self.identity_of(person)] = frozenset({key})

    def identity_of(self, person: str) -> str:
        """Return the id of a person's identity: that of the invitation they took over, or their name."""
        return self.invitations.identity_of(person)

    def is_up(self, identity: str) -> bool:
        """Tell whether the node of an identity is there, and does what is up to it."""
        return identity not in self.down | self.removed and not self.invitations.is_waiting(identity)

    # --- Processes ----------------------------------------------------------------------------------------------------

    def create(self, person: str, process: str, scenario: str) -> None:
        """Prepare a process; it starts with its first action, or when a step says so.

        Raises:
            InvalidFeatureError: There is one of this name.
        """
        if process in self._drafts or process in self.processes:
            raise InvalidFeatureError(f"There is a process {quote(process)} already.")
        self.join(person)
        self._drafts[process] = Draft(creator=person, scenario=self.find(scenario))

    def name_of(self, process: str | None) -> str:
        """Return the name of a process, or of the only one there is.

        Raises:
            InvalidFeatureError: There is none of this name, or there are several.
        """
        names = [*(name for name, item in self.processes.items() if item.parent is None), *self._drafts]
        if process is None:
            if len(names) == 1:
                return names[0]
            said = "There is no process yet." if not names else "There are several processes; say which one is meant."
            raise InvalidFeatureError(said, hint='Begin with: "Ann" creates the "main" process using the "…" scenario')
        if process not in names and process not in self.processes:
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
        started = machine.start(draft.scenario, self.entry(document, draft.creator))
        del self._drafts[name]
        self.keep(started)
        self.settle()
        return self.processes[name]

    def start_all(self) -> None:
        """Start every process that was created. Raises what `start` raises."""
        for name in list(self._drafts):
            self.start(name)

    def begin(self, person: str, document: Mapping[str, Any]) -> Process:
        """Start the process that an event of a system action describes; it names its scenario like a feature does.

        Raises:
            LiveContractError: The machine refuses it.
        """
        scenario = self.find(body.scenario_reference(document))
        entry = self.entry(document, person, is_by_node=True)
        started = machine.start(scenario, entry)
        if started.id in self.processes or started.id in self._drafts:
            raise AlreadyExistsError(f"There is a process {quote(started.id)} already.", path="$.id")
        self.keep(started)
        self.settle()
        return self.processes[started.id]

    def respond(
        self,
        person: str,
        process: str | None,
        action: str,
        key: str | None,
        data: Any,
        *,
        actor: str | None = None,
        is_by_node: bool = False,
    ) -> Process:
        """Let somebody, or their node, respond, and return the process after it.

        Raises:
            InvalidFeatureError: Nobody knows this process or person.
            LiveContractError: The machine refuses it.
        """
        before = self.start(process)
        document = {"process": before.id, "action": action, "key": key, "actor": actor, "data": data}
        self.keep(self._after(before, document, person, is_by_node=is_by_node))
        self.settle()
        self.now += STEP
        return self.processes[before.id]

    def attempt(self, person: str, process: str | None, action: str, key: str | None, data: Any) -> None:
        """Try what `respond` does, and keep nothing of it. Raises what it raises."""
        before = self.start(process)
        self._after(before, {"process": before.id, "action": action, "key": key, "data": data}, person)

    def _after(self, before: Process, document: Mapping[str, Any], person: str, *, is_by_node: bool = False) -> Process:
        """Return a process after a response."""
        self.check_person(person, before)
        action, data = document["action"], document["data"]
        if not is_by_node:
            data = data_of(before, action, data)
        entry = self.entry({**document, "data": data}, person, is_by_node=is_by_node)
        entry = replace(entry, origin=origin_of(before, action, data, self.now))
        return machine.step(before, entry, finding(before, action, self.processes.get))

    def change(self, person: str, document: Mapping[str, Any]) -> None:
        """Let the node of a person change an identity: the event, which names the action that it does, is its response.

        Raises:
            LiveContractError: The machine refuses it.
        """
        identity, before = document["id"], self.processes[document["process"]]
        changes = OWN if identity == self.identity_of(person) else OTHER if identity in self.members else NEW
        entry = replace(self.entry(document, person, is_by_node=True), identity_change=changes)
        self.keep(machine.step(before, entry, self.processes.get))
        if document.get("signkeys") == {}:
            self.members.pop(identity, None)
            self.removed.add(identity)
        else:
            self.join(identity, {name: value for name, value in document.items() if name not in _OF_EVENTS})
        self.settle()
        self.now += STEP

    def inside(self, process: str | None, action: str) -> Process:
        """Return the last sub-process that an action of a process started, or one below it: `outer/inner`.

        Raises:
            UnmetError: There is none.
        """
        found = self.start(process)
        keys = [action] if action in found.scenario.actions else action.split("/")
        for key in keys:
            check_known(found.scenario, "action", key)
            inner = children_of(self.processes.values()).get(found.id, [])
            started = [item for item in inner if item.parent and item.parent.action == key]
            if not started:
                there = ", ".join(dict.fromkeys(quote(item.parent.action) for item in inner if item.parent))
                raise UnmetError(f"the sub-process {quote(key)} to be there", f"there is {there or 'none'}")
            found = started[-1]
        return found

    def settle(self) -> int:
        """Let nodes that are up start sub-processes and answer for those that have ended; return how often they did."""
        times = 0

        def sign(person: str, document: Mapping[str, Any]) -> Entry:
            return self.entry(document, person, is_by_node=True)

        for process in conducted(self.processes, sign, self.now, self.is_up):
            self.keep(process)
            times += 1
        return times

    def check_person(self, person: str, process: Process) -> None:
        """See that a person can act: that they are known, and have keys of their own.

        Raises:
            InvalidFeatureError: Nobody is called so.
            ActorNotAllowedError: They were invited, and have not accepted yet, or were removed.
        """
        identity = self.identity_of(person)
        if identity not in self.members and not process.actors_of(identity):
            known = sorted({self.invitations.name_of(member) for member in self.members})
            raise InvalidFeatureError(
                f"Nobody here is called {quote(person)}.",
                hint=f"{near(person, known)}There is {', '.join(known) or 'nobody'}.",
            )
        if self.invitations.has_lost(person):
            raise ActorNotAllowedError(f"The keys of {quote(person)} were replaced; somebody else has the new ones.")
        if identity in self.removed:
            raise ActorNotAllowedError(f"{quote(person)} was removed from the chain, and has no keys there any more.")
        if self.invitations.is_waiting(identity):
            raise ActorNotAllowedError(
                f"{quote(person)} was invited, and has no keys of their own yet.",
                hint=f'First: "{person}" accepts the invitation',
            )

    def entry(self, document: Mapping[str, Any], person: str, *, is_by_node: bool = False) -> Entry:
        """Return the next event of the chain, signed by a person or by their node.

        Raises:
            InvalidFeatureError: There are too many.
        """
        self._events += 1
        if self._events > MAX_EVENTS:
            raise InvalidFeatureError(f"More than {MAX_EVENTS} events happen in this test.")
        identity = self.identity_of(person)
        return Entry(
            chain=CHAIN,
            hash=f"event-{self._events}",
            previous=f"event-{self._events - 1}",
            timestamp=self.now,
            body=document,
            signer="",
            identity=identity,
            key_names=NODE_KEY if is_by_node else self._keys.get(identity, KEYS),
            members=frozenset(self.members),
        )

    def keep(self, process: Process) -> None:
        """Keep a process as it is after its start, or after a response."""
        self.processes[process.id] = process
        self.traces.setdefault(process.id, []).append(process)

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


def check_known(scenario: Scenario, kind: str, key: str) -> None:
    """See that a scenario has an actor, action, asset or state, so that a misspelt name never passes a test.

    Raises:
        InvalidFeatureError: It has none.
    """
    there: Mapping[str, Any] = getattr(scenario, f"{kind}s")
    if key not in there:
        names = ", ".join(quote(name) for name in sorted(there)[:12])
        raise InvalidFeatureError(
            f"The scenario has no {kind} {quote(key)}.", hint=f"{near(key, sorted(there))}It has {names or 'none'}."
        )


def near(name: str, known: Sequence[str]) -> str:
    """Return a question that names the known name which is most like a wrong one, or nothing."""
    found = difflib.get_close_matches(name[:200], known, n=1, cutoff=0.5)
    return f"Did you mean {quote(found[0])}? " if found else ""
