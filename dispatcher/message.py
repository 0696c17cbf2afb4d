"""Messages, and what becomes of them: delivered on a lease, or dead with a reason."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

EVENTS = "events"
"""Queue of chain documents that wait for this node's event chain service. The group is the chain id."""

RELAY = "relay"
"""Queue of chain documents that wait to be sent to other nodes. The group is the node's URI."""

ASKS = "asks"
"""Queue of what other nodes ask this one. The group is the asking node's key: one ask of each is handled at a time."""

KIND = "kind"
"""Header of messages for other nodes: `chain`, which is meant without it, or `ask`."""

PROCESS_ENDED = "the process ended while it was handled"
"""The failure of messages whose lease was released when the broker was opened again."""

MAX_REASON = 1000
"""Characters kept of the reason of a failure; peers write part of it."""

_QUEUE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be handled, at least once.

    Attributes:
        queue: Where it waits: lower-case letters, digits, `_` and `-`.
        id: Names it within its queue. Two messages with the same id are the same message.
        group: Messages of one group are handled in order, never two of them at the same time by different receivers.
        body: The bytes, never changed on the way.
        headers: What travels beside the body.
        attempts: How often handling it failed so far, or ended with the death of the process.
        failure: Why the last attempt failed; empty before the first.
    """

    queue: str
    id: str
    group: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    attempts: int = 0
    failure: str = ""

    def __post_init__(self) -> None:
        if not is_queue_name(self.queue):
            raise ValueError(f"{self.queue!r} is not the name of a queue")
        if not self.id or not self.group:
            raise ValueError("a message has an id and a group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on lease to one receiver, who acknowledges, retries or rejects it.

    Attributes:
        message: What is to be handled.
        tag: Names the lease. A delivery whose lease has ended can be settled again without effect.
    """

    message: Message
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up. Its body stays with the broker, which puts it back or forgets it.

    Attributes:
        queue: Where it waited.
        message_id: Its id there.
        group: Its group.
        size: Bytes of its body.
        attempts: How often handling it failed, the last time included.
        reason: Why it was given up, in a sentence.
        died_at: When, in milliseconds since 1970.
    """

    queue: str
    message_id: str
    group: str
    size: int
    attempts: int
    reason: str
    died_at: int

    @property
    def id(self) -> str:
        """The name to requeue or discard it by: `<queue>.<message id>`."""
        return letter_id(self.queue, self.message_id)


def is_queue_name(name: str) -> bool:
    """Whether a queue may have this name."""
    return _QUEUE_NAME.match(name) is not None


def letter_id(queue: str, message_id: str) -> str:
    """Return the name of a dead letter; a queue's name holds no dot."""
    return f"{queue}.{message_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How many messages of a queue are where.

    Attributes:
        waiting: Not leased, in back-off or not.
        leased: Being handled.
        dead: Given up.
    """

    waiting: int
    leased: int
    dead: int


def printable(reason: str) -> str:
    """Return a reason fit for logs and lists: one line, of limited length, whoever wrote it."""
    line = "".join(character if character.isprintable() else " " for character in reason[: 2 * MAX_REASON])
    line = " ".join(line.split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 1] + "…"
