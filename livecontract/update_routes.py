"""Live updates of a chain as server-sent events (HTML standard, section 9.2).

```
event: end | event | process | receipt | reset
id: <how far the reader is; given back as Last-Event-ID>
data: {"chain": …, …}
```

Browsers cannot sign the requests of an `EventSource`; they read the stream with `fetch`. The signature is checked when
the stream begins; whether its signer still takes part in the chain, with every update.
"""

import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, g, request

from eventchain.core.errors import LiveContractError
from eventchain.core.keys import PublicKey
from eventchain.door import Door
from livecontract.streams import Feed, Streams
from livecontract.updates import Updates

HEARTBEAT_SECONDS = 15
"""Silence after which a comment is sent: proxies cut connections on which nothing moves, often after a minute."""

MAX_SECONDS = 3_600
"""A stream ends after an hour; its reader comes back with a new signature."""

RETRY_MS = 2_000
"""After which a reader should come back."""

_LOOK_SECONDS = 1
"""How soon a reader that has gone is noticed."""


def create_blueprint(door: Door, updates: Updates, streams: Streams) -> Blueprint:
    """Return the route `/event-chains/<id>/updates`."""
    blueprint = Blueprint("updates", __name__)

    @blueprint.get("/event-chains/<chain>/updates")
    def follow(chain: str) -> Response:
        """Tell what is new on a chain the caller takes part in, for as long as it listens."""
        caller: PublicKey = g.caller
        door.member_of(caller, chain)
        feed: Feed[str] = Feed()

        def leave() -> None:
            updates.forget(chain, feed)
            streams.leave(feed)

        streams.enter(feed, str(caller))
        try:
            updates.watch(chain, feed, request.headers.get("Last-Event-ID"))
        except BaseException:
            leave()
            raise
        has_gone: Callable[[], bool] = request.environ.get("waitress.client_disconnected", lambda: False)
        response = Response(
            _written(feed, has_gone, lambda: _is_member(door, caller, chain)), mimetype="text/event-stream"
        )
        response.headers["X-Accel-Buffering"] = "no"  # proxies hand on each update as it comes
        response.call_on_close(leave)
        return response

    return blueprint


def _written(feed: Feed[str], has_gone: Callable[[], bool], is_member: Callable[[], bool]) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    silent, end = 0, time.monotonic() + MAX_SECONDS
    while time.monotonic() < end:
        items = feed.take(_LOOK_SECONDS)
        if items is None or has_gone() or (items and not is_member()):
            return
        silent = 0 if items else silent + _LOOK_SECONDS
        if items:
            yield "".join(items)
        elif silent >= HEARTBEAT_SECONDS:
            silent = 0
            yield ": still here\n\n"


def _is_member(door: Door, caller: PublicKey, chain: str) -> bool:
    try:
        door.member_of(caller, chain)
    except LiveContractError:
        return False
    return True
