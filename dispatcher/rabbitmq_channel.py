"""A channel of RabbitMQ for threads that do not own its connection: they ask, and wait for the answer."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

import pika

from dispatcher.errors import BrokerClosedError, BrokerUnreachableError, IncompatibleQueueError, QueueMissingError
from dispatcher.message import printable
from dispatcher.rabbitmq_settings import ANSWER_SECONDS
from eventchain.core.errors import LiveContractError

RawChannel: TypeAlias = Any
"""pika's channel, touched by the link's thread only."""

Answer: TypeAlias = "Future[Any]"


class Owner(Protocol):
    """Whose connection a channel belongs to."""

    def post(self, function: Callable[[], None]) -> None:
        """Let the thread that owns the connection call a function.

        Raises:
            UnavailableError: There is no connection.
        """

    def forget(self, channel: "LinkChannel") -> None:
        """Drop a channel that ended."""


class LinkChannel:
    """A channel, for threads that do not own the connection. It ends with its connection, or with its first error."""

    def __init__(self, owner: Owner, on_lost: Callable[[], None]) -> None:
        self._owner = owner
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._asked: set[Answer] = set()
        self._raw: RawChannel = None
        self._failure: LiveContractError | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be used, as far as is known."""
        return self._raw is not None and self._failure is None

    def submit(self, function: Callable[[RawChannel, Answer], None]) -> Answer:
        """Let the link's thread call `function(channel, answer)`, which answers then or later.

        The answer fails when the channel is lost first, or the function raises.

        Raises:
            UnavailableError: The channel is lost already.
        """
        answer: Answer = Future()
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._asked.add(answer)
        answer.add_done_callback(self._forget)
        try:
            self._owner.post(lambda: self._call(function, answer))
        except LiveContractError as error:
            fail(answer, error)
        return answer

    def call(self, function: Callable[[RawChannel, Answer], None], seconds: float = ANSWER_SECONDS) -> Any:
        """Do the same and wait for the answer.

        Raises:
            UnavailableError: The channel was lost, or no answer came in time.
        """
        return result_of(self.submit(function), seconds)

    def send(self, function: Callable[[RawChannel], None]) -> None:
        """Let the link's thread call `function(channel)`, and do not wait. Nothing happens on a lost channel."""

        def call() -> None:
            if self.is_open:
                with suppress(pika.exceptions.AMQPError):
                    function(self._raw)

        with suppress(LiveContractError):
            self._owner.post(call)

    def close(self) -> None:
        """End the channel, after what was handed over before; what it did not acknowledge goes back to its queue."""

        def end() -> None:
            self.lose(BrokerClosedError("the channel was closed"))
            if self._raw is not None and self._raw.is_open:
                with suppress(pika.exceptions.AMQPError):
                    self._raw.close()

        try:
            self._owner.post(end)
        except LiveContractError as error:
            self.lose(error)

    def attach(self, answer: Answer, raw: RawChannel) -> None:
        """Take pika's channel, which was opened; called by the link's thread."""
        self._raw = raw
        raw.add_on_close_callback(lambda _, reason: self.lose(_channel_error(reason)))
        if self._failure is not None and raw.is_open:
            raw.close()
        resolve(answer, None)

    def lose(self, error: LiveContractError) -> None:
        """Fail everything that is asked; called when the channel or its connection ended."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
            asked = list(self._asked)
        for answer in asked:
            fail(answer, error)
        self._owner.forget(self)
        self._on_lost()

    def _call(self, function: Callable[[RawChannel, Answer], None], answer: Answer) -> None:
        if answer.done():
            return
        try:
            function(self._raw, answer)
        except pika.exceptions.AMQPError as error:
            fail(answer, BrokerUnreachableError(f"the broker cannot be asked: {reason_of(error)}"))
        except Exception as error:  # noqa: BLE001 - whoever asked is told; the link goes on
            fail(answer, error)

    def _forget(self, answer: Answer) -> None:
        with self._lock:
            self._asked.discard(answer)


def result_of(answer: Answer, seconds: float = ANSWER_SECONDS) -> Any:
    """Wait for an answer.

    Raises:
        UnavailableError: It failed, or did not come in time.
    """
    try:
        return answer.result(seconds)
    except TimeoutError:
        fail(answer, BrokerUnreachableError("asked too late"))
        raise BrokerUnreachableError(f"the broker did not answer within {seconds:g} seconds") from None


def resolve(answer: Answer, value: Any) -> None:
    """Answer, unless that happened already."""
    with suppress(InvalidStateError):
        answer.set_result(value)


def fail(answer: Answer, error: Exception) -> None:
    """Let an answer fail, unless that happened already."""
    with suppress(InvalidStateError):
        answer.set_exception(error)


def count_of(channel: LinkChannel, queue: str) -> int:
    """Return how many messages wait in a queue of the broker.

    Raises:
        QueueMissingError: There is no such queue.
        UnavailableError: The broker is away.
    """
    return int(channel.call(lambda raw, answer: ask_count(raw, queue, answer)))


def ask_count(raw: RawChannel, queue: str, answer: Answer) -> None:
    """Ask how many messages wait in a queue; for the link's thread."""
    raw.queue_declare(queue, passive=True, callback=lambda frame: resolve(answer, frame.method.message_count))


_IN_WORDS = {
    "Login was refused": "user or password is wrong",
    "vhost": "the virtual host is not there, or not for this user",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted for this name",
    "WRONG_VERSION_NUMBER": "that port speaks no TLS",
    "Connection reset by peer": "it closed the connection; does that port want TLS?",
    "Connection refused": "nobody listens at that port",
}
"""What an operator should look at, by what the broker, TLS or the system says."""


def reason_of(error: BaseException) -> str:
    """Return why a connection could not be made, or ended, in a line; pika nests what happened."""
    while nested := [inner for inner in _causes(error) if isinstance(inner, BaseException)]:
        error = nested[-1]
    text = error.reply_text if isinstance(error, pika.exceptions.ConnectionClosed) else str(error)
    words = next((words for sign, words in _IN_WORDS.items() if sign in text), None)
    return printable(f"{words} ({text})" if words else text or type(error).__name__)


def _causes(error: BaseException) -> Sequence[Any]:
    return [*error.args, *getattr(error, "exceptions", ()), getattr(error, "exception", None)]


def _channel_error(reason: BaseException) -> LiveContractError:
    """Return our error for the end of a channel."""
    code = getattr(reason, "reply_code", 0)
    text = printable(getattr(reason, "reply_text", str(reason)))
    if code == 406 and "inequivalent arg" in text:
        return IncompatibleQueueError(
            f"a queue of this name exists with other arguments: {text}",
            hint="Delete it when it is empty, and it is made again; limits belong into a policy of the broker.",
        )
    if code == 403:
        return BrokerUnreachableError(
            f"the broker refuses: {text}", hint="The user needs configure, write and read on its virtual host."
        )
    if code == 404:
        return QueueMissingError(f"a queue is gone: {text}")
    return BrokerUnreachableError(f"the broker closed the channel: {text}")
