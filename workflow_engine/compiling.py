"""From a document to a scenario (`workflow_engine.scenario`), ready to be run.

`load` takes a document of either dialect, refuses it with all its problems, and compiles it; `compile_scenario` takes a
normal form that was checked before.
"""

from collections.abc import Mapping
from typing import Any, cast

from workflow_engine import schema
from workflow_engine.action_kinds import action_kind
from workflow_engine.checks import check
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.normalise import OWN_SCENARIO, normalise, scenario_id
from workflow_engine.scenario import (
    Action,
    ActionKind,
    ActorDefinition,
    AssetDefinition,
    AvailableResponse,
    Scenario,
    State,
    Transition,
    UpdateInstruction,
)
from workflow_engine.schedule import compile_schedule

_ACTION_MEMBERS = frozenset(
    {
        "$schema", "title", "label", "description", "actors", "condition", "responses", "default_response",
        "determine_response", "priority", "system", "performative", "context", "when",
    }
)  # fmt: skip


def load(document: Any) -> Scenario:
    """Read, check and compile a scenario.

    Raises:
        InvalidScenarioError: It has problems of severity `error`; the error carries all of them.
    """
    errors = [problem for problem in check(document).problems if problem.severity == "error"]
    if errors:
        raise InvalidScenarioError(errors)
    return compile_scenario(normalise(document))


def compile_scenario(form: Mapping[str, Any]) -> Scenario:
    """Compile a normal form that was checked before; use `load` for everything else.

    Raises:
        InvalidSchemaError: One of its JSON Schemas is not accepted.
    """
    own = form["$schema"] == OWN_SCENARIO
    return Scenario(
        id=scenario_id(form),
        name=form["id"],
        title=form["title"],
        description=form["description"],
        actors={key: _actor(key, item, own=own) for key, item in form["actors"].items()},
        actions={key: _action(key, item, own=own) for key, item in form["actions"].items()},
        allow_actions=tuple(form["allow_actions"]),
        states={key: _state(key, item) for key, item in form["states"].items()},
        assets={key: _asset(key, item) for key, item in form["assets"].items()},
        definitions=form["definitions"],
        scenarios={key: compile_scenario(item) for key, item in (form["scenarios"] if own else {}).items()},
        normal_form=form,
    )


def _actor(key: str, form: Mapping[str, Any], *, own: bool) -> ActorDefinition:
    return ActorDefinition(
        key=key,
        title=_title(form, "title"),
        description=_title(form, "description"),
        priority=form["priority"] if own else 0,
        schema=schema.compile_schema(form),
        schema_document=form,
    )


def _asset(key: str, form: Mapping[str, Any]) -> AssetDefinition:
    return AssetDefinition(
        key=key,
        title=_title(form, "title"),
        description=_title(form, "description"),
        schema=schema.compile_schema(form),
        schema_document=form,
    )


def _title(form: Mapping[str, Any], name: str) -> str | None:
    text = form.get(name)
    return text if isinstance(text, str) else None


def _action(key: str, form: Mapping[str, Any], *, own: bool) -> Action:
    """Compile an action; the members that only our dialect has mean nothing in the other."""
    kind = cast("ActionKind", action_kind(form["$schema"]))
    is_system = form["system"] if own else kind != "manual"
    actors, context = form["actors"], form["context"] if own else None
    members = _ACTION_MEMBERS | {"schedule"} if own else _ACTION_MEMBERS
    return Action(
        key=key,
        schema=form["$schema"],
        kind=kind,
        is_system=is_system,
        title=form["title"],
        label=form["label"],
        description=form["description"],
        actors=tuple(actors) if isinstance(actors, list) else actors,
        condition=form["condition"],
        responses={name: _response(name, item, own=own) for name, item in form["responses"].items()},
        default_response=form["default_response"],
        determine_response=form["determine_response"],
        priority=form["priority"] if own else 0,
        is_performative=form["performative"] if own else not is_system,
        context=None if context is None else tuple(context),
        when=form["when"] if own else "immediately",
        schedule=compile_schedule(form.get("schedule")) if own else None,
        accepts=form.get("accepts") if own else None,
        properties={name: item for name, item in form.items() if name not in members and item is not None},
    )


def _response(key: str, form: Mapping[str, Any], *, own: bool) -> AvailableResponse:
    document = form["schema"] if own else None
    return AvailableResponse(
        key=key,
        title=form["title"],
        display=form["display"],
        update=tuple(
            UpdateInstruction(
                select=item["select"], patch=item["patch"], data=item["data"], projection=item["projection"]
            )
            for item in form["update"]
        ),
        schema=None if document is None else schema.compile_schema(document),
        schema_document=document,
        ui_schema=form["ui_schema"] if own else None,
    )


def _state(key: str, form: Mapping[str, Any]) -> State:
    return State(
        key=key,
        title=form["title"],
        description=form["description"],
        instructions=form["instructions"],
        actions=tuple(form["actions"]),
        transitions=tuple(
            Transition(
                action=item["action"],
                response=item["response"],
                condition=item["condition"],
                target=item["transition"],
            )
            for item in form["transitions"]
        ),
        timeout=form["timeout"],
        display=form["display"],
    )
