"""An event for somebody else to sign: what a person needs of it, and the entry it would be. Pure."""

import base64
from collections.abc import Mapping
from typing import Any

from eventchain import event as events
from eventchain import event_json
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json
from eventchain.core.entry import Entry
from eventchain.core.keys import PublicKey
from eventchain.tip import Tip


def draft(tip: Tip, body: Mapping[str, Any], key: PublicKey, now: int) -> tuple[dict[str, Any], Entry]:
    """Return what somebody has to sign for an event at the end of a chain, and the entry the event would be.

    The node holds no key of a person: with the signature over `signed`, the event is posted to `/event-chains`.

    Args:
        tip: The end of the chain.
        body: The event's JSON object.
        key: Whose event it is.
        now: Milliseconds since 1970.

    Raises:
        LiveContractError: The holder of the key may not add it. What the workflow engine says of it, that one knows.
    """
    data = canonical_json.encode(dict(body))
    event = events.unsigned(previous=tip.hash, key=key, timestamp=now, data=data)
    advanced, entry = tip.advance(event)
    document = event_json.to_dict(event)
    del document["signature"]
    stub = EventChain(tip.chain, (), Stub(tip.hash, tip.state)).to_dict()["events"][0]
    prepared = {
        "chain": str(tip.chain),
        "stub": stub,
        "event": document,
        "signed": "base64:" + base64.b64encode(event.signed).decode("ascii"),
        "state": base58.encode(advanced.state),
    }
    return prepared, entry
