"""What each service of a node is made of, in one table: a whole node is all of them, a process of its own is one.

| service      | keeps                    | answers people                          | answers the others  | does by itself |
|--------------|--------------------------|-----------------------------------------|---------------------|----------------|
| `eventchain` | events, members, forks   | chains, identities, receipts, evidence, updates, doctor | `/internal/chains` | collects receipts, takes up what was left, reminds |
| `workflow`   | projections, results     | processes, scenarios, responses, comments, answers | `/internal/engine`  | |
| `dispatcher` | invitations, kept mails  | queue, invitations, development mailbox | | takes messages from every queue |
| `anchor`     | the public chain         | the public chain                        | (the same)          | forges |
| `web`        | used nonces, as all do   | everything, by asking the others        | | |

Invitations live with the dispatcher: inviting is a message that is worked on, and the public face need not hold what
adds events and sends mails. Those of system actions are written down by the workflow engine, and sent by the dispatcher. Updates live with the events they tell of. What a service does by itself stands in
`livecontract.node`.
"""  # noqa: E501  (a table)

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint

import anchor.index
import anchor.routes
import dispatcher.routes
import eventchain.routes
import eventchain.routes_internal
import workflow_engine.routes
import workflow_engine.routes_answers
import workflow_engine.routes_internal
from anchor.client import AnchorClient
from anchor.parameters import Parameters
from anchor.service import AnchorService
from dispatcher.service import QueueService
from eventchain.archive import COLLECTIONS as EVENTCHAIN_COLLECTIONS
from eventchain.core.keys import KeyPair
from eventchain.store.document_store import Collection
from livecontract import examination, mailbox, routes, update_routes
from livecontract.config import Config
from livecontract.internal import guard
from livecontract.invitations import INVITATIONS
from livecontract.issuing import Issuer
from livecontract.node import Node
from livecontract.plugs import DoorPlug, PreparerPlug
from livecontract.streams import Streams
from livecontract.updates import Source, Standing, Updates
from workflow_engine.service import COLLECTIONS as WORKFLOW_COLLECTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """The public chain as a node reaches it.

    Attributes:
        service: In this process, or None.
        access: The service, or the client of one elsewhere.
        parameters: Returns the rules of the chain.
    """

    service: AnchorService | None
    access: AnchorService | AnchorClient
    parameters: Callable[[], Parameters]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What routes are made from.

    Attributes:
        config: Of the process.
        key: The node's system key.
        node: Its services.
        anchoring: The public chain.
        updates: Tells what is new on chains.
        streams: Counts the answers that go on.
    """

    config: Config
    key: KeyPair
    node: Node
    anchoring: Anchoring
    updates: Updates
    streams: Streams

    @property
    def door(self) -> DoorPlug:
        """Who may hand in what, and who runs the node."""
        return DoorPlug(self.node.chains, frozenset({*self.config.operators, str(self.key.public_key)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One service.

    Attributes:
        collections: What it keeps.
        has_queue: Whether it puts messages into the queues, or takes them out.
        routes: Returns what it answers to people.
        internal: Returns what it answers to the other services of the node, where that is something else.
    """

    collections: tuple[Collection, ...] = ()
    has_queue: bool = False
    routes: Callable[[Site], list[Blueprint]]
    internal: Callable[[Site], list[Blueprint]] = lambda _site: []


def updates_of(node: Node) -> Updates:
    """Return what tells of the chains of a node, where their events are kept."""
    return Updates(Source(node.parts.store, lambda chain: [Standing(*item) for item in node.engine.standings(chain)]))


def shovel_states(node: Node) -> dict[str, str]:
    """Return how messages to each broker of another organisation fare: `running`, or what else.

    Raises:
        LiveContractError: The broker cannot be asked.
    """
    shovels = node.parts.peering.shovels if node.parts.peering else None
    found = shovels.status() if shovels else []
    return {item.destination or item.queue: "running" if item.is_well else item.state for item in found}


def _eventchain_routes(site: Site) -> list[Blueprint]:
    node = site.node
    issuer = Issuer(
        archive=node.eventchain.archive,
        receipts=node.receipts,
        projection=node.engine.projection,
        headers=site.anchoring.access,
        parameters=site.anchoring.parameters,
        key=site.key,
        clock=node.parts.clock,
    )
    return [
        eventchain.routes.create_blueprint(node.eventchain, node.receipts),
        routes.create_evidence_blueprint(node.chains, issuer.make),
        update_routes.create_blueprint(node.eventchain.door, site.updates, site.streams),
        examination.create_blueprint(
            examination.Examination(
                archive=node.eventchain.archive,
                asking=node.eventchain.asking,
                system_key=str(site.key.public_key),
                clock=node.parts.clock,
                data=site.config.data,
                shovels=functools.partial(shovel_states, node),
            ),
            site.door.check_operator,
        ),
    ]


def _workflow_routes(site: Site) -> list[Blueprint]:
    node = site.node
    preparer = PreparerPlug(node.chains, node.engine)
    return [
        workflow_engine.routes.create_blueprint(node.workflow, node.chains, preparer),
        workflow_engine.routes_answers.create_blueprint(lambda: node.answers),
    ]


def _dispatcher_routes(site: Site) -> list[Blueprint]:
    node, door = site.node, site.door
    blueprints = [
        dispatcher.routes.create_blueprint(QueueService(node.parts.broker, node.queues), door),
        routes.create_invitations_blueprint(node.chains, node.invitations),
    ]
    if site.config.mail == "mailbox":
        blueprints.append(mailbox.create_blueprint(node.parts.store, door.check_operator))
    return blueprints


def _anchor_routes(site: Site) -> list[Blueprint]:
    service = site.anchoring.service
    return [anchor.routes.create_blueprint(service)] if service else []


ROLES: Mapping[str, Role] = {
    "eventchain": Role(
        collections=EVENTCHAIN_COLLECTIONS,
        has_queue=True,
        routes=_eventchain_routes,
        internal=lambda site: [guard(eventchain.routes_internal.create_blueprint(site.node.chains))],
    ),
    "workflow": Role(
        collections=(*WORKFLOW_COLLECTIONS, INVITATIONS),
        routes=_workflow_routes,
        internal=lambda site: [guard(workflow_engine.routes_internal.create_blueprint(site.node.engine))],
    ),
    "dispatcher": Role(
        collections=(INVITATIONS, mailbox.MAILS),
        has_queue=True,
        routes=_dispatcher_routes,
    ),
    "anchor": Role(collections=anchor.index.COLLECTIONS, routes=_anchor_routes),
}
"""The services a node is made of, beside its web server."""


def collections_of(services: Iterable[str]) -> tuple[Collection, ...]:
    """Return what some services of a node keep in the store that they share, each collection once."""
    found = {item.name: item for name in services if name in ROLES for item in ROLES[name].collections}
    return tuple(found.values())
