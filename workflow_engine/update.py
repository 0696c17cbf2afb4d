"""How a response changes the projection: selecting, patching, and checking what came out.

Only `actors.<key>…`, `assets.<key>…`, `current.actor…` (whoever acted) and `title` can be written. With `patch`:

- a list gets the value as one more item, whatever the value is;
- an object gets the members of an object as RFC 7396 (JSON Merge Patch) says: null removes a member;
- null changes nothing;
- everything else is replaced.

Without `patch` the place is replaced, and null removes it: a whole asset or actor becomes what it was at the start.
Objects on the way are made; items of lists are not. Then everything that changed is validated against its schema.
"""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from eventchain.core import canonical_json
from workflow_engine.errors import BudgetExceededError, InvalidDataError, InvalidInstructionError, json_path, quote
from workflow_engine.operators import Budget, paths, values
from workflow_engine.operators.budget import MAX_DEPTH, MAX_SIZE
from workflow_engine.process import ACTOR_MEMBERS
from workflow_engine.scenario import ActorDefinition, Scenario
from workflow_engine.schema_keywords import shared_work

LARGE = 65_536
"""Characters and values, as an event can carry: where a response changes more, the whole process is measured."""

MAX_PROJECTION = 4 * MAX_SIZE
"""Characters and values of all assets and actors of a process together."""

COPIED_PER_STEP = 32
"""Items or members that are copied for one step: what is small costs nothing."""

MAX_TITLE = 1024
MAX_IDENTITY = 256
"""Characters of a process's title and of an identity's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What responses can change: the title, the actors and the assets. A new value with every write."""

    title: str | None
    actors: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, Any]


def initial(scenario: Scenario) -> Projection:
    """Return the projection of a process that nobody has touched: the defaults of the schemas, and nothing else."""
    return Projection(
        title=scenario.title,
        actors={key: initial_actor(definition) for key, definition in scenario.actors.items()},
        assets={key: default_of(definition.schema_document) for key, definition in scenario.assets.items()},
    )


def initial_actor(definition: ActorDefinition) -> dict[str, Any]:
    """Return an actor as it is before anybody is bound to it, unless its schema names an identity by default."""
    data = default_of(definition.schema_document)
    actor = {**(data if isinstance(data, dict) else {}), "key": definition.key}
    if definition.title is not None:
        actor.setdefault("title", definition.title)
    identity = read_identity(actor.pop("identity", None), f"$.actors.{definition.key}.identity")
    return actor if identity is None else {**actor, "identity": identity}


def default_of(schema: Any) -> Any:
    """Return what a JSON Schema builds: its `default`, or the defaults below it, an empty list or null."""
    if not isinstance(schema, Mapping):
        return None
    if "default" in schema:
        return schema["default"]
    if schema.get("type") == "array":
        return []
    if schema.get("type") != "object":
        return None
    properties = schema.get("properties")
    built = {}
    for key, item in (properties if isinstance(properties, Mapping) else {}).items():
        value = default_of(item)
        if value or (isinstance(item, Mapping) and "default" in item):
            built[key] = value
    return built


def read_identity(value: Any, path: str) -> dict[str, str] | None:
    """Read who an actor is: an identity's id, an object with it, or null.

    Raises:
        InvalidDataError: It is something else.
    """
    if value is None or value == {}:
        return None
    identity = value.get("id") if isinstance(value, Mapping) else value
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_IDENTITY:
        raise InvalidDataError([(path, "An identity should be given by its id (text).")])
    return {"id": identity}


def target_of(select: str, acting: str, scenario: Scenario) -> tuple[str, ...]:
    """Return the place that an update instruction selects: `("title",)` or a path below `actors` or `assets`.

    Args:
        select: The dot path.
        acting: Key of the actor who gave the response.
        scenario: Knows the actors and assets.

    Raises:
        InvalidInstructionError: Responses cannot change that place.
    """
    place = paths.parse(select)
    if place[:2] == ("current", "actor"):
        place = ("actors", acting, *place[2:])
    if place == ("title",):
        return place
    known: Mapping[str, Any] = {"actors": scenario.actors, "assets": scenario.assets}.get(place[0] if place else "", {})
    if len(place) < 2 or place[1] not in known or (place[0] == "actors" and place[2:3] == ("key",)):
        raise InvalidInstructionError(
            f"a response cannot change {quote(select)}", hint="It can change actors, assets, current.actor and title."
        )
    return place


def write(
    projection: Projection,
    place: tuple[str, ...],
    value: Any,
    *,
    patch: bool,
    scenario: Scenario,
    budget: Budget | None = None,
) -> Projection:
    """Return the projection with a value written at a place that `target_of` gave.

    Args:
        projection: Stays as it is.
        place: What is written to.
        value: What is written.
        patch: Merge it into what is there.
        scenario: Says what actors and assets are at the start.
        budget: Pays for copying the lists and objects on the way; a fresh one when absent.

    Raises:
        BudgetExceededError: They are too large for the steps that are left.
        InvalidInstructionError: The place does not exist and cannot be made.
        InvalidDataError: A title or identity is not one.
    """
    if patch and value is None:
        return projection
    if place == ("title",):
        return _with_title(projection, value)
    kind, key, rest = place[0], place[1], place[2:]
    budget = budget or Budget()
    if kind == "assets":
        asset = _put(projection.assets[key], rest, value, patch=patch, budget=budget)
        if asset is None:
            asset = default_of(scenario.assets[key].schema_document)
        assets = {**projection.assets, key: asset}
        return Projection(title=projection.title, actors=projection.actors, assets=assets)
    actor = _actor(_put(projection.actors[key], rest, value, patch=patch, budget=budget), scenario.actors[key])
    actors = {**projection.actors, key: actor}
    return Projection(title=projection.title, actors=actors, assets=projection.assets)


