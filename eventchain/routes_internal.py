"""What the other services of the same node ask of the event chain, over HTTP. The other end is `eventchain.client`.

```
POST /internal/chains/add-all      {"parcels": [{"document", "sender", "submission", "at_end", "may_wait"}]} → {"outcomes": [null | problem]}
POST /internal/chains/submit       {"chain", "body", "submission"} → {"event": event}
POST /internal/chains/submitted    {"chain", "submission"} → {"event": event | null}
POST /internal/chains/cite         {"chain", "hash"} → {"origin": what a body cites it with}
POST /internal/chains/draft        {"chain", "body", "key"} → {"document": what is to be signed, "entry": entry}
POST /internal/chains/admit        {"caller", "document"} → {}
POST /internal/chains/hears        {"document": ask, "sender"} → {"hears": boolean}
POST /internal/chains/answer       {"document": ask, "sender"} → {}
POST /internal/chains/member-of    {"caller", "chain"} → {"identity": id}
POST /internal/chains/identity-of  {"chain", "key"} → {"identity": id | null}
POST /internal/chains/chains-of    {"key"} → {"chains": [id]}
POST /internal/chains/identities   {"chain"} → {"identities": [id]}
POST /internal/chains/is-certain   {"chain", "hash", "when"} → {"certain": boolean}
```

Who may ask is the node's matter: it lets its own services in, and nobody else (`livecontract.internal`).
"""  # noqa: E501  (a table)

from typing import Any

from flask import Blueprint, request

from eventchain import event_json
from eventchain.access import ChainAccess
from eventchain.core import problem, strict_json
from eventchain.core.errors import InvalidError
from eventchain.core.keys import PublicKey
from eventchain.intake import Parcel

MAX_BYTES = 2 * strict_json.MAX_BYTES
"""Of a request: the largest chain document there may be, and what is around it."""

_MAX_DEPTH = strict_json.MAX_DEPTH + 8


def create_blueprint(chains: ChainAccess) -> Blueprint:
    """Return the routes `/internal/chains`."""
    blueprint = Blueprint("internal_chains", __name__, url_prefix="/internal/chains")

    @blueprint.post("/add-all")
    def add_all() -> dict[str, Any]:
        """Add parcels."""
        (parcels,) = _members("parcels")
        outcomes = chains.add_all([_parcel(item) for item in parcels])
        return {"outcomes": [None if outcome is None else problem.to_dict(outcome) for outcome in outcomes]}

    @blueprint.post("/submit")
    def submit() -> dict[str, Any]:
        """Add an event of the node's own."""
        chain, body, submission = _members("chain", "body", "submission")
        return {"event": event_json.to_dict(chains.submit(chain, body, submission))}

    @blueprint.post("/draft")
    def draft() -> dict[str, Any]:
        """Draw up an event for somebody to sign."""
        chain, body, key = _members("chain", "body", "key")
        document, entry = chains.draft(chain, body, PublicKey.parse(key))
        return {"document": document, "entry": entry.to_dict()}

    @blueprint.post("/admit")
    def admit() -> dict[str, Any]:
        """Ask the door."""
        caller, document = _members("caller", "document")
        chains.admit(PublicKey.parse(caller), document)
        return {}

    @blueprint.post("/answer")
    def answer() -> dict[str, Any]:
        """Answer the ask of another node."""
        document, sender = _members("document", "sender")
        chains.answer(document, sender)
        return {}

    _add_questions(blueprint, chains)
    return blueprint


def _add_questions(blueprint: Blueprint, chains: ChainAccess) -> None:
    @blueprint.post("/hears")
    def hears() -> dict[str, Any]:
        """Tell whether an ask concerns this node."""
        document, sender = _members("document", "sender")
        return {"hears": chains.hears(document, sender)}

    @blueprint.post("/submitted")
    def submitted() -> dict[str, Any]:
        """Tell what was signed for something."""
        chain, submission = _members("chain", "submission")
        event = chains.submitted(chain, submission)
        return {"event": None if event is None else event_json.to_dict(event)}

    @blueprint.post("/cite")
    def cite() -> dict[str, Any]:
        """Tell with what an event is cited."""
        chain, hash_ = _members("chain", "hash")
        return {"origin": chains.cite(chain, hash_)}

    @blueprint.post("/member-of")
    def member_of() -> dict[str, Any]:
        """Tell as whom somebody takes part in a chain."""
        caller, chain = _members("caller", "chain")
        return {"identity": chains.member_of(PublicKey.parse(caller), chain)}

    @blueprint.post("/identity-of")
    def identity_of() -> dict[str, Any]:
        """Tell who holds a key."""
        chain, key = _members("chain", "key")
        return {"identity": chains.identity_of(chain, key)}

    @blueprint.post("/chains-of")
    def chains_of() -> dict[str, Any]:
        """Tell where a key takes part."""
        (key,) = _members("key")
        return {"chains": chains.chains_of(key)}

    @blueprint.post("/identities")
    def identities() -> dict[str, Any]:
        """Tell who is on a chain."""
        (chain,) = _members("chain")
        return {"identities": sorted(chains.identities(chain))}

    @blueprint.post("/is-certain")
    def is_certain() -> dict[str, Any]:
        """Tell whether an event is certain enough."""
        chain, hash_, when = _members("chain", "hash", "when")
        return {"certain": chains.is_certain(chain, hash_, when)}


def _members(*names: str) -> list[Any]:
    document = strict_json.parse(request.get_data(cache=False), max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
    if not isinstance(document, dict) or not document.keys() >= set(names):
        raise InvalidError(f"the question should have the members {', '.join(names)}", path="$")
    return [document[name] for name in names]


def _parcel(form: Any) -> Parcel:
    try:
        return Parcel(
            form["document"],
            form["sender"],
            submission=form["submission"],
            at_end=form["at_end"],
            may_wait=form.get("may_wait", False),  # a dispatcher of an older version does not say
        )
    except (KeyError, TypeError):
        raise InvalidError("a parcel has the members document, sender, submission and at_end") from None
