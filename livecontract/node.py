"""A node: its services, plugged together from parts that come in.

Everything that touches the world (clock, randomness, stores, broker, transport, anchor, mail) is an argument, so that
many nodes can run in one process under a scheduler of its own. `livecontract.bootstrap` makes the parts of a running
one.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from dispatcher.broker import Broker
from dispatcher.dispatch import EVENTS_POLICY, RELAY_POLICY, Dispatcher, Handler, RetryPolicy
from dispatcher.enqueue import EnqueueService, read_ask
from dispatcher.ports import Transport
from dispatcher.relay import RelayHandler
from eventchain.access import ChainAccess, OwnChains
from eventchain.archive import COLLECTIONS as EVENTCHAIN_COLLECTIONS
from eventchain.core.clock import Clock
from eventchain.core.keys import KeyPair, PublicKey, Random
from eventchain.ports import Anchor, Observer
from eventchain.receipts import Receipts
from eventchain.service import EventChainService
from eventchain.store import document_store
from eventchain.store.document_store import DocumentStore
from livecontract import inbound, invitations
from livecontract.answering import AnswerTokens
from livecontract.courier import CourierPlug
from livecontract.handlers import AnchorHandler, AskHandler, EventsHandler, TriggerHandler, each
from livecontract.inbound import InboundHandler
from livecontract.invitations import INVITATIONS, Invitations
from livecontract.mail import Mailer
from livecontract.peering import Peering
from livecontract.plugs import InviterPlug, QueuePlug, SubmitterPlug, make_triggers
from livecontract.workers import Crew, PeriodicWorker, QueueWorker, Worker
from workflow_engine.answers import Answers
from workflow_engine.engine import EngineAccess, OwnEngine
from workflow_engine.ports import HttpClient
from workflow_engine.service import COLLECTIONS as WORKFLOW_COLLECTIONS
from workflow_engine.service import WorkflowService

COLLECTIONS: tuple[document_store.Collection, ...] = (*EVENTCHAIN_COLLECTIONS, *WORKFLOW_COLLECTIONS, INVITATIONS)
"""What the store of a node holds, besides what its web server and an embedded anchor service need."""

QUEUES = ("events", "relay", "triggers", "anchor", "asks", invitations.QUEUE)
"""The queues of a node; `livecontract.handlers` says what their messages are."""

SERVICES = ("eventchain", "workflow", "dispatcher", "anchor")
"""The services of a node, beside its web server. The anchor service is made by the composition root."""

RECEIPTS_SECONDS = 0.5
RESUME_SECONDS = 5.0
REMIND_SECONDS = 10.0
EVENT_WORKERS = 2
RELAY_WORKERS = 4
TRIGGER_WORKERS = 4
"""More than one, since an outside party may take its time, and other chains' timeouts do not wait for that."""

AT_ONCE = 100
RELAY_AT_ONCE = 8
TRIGGERS_AT_ONCE = 4
"""Messages a worker takes at once; fewer where somebody slow holds up the others in its hand."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a node is made of.

    Attributes:
        key: The node's system key.
        uri: How other nodes reach it, without a slash at the end.
        name: Of the organisation.
        users: Public keys (base58) of the people it serves; empty for anyone.
        store: Made with `COLLECTIONS`.
        broker: Its queues.
        anchor: The anchor service, or its client.
        transport: Carries messages to other nodes.
        http: Requests of system actions.
        mailer: Sends invitations.
        clock: Milliseconds since 1970.
        random: Unpredictable bytes.
        threads: How many verify signatures at once.
        observe: Told after each of the eight steps.
        watched: Puts something around the handler of a queue that sees what comes of its messages.
        url: Where people reach it; None where that is `uri`.
        peering: Exchanges messages with nodes that have RabbitMQ; None where all are posted.
        chains: The event chain service where it runs apart; None where it runs here.
        engine: The workflow engine where it runs apart; None where it runs here.
    """

    key: KeyPair
    uri: str
    name: str
    users: frozenset[str] = frozenset()
    store: DocumentStore
    broker: Broker
    anchor: Anchor
    transport: Transport
    http: HttpClient
    mailer: Mailer
    clock: Clock
    random: Random
    threads: int = 1
    observe: Observer | None = None
    watched: Callable[[str, Handler], Handler] = lambda _queue, handler: handler
    chains: ChainAccess | None = None
    engine: EngineAccess | None = None
    url: str | None = None
    peering: Peering | None = None


