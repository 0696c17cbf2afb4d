"""Whether a shovel that says it is running moves anything: judged from what the broker itself remembers. Pure.

A shovel may say `running` and never move a message again: RabbitMQ 3.10.8 takes no notice when the other broker closes
the channel, as it does where the exchange is missing (mended by rabbitmq-server pull request 8692; issue 9859 is a
later one). Then it has to be made anew, which sends again what it held. It may also be refused by a queue that is full,
again and again; there a new one is of no use.

```
                    messages   acknowledged   delivered
moves               any        rises          rises
full destination    > 0        stays          rises        unconfirmed
hangs               > 0        stays          stays        unconfirmed, and still
```

The broker samples these counts every five seconds and keeps them for ten minutes, so any number of watchers see the
same, from their first look on. Making a shovel anew delivers again what waits: that ends a stillness and not the time
without a confirm. Each stillness has to last as long as all before it together, so the pauses double, up to half of
what the broker remembers. A message too large for its link in five minutes would therefore never arrive.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SAMPLE_SECONDS = 5
SAMPLES = 120
"""RabbitMQ's own: `sample_retention_policies` keep counts of queues every 5 seconds for 605 seconds."""

PATIENCE_SECONDS = 30
"""How long messages may wait without a confirm before that is told, or mended."""

MAX_PAUSE_SECONDS = SAMPLE_SECONDS * SAMPLES // 2
"""The longest pause between two times: half of what the broker remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHistory:
    """Counts of a queue, every `SAMPLE_SECONDS`, the newest first; empty where nothing was counted.

    Attributes:
        messages: In the queue, delivered or not.
        acknowledged: So far.
        delivered: So far, the same message again included.
    """

    messages: Sequence[int]
    acknowledged: Sequence[int]
    delivered: Sequence[int]


def unconfirmed_seconds(history: QueueHistory) -> int:
    """Return how long messages have waited for sure without any being acknowledged."""
    waiting = next((index for index, count in enumerate(history.messages) if not count), len(history.messages))
    return _seconds(min(waiting, _unchanged(history.acknowledged, waiting)))


def still_seconds(history: QueueHistory) -> int:
    """Return how long of that none was even delivered."""
    unconfirmed = unconfirmed_seconds(history)
    return min(unconfirmed, _seconds(_unchanged(history.delivered, len(history.messages))))


def hangs(history: QueueHistory, patience: int = PATIENCE_SECONDS) -> bool:
    """Whether the shovel of a queue should be made anew now, where so many seconds are borne."""
    still = still_seconds(history)
    return still >= max(patience, unconfirmed_seconds(history) - still)


def pause_seconds(tries: int, patience: int = PATIENCE_SECONDS) -> int:
    """Return how long a shovel may take to run after it was made anew so many times in a row."""
    return min(patience << min(tries, 30), MAX_PAUSE_SECONDS)


def _unchanged(counts: Sequence[int], otherwise: int) -> int:
    """Return how many of the newest samples are the same."""
    return next((index for index, count in enumerate(counts) if count != counts[0]), len(counts)) or otherwise


def _seconds(samples: int) -> int:
    return max(samples - 1, 0) * SAMPLE_SECONDS
