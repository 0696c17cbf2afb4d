"""Actions whose doing is an identity event: changing, removing and inviting again somebody else (paper section 6.2).

```
urn:livecontract:action:identity   { "identity": id, "change": { "node"?, "signkeys"?, "encryptkey"?, … } }
                                   { "identity": id, "remove": true }
urn:livecontract:action:reinvite   { "identity": id, "email", "name", "contract"? }
```

Such an action is done by one event, which changes the identity and is the response `ok` in one: nothing lies between
the two, and what was done once is not done again. Its body is what every node makes of the instantiated action:

```
identity   { "$schema", "id", "process", "action", …change }
           { "$schema", "id", "process", "action", "node": null, "signkeys": {}, "encryptkey": null }     to remove
reinvite   { "$schema", "id", "process", "action", "name", "node": null, "signkeys": { "one-time": any key },
             "encryptkey": null }
```

*Whose identity.* The signer's own, a new one, or that of somebody who has agreed to the scenario: who started the
process, or did something binding in it, with a person's key (`Process.signatories`). Anybody on a chain can start a
process and say who plays in it; that alone gives power over nobody.

Any other response of such an action (`error`) is a response like all others. Pure and consensus-critical.
"""

from collections.abc import Mapping
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.entry import OTHER, Entry, action_named
from workflow_engine.acting import available_action
from workflow_engine.action_kinds import DONE_BY_IDENTITY_EVENT
from workflow_engine.body import MAX_ID, ResponseBody
from workflow_engine.checks.identities import DONE, FIXED
from workflow_engine.errors import ActorNotAllowedError, InvalidInstructionError, InvalidResponseError, json_path, quote
from workflow_engine.process import Process

LTO_IDENTITY = "https://specs.livecontracts.io/v0.2.0/identity/schema.json#"
ONE_TIME_KEY = "one-time"

_REMOVED: Mapping[str, Any] = {"node": None, "signkeys": {}, "encryptkey": None}


def body_of(process: Process, action: str, one_time_key: str = "") -> dict[str, Any]:
    """Return the body of the event that does an available action.

    Args:
        process: Where the action is available.
        action: Its key; it is of one of the kinds `DONE_BY_IDENTITY_EVENT`.
        one_time_key: Of an action that invites again, the public key (base58), which nobody knows beforehand.

    Raises:
        InvalidInstructionError: The action does not say whose identity is changed, or how.
    """
    instance = process.current.actions[action]
    place = json_path(("actions", action))
    identity = _text(instance, "identity", place)
    fixed = {"$schema": LTO_IDENTITY, "id": identity, "process": process.id, "action": action}
    if process.scenario.actions[action].kind == "reinvite":
        keys = {ONE_TIME_KEY: one_time_key}
        return {**fixed, **_REMOVED, "name": _text(instance, "name", place), "signkeys": keys}
    change, removes = instance.get("change"), instance.get("remove")
    if (change is None) == (removes is not True):
        raise InvalidInstructionError("the action should either change an identity or remove it", path=place)
    if change is None:
        return {**fixed, **_REMOVED}
    if not isinstance(change, dict) or not change or any(name in change for name in FIXED):
        raise InvalidInstructionError(
            f"the change should be an object with members of an identity, without {', '.join(FIXED)}",
            path=f"{place}.change",
        )
    return {**fixed, **change}


def response_of(process: Process, entry: Entry) -> ResponseBody:
    """Return the response that an identity event is.

    Raises:
        InvalidResponseError: It names no action, one that is not done like this, or is not what the action makes.
        ActionNotAvailableError: The action is not available in the present state.
        ActorNotAllowedError: It changes somebody who has not agreed to the scenario.
        InvalidInstructionError: The action does not say whose identity is changed, or how.
    """
    named = action_named(entry.body)
    if named is None or named[0] != process.id:
        raise InvalidResponseError("The event names no process and action that it belongs to.", path="$.process")
    key = named[1]
    given = ResponseBody(process=process.id, action=key, key=DONE, data=None, actor=None)
    action = available_action(process, given)
    if action.kind not in DONE_BY_IDENTITY_EVENT:
        raise InvalidResponseError(f"The action {quote(key)} changes no identity.", path="$.action")
    expected = body_of(process, key, _one_time_key(entry.body) if action.kind == "reinvite" else "")
    for name in sorted({*expected, *entry.body}):
        if name not in expected or name not in entry.body or not _same(entry.body[name], expected[name]):
            raise InvalidResponseError(
                f"The event is not what the action {quote(key)} does.",
                path=json_path((name,)),
                hint="Its content follows from the process, member by member.",
            )
    identity = expected["id"]
    if entry.identity_change == OTHER and identity not in process.signatories:
        raise ActorNotAllowedError(
            f"The identity {quote(identity)} has signed nothing binding in this process.",
            path="$.id",
            hint="An action changes only who has agreed to the scenario by starting the process or acting in it.",
        )
    data = {name: expected[name] for name in ("name",) if action.kind == "reinvite"}
    return ResponseBody(process=process.id, action=key, key=DONE, data={"identity": identity, **data}, actor=None)


def check_outcome(before: Process, after: Process, entry: Entry) -> None:
    """Check that what a response says of an identity was done: the identity event alone is the response `ok`.

    Args:
        before: The process before the response.
        after: The process after it.
        entry: The event of the response.

    Raises:
        InvalidResponseError: A plain response says that an identity was changed; or one was, and the outcome differs.
    """
    given = after.previous[-1]
    action = before.scenario.actions.get(str(given["action"]["key"]))
    if action is None or action.kind not in DONE_BY_IDENTITY_EVENT or (given["key"] == DONE) == entry.does_action:
        return
    raise InvalidResponseError(
        f"The action {quote(action.key)} is done, and {quote(DONE)}, by the event that changes the identity alone.",
        path="$.key",
        hint='A response of its own tells what went wrong, as "error".',
    )


def _text(instance: Mapping[str, Any], name: str, place: str) -> str:
    value = instance.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise InvalidInstructionError(f"{name} should be text of 1 to {MAX_ID} characters", path=f"{place}.{name}")
    return value


def _one_time_key(body: Mapping[str, Any]) -> str:
    """Return the one key that the event gives; what is no such key differs from what the action makes."""
    keys = body.get("signkeys")
    key = keys.get(ONE_TIME_KEY) if isinstance(keys, Mapping) else None
    return key if isinstance(key, str) else ""


def _same(one: Any, other: Any) -> bool:
    return canonical_json.encode(one) == canonical_json.encode(other)