def _with_title(projection: Projection, value: Any) -> Projection:
    if value is not None and not (isinstance(value, str) and len(value) <= MAX_TITLE):
        raise InvalidDataError([("$.title", f"A title should be text of at most {MAX_TITLE} characters.")])
    return Projection(title=value, actors=projection.actors, assets=projection.assets)


def _actor(value: Any, definition: ActorDefinition) -> Mapping[str, Any]:
    """Keep what the engine needs of an actor, whatever was written."""
    if value is None:
        return initial_actor(definition)
    path = json_path(("actors", definition.key))
    if not isinstance(value, Mapping):
        raise InvalidDataError([(path, "An actor should be an object.")])
    actor = {**value, "key": definition.key}
    if definition.title is not None:
        actor.setdefault("title", definition.title)
    identity = read_identity(actor.pop("identity", None), f"{path}.identity")
    return actor if identity is None else {**actor, "identity": identity}


def _put(target: Any, rest: tuple[str, ...], value: Any, *, patch: bool, budget: Budget) -> Any:
    """Return a copy of a value with something written below it; null where it is removed."""
    if not rest:
        return merge(target, value, budget) if patch else value
    if isinstance(target, (list, dict)):
        budget.spend(len(target) // COPIED_PER_STEP)
    name = rest[0]
    if isinstance(target, list):
        index = paths.item_index(name)
        if index is None or index >= len(target):
            raise InvalidInstructionError(f"the list has no item {quote(name)} to change")
        item = _put(target[index], rest[1:], value, patch=patch, budget=budget)
        return [*target[:index], item, *target[index + 1 :]]
    if target is not None and not isinstance(target, Mapping):
        raise InvalidInstructionError(f"there is nothing below a text or number to change ({quote(name)})")
    members = dict(target or {})
    item = _put(members.get(name), rest[1:], value, patch=patch, budget=budget)
    if item is None:
        members.pop(name, None)
    else:
        members[name] = item
    return members


def merge(target: Any, value: Any, budget: Budget | None = None) -> Any:
    """Return a value with another patched into it (see the module), paid for as in `write`."""
    budget = budget or Budget()
    if isinstance(target, list):
        budget.spend(len(target) // COPIED_PER_STEP)
        return [*target, value]
    return _merge_patch(target, value, budget)


def _merge_patch(target: Any, value: Any, budget: Budget) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(value, Mapping):
        return value
    members = dict(target) if isinstance(target, Mapping) else {}
    budget.spend(len(members) // COPIED_PER_STEP)
    for key, item in value.items():
        if item is None:
            members.pop(key, None)
        else:
            members[key] = _merge_patch(members.get(key), item, budget)
    return members


def validate_changes(before: Projection, after: Projection, scenario: Scenario) -> None:
    """Check the size of what changed, and every actor and asset that changed against its schema.

    Raises:
        InvalidDataError: One does not fit its schema, or all of them together take too much work.
        BudgetExceededError: One is nested too deeply, or the data of the process becomes too large.
    """
    assets = {key: after.assets[key] for key in changed(before.assets, after.assets)}
    actors = {key: after.actors[key] for key in changed(before.actors, after.actors)}
    _check_size((*assets.values(), *actors.values()), after)
    with shared_work() if len(assets) + len(actors) > 1 else nullcontext():
        for key, asset in assets.items():
            scenario.assets[key].schema.validate(asset, ("assets", key))
        for key, actor in actors.items():
            if _is_same(data_of(actor, {}), data_of(before.actors[key], {})):
                continue  # who plays it has changed, or nothing
            definition = scenario.actors[key]
            definition.schema.validate(data_of(actor, definition.schema_document), ("actors", key))


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys of the actors or assets that are other objects than before, in their order."""
    return [] if after is before else sorted([key for key, value in after.items() if value is not before[key]])


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values that were measured are the same JSON: to Python, 1 is true as well."""
    return one == other and canonical_json.encode(one) == canonical_json.encode(other)


def _check_size(written: Iterable[Any], after: Projection) -> None:
    """Measure what changed; where that is much, all data of the process. What is small adds up to little."""
    budget = Budget()
    try:
        for value in written:
            values.measure(value, budget)
        if budget.size < MAX_SIZE - LARGE:
            whole = Budget(MAX_PROJECTION, MAX_PROJECTION)
            for value in (*after.assets.values(), *after.actors.values()):
                values.measure(value, whole)
    except BudgetExceededError as error:
        hint = (
            f"A response changes at most {MAX_SIZE} characters and values, nested {MAX_DEPTH} deep; a process holds "
            f"{MAX_PROJECTION}. Keep what is larger elsewhere, and its hash in the process."
        )
        raise BudgetExceededError(f"the data of the process becomes too large: {error.message}", hint=hint) from None


def data_of(actor: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an actor that its schema describes.

    What the engine keeps itself (key, title, identity) belongs to it only where the schema names it; an identity that
    the schema wants as text is given as its id.
    """
    properties = schema.get("properties")
    named = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    wanted = {*named, *(required if isinstance(required, list) else ())}
    data = {name: item for name, item in actor.items() if name not in ACTOR_MEMBERS or name in wanted}
    form = named.get("identity")
    if "identity" in data and isinstance(form, Mapping) and form.get("type") == "string":
        data["identity"] = data["identity"]["id"]
    return data
