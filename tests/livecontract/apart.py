"""Services of a node on sockets of their own."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from flask import Blueprint, Flask

from eventchain.core.clock import system_clock
from eventchain.core.http_signatures import NonceMemory
from eventchain.core.keys import KeyPair
from livecontract.bootstrap import INTERNAL_REQUEST_BYTES
from livecontract.free_ports import free_port
from livecontract.internal import InternalAuthenticator, Reserve
from livecontract.nonces import MemoryNonces
from livecontract.service_http import ServiceHttp
from livecontract.serving import WebServer
from livecontract.web_server import About, create_app

SYSTEM = KeyPair.from_seed_phrase("system key")
"""Of the node whose services these are."""


def internal_app(
    blueprints: Sequence[Blueprint], url: str, reserve: Reserve | None = None, nonces: NonceMemory | None = None
) -> Flask:
    """Return a service as `livecontract.bootstrap` puts it behind a web server."""
    reserve = reserve or Reserve(4)
    nonces = nonces or MemoryNonces(system_clock)
    app = create_app(
        blueprints,
        about=About(name="", url=url, network="T", system_key=str(SYSTEM.public_key)),
        authenticate=InternalAuthenticator(url, SYSTEM.public_key, system_clock, nonces),
        max_request_bytes=INTERNAL_REQUEST_BYTES,
        after=[reserve.enter],
    )
    reserve.install(app)
    return app


@contextlib.contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """Serve an application on loopback until the context ends."""
    server = WebServer(app, host="127.0.0.1", port=port, threads=4, max_request_bytes=INTERNAL_REQUEST_BYTES)
    server.start()
    try:
        yield
    finally:
        server.stop()


@contextlib.contextmanager
def serving(*blueprints: Blueprint, reserve: Reserve | None = None) -> Iterator[ServiceHttp]:
    """Serve internal routes on loopback, and give a client of the same node."""
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    with served(internal_app(blueprints, url, reserve), port):
        yield client(url)


def client(url: str) -> ServiceHttp:
    """Return a client whose requests the node's key signs."""
    return ServiceHttp(url, "tested", SYSTEM, system_clock, os.urandom)
