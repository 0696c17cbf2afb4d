"""One service plugged into another: each class fits a service to a port another one declares."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from dispatcher.broker import Broker
from dispatcher.message import Message
from eventchain import event_json
from eventchain.chain import read_chain
from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import ForbiddenError
from eventchain.core.keys import PublicKey
from eventchain.door import Door
from eventchain.ports import Outgoing
from eventchain.service import EventChainService
from eventchain.store.memory import MemoryStore
from workflow_engine.ports import HttpClient
from workflow_engine.scenario import TIMEOUT
from workflow_engine.service import COLLECTIONS as WORKFLOW_COLLECTIONS
from workflow_engine.service import DueAction, WorkflowService
from workflow_engine.triggers import Triggers
from workflow_engine.triggers.event import EventTrigger
from workflow_engine.triggers.http import HttpTrigger
from workflow_engine.triggers.nop import nop


def rehearsing_engine(clock: Clock) -> WorkflowService:
    """Return an engine of its own, in memory, that runs no system actions: to try or verify a chain."""
    return WorkflowService(MemoryStore(WORKFLOW_COLLECTIONS), clock, Triggers({}))


def replay(entries: Sequence[Entry]) -> Mapping[str, Any]:
    """Return the projection that these entries, from a chain's first one, come to.

    Raises:
        LiveContractError: An entry is refused.
    """
    engine = rehearsing_engine(lambda: entries[-1].timestamp)
    for entry in entries:
        engine.apply(entry)
    return engine.projection(entries[0].chain)


def make_triggers(http: HttpClient, submitter: "SubmitterPlug") -> Triggers:
    """Return the triggers of a node: nop, http and event."""
    return Triggers({"nop": nop, "http": HttpTrigger(http), "event": EventTrigger(submitter)})


class EnginePlug:
    """The workflow engine, as the event chain and the trigger handler see it."""

    def __init__(self, service: WorkflowService, clock: Clock) -> None:
        self._service = service
        self._clock = clock

    def head(self, chain: str) -> str | None:
        """See `eventchain.ports.Engine`."""
        return self._service.head(chain)

    def apply(self, entry: Entry) -> None:
        """See `eventchain.ports.Engine`."""
        self._service.apply(entry)

    def check(self, entry: Entry) -> None:
        """See `eventchain.ports.Engine`."""
        self._service.check(entry)

    def forget(self, chain: str) -> None:
        """See `eventchain.ports.Engine`."""
        self._service.forget(chain)

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """See `eventchain.ports.Engine`."""
        engine = rehearsing_engine(self._clock)
        for entry in entries:
            engine.apply(entry)

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `eventchain.ports.Engine`."""
        return [due.to_dict() for due in self._service.due(chain, identities)]

    def overdue(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `eventchain.ports.Engine`."""
        return [due.to_dict() for due in self._service.due(chain, identities) if due.action == TIMEOUT]

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See `livecontract.handlers.Performer`."""
        return self._service.perform(DueAction(**due))


class SubmitterPlug:
    """The event chain service, as system actions of kind event see it."""

    def __init__(self, service: Callable[[], EventChainService]) -> None:
        self._service = service

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        """See `workflow_engine.ports.Submitter`."""
        service = self._service()
        return [
            event_json.to_dict(service.submit(chain, body, f"{idempotency_key}/{index}"))
            for index, body in enumerate(bodies)
        ]


class QueuePlug:
    """The broker, as the event chain sees it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `eventchain.ports.Queue`."""
        self._broker.publish(
            [Message(queue=item.queue, id=item.id, group=item.group, body=item.body) for item in messages]
        )


class DoorPlug:
    """The event chain's door, as queue and mailbox see it; operators are the configured ones and the node itself."""

    def __init__(self, door: Door, operators: frozenset[str]) -> None:
        self._door = door
        self._operators = operators

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """See `dispatcher.ports.Doorkeeper`."""
        chain = read_chain(document)
        self._door.admit(caller, chain.id, chain.events)

    def check_operator(self, caller: PublicKey) -> None:
        """See `dispatcher.ports.Doorkeeper`."""
        if str(caller) not in self._operators:
            raise ForbiddenError(
                "only an operator of this node may do this", hint="See operators in the configuration."
            )
