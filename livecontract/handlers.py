"""What happens to the messages of each queue: the glue between the services.

| queue         | message                              | what is done |
|---------------|--------------------------------------|--------------|
| `events`      | a chain document                     | the eight steps of the event chain service |
| `triggers`    | a system action that waits           | performed; its response is added, signed by the system key |
| `anchor`      | hashes of events                     | handed to the anchor service |
| `relay`       | a chain document for another node    | sent to it (in `dispatcher.relay`) |
| `asks`        | another node's request for events    | what it lacks is sent to it |
| `invitations` | the id of an invitation              | the next step of inviting somebody |

Every handler may see a message twice: events are known by hash, results of system actions are kept under the action and
its cause, and a hash is anchored once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from anchor.service import MAX_SUBMITTED
from dispatcher.dispatch import Outcome
from dispatcher.enqueue import SENDER
from dispatcher.message import Message
from eventchain.access import ChainAccess
from eventchain.core import strict_json
from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LiveContractError,
    NotFoundError,
    UnavailableError,
)
from eventchain.intake import Parcel

FORK = "Fork"
"""Code of `eventchain.errors.ForkError`, wherever it was raised."""

log = structlog.get_logger(__name__)


class Performer(Protocol):
    """Runs system actions: the workflow engine."""

    def perform(self, due: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Run one and return its response body, or None if it is deferred or no longer due."""


class Submitter(Protocol):
    """Takes hashes to the public chain: the anchor service."""

    def submit(self, hashes: Sequence[str]) -> object:
        """Have hashes (base58) anchored, once each."""


class Answerer(Protocol):
    """Answers asks: the event chain service."""

    def answer(self, document: Mapping[str, Any], sender: str) -> None:
        """Send the node of the sender what it lacks; see `eventchain.asking.Asking.answer`."""


def each(handle: Callable[[Message], None]) -> Callable[[Sequence[Message]], list[Outcome]]:
    """Return a handler that handles its messages one by one."""

    def handler(messages: Sequence[Message]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for message in messages:
            try:
                handle(message)
            except Exception as error:  # dispatch decides from its family  # noqa: BLE001
                outcomes.append(error)
            else:
                outcomes.append(None)
        return outcomes

    return handler


class EventsHandler:
    """Adds the chain documents that wait, those that wait together with one durable write.

    Those that came before the events they follow are kept by the event chain service until these come; their messages
    are handled.
    """

    def __init__(self, chains: ChainAccess) -> None:
        """Add to these chains."""
        self._chains = chains

    def __call__(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return an outcome for each message. A fork is kept and listed: its message is handled."""
        outcomes: list[Outcome] = [None] * len(messages)
        parcels: dict[int, Parcel] = {}
        for index, message in enumerate(messages):
            try:
                document = strict_json.parse(message.body)
                parcels[index] = Parcel(document, message.headers.get(SENDER), may_wait=True)
            except LiveContractError as error:
                outcomes[index] = error
        results = self._chains.add_all(list(parcels.values()))
        for index, result in zip(parcels, results, strict=True):
            outcomes[index] = None if result is not None and result.code == FORK else result
        return outcomes


class AskHandler:
    """Answers other nodes that ask for missing events."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def __call__(self, message: Message) -> None:
        """Answer one. What cannot be answered is forgotten: who needs it asks again.

        Raises:
            UnavailableError: Not now.
        """
        try:
            self._answerer.answer(strict_json.parse(message.body), message.headers[SENDER])
        except UnavailableError:
            raise
        except LiveContractError as error:
            log.info("ask not answered", sender=message.headers[SENDER], reason=error.message)


class NotCertainError(UnavailableError):
    """A system action waits until its cause is anchored or settled."""


class TriggerHandler:
    """Performs a system action and adds its response to the chain."""

    def __init__(self, performer: Performer, chains: ChainAccess) -> None:
        self._performer = performer
        self._chains = chains

    def __call__(self, message: Message) -> None:
        """Perform one. A response the chain no longer takes means that somebody else moved the process on.

        Raises:
            NotCertainError: The scenario wants its cause anchored or settled first.
            LiveContractError: It could not be performed now.
        """
        due = strict_json.parse(message.body)
        if not self._chains.is_certain(str(due["chain"]), str(due["cause"]), str(due["when"])):
            raise NotCertainError(f"the system action {due['action']} waits until its cause is {due['when']}")
        body = self._performer.perform(due)
        if body is None:
            return
        try:
            self._chains.submit(str(due["chain"]), body, f"trigger {message.id}")
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            log.info("system action came too late", action=due.get("action"), reason=error.message)


class AnchorHandler:
    """Hands the hashes of all waiting messages to the anchor service, in as few requests as it allows."""

    def __init__(self, submitter: Submitter) -> None:
        self._submitter = submitter

    def __call__(self, messages: Sequence[Message]) -> list[Outcome]:
        """Return one outcome for all: they were taken together, or not."""
        hashes = [str(item) for message in messages for item in json.loads(message.body)]
        outcome: Outcome = None
        try:
            for start in range(0, len(hashes), MAX_SUBMITTED):
                self._submitter.submit(hashes[start : start + MAX_SUBMITTED])
        except LiveContractError as error:
            outcome = error
        return [outcome] * len(messages)
