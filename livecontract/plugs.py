"""One service plugged into another: each class fits a service to a port another one declares."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from dispatcher.broker import Broker
from dispatcher.message import Message
from eventchain.core.clock import Clock
from eventchain.core.entry import Entry
from eventchain.core.errors import ForbiddenError
from eventchain.core.keys import PublicKey
from eventchain.chain import read_chain
from eventchain.door import Door
from eventchain.ports import Outgoing
from eventchain.store.memory import MemoryStore
from workflow_engine.service import COLLECTIONS as WORKFLOW_COLLECTIONS
from workflow_engine.service import DueAction, WorkflowService


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

    def forget(self, chain: str) -> None:
        """See `eventchain.ports.Engine`."""
        self._service.forget(chain)

    def rehearse(self, entries: Sequence[Entry]) -> None:
        """See `eventchain.ports.Engine`: an engine of its own, in memory, tries the branch."""
        trial = WorkflowService(store=MemoryStore(WORKFLOW_COLLECTIONS), clock=self._clock)
        for entry in entries:
            trial.apply(entry)

    def due(self, chain: str, identities: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """See `eventchain.ports.Engine`."""
        return [due.to_dict() for due in self._service.due(chain, identities)]

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """See `livecontract.handlers.Performer`."""
        return self._service.perform(DueAction.from_dict(due))


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
    """The event chain's door, as the queue sees it; operators are those of the configuration and the node itself."""

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
            raise ForbiddenError("only an operator of this node may do this")


class DirectTransport:
    """Carries messages between nodes of one process, for simulations: a call instead of a connection."""

    def __init__(self, deliver: Callable[[str, bytes], None]) -> None:
        self._deliver = deliver

    def post(self, url: str, body: bytes) -> None:
        """See `dispatcher.ports.Transport`."""
        self._deliver(url.removesuffix("/queue"), body)
