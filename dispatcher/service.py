"""The queue as the outside sees it: handing in, looking at it, and dealing with dead letters."""

from collections.abc import Mapping, Sequence

from dispatcher.broker import Broker
from dispatcher.enqueue import AskSubmission, EnqueueService, Submission
from dispatcher.message import EVENTS, RELAY, DeadLetter, Depth
from eventchain.core.keys import PublicKey


class QueueService:
    """What `routes` offers over HTTP."""

    def __init__(self, broker: Broker, queues: Sequence[str] = (EVENTS, RELAY)) -> None:
        """Offer a broker.

        Args:
            broker: Holds the messages.
            queues: Those whose depths are shown.
        """
        self._broker = broker
        self._queues = tuple(queues)
        self._enqueue = EnqueueService(broker)

    def enqueue(self, submission: Submission, destinations: Sequence[str] = (), *, sender: PublicKey) -> None:
        """Queue a chain document; see `EnqueueService.enqueue`."""
        self._enqueue.enqueue(submission, destinations, sender=sender)

    def enqueue_ask(self, ask: AskSubmission, *, sender: PublicKey) -> None:
        """Queue a request for missing events; see `EnqueueService.enqueue_ask`."""
        self._enqueue.enqueue_ask(ask, sender=sender)

    def depths(self) -> Mapping[str, Depth]:
        """Return how many messages are in each queue."""
        return {queue: self._broker.depth(queue) for queue in self._queues}

    def dead_letters(self, queue: str | None = None) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first."""
        return self._broker.dead_letters(queue)

    def requeue(self, letter_id: str) -> None:
        """Let a dead letter be handled again.

        Raises:
            DeadLetterNotFoundError: There is none under this id.
        """
        self._broker.requeue(letter_id)

    def discard(self, letter_id: str) -> None:
        """Forget a dead letter for good.

        Raises:
            DeadLetterNotFoundError: There is none under this id.
        """
        self._broker.discard(letter_id)
