"""The composition root: from a configuration to a running node (paper sections 19 and 21)."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as AnyOf
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from flask import Flask, Request

from anchor.client import AnchorClient
from anchor.parameters import Parameters, development
from anchor.service import AnchorService
from dispatcher.broker import Broker, MemoryBroker
from dispatcher.client import HttpTransport, SignedHttp
from dispatcher.ports import Transport
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.client import EventChainClient
from eventchain.core.clock import Clock, system_clock
from eventchain.core.keys import KeyPair, PublicKey, Random
from eventchain.store.document_store import Collection, DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.shared_sqlite import SharedSqliteStore
from eventchain.store.sqlite import SqliteStore
from livecontract import __version__, inbound, key_store, mailbox, metrics, proxy
from livecontract.authentication import Authenticator
from livecontract.config import Config
from livecontract.cors import Cors
from livecontract.errors import InvalidKeyFileError
from livecontract.free_ports import free_port
from livecontract.gates import BackPressure, Gate, RateLimits
from livecontract.guarded_transport import GuardedTransport
from livecontract.internal import InternalAuthenticator, Reserve
from livecontract.mail import Mailer, NoMailer, SmtpMailer, SmtpServer
from livecontract.node import QUEUES, Node, Parts
from livecontract.nonces import NONCES, StoredNonces
from livecontract.observation import observe, open_metrics_server
from livecontract.peering import open_peering
from livecontract.restore import RESTORES, check_keyless, check_whole
from livecontract.roles import ROLES, Anchoring, Site, collections_of, updates_of
from livecontract.service_http import ServiceHttp
from livecontract.serving import WebServer
from livecontract.streams import Streams
from livecontract.web_server import About, create_app
from livecontract.workers import Crew
from workflow_engine.client import EngineClient
from workflow_engine.triggers.http_client import UrllibClient

ALL_COLLECTIONS: tuple[Collection, ...] = (
    NONCES,
    RESTORES,
    *{item.name: item for role in ROLES.values() for item in role.collections}.values(),
)
"""What the store of a whole node holds."""

HTTP_POOL = 16
"""Connections kept open to the anchor service."""

INTERNAL_REQUEST_BYTES = 64 * 1024 * 1024
"""Services hand each other what was let in already, many documents in one request."""


class RunningNode:
    """A node with its web server and, where it is embedded, its public chain; or one service of it.

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
        self.key = open_key(config, random)
        self.services = tuple(ROLES) if config.service == "all" else (config.service,)
        roles = [ROLES[name] for name in self.services if name in ROLES]
        store = open_whole_store(config, (NONCES, RESTORES, *collections_of(self.services)))
        has_queue = any(role.has_queue for role in roles)
        parameters = development(config.network, block_time=config.block_time_ms)
        self.anchoring = open_anchor(config, store, self.key, parameters, clock, random)
        self.observation = observe(config)
        others = open_others(config, self.key, clock, random, self.observation.carried)
        self.node = Node(
            Parts(
                key=self.key,
                uri=config.uri,
                url=config.public_url,
                name=config.name,
                users=frozenset(config.users),
                store=store,
                broker=open_broker(config, clock, random) if has_queue else no_broker(clock),
                anchor=self.anchoring.access,
                transport=open_transport(config, self.key, clock, random),
                http=UrllibClient(config.http_allow, targets=config.http_targets),
                mailer=open_mailer(config, store, clock, random),
                clock=clock,
                random=random,
                threads=os.cpu_count() or 1,
                observe=self.observation.stages.step,
                watched=self.observation.stages.watched,
                chains=EventChainClient(others["eventchain"].call) if "eventchain" in others else None,
                engine=EngineClient(others["workflow"].call) if "workflow" in others else None,
                peering=open_peering(config, self.key, clock, random),
            ),
            self.services,
        )
        self.streams = Streams(config.streams)
        self.updates = updates_of(self.node)
        self.app = self._make_app(store, others, clock, random)
        self.server = WebServer(
            self.app,
            host=config.host,
            port=config.port,
            threads=config.threads,
            max_request_bytes=config.max_request_bytes,
            streams=self.streams,
        )
        self._metrics_server = open_metrics_server(config, self.observation.metrics)
        forgers = [ForgeWorker(self.anchoring.service)] if self.anchoring.service else []
        tellers = [self.updates] if "eventchain" in self.services else []
        self._crew = Crew([*forgers, *tellers])

    def _make_app(self, store: DocumentStore, others: Mapping[str, ServiceHttp], clock: Clock, random: Random) -> Flask:
        """Put what this process answers behind one web server, which lets in what concerns it."""
        config, is_public = self.config, self.config.service in ("all", "web")
        site = Site(
            config=config,
            key=self.key,
            node=self.node,
            anchoring=self.anchoring,
            updates=self.updates,
            streams=self.streams,
        )
        roles = [ROLES[name] for name in self.services if name in ROLES]
        blueprints = [blueprint for role in roles for blueprint in role.routes(site)]
        nonces = StoredNonces(store, clock)
        limits = RateLimits(
            clock, by_key=config.rate_by_key, by_address=config.rate_by_address, proxies=config.trusted_proxies
        )
        before: list[Gate] = [limits.by_address] if is_public else []
        after: list[Gate] = [limits.by_key] if is_public else []
        checks = {"store": lambda: _check_store(store)}
        if any(role.has_queue for role in roles):
            broker = self.node.parts.broker
            after.append(BackPressure(broker, self.node.queues, config.queue_limit, clock))
            checks["queue"] = lambda: _check_queue(broker)
        authenticate: Callable[[Request], PublicKey] = Authenticator(config.public_url, clock, nonces)
        if config.service == "web":
            blueprints.append(proxy.create_blueprint(others, authenticate, self.streams))
        elif not is_public:
            authenticate = InternalAuthenticator(config.own_url, self.key.public_key, clock, nonces)
            blueprints += [blueprint for role in roles for blueprint in role.internal(site)]
        blueprints.append(metrics.create_blueprint(self.observation.metrics))
        self._add_gauges(store, checks, clock)
        reserve = Reserve(max(config.threads // 2, 1))
        app = create_app(
            blueprints,
            about=About(
                name=config.name,
                url=config.public_url,
                network=config.network,
                system_key=str(self.key.public_key),
                node=config.uri,
            ),
            authenticate=authenticate,
            max_request_bytes=config.max_request_bytes if is_public else INTERNAL_REQUEST_BYTES,
            checks=checks,
            random=random,
            before=before,
            after=after if is_public else [*after, reserve.enter],
            cors=Cors(config.cors_origins if is_public else ()),
            observers=self.observation.of_requests,
        )
        reserve.install(app)
        return app

    def _add_gauges(self, store: DocumentStore, checks: AnyOf[str], clock: Clock) -> None:
        """Have counted what this process knows of."""
        counted = self.observation.metrics
        counted.add(metrics.gauge("update_streams", "Live updates open now.", lambda: self.streams.count))
        if "queue" in checks:
            counted.add(metrics.queue_gauges(self.node.parts.broker, self.node.queues, clock))
        if "eventchain" in self.services:
            counted.add(metrics.chain_gauges(store, clock))
        if service := self.anchoring.service:
            counted.add(metrics.gauge("public_chain_height", "Height.", lambda: service.chain.height))
        if "dispatcher" in self.services and (peering := self.node.parts.peering) and peering.shovels:
            counted.add(metrics.shovel_gauges(peering.shovels.status))

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
        self._crew.start()
        self.node.start()
        self.server.start()
        if self._metrics_server:
            self._metrics_server.start()

    def stop(self) -> None:
        """Finish what runs, write down what is done, and close everything."""
        self.server.stop()
        if self._metrics_server:
            self._metrics_server.stop()
        self._crew.tell_to_stop()
        self._crew.join()
        self.node.stop()
        self.observation.close()


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


def open_key(config: Config, random: Random) -> KeyPair:
    """Return the node's system key; a whole node makes one where there is none.

    Raises:
        InvalidKeyFileError: See `livecontract.key_store`; or there is no key where there should be one.
    """
    if config.service == "all":
        if not config.key_place.exists():
            with closing(open_store(config, ALL_COLLECTIONS)) as store:
                check_keyless(store, config.key_place)
        return key_store.load_or_create(config.key_place, config.passphrase, random)
    if not config.key_place.exists():
        raise InvalidKeyFileError(
            f"{config.key_place}: there is no key, and the service {config.service} makes none of its own",
            hint="All services of a node share one system key. Make it once with `livecontract key new --out FILE`, "
            "give every service the same file, and name it in key_file.",
        )
    return key_store.load(config.key_place, config.passphrase)


def open_others(
    config: Config, key: KeyPair, clock: Clock, random: Random, carried: Callable[[], Mapping[str, str]]
) -> dict[str, ServiceHttp]:
    """Return how the services that run apart from this process are reached, by name; a whole node has none."""
    if config.service == "all":
        return {}
    urls = {name: getattr(config, name) for name in ROLES if name != config.service}
    return {
        name: ServiceHttp(url, name, key, clock, random, carried)
        for name, url in urls.items()
        if url is not None and url != "embedded"
    }


def prepare_directory(path: Path) -> None:
    """Make the data directory, closed to other users of the machine."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_store(config: Config, collections: Sequence[Collection], *, may_change: bool = False) -> DocumentStore:
    """Open the configured store.

    A SQLite file of an older version is copied beside it and then changed. A MongoDB of an older version is refused
    unless it `may_change`, since copying it is for its operator to do.
    """
    if config.store == "memory:":
        return MemoryStore(collections)
    if config.store.startswith("mongodb"):
        from eventchain.store.mongo import MongoStore  # its driver takes a tenth of the start of a node

        return MongoStore(config.store, config.store_password, collections, may_change=may_change)
    kind = SharedSqliteStore if config.service == "eventchain" else SqliteStore
    return kind(_file(config, config.store), collections, label=__version__)


def open_whole_store(config: Config, collections: Sequence[Collection]) -> DocumentStore:
    """Open the configured store, unless a restore into it was broken off."""
    store = open_store(config, collections)
    try:
        check_whole(store)
    except BaseException:
        store.close()
        raise
    return store


def open_broker(config: Config, clock: Clock, random: Random = os.urandom) -> Broker:
    """Open the configured queue. RabbitMQ may be away at first: it is connected to when it is there."""
    if config.broker == "memory:":
        return MemoryBroker(clock)
    if config.broker.startswith(("amqp:", "amqps:")):
        return RabbitBroker(
            RabbitSettings(
                url=config.broker,
                password=config.broker_password,
                ca=config.broker_ca,
                certificate=config.broker_certificate,
                name=f"livecontract {config.name} {config.service}",
            ),
            clock,
            random,
            queues=(*QUEUES, inbound.QUEUE),
        )
    return SqliteBroker(_file(config, config.broker), clock)


def no_broker(clock: Clock) -> Broker:
    """Return what stands for the queue in a service that has none: it takes and gives nothing."""
    broker = MemoryBroker(clock)
    broker.close()
    return broker


def open_anchor(
    config: Config, store: DocumentStore, key: KeyPair, parameters: Parameters, clock: Clock, random: Random
) -> Anchoring:
    """Open the embedded public chain, or the client of the configured anchor service."""
    if config.service == "anchor" or (config.service == "all" and config.anchor == "embedded"):
        service = AnchorService(store, key, parameters, clock=clock)
        return Anchoring(service=service, access=service, parameters=lambda: parameters)
    pool = urllib3.PoolManager(maxsize=HTTP_POOL)
    client = AnchorClient(config.anchor, pool, key, random=random, clock=clock)
    return Anchoring(service=None, access=client, parameters=client.fetch_parameters)


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
