"""What the other services of the same node ask of the workflow engine, over HTTP. The other end is `client`.

```
POST /internal/engine/head        {"chain"} → {"head": hash | null}
POST /internal/engine/apply       {"entries": [entry]} → {"outcomes": [null | problem]}
POST /internal/engine/check       {"entry"} → {}
POST /internal/engine/forget      {"chain"} → {}
POST /internal/engine/rehearse    {"entries": [entry]} → {}
POST /internal/engine/due         {"chain", "identities": [id]} → {"due": [system action]}
POST /internal/engine/overdue     {"chain", "identities": [id]} → {"due": [system action]}
POST /internal/engine/perform     {"due": system action} → {"body": response body | null}
POST /internal/engine/standings   {"chain"} → {"standings": [[process, state, hash]]}
POST /internal/engine/projection  {"chain"} → {"projection"}
```

An entry is the JSON form of `eventchain.core.entry.Entry`. Who may ask is the node's matter: it lets its own services
in, and nobody else (`livecontract.internal`).
"""

from typing import Any

from flask import Blueprint, request

from eventchain.core import problem, strict_json
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine.engine import EngineAccess

MAX_BYTES = 64 * 1024 * 1024
"""Of a request: a whole branch is rehearsed in one."""

_MAX_DEPTH = strict_json.MAX_DEPTH + 8


def create_blueprint(engine: EngineAccess) -> Blueprint:
    """Return the routes `/internal/engine`."""
    blueprint = Blueprint("internal_engine", __name__, url_prefix="/internal/engine")
    _add_steps(blueprint, engine)
    _add_questions(blueprint, engine)
    return blueprint


def _add_steps(blueprint: Blueprint, engine: EngineAccess) -> None:
    @blueprint.post("/apply")
    def apply() -> dict[str, Any]:
        """Apply entries."""
        (entries,) = _members("entries")
        outcomes = engine.apply_all([_entry(form) for form in entries])
        return {"outcomes": [None if outcome is None else problem.to_dict(outcome) for outcome in outcomes]}

    @blueprint.post("/check")
    def check() -> dict[str, Any]:
        """Check an entry."""
        (entry,) = _members("entry")
        engine.check(_entry(entry))
        return {}

    @blueprint.post("/forget")
    def forget() -> dict[str, Any]:
        """Forget a chain."""
        (chain,) = _members("chain")
        engine.forget(chain)
        return {}

    @blueprint.post("/rehearse")
    def rehearse() -> dict[str, Any]:
        """Try a branch."""
        (entries,) = _members("entries")
        engine.rehearse([_entry(form) for form in entries])
        return {}

    @blueprint.post("/perform")
    def perform() -> dict[str, Any]:
        """Run a system action."""
        (due,) = _members("due")
        return {"body": engine.perform(due)}


def _add_questions(blueprint: Blueprint, engine: EngineAccess) -> None:
    @blueprint.post("/head")
    def head() -> dict[str, Any]:
        """Tell the last entry of a chain."""
        (chain,) = _members("chain")
        return {"head": engine.head(chain)}

    @blueprint.post("/due")
    def due() -> dict[str, Any]:
        """Tell what waits."""
        chain, identities = _members("chain", "identities")
        return {"due": [dict(item) for item in engine.due(chain, identities)]}

    @blueprint.post("/overdue")
    def overdue() -> dict[str, Any]:
        """Tell which timeouts are over."""
        chain, identities = _members("chain", "identities")
        return {"due": [dict(item) for item in engine.overdue(chain, identities)]}

    @blueprint.post("/standings")
    def standings() -> dict[str, Any]:
        """Tell where the processes of a chain stand."""
        (chain,) = _members("chain")
        return {"standings": [list(item) for item in engine.standings(chain)]}

    @blueprint.post("/projection")
    def projection() -> dict[str, Any]:
        """Tell what a chain comes to."""
        (chain,) = _members("chain")
        return {"projection": engine.projection(chain)}


def _members(*names: str) -> list[Any]:
    document = strict_json.parse(request.get_data(cache=False), max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
    if not isinstance(document, dict) or not document.keys() >= set(names):
        raise InvalidError(f"the question should have the members {', '.join(names)}", path="$")
    return [document[name] for name in names]


def _entry(form: Any) -> Entry:
    try:
        return Entry.from_dict(form)
    except (KeyError, TypeError):
        raise InvalidError("an entry has other members") from None
