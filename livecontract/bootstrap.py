"""The composition root: from a configuration to a running node (paper sections 19 and 21)."""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3
from flask import Blueprint, Flask

import anchor.index
import anchor.routes
import dispatcher.routes
import eventchain.routes
import workflow_engine.routes
from anchor.client import AnchorClient
from anchor.parameters import Parameters, development
from anchor.service import AnchorService
from dispatcher.broker import Broker, MemoryBroker
from dispatcher.client import HttpTransport, SignedHttp
from dispatcher.ports import Transport
from dispatcher.service import QueueService
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import UnavailableError
from eventchain.core.ids import ChainId
from eventchain.core.keys import KeyPair, Random
from eventchain.store.document_store import Collection, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from livecontract import evidence, key_store, mailbox, routes, update_routes
from livecontract.authentication import Authenticator
from livecontract.config import Config
from livecontract.cors import Cors
from livecontract.gates import BackPressure, RateLimits
from livecontract.guarded_transport import GuardedTransport
from livecontract.mail import Mailer, NoMailer, SmtpMailer, SmtpServer
from livecontract.node import COLLECTIONS, QUEUES, Node, Parts
from livecontract.nonces import NONCES, StoredNonces
from livecontract.plugs import DoorPlug
from livecontract.serving import WebServer
from livecontract.streams import Streams
from livecontract.updates import Source, Updates, standings_of
from livecontract.web_server import About, create_app
from livecontract.workers import Crew
from workflow_engine.triggers.http_client import UrllibClient

ALL_COLLECTIONS: tuple[Collection, ...] = (*COLLECTIONS, *anchor.index.COLLECTIONS, NONCES, mailbox.MAILS)

HTTP_POOL = 16
"""Connections kept open to the anchor service."""


class Anchoring(NamedTuple):
    """The public chain as a node reaches it.

    Attributes:
        service: In this process, or None.
        access: The service, or the client of one elsewhere.
        parameters: Returns the rules of the chain.
    """

    service: AnchorService | None
    access: AnchorService | AnchorClient
    parameters: Callable[[], Parameters]


