"""Citations: the body of an event may cite a signed event of another chain (paper section 13.1). Pure.

```
"origin": { "$schema": "urn:livecontract:origin:1", "chain": id, "event": the event in JSON, as LTO clients write it }
```

Every node verifies what it cites, wherever it stands: the hash is that of the event, and its sign key signed it. An
event with a false citation is refused, so that none is ever on a chain. That the event stands on the chain that is
named cannot be told from it alone: an event names the one before it, and no chain. An evidence file of that chain
tells.

Chains of the native format (V2) are cited. What the cited event cites itself is not followed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from eventchain import event_json
from eventchain.chain import EventChain, Problem
from eventchain.core import base58
from eventchain.core.entry import ORIGIN_SCHEMA, Origin
from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId, Generation
from eventchain.errors import InvalidEventError
from eventchain.event import Event
from eventchain.identity import Identities

ORIGIN = "origin"

_MEMBERS = frozenset({"$schema", "chain", "event"})


def cite(chain: ChainId, event: Event) -> dict[str, Any]:
    """Return the `origin` of a body that cites an event.

    Raises:
        InvalidEventError: The chain is of an older format.
    """
    _check_generation(chain)
    return {"$schema": ORIGIN_SCHEMA, "chain": str(chain), "event": event_json.to_dict(event)}


def read(body: Mapping[str, Any], identities: Identities) -> Origin | None:
    """Return the event that a body cites, verified, or None where it cites none.

    Args:
        body: Of the event that cites.
        identities: Of the chain it stands on, at its place.

    Raises:
        InvalidEventError: The citation is malformed, or hash or signature are not those of what it holds.
        InvalidEncodingError, InvalidIdError, InvalidKeyError: A value in it is none.
    """
    origin = body.get(ORIGIN)
    if not isinstance(origin, Mapping) or origin.get("$schema") != ORIGIN_SCHEMA:
        return None  # everything else of that name means nothing here
    if unknown := origin.keys() - _MEMBERS:
        raise InvalidEventError(f"a citation has no member {min(unknown)[:64]}", check="citation", path="$.origin")
    chain = ChainId.parse(origin.get("chain"), path="$.origin.chain")
    _check_generation(chain)
    event = event_json.read_event(origin.get("event"), Generation.V2, path="$.origin.event")
    cited = _verified(event)
    signer = str(event.sign_key)
    holder = identities.holder(signer)
    return Origin(
        chain=str(chain),
        hash=base58.encode(event.hash),
        timestamp=event.timestamp,
        signer=signer,
        identity=None if holder is None else holder.id,
        body=cited,
    )


def _verified(event: Event) -> dict[str, Any]:
    """Return the body of a cited event whose hash and signature are right."""
    try:
        event.verify_hash()
        event.verify_signature()
        return event.body()
    except InvalidEventError as error:
        message = f"the event that is cited is none that was signed: {error.message}"
        raise InvalidEventError(message, check=error.check, path="$.origin.event") from None


def find_problems(chain: EventChain) -> Iterator[Problem]:
    """Yield the events of a chain, or of a part of it, whose citation is false."""
    for event in chain.events:
        try:
            body = event.body()
        except InvalidEventError:
            continue  # another check says so
        try:
            read(body, Identities())
        except InvalidError as error:
            yield Problem(base58.encode(event.hash), "citation", error.message)


def _check_generation(chain: ChainId) -> None:
    if chain.generation is not Generation.V2:
        raise InvalidEventError("only events of V2 chains can be cited", check="citation", path="$.origin.chain")
