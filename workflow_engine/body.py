"""The bodies of events that the workflow engine takes: processes and responses, of LTO's form and of ours.

```
process   { "$schema", "id"?, "scenario": id | {"id"}, "chain"?: id | {"id"}, "title"?,
            "actors": { key: identity id | {"identity"?: id | {"id"}, …} } | [ {"key", …} ], "assets"?: { key: value } }
sub-process { "$schema", "id", "scenario": id | {"id"}, "chain"?: id | {"id"},
            "parent": { "process", "action", "event" } }
response  { "$schema", "process": id | {"id"}, "action": key | {"key"}, "key"?, "data"?, "actor"?: key | {"key"} }
```

Other members of a process are refused, those starting with `x-` excepted; of a response they are ignored, as LTO's
clients send back what they were shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import InvalidProcessError, InvalidResponseError, json_path, quote
from workflow_engine.process_parts import Parent
from workflow_engine.scenario import Scenario

MAX_ID = 256
"""Characters of an id or key that somebody submits."""

SUB_PROCESS_ID = "sub-process:"
"""How the ids of sub-processes start, and no other: so nobody can take the id of one before it is started."""

_PROCESS_MEMBERS = frozenset({"$schema", "id", "scenario", "chain", "title", "actors", "assets"})
_SUB_PROCESS_MEMBERS = frozenset({"$schema", "id", "scenario", "chain", "parent"})
_PARENT_MEMBERS = frozenset({"process", "action", "event"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessBody:
    """What somebody submits to start a process.

    Attributes:
        id: Its id, or None.
        chain: The chain it says it stands on, or None.
        title: Its title instead of the scenario's, or None.
        actors: What is said of each actor, by key; an identity stands in its `identity` member.
        assets: First values by key.
    """

    id: str | None
    chain: str | None
    title: str | None
    actors: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubProcessBody:
    """What a node submits to start a sub-process.

    Attributes:
        parent: What it is part of.
        id: The id it says it has.
        scenario: The id of the scenario it says it runs.
        chain: The chain it says it stands on, or None.
    """

    parent: Parent
    id: str
    scenario: str
    chain: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseBody:
    """What somebody submits to respond.

    Attributes:
        process: Id of the process.
        action: Key of the action.
        key: Key of the outcome, or None for the default.
        data: Any JSON value; None when there is none.
        actor: Key of the actor the signer says to be, or None.
    """

    process: str
    action: str
    key: str | None
    data: Any
    actor: str | None


def scenario_reference(body: Mapping[str, Any]) -> str:
    """Return the id or name of the scenario that a process body asks for.

    Raises:
        InvalidProcessError: It names none.
    """
    name = _text(body.get("scenario"), "id", "scenario", InvalidProcessError)
    if name is None:
        raise InvalidProcessError("A process needs the id of its scenario.", path="$.scenario")
    return name


def process_reference(body: Mapping[str, Any]) -> str:
    """Return the id of the process that a response body is for.

    Raises:
        InvalidResponseError: It names none.
    """
    name = _text(body.get("process"), "id", "process", InvalidResponseError)
    if name is None:
        raise InvalidResponseError("A response needs the id of its process.", path="$.process")
    return name


def read_process(body: Mapping[str, Any], scenario: Scenario) -> ProcessBody:
    """Read a process body against its scenario.

    Raises:
        InvalidProcessError: It is malformed, or names an actor or asset that the scenario lacks.
    """
    _check_members(body, _PROCESS_MEMBERS, "A process")
    title = body.get("title")
    if title is not None and not (isinstance(title, str) and len(title) <= MAX_ID):
        raise InvalidProcessError(f"A title should be text of at most {MAX_ID} characters.", path="$.title")
    actors = {key: _actor(key, value) for key, value in _keyed(body.get("actors"), "actors").items()}
    assets = _keyed(body.get("assets"), "assets")
    for kind, given, known in (("actor", actors, scenario.actors), ("asset", assets, scenario.assets)):
        for key in sorted(given):
            if key not in known:
                raise InvalidProcessError(
                    f"The scenario has no {kind} {quote(key)}.",
                    path=json_path((f"{kind}s", key)),
                    hint=f"It has {', '.join(quote(name) for name in sorted(known)[:8]) or 'none'}.",
                )
    id_ = _text(body.get("id"), "id", "id", InvalidProcessError)
    if id_ is not None and id_.startswith(SUB_PROCESS_ID):
        raise InvalidProcessError(
            f"Only sub-processes have ids that start with {SUB_PROCESS_ID}", path="$.id", hint="Choose another id."
        )
    return ProcessBody(
        id=id_,
        chain=_text(body.get("chain"), "id", "chain", InvalidProcessError),
        title=title,
        actors=actors,
        assets=assets,
    )


def read_sub_process(body: Mapping[str, Any]) -> SubProcessBody:
    """Read the body that starts a sub-process.

    Raises:
        InvalidProcessError: It is malformed.
    """
    _check_members(body, _SUB_PROCESS_MEMBERS, "A sub-process")
    parent = body["parent"]
    if not isinstance(parent, dict) or parent.keys() != _PARENT_MEMBERS:
        raise InvalidProcessError("A parent is an object with process, action and event.", path="$.parent")
    named = {name: _required(parent[name], ("parent", name)) for name in sorted(_PARENT_MEMBERS)}
    id_ = _text(body.get("id"), "id", "id", InvalidProcessError)
    if id_ is None:
        raise InvalidProcessError("A sub-process needs its id.", path="$.id")
    return SubProcessBody(
        parent=Parent(**named),
        id=id_,
        scenario=scenario_reference(body),
        chain=_text(body.get("chain"), "id", "chain", InvalidProcessError),
    )


def read_response(body: Mapping[str, Any]) -> ResponseBody:
    """Read a response body.

    Raises:
        InvalidResponseError: It is malformed.
    """
    action = _text(body.get("action"), "key", "action", InvalidResponseError)
    if action is None:
        raise InvalidResponseError("A response needs the key of its action.", path="$.action")
    return ResponseBody(
        process=process_reference(body),
        action=action,
        key=_text(body.get("key"), None, "key", InvalidResponseError),
        data=body.get("data"),
        actor=_text(body.get("actor"), "key", "actor", InvalidResponseError),
    )


def _check_members(body: Mapping[str, Any], known: frozenset[str], what: str) -> None:
    for name in sorted(body):
        if name not in known and not name.startswith("x-"):
            raise InvalidProcessError(f"{what} has no member {quote(name)}.", path=json_path((name,)))


def _required(value: Any, path: tuple[str, ...]) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise InvalidProcessError(f"This should be text of 1 to {MAX_ID} characters.", path=json_path(path))
    return value


def _text(
    value: Any, member: str | None, name: str, error: type[InvalidProcessError] | type[InvalidResponseError]
) -> str | None:
    """Return a text, or the text in an object's member; None when absent."""
    if isinstance(value, str) and 0 < len(value) <= MAX_ID:
        return value
    path: tuple[str, ...] = (name,)
    if member is not None and isinstance(value, dict):
        value, path = value.get(member), (name, member)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise error(f"This should be text of 1 to {MAX_ID} characters.", path=json_path(path))
    return value


def _keyed(value: Any, name: str) -> dict[str, Any]:
    """Read a collection by key: an object, or a list of objects with a `key`."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        raise InvalidProcessError(f"The {name} should be an object.", path=json_path((name,)))
    found: dict[str, Any] = {}
    for index, item in enumerate(value):
        key = item.get("key") if isinstance(item, dict) else None
        if not isinstance(key, str) or key in found:
            raise InvalidProcessError(f'Each of the {name} needs a "key" of its own.', path=json_path((name, index)))
        found[key] = {member: part for member, part in item.items() if member != "key"}
    return found


def _actor(key: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"identity": value}
    if not isinstance(value, dict):
        raise InvalidProcessError("An actor is given by its identity or an object.", path=json_path(("actors", key)))
    if value.get("key", key) != key:
        raise InvalidProcessError('The "key" inside differs from the actor\'s.', path=json_path(("actors", key, "key")))
    return {name: item for name, item in value.items() if name != "key"}
