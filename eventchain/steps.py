"""Which step an event has come to: in the log, by chain and event, and to who observes."""

import logging

import structlog

from eventchain.core import base58
from eventchain.ports import Observer

log = structlog.get_logger(__name__)


class Steps:
    """Is told of every step of every event."""

    def __init__(self, observe: Observer | None) -> None:
        self._observe = observe

    def __call__(self, step: str, chain: str, event: bytes | str | None) -> None:
        """Log a step and pass it on.

        Args:
            step: Its name.
            chain: Id of the chain.
            event: Hash of the event, or of the last of several that take the step together; base58 or not.
        """
        if log.is_enabled_for(logging.DEBUG):
            log.debug(
                "step", step=step, chain=chain, event_hash=base58.encode(event) if isinstance(event, bytes) else event
            )
        if self._observe is not None:
            self._observe(step, chain)
