"""Carrying responses between chains of this node: event chain and workflow engine, as system actions see them.

A node signs on another chain nothing but a response that cites its cause, and only if the process there would take it:
the engine of this node is asked before (paper section 13.1, decision 0066). What that chain's process says of it goes
to the log of this node, and not to the parties of the chain it came from.
"""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from eventchain.access import ChainAccess
from eventchain.core import base58, canonical_json
from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, LiveContractError, NotFoundError
from eventchain.core.keys import PublicKey
from eventchain.wire import MAX_DATA
from workflow_engine.engine import EngineAccess
from workflow_engine.errors import NotCarriedError
from workflow_engine.ports import Letter

NOT_A_MEMBER = "The node that carries this takes no part in the other chain."
REFUSED = "The other chain does not take this now."

log = structlog.get_logger(__name__)


class CourierPlug:
    """See `workflow_engine.ports.Courier`."""

    def __init__(self, chains: Callable[[], ChainAccess], engine: Callable[[], EngineAccess], key: PublicKey) -> None:
        """Plug in event chain and engine, which are made when they are first used, and the node's public system key."""
        self._chains = chains
        self._engine = engine
        self._key = key

    def carry(self, letter: Letter) -> str:
        """See `workflow_engine.ports.Courier`. Whatever was carried before is found, whatever has become of it."""
        chains = self._chains()
        known = chains.submitted(letter.chain, letter.idempotency_key)
        if known is not None:
            return base58.encode(known.hash)
        if chains.identity_of(letter.chain, str(self._key)) is None:
            raise NotCarriedError("not-a-member", NOT_A_MEMBER)
        body = self._body(letter, chains)
        try:
            _, entry = chains.draft(letter.chain, body, self._key)
            self._engine().check(entry)
            event = chains.submit(letter.chain, body, letter.idempotency_key)
        except (InvalidError, ForbiddenError, ConflictError, NotFoundError) as error:
            return self._after_refusal(letter, chains, error)
        return base58.encode(event.hash)

    def _body(self, letter: Letter, chains: ChainAccess) -> Mapping[str, Any]:
        try:
            body = {**letter.body, "origin": chains.cite(letter.source, letter.cause)}
            size = len(canonical_json.encode(body))
        except (InvalidError, NotFoundError) as error:
            raise NotCarriedError("invalid", f"This cannot be carried: {error.message}.") from None
        if size > MAX_DATA:
            raise NotCarriedError(
                "invalid",
                f"The response and the event it cites have {size} bytes together; {MAX_DATA} fit into an event. "
                "Let a smaller event lead to the state from which it is carried.",
            )
        return body

    def _after_refusal(self, letter: Letter, chains: ChainAccess, error: LiveContractError) -> str:
        """Return the event if another copy has just added it, which is why it is refused once more; else say so."""
        known = chains.submitted(letter.chain, letter.idempotency_key)
        if known is not None:
            return base58.encode(known.hash)
        log.info("response not carried", chain=letter.source, destination=letter.chain, reason=str(error))
        raise NotCarriedError("refused", REFUSED) from None