class RunningNode:
    """A node with its web server and, where it is embedded, its public chain.

    Attributes:
        config: What it was made from.
        node: Its services.
        app: Its web application.
        server: Its web server.
    """

    def __init__(self, config: Config, *, clock: Clock = system_clock, random: Random = os.urandom) -> None:
        """Open the stores and make the services; nothing runs yet.

        Raises:
            LiveContractError: A key, file or store cannot be opened.
            OSError: The address to listen on is in use, or not this machine's.
        """
        config = replace(config, port=free_port(config.host)) if config.port == 0 else config
        self.config = config
        prepare_directory(config.data)
        self.key = key_store.load_or_create(config.key_place, config.passphrase, random)
        store = open_store(config, ALL_COLLECTIONS)
        parameters = development(config.network, block_time=config.block_time_ms)
        self.anchoring = open_anchor(config, store, self.key, parameters, clock, random)
        mailer = open_mailer(config, store, clock, random)
        self.node = Node(
            Parts(
                key=self.key,
                uri=config.public_url,
                name=config.name,
                users=frozenset(config.users),
                store=store,
                broker=open_broker(config, clock),
                anchor=self.anchoring.access,
                transport=open_transport(config, self.key, clock, random),
                http=UrllibClient(config.http_allow),
                mailer=mailer,
                clock=clock,
                random=random,
                threads=os.cpu_count() or 1,
            )
        )
        self.streams = Streams(config.streams)
        self.updates = Updates(Source(store, standings_of(self.node.workflow.processes)))
        self.app = self._make_app(store, clock, random)
        self.server = WebServer(
            self.app,
            host=config.host,
            port=config.port,
            threads=config.threads,
            max_request_bytes=config.max_request_bytes,
            streams=self.streams,
        )
        forgers = [self.anchoring.service] if self.anchoring.service else []
        self._forging = Crew([*(ForgeWorker(service) for service in forgers), self.updates])

    def _make_app(self, store: DocumentStore, clock: Clock, random: Random) -> Flask:
        config, node = self.config, self.node
        door = DoorPlug(node.eventchain.door, frozenset({*config.operators, str(self.key.public_key)}))
        about = About(
            name=config.name,
            url=config.public_url,
            network=config.network,
            system_key=str(self.key.public_key),
        )
        limits = RateLimits(
            clock, by_key=config.rate_by_key, by_address=config.rate_by_address, proxies=config.trusted_proxies
        )
        return create_app(
            self._blueprints(store, door),
            about=about,
            authenticate=Authenticator(config.public_url, clock, StoredNonces(store, clock)),
            max_request_bytes=config.max_request_bytes,
            checks={
                "store": lambda: _check_store(store),
                "queue": lambda: _check_queue(node.parts.broker),
            },
            random=random,
            before=[limits.by_address],
            after=[limits.by_key, BackPressure(node.parts.broker, QUEUES, config.queue_limit, clock)],
            cors=Cors(config.cors_origins),
        )

    def _blueprints(self, store: DocumentStore, door: DoorPlug) -> list[Blueprint]:
        node = self.node
        blueprints = [
            dispatcher.routes.create_blueprint(QueueService(node.parts.broker, QUEUES), door),
            eventchain.routes.create_blueprint(node.eventchain, node.receipts),
            workflow_engine.routes.create_blueprint(node.workflow, node.eventchain.archive, node.eventchain),
            routes.create_blueprint(node.eventchain.door, node.invitations, self.make_evidence),
            update_routes.create_blueprint(node.eventchain.door, self.updates, self.streams),
        ]
        if self.anchoring.service:
            blueprints.append(anchor.routes.create_blueprint(self.anchoring.service))
        if self.config.mail == "mailbox":
            blueprints.append(mailbox.create_blueprint(store, door.check_operator))
        return blueprints

    def make_evidence(self, chain: str) -> bytes:
        """Return the evidence file of a chain.

        Raises:
            UnavailableError: An event has no receipt yet, or a receipt's block is not final yet.
        """
        node, id_ = self.node, ChainId.parse(chain)
        found = node.receipts.of_chain(id_)
        receipts = {name: receipt for name, receipt in found.items() if receipt}
        if missing := len(found) - len(receipts):
            raise UnavailableError(f"{missing} events have no receipt yet", hint="Ask again in a minute.")
        top = max(int(receipt["block"]["height"]) for receipt in receipts.values())
        headers = self.anchoring.access.headers(1, top + 1)
        if len(headers) <= top:
            raise UnavailableError("the last block is not final yet", hint="Ask again in a minute.")
        issuer = node.eventchain.archive.identity_of(chain, str(self.key.public_key))
        return evidence.make(
            chain=node.eventchain.archive.chain(id_),
            projection=node.workflow.projection(chain),
            found_receipts=receipts,
            headers=headers,
            parameters=self.anchoring.parameters(),
            issuer=str(issuer),
            key=self.key,
            created=node.parts.clock(),
        )

    @property
    def url(self) -> str:
        """Where the node is reached."""
        return self.config.public_url

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the node."""
        return urlsplit(self.url).hostname in ("127.0.0.1", "::1", "localhost")

    def start(self) -> None:
        """Serve, and let the workers run."""
        self._forging.start()
        self.node.start()
        self.server.start()

    def stop(self) -> None:
        """Finish what runs, write down what is done, and close everything."""
        self.server.stop()
        self._forging.tell_to_stop()
        self._forging.join()
        self.node.stop()


class ForgeWorker:
    """Forges on the embedded public chain."""

    name = "forge"

    def __init__(self, service: AnchorService) -> None:
        self._service = service

    def step(self) -> int:
        """Forge what is due."""
        return int(self._service.step())

    def run(self, stop: threading.Event) -> None:
        """Forge until `stop` is set."""
        self._service.run(stop)


def free_port(host: str) -> int:
    """Return a port that nobody listens on now: a node has to know its URL before its web server is made."""
    with socket.create_server((host, 0)) as server:
        return int(server.getsockname()[1])


def prepare_directory(path: Path) -> None:
    """Make the data directory, closed to other users of the machine."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_store(config: Config, collections: Sequence[Collection]) -> DocumentStore:
    """Open the configured store."""
    if config.store == "memory:":
        return MemoryStore(collections)
    return SqliteStore(_file(config, config.store), collections)


def open_broker(config: Config, clock: Clock) -> Broker:
    """Open the configured queue."""
    if config.broker == "memory:":
        return MemoryBroker(clock)
    return SqliteBroker(_file(config, config.broker), clock)


def open_anchor(
    config: Config, store: DocumentStore, key: KeyPair, parameters: Parameters, clock: Clock, random: Random
) -> Anchoring:
    """Open the embedded public chain, or the client of the configured anchor service."""
    if config.anchor == "embedded":
        service = AnchorService(store, key, parameters, clock=clock)
        return Anchoring(service, service, lambda: parameters)
    pool = urllib3.PoolManager(maxsize=HTTP_POOL)
    client = AnchorClient(config.anchor, pool, key, random=random, clock=clock)
    return Anchoring(None, client, client.fetch_parameters)


def open_transport(config: Config, key: KeyPair, clock: Clock, random: Random) -> Transport:
    """Return what carries messages to other nodes; without TLS only where this node is without it too."""
    http = SignedHttp(key, clock, random, allow_plain_http=config.public_url.startswith("http:"))
    return GuardedTransport(HttpTransport(http), config.public_url, config.http_allow)


def open_mailer(config: Config, store: DocumentStore, clock: Clock, random: Random) -> Mailer:
    """Return what sends the node's mails."""
    if config.mail == "none":
        return NoMailer()
    if config.mail == "mailbox":
        return mailbox.StoredMailer(store, config.mail_from, clock, random)
    server = SmtpServer(
        host=config.mail_host,
        port=config.mail_port,
        tls=config.mail_tls,
        user=config.mail_user,
        password=config.mail_password,
    )
    return SmtpMailer(server, config.mail_from, clock)


def _file(config: Config, place: str) -> Path:
    return config.data / place.removeprefix("sqlite:")


def _check_store(store: DocumentStore) -> None:
    store.get(NONCES, {"key": "", "nonce": ""})


def _check_queue(broker: Broker) -> None:
    broker.depth("events")
