"""How queues and messages look in RabbitMQ: pure.

```
<queue>                 what waits
<queue>.retry.<ms>      what waits for its time: comes back to <queue> when <ms> have passed
<queue>.dead            what was given up

property message_id            the message's id; without it, the hash of the body
header livecontract-id         the id, where it is longer than a message_id may be
header livecontract-group      its group; without it, the name of the queue
header livecontract-attempts   how often handling it failed; RabbitMQ's x-delivery-count is added
header livecontract-failure    why the last attempt failed
header livecontract-died-at    of dead letters: when, in milliseconds since 1970
```

All are quorum queues, on the disk before a publisher hears of it. What moves between them inside the broker moves "at
least once" (3.10 and later): dead-lettering would else lose what is on its way when the broker dies.

Anybody with a password of the broker may put anything into a queue. Whatever is found there becomes a `Message`:
properties of the wrong type or length count as missing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pika

from dispatcher.address import PEER_PREFIX
from dispatcher.message import PROCESS_ENDED, DeadLetter, Message, printable
from eventchain.core import base58
from eventchain.core.hashing import sha256

RETRY_STEPS_MS = (250, 1_000, 4_000, 15_000, 60_000, 300_000, 1_200_000, 3_600_000)
"""The back-offs there are: one queue for each, because a queue lets its messages go in the order they came. A back-off
is rounded up to the next of them; what is longer than the last comes earlier."""

FEW_STEPS_MS = (1_000, 15_000, 300_000)
"""For queues in which hardly anything waits, because each step is a quorum queue: as long as `EVENTS_POLICY` needs."""

_STEPS_MS: Mapping[str, tuple[int, ...]] = {"asks": FEW_STEPS_MS, "invitations": FEW_STEPS_MS}

DELIVERY_LIMIT = 20
"""Deliveries that may end with the death of the process or the connection, before the broker itself makes the message
a dead letter (the default of RabbitMQ 4)."""

MAX_NAME = 255
"""Bytes of a short string (AMQP 0-9-1, 4.2.5.3)."""

MAX_GROUP = 4096
"""Characters of a group or id that is taken from a foreign message."""

MAX_HEADERS = 16_384
"""Characters of names and values of headers that are taken from a message. What goes back into a queue with our own
headers beside has to fit into a frame of 128 KiB."""

MAX_ATTEMPTS = 1_000_000

_ID = "livecontract-id"
_GROUP = "livecontract-group"
_ATTEMPTS = "livecontract-attempts"
_FAILURE = "livecontract-failure"
_DIED_AT = "livecontract-died-at"
_OURS = "livecontract-"
_BROKERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")
"""Beginnings of the names of headers that the broker adds."""

_NEVER = 1_000_000_000
"""A delivery limit that is never reached: looking at dead letters delivers them, and so does a shovel to a node that is
away; RabbitMQ 4 would drop them after 20 times."""


def retry_queue(queue: str, delay_ms: int) -> str:
    """Return the queue in which a message waits for so long or a little longer; without a delay, its own queue."""
    if delay_ms <= 0:
        return queue
    steps = _steps(queue)
    step = next((step for step in steps if step >= delay_ms), steps[-1])
    return f"{queue}.retry.{step}"


def retry_queues(queue: str) -> list[str]:
    """Return the names of all queues in which messages of a queue wait for their time."""
    return [f"{queue}.retry.{step}" for step in _steps(queue)]


def dead_queue(queue: str) -> str:
    """Return the name of the queue of dead letters."""
    return f"{queue}.dead"


def topology(queue: str, max_length: int | None = None) -> Mapping[str, Mapping[str, Any]]:
    """Return the queues that belong to a queue, with their arguments, in the order in which they have to be made."""
    quorum: dict[str, Any] = {"x-queue-type": "quorum"}
    if queue.startswith(PEER_PREFIX):  # a shovel empties it: nothing is given up, and nothing comes again by a back-off
        return {queue: {**quorum, "x-delivery-limit": _NEVER}}
    moving = {
        **quorum,
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    main: dict[str, Any] = {
        **moving,
        "x-dead-letter-routing-key": dead_queue(queue),
        "x-delivery-limit": DELIVERY_LIMIT,
    }
    if max_length is not None:
        main["x-max-length"] = max_length
    retries = {
        f"{queue}.retry.{step}": {**moving, "x-dead-letter-routing-key": queue, "x-message-ttl": step}
        for step in _steps(queue)
    }
    return {dead_queue(queue): {**quorum, "x-delivery-limit": _NEVER}, queue: main, **retries}


def properties(message: Message, *, died_at: int | None = None) -> pika.BasicProperties:
    """Return a message's properties on the wire; the body and the queue travel beside them.

    Raises:
        ValueError: A header has no name that AMQP can carry.
    """
    headers: dict[str, Any] = dict(message.headers)
    if any(len(name.encode()) > MAX_NAME for name in headers):
        raise ValueError(f"the name of a header is longer than {MAX_NAME} bytes")
    headers[_GROUP] = message.group
    if message.attempts:
        headers[_ATTEMPTS] = message.attempts
        headers[_FAILURE] = message.failure
    if died_at is not None:
        headers[_DIED_AT] = died_at
    is_short = len(message.id.encode()) <= MAX_NAME
    if not is_short:
        headers[_ID] = message.id
    return pika.BasicProperties(
        message_id=message.id if is_short else None, headers=headers, delivery_mode=pika.DeliveryMode.Persistent
    )


def message_of(queue: str, found: pika.BasicProperties, body: bytes, deliveries: int = 0) -> Message:
    """Return the message that was found in a queue, whatever its properties are.

    Args:
        queue: Where it was found.
        found: Its properties.
        body: Its body.
        deliveries: See `deliveries_of`.
    """
    headers = found.headers if isinstance(found.headers, dict) else {}
    return Message(
        queue=queue,
        id=_text(headers.get(_ID)) or _text(found.message_id) or base58.encode(sha256(body)),
        group=_text(headers.get(_GROUP)) or queue,
        body=body,
        headers=_foreign(headers),
        attempts=_count(headers.get(_ATTEMPTS)) + deliveries,
        failure=PROCESS_ENDED if deliveries else printable(_text(headers.get(_FAILURE))),
    )


def deliveries_of(found: pika.BasicProperties, *, redelivered: bool) -> int:
    """Return how often the broker delivered a message before, to somebody who did not settle it.

    A message on its first delivery may hold a count all the same: that of the queue a shovel took it from.
    """
    if not redelivered:
        return 0
    return max(1, _count((found.headers or {}).get("x-delivery-count")))


def dead_letter_of(queue: str, found: pika.BasicProperties, body: bytes) -> DeadLetter:
    """Return what is known of a message found among the dead letters of a queue.

    Those that the broker gave up itself have no reason of ours: it is told from the broker's notes.
    """
    headers = found.headers if isinstance(found.headers, dict) else {}
    attempts, reason = _count(headers.get(_ATTEMPTS)), printable(_text(headers.get(_FAILURE)))
    died_at = headers.get(_DIED_AT)
    if not isinstance(died_at, int) or isinstance(died_at, bool):
        cause, died_at = _death(headers)
        if cause == "delivery_limit":
            attempts += DELIVERY_LIMIT + 1
            reason = f"given up by the broker after {DELIVERY_LIMIT + 1} deliveries: {PROCESS_ENDED}"
        else:
            reason = f"given up by the broker: {cause or 'for an unknown reason'}"
    message = message_of(queue, found, body)
    return DeadLetter(
        queue=queue,
        message_id=message.id,
        group=message.group,
        size=len(body),
        attempts=attempts,
        reason=reason,
        died_at=died_at,
    )


def _steps(queue: str) -> tuple[int, ...]:
    return _STEPS_MS.get(queue, RETRY_STEPS_MS)


def _death(headers: Mapping[Any, Any]) -> tuple[str, int]:
    """Return why and when (milliseconds since 1970) the broker gave a message up, as its last note says."""
    deaths = headers.get("x-death")
    last = deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}
    when = last.get("time")
    died_at = int(when.timestamp() * 1000) if isinstance(when, datetime) else 0
    return printable(_text(last.get("reason"))), died_at


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_GROUP else ""


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ATTEMPTS else 0


def _foreign(headers: Mapping[Any, Any]) -> Mapping[str, str]:
    """Return the headers that are neither ours nor the broker's, as far as they are text and not too much of it."""
    kept: dict[str, str] = {}
    left = MAX_HEADERS
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str) or name.startswith((_OURS, *_BROKERS)):
            continue
        left -= len(name) + len(value)
        if left < 0:
            break
        kept[name] = value
    return kept
