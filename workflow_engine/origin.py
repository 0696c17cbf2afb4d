"""What an action takes from another chain: a response that cites the signed event it comes from (paper section 13.1).

```
"accepts": { "chain": id, "process"?: id, "action"?: key, "signer"?: key | [key …], "verbatim"?: boolean }
```

An action with `accepts` is answered from elsewhere alone. The event that the response cites was verified when it came
(`eventchain.citation`). Here it is compared with what the action declares, as it was evaluated when the state was
entered: the chain it is said to come from; the process and the action that its body names; who signed it (public keys,
base58). With `verbatim` the data of the response is, word for word, that of the event. What is declared and has no
value yet takes nothing. Each event is taken once by an action in a process, and in all runs of a sub-process together,
so that nothing is replayed, and no two chains answer each other without a new event.

Pure and consensus-critical, like the machine. That a citing node told the truth about the *chain* cannot be seen here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.entry import Entry, Origin
from workflow_engine.body import MAX_ID
from workflow_engine.errors import InvalidResponseError, quote
from workflow_engine.process import LTO_PROCESS, LTO_RESPONSE, OWN_PROCESS, OWN_RESPONSE, Process
from workflow_engine.scenario import Action

_RESPONSES = frozenset({OWN_RESPONSE, LTO_RESPONSE, LTO_RESPONSE.removesuffix("#")})
_PROCESSES = frozenset({OWN_PROCESS, LTO_PROCESS, LTO_PROCESS.removesuffix("#")})


def check_origin(process: Process, action: Action, entry: Entry, earlier: Iterable[Process] = ()) -> None:
    """Check that a response to an action comes from where the action says.

    Args:
        process: Before the response.
        action: An action of it that is available.
        entry: The event of the response.
        earlier: The earlier runs of a sub-process, looked at only where something is taken.

    Raises:
        InvalidResponseError: It cites nothing, or something else than is accepted, or what was taken before, or cites
            although the action takes nothing from elsewhere.
    """
    origin = entry.origin
    if action.accepts is None:
        if origin is not None:
            raise InvalidResponseError(
                f"The action {quote(action.key)} takes nothing from another chain.", path="$.origin"
            )
        return
    if origin is None:
        raise InvalidResponseError(
            f"The action {quote(action.key)} is answered from another chain, with the event there as origin.",
            path="$.origin",
            hint="A node of a party of both chains carries it, by an event action with a chain.",
        )
    accepts = process.current.actions[action.key].get("accepts")
    reason = _difference(origin, accepts if isinstance(accepts, Mapping) else {}, entry.body.get("data"))
    if reason is not None:
        raise InvalidResponseError(f"The action {quote(action.key)} does not take this: {reason}.", path="$.origin")
    if any(_has_taken(run, action.key, origin.hash) for run in (process, *earlier)):
        raise InvalidResponseError(
            f"The action {quote(action.key)} has taken this event before.", path="$.origin.event", hint="It is done."
        )


def shown(origin: Origin) -> dict[str, Any]:
    """Return what the scenario and the history see of where a response came from.

    `{ chain, event, timestamp, signer, identity?, process?, action? }`; the identity is that which holds the signer's
    key on the own chain, if there is one.
    """
    form = {
        "chain": origin.chain,
        "event": origin.hash,
        "timestamp": origin.timestamp,
        "signer": origin.signer,
        "identity": origin.identity,
        "process": process_of(origin),
        "action": action_of(origin),
    }
    return {name: value for name, value in form.items() if value is not None}


def retold(form: Mapping[str, Any], data: Any) -> Origin:
    """Return the origin that `shown` told of, where the event itself is not at hand; `data` is what was taken."""
    is_response = "action" in form
    body = (
        {"$schema": OWN_RESPONSE, "process": form.get("process"), "action": form["action"], "data": data}
        if is_response
        else {"$schema": OWN_PROCESS, "id": form.get("process")}
    )
    return Origin(
        chain=form["chain"],
        hash=form["event"],
        timestamp=form["timestamp"],
        signer=form["signer"],
        identity=form.get("identity"),
        body=body,
    )


def process_of(origin: Origin) -> str | None:
    """Return the id of the process that an event is about: one that it is a response in, or that it starts."""
    if _is_of(origin, _RESPONSES):
        return _text(origin.body.get("process"), "id")
    if _is_of(origin, _PROCESSES):
        return _text(origin.body.get("id"), "id") or origin.hash
    return None


def action_of(origin: Origin) -> str | None:
    """Return the key of the action that an event responds to, or None."""
    return _text(origin.body.get("action"), "key") if _is_of(origin, _RESPONSES) else None


def _difference(origin: Origin, accepts: Mapping[str, Any], data: Any) -> str | None:
    """Return what is not as it is accepted, or None."""
    if origin.chain != accepts.get("chain"):
        return "it comes from another chain"
    for name, found in (("process", process_of(origin)), ("action", action_of(origin))):
        if name in accepts and (found is None or found != accepts[name]):
            return f"it comes from another {name}"
    if "signer" in accepts and origin.signer not in _texts(accepts["signer"]):
        return "somebody else signed the event"
    if "verbatim" in accepts and accepts["verbatim"] is not False and not _is_same(origin, data):
        return "its data is not word for word that of the event"
    return None


def _is_same(origin: Origin, data: Any) -> bool:
    if not _is_of(origin, _RESPONSES):
        return False
    return canonical_json.encode(origin.body.get("data")) == canonical_json.encode(data)


def _is_of(origin: Origin, schemas: frozenset[str]) -> bool:
    schema = origin.body.get("$schema")
    return isinstance(schema, str) and schema in schemas


def _has_taken(process: Process, action: str, event: str) -> bool:
    return any(given["action"]["key"] == action and _event_of(given) == event for given in process.previous)


def _event_of(given: Mapping[str, Any]) -> Any:
    return given.get("origin", {}).get("event")


def _text(value: Any, member: str) -> str | None:
    """Return a text, or the text in an object's member, as bodies are read (`workflow_engine.body`)."""
    if isinstance(value, Mapping):
        value = value.get(member)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID else None


def _texts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
