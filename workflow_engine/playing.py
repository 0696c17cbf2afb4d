"""Processes that are played together without a chain: one, its sub-processes, theirs, and so on.

Nodes start sub-processes and answer for them at once, so that only what people, other system actions and time do has to
be said. Keys are never an obstacle, and every actor has an identity. What is said and proposed beside the processes is
kept with them (`simulate_talk`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eventchain.core.entry import Entry, Origin
from workflow_engine import machine, simulate_talk
from workflow_engine.conversation import Conversation
from workflow_engine.documents import action as documents
from workflow_engine.durations import to_iso
from workflow_engine.errors import ActionNotAvailableError, InvalidResponseError, quote
from workflow_engine.process import Process, identity_of
from workflow_engine.scenario import TIMEOUT
from workflow_engine.sub_processes.conduct import conducted, finding
from workflow_engine.sub_processes.relation import children_of, is_abandoned
from workflow_engine.supposed import origin_of, said_of
from workflow_engine.timing import Turn, turns

BOTH_KEYS = frozenset({"user", "system"})

MAX_EVENTS = 20_000
"""Events of one play: the responses that are given, and what nodes and time add to them."""


class Family:
    """A process in play, with its sub-processes.

    Args:
        root: The process, just started by the event `event-0`.
        keeps_traces: Whether it is kept how the processes were before; all of it takes much memory in a long play.

    Attributes:
        traces: Every process by id, as it was after its start and after every event that changed it, or only as it is.
        conversations: What was said and proposed beside each process, by id; none where nothing was.
        given: The items so far, timeouts among them, as `simulate.run` takes them; without what nodes did.
        now: When the last thing happened, in milliseconds since 1970.
    """

    def __init__(self, root: Process, *, keeps_traces: bool = False) -> None:
        self._root = root.id
        self._keeps_traces = keeps_traces
        self._events = 0
        self.traces: dict[str, list[Process]] = {root.id: [root]}
        self.conversations: dict[str, Conversation] = {}
        self.given: list[dict[str, Any]] = []
        self.now = root.current.timestamp
        self.settle(root.current.timestamp)

    @property
    def root(self) -> Process:
        """The process itself, as it stands."""
        return self.traces[self._root][-1]

    def find(self, process_id: str) -> Process | None:
        """Return a process by its id, as it stands."""
        trace = self.traces.get(process_id)
        return trace[-1] if trace else None

    @property
    def processes(self) -> dict[str, Process]:
        """Every process by its id, in the order in which they were started."""
        return {id_: trace[-1] for id_, trace in self.traces.items()}

    def inside(self, place: Any) -> Process:
        """Return the process that a response is for: the one in play, or a sub-process below it.

        Args:
            place: Key of the action that the sub-process belongs to, or a list of such keys, from the outside in; None
                for the process in play. Of several sub-processes of an action it is the last one.

        Raises:
            InvalidResponseError: There is none.
        """
        keys = [] if place is None else place if isinstance(place, list) else [place]
        process = self.root
        for key in keys:
            inner = children_of(self.processes.values()).get(process.id, [])
            found = next((item for item in reversed(inner) if item.parent and item.parent.action == key), None)
            if found is None:
                there = ", ".join(dict.fromkeys(quote(item.parent.action) for item in inner if item.parent))
                shown = quote(key) if isinstance(key, str) else "of this kind"
                raise InvalidResponseError(
                    f"No sub-process {shown} was started.", path="$.in", hint=f"There is {there or 'none'}."
                )
            process = found
        return process

    def respond(self, response: Mapping[str, Any], moment: int) -> None:
        """Give a response, or say something (see `simulate.run`), and let nodes do what follows.

        Raises:
            InvalidError, ForbiddenError, ConflictError: It is refused.
        """
        process = self.inside(response.get("in"))
        if simulate_talk.kind_of(response) is not None:
            self._say(process, response, moment)
            return
        find = finding(process, response.get("action"), self.find)
        after = machine.step(process, entry_of(process, response, moment, self._next()), find)
        self._keep(after)
        self.given.append(self._said(after, response.get("in")))
        self.settle(moment)

    def _say(self, process: Process, item: Mapping[str, Any], moment: int) -> None:
        members = frozenset().union(*(members_of(known) for known in self.processes.values()))
        entry = event(self._next(), moment, _actor_of(process, item), process.chain, {}, members=members)
        before = self.conversations.get(process.id, Conversation())
        after, self.conversations[process.id] = simulate_talk.say(process, before, item, entry, self.find)
        if after is not process:
            self._keep(after)
        self.given.append({**{name: value for name, value in item.items() if name != "after"}, "at": to_iso(moment)})
        self.settle(moment)

    def settle(self, moment: int) -> None:
        """Let nodes start sub-processes, and answer for those that have ended."""
        self.now = moment

        def sign(identity: str, body: Mapping[str, Any]) -> Entry:
            return event(self._next(), moment, identity, self.root.chain, body)

        for process in conducted(self.processes, sign, moment):
            self._keep(process)

    def time_out(self, moment: int, end: int) -> Iterator[int]:
        """Tell of every timeout that is over by the end, at its due date but not before a moment; yield these moments.

        Sub-processes that become due by a schedule are started on the way.
        """
        idle: set[tuple[str, str]] = set()
        while (next_ := self._next_timeout(end, idle)) is not None:
            process, turn = next_
            moment = max(moment, turn.due_date)
            place = self.place_of(process)
            try:
                self.respond({"actor": turn.actor, "action": TIMEOUT, **({"in": place} if place else {})}, moment)
            except ActionNotAvailableError:  # no transition takes it now: it is told when one does
                idle.add((process.id, process.last_event))
                continue
            yield moment
        self.settle(end)

    def _next_timeout(self, end: int, idle: set[tuple[str, str]]) -> tuple[Process, Turn] | None:
        waiting = [
            (process, turn)
            for process in self.processes.values()
            if (process.id, process.last_event) not in idle and not is_abandoned(process, self.find)
            for turn in turns(process)[:1]
            if turn.due_date <= end
        ]
        return min(waiting, key=lambda item: item[1].due_date, default=None)

    def place_of(self, process: Process) -> str | list[str]:
        """Return where a process stands, as responses name it; an empty list for the one in play."""
        keys: list[str] = []
        while process.parent is not None:
            keys.insert(0, process.parent.action)
            process = self.traces[process.parent.process][-1]
        return keys[0] if len(keys) == 1 else keys

    def _said(self, after: Process, place: Any) -> dict[str, Any]:
        item = after.previous[-1]
        return {
            **({} if place is None else {"in": place}),
            "actor": item["actor"]["key"],
            "action": item["action"]["key"],
            **({} if item["action"]["key"] == TIMEOUT else {"response": item["key"]}),
            **({"data": item["data"]} if "data" in item else {}),
            **said_of(item),
            "at": to_iso(item["timestamp"]),
        }

    def _next(self) -> int:
        self._events += 1
        if self._events > MAX_EVENTS:
            raise InvalidResponseError(f"There are more than {MAX_EVENTS} events.", path="$")
        return self._events

    def _keep(self, process: Process) -> None:
        trace = self.traces.setdefault(process.id, [])
        if not self._keeps_traces:
            trace.clear()
        trace.append(process)


def entry_of(process: Process, response: Mapping[str, Any], moment: int, number: int) -> Entry:
    """Return the event with a response.

    Raises:
        InvalidResponseError: Its actor is none of the process.
    """
    actor = response.get("actor")
    identity = _actor_of(process, response)
    body = {"process": process.id, "action": response.get("action"), "key": response.get("response"), "actor": actor}
    data = data_of(process, response.get("action"), response.get("data"))
    origin = origin_of(process, response.get("action"), data, moment, response.get("origin"))
    return event(number, moment, identity, process.chain, {**body, "data": data}, origin)


def _actor_of(process: Process, item: Mapping[str, Any]) -> str:
    """Return the id of the identity that an item is given by, or an empty text where its actor has none."""
    actor = item.get("actor")
    known = process.actors.get(actor) if isinstance(actor, str) else None
    if known is None:
        problem = "A response needs its actor." if actor is None else "This is no actor of the scenario."
        hint = f"There are {', '.join(sorted(process.actors))}."
        raise InvalidResponseError(problem, path="$.actor", hint=hint)
    return identity_of(known) or ""


def members_of(process: Process) -> frozenset[str]:
    """Return the identities that play an actor: in a play they are on the chain, and nobody else."""
    return frozenset(identity for actor in process.actors.values() if (identity := identity_of(actor)) is not None)


def event(
    number: int,
    moment: int,
    identity: str,
    chain: str,
    body: Mapping[str, Any],
    origin: Origin | None = None,
    *,
    members: frozenset[str] = frozenset(),
) -> Entry:
    """Return an event of a play, signed with whatever key is needed."""
    return Entry(
        chain=chain,
        hash=f"event-{number}",
        previous=f"event-{number - 1}",
        timestamp=moment,
        body=body,
        signer="",
        identity=identity,
        key_names=BOTH_KEYS,
        members=members,
        origin=origin,
    )


def data_of(process: Process, action_key: Any, given: Any) -> Any:
    """Return the data of a response; that of a document action follows from the process where it is left out."""
    action = process.scenario.actions.get(str(action_key))
    if given is not None or action is None or action.kind != "document" or action.key not in process.available:
        return given
    return dict(documents.make(process, action.key).data)


def statuses(processes: Sequence[Process], family: Family) -> list[dict[str, Any]]:
    """Return what is shown of sub-processes: `{ in, state, finished, abandoned?, … }` each, and what was said."""
    return [
        {
            "in": family.place_of(process),
            "state": process.current.key,
            "finished": process.is_finished,
            **({"abandoned": True} if is_abandoned(process, family.find) else {}),
            **told(process, family),
        }
        for process in processes
    ]


def told(process: Process, family: Family) -> dict[str, Any]:
    """Return what is shown of what was said and proposed beside a process (`simulate_talk.told`)."""
    said = family.conversations.get(process.id, Conversation())
    return simulate_talk.told(process, said, family.now, members_of(process))
