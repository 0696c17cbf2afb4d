"""System actions of kind event that give a response on another chain (paper section 13.1).

```
{ "chain": id of the other chain, "body": { "process", "action", "key"?, "data"?, "actor"? } }
```

Only one response goes, and nothing else, so that no scenario makes a node sign what it likes elsewhere. The node puts
in where it comes from: the signed event by which the process came into its present state. What comes of it is `ok` with
`{ chain, events: [hash] }`, or `error` with `{ message, reason }`; the reason is one of `NotCarriedError.REASONS`.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.entry import ORIGIN_SCHEMA
from workflow_engine.checks.crossing import CARRIED
from workflow_engine.errors import NotCarriedError
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.ports import Courier, Letter
from workflow_engine.process import LTO_RESPONSE, OWN_RESPONSE
from workflow_engine.triggers import ERROR, OK, Call, Outcome

_SCHEMAS = (None, OWN_RESPONSE, LTO_RESPONSE, LTO_RESPONSE.removesuffix("#"))


def crosses(call: Call, given: Mapping[str, Any]) -> bool:
    """Tell whether an event action is meant for another chain, be it that the chain is not known yet.

    LTO's dialect has no such member, whatever it calls one.
    """
    if call.process.scenario.normal_form["$schema"] != OWN_SCENARIO:
        return False
    declared = call.step is None and "chain" in call.process.scenario.actions[call.action].properties
    return declared or "chain" in given


def cites(body: Mapping[str, Any]) -> bool:
    """Tell whether a body says that it comes from another chain, which only a courier puts in."""
    origin = body.get("origin")
    return isinstance(origin, Mapping) and origin.get("$schema") == ORIGIN_SCHEMA


def carry(call: Call, given: Mapping[str, Any], courier: Courier | None) -> Outcome:
    """Give the response on the other chain, and return what came of it.

    Raises:
        UnavailableError: Not now.
    """
    chain = given.get("chain", call.instance.get("chain") if call.step is None else None)
    if not isinstance(chain, str) or not chain:
        return _error("invalid", "There is no chain to carry this to.")
    body = _body(given.get("body"))
    if body is None:
        return _error(
            "invalid", f"Only one response goes to another chain, with {', '.join(CARRIED)} and nothing else."
        )
    if courier is None:
        return _error("not-a-member", "This node carries nothing to other chains.")
    process = call.process
    letter = Letter(chain=chain, body=body, source=process.chain, cause=process.current.event, idempotency_key=call.key)
    try:
        event = courier.carry(letter)
    except NotCarriedError as error:
        return _error(error.reason, error.message)
    return Outcome(key=OK, data={"chain": chain, "events": [event]})


def _body(given: Any) -> dict[str, Any] | None:
    """Return the body of the response that is given alone or as the only one of a list, or None where it is none."""
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if not isinstance(given, dict) or given.keys() - {"$schema", *CARRIED} or given.get("$schema") not in _SCHEMAS:
        return None
    found = {name: given[name] for name in CARRIED if given.get(name) is not None}
    is_one = all(isinstance(found.get(name), str) for name in ("process", "action"))
    return {"$schema": OWN_RESPONSE, **found} if is_one else None


def _error(reason: str, message: str) -> Outcome:
    return Outcome(key=ERROR, data={"message": message, "reason": reason})
