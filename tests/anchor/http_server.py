"""The routes of an anchor service behind a real socket on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
from werkzeug.serving import make_server

from anchor.routes import create_blueprint
from anchor.service import AnchorService
from eventchain.core.errors import UnauthenticatedError
from eventchain.core.http_signatures import verify_request


class Nonces:
    """Every nonce is taken once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        if (key, nonce) in self._seen:
            return False
        self._seen.add((key, nonce))
        return True


def make_app(service: AnchorService) -> flask.Flask:
    """Return an application that authenticates what is not public, as a node's web server does."""
    app = flask.Flask("test")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(create_blueprint(service))
    nonces = Nonces()

    @app.before_request
    def identify() -> None:
        flask.g.caller = None
        request = flask.request
        view = app.view_functions.get(request.endpoint or "")
        if view is None or getattr(view, "public", False):
            return
        try:
            flask.g.caller = verify_request(
                request.method,
                request.url,
                dict(request.headers),
                request.get_data(),
                now=service.clock() // 1000,
                nonces=nonces,
            )
        except UnauthenticatedError:
            flask.g.caller = None

    return app


@contextmanager
def serve(service: AnchorService) -> Iterator[str]:
    """Serve until the context ends; gives the URL."""
    server = make_server("127.0.0.1", 0, make_app(service), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