class Node:
    """The services of one node, or those of them that run in this process; a service is made when it is first used.

    Attributes:
        parts: What it is made of.
        workers: What it does by itself, step by step.
    """

    def __init__(self, parts: Parts, services: Collection[str] = SERVICES) -> None:
        """Make what the named services do by themselves, and whatever that needs."""
        self.parts = parts
        makers: Mapping[str, Callable[[], list[Worker]]] = {
            "dispatcher": self._dispatcher_workers,
            "eventchain": self._eventchain_workers,
        }
        self.workers: tuple[Worker, ...] = tuple(
            worker for service in makers if service in services for worker in makers[service]()
        )
        more = TRIGGER_WORKERS - 1 if "dispatcher" in services else 0
        self._crew = Crew([*self.workers, *(self._trigger_worker() for _ in range(more))])

    # The services, and how the others reach them

    @cached_property
    def workflow(self) -> WorkflowService:
        """The workflow engine, in this process."""
        parts, inviter = self.parts, InviterPlug(lambda: self.invitations)
        courier = CourierPlug(lambda: self.chains, lambda: self.engine, parts.key.public_key)
        triggers = make_triggers(parts.http, SubmitterPlug(lambda: self.chains), self.answering, inviter, courier)
        return WorkflowService(parts.store, parts.clock, triggers)

    @cached_property
    def answering(self) -> AnswerTokens:
        """Where outside parties answer what they have taken on."""
        return AnswerTokens(self.parts.key, self.parts.url or self.parts.uri)

    @cached_property
    def answers(self) -> Answers:
        """Takes what outside parties answer, where the workflow engine runs."""
        return Answers(self.workflow, self.parts.store, self.answering)

    @cached_property
    def engine(self) -> EngineAccess:
        """The workflow engine, wherever it runs."""
        return self.parts.engine or OwnEngine(self.workflow, self.parts.clock)

    @cached_property
    def eventchain(self) -> EventChainService:
        """The event chain service, in this process."""
        parts = self.parts
        return EventChainService(
            store=parts.store,
            engine=self.engine,
            queue=QueuePlug(parts.broker, parts.peering),
            key=parts.key,
            clock=parts.clock,
            node_uri=parts.uri,
            users=parts.users,
            threads=parts.threads,
            observe=parts.observe,
        )

    @cached_property
    def chains(self) -> ChainAccess:
        """The event chain service, wherever it runs."""
        if self.parts.chains is not None:
            return self.parts.chains
        return OwnChains(self.eventchain, self.parts.clock)

    @cached_property
    def receipts(self) -> Receipts:
        """Collects anchor receipts, where the event chain service runs."""
        return Receipts(self.eventchain.archive, self.parts.anchor, self.parts.clock)

    @cached_property
    def invitations(self) -> Invitations:
        """Invites parties: an invitation is a message that is worked on, where the dispatcher runs."""
        parts = self.parts
        return Invitations(
            store=parts.store,
            chains=self.chains,
            publish=lambda message: parts.broker.publish([message]),
            mailer=parts.mailer,
            key=parts.key,
            name=parts.name,
            node_uri=parts.url or parts.uri,
            clock=parts.clock,
            random=parts.random,
        )

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues this node has."""
        takes_in = self.parts.peering is not None and self.parts.peering.inbound is not None
        return (*QUEUES, inbound.QUEUE) if takes_in else QUEUES

    # What they do by themselves

    def _dispatcher_workers(self) -> list[Worker]:
        peering = self.parts.peering
        relay = RelayHandler(self.parts.transport, peering.publisher if peering else None)
        return [
            *(self._queue_worker("events", EventsHandler(self.chains)) for _ in range(EVENT_WORKERS)),
            *(self._queue_worker("relay", relay, RELAY_POLICY, RELAY_AT_ONCE) for _ in range(RELAY_WORKERS)),
            self._trigger_worker(),
            self._queue_worker("anchor", AnchorHandler(self.parts.anchor), RELAY_POLICY),
            self._queue_worker("asks", each(AskHandler(self.chains))),
            self._queue_worker(invitations.QUEUE, each(self.invitations.handle)),
            PeriodicWorker("invitations left", self._wake_invitations, RESUME_SECONDS),
            *([peering.shovels] if peering and peering.shovels else []),
            *([self._inbound_worker(peering.inbound)] if peering and peering.inbound else []),
        ]

    def _trigger_worker(self) -> Worker:
        """Return one of those that perform system actions: the first is stepped, all have threads."""
        handler = each(TriggerHandler(self.engine, self.chains))
        return self._queue_worker("triggers", handler, RELAY_POLICY, TRIGGERS_AT_ONCE)

    def _inbound_worker(self, uri: str) -> Worker:
        """Return what takes in the messages that other nodes leave in this node's broker."""
        handler = InboundHandler(uri, EventsHandler(self.chains), self._take_ask, self.parts.clock)
        return self._queue_worker(inbound.QUEUE, handler)

    def _take_ask(self, sender: PublicKey, body: bytes) -> None:
        """Queue another node's request for missing events; one that concerns no chain of this node is forgotten."""
        ask = read_ask(body)
        if self.chains.hears(ask.content, str(sender)):
            EnqueueService(self.parts.broker).enqueue_ask(ask, sender=sender)

    def _wake_invitations(self) -> int:
        """Wake those a killed process left on their way; they count when their messages are handled."""
        self.invitations.resume()
        return 0

    def _eventchain_workers(self) -> list[Worker]:
        return [
            PeriodicWorker("receipts", self.receipts.collect, RECEIPTS_SECONDS),
            PeriodicWorker("resume", self.eventchain.resume, RESUME_SECONDS),
            PeriodicWorker("remind", self.eventchain.remind, REMIND_SECONDS),
        ]

    def _queue_worker(
        self, queue: str, handler: Handler, policy: RetryPolicy = EVENTS_POLICY, limit: int = AT_ONCE
    ) -> QueueWorker:
        parts = self.parts
        watched = parts.watched(queue, handler)
        return QueueWorker(queue, Dispatcher(parts.broker, queue, watched, parts.clock, parts.random, policy), limit)

    def step(self) -> int:
        """Do what waits now, once around; return how much it was. For simulations."""
        return sum(worker.step() for worker in self.workers)

    def start(self) -> None:
        """Let the workers run."""
        self._crew.start()

    def stop(self) -> None:
        """End the workers, write down what is done, and close queue and store."""
        self._crew.tell_to_stop()
        self._crew.join()
        if "eventchain" in vars(self):
            self.eventchain.settle()
        if self.parts.peering:
            self.parts.peering.publisher.close()
        self.parts.broker.close()
        self.parts.store.close()
