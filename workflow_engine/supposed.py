"""What another chain is supposed to have said, where there is none: in a simulation, an exploration, a test. Pure.

Nobody there says where a response comes from, and every node would ask. So each response to an action that accepts
something from elsewhere is taken to come from where it should, word for word, by a new event; a step may say otherwise.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core.entry import Origin
from workflow_engine.errors import InvalidResponseError
from workflow_engine.process import OWN_RESPONSE, Process

_SOMETHING = {"process": "process-elsewhere", "action": "act", "signer": "signer-elsewhere"}
"""What stands where the action leaves it open."""

_SAID = frozenset({"chain", "process", "action", "signer", "event", "data"})


def origin_of(
    process: Process, action_key: Any, data: Any, moment: int, said: Mapping[str, Any] | None = None
) -> Origin | None:
    """Return where a response is supposed to come from; None where the action takes nothing, or nothing yet.

    Args:
        process: As it stands before the response.
        action_key: What it responds to.
        data: Its data.
        moment: When it is given, in milliseconds since 1970.
        said: What is otherwise than accepted: texts `chain`, `process`, `action`, `signer`, `event`, and `data`.

    Raises:
        InvalidResponseError: What is said is none of this.
    """
    accepts = _accepts(process, action_key)
    if accepts is None and said is None:
        return None
    found = {**_SOMETHING, "event": f"event-elsewhere-{len(process.previous)}", "data": data}
    found |= {name: _first(value) for name, value in (accepts or {}).items() if name in _SAID}
    found |= _read(said) if said is not None else {}
    if not all(isinstance(found.get(name), str) for name in _SAID - {"data"}):
        return None
    body = {"$schema": OWN_RESPONSE, **{name: found[name] for name in ("process", "action", "data")}}
    return Origin(
        chain=found["chain"],
        hash=found["event"],
        timestamp=moment,
        signer=found["signer"],
        identity=None,
        body=body,
    )


def said_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `origin` with which a response of the history is given again in a simulation, or nothing."""
    origin = given.get("origin")
    return {} if origin is None else {"origin": {name: origin[name] for name in sorted(_SAID & origin.keys())}}


def _accepts(process: Process, action_key: Any) -> Mapping[str, Any] | None:
    action = process.scenario.actions.get(action_key) if isinstance(action_key, str) else None
    if action is None or action.accepts is None or action_key not in process.current.actions:
        return None
    accepts = process.current.actions[action_key].get("accepts")
    return accepts if isinstance(accepts, Mapping) else {}


def _first(value: Any) -> Any:
    """Return one of the signers that are accepted."""
    return value[0] if isinstance(value, list) and value else value


def _read(said: Any) -> Mapping[str, Any]:
    if not isinstance(said, Mapping) or said.keys() - _SAID:
        raise InvalidResponseError(f"An origin is an object with {', '.join(sorted(_SAID))}.", path="$.origin")
    for name, value in said.items():
        if name != "data" and not isinstance(value, str):
            raise InvalidResponseError("This should be text.", path=f"$.origin.{name}")
    return said
