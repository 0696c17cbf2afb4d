import dataclasses

import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidDataError, InvalidScenarioError
from workflow_engine.normalise import LTO_SCENARIO, OWN_SCENARIO, normalise, scenario_id


def minimal(**members):
    return {
        "$schema": OWN_SCENARIO,
        "actors": {"a": {"title": "A", "priority": 3}},
        "actions": {"go": {"actor": "a"}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
        **members,
    }


def action(**members):
    return load(minimal(actions={"go": {"actor": "a", **members}})).actions["go"]


def test_id_names_the_normal_form_and_name_is_the_documents_own():
    scenario = load(minimal(id="mine", title="Mine"))
    assert scenario.id == scenario_id(normalise(minimal(id="mine", title="Mine")))
    assert (scenario.name, scenario.title) == ("mine", "Mine")
    assert scenario.normal_form == normalise(minimal(id="mine", title="Mine"))
    assert load(minimal()).name is None


def test_loading_the_normal_form_gives_the_same_scenario():
    for name in scenarios.names():
        scenario = load(scenarios.load(name))
        assert load(scenario.normal_form).id == scenario.id


def test_everything_is_frozen():
    scenario = load(minimal())
    for part in (scenario, scenario.actions["go"], scenario.states["initial"], scenario.actors["a"]):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, dataclasses.fields(part)[0].name, "x")


def test_actor_and_asset_carry_validators():
    scenario = load(minimal(assets={"price": {"title": "Price", "type": "integer", "minimum": 0}, "x": {}}))
    assert (scenario.actors["a"].title, scenario.actors["a"].priority) == ("A", 3)
    assert scenario.assets["price"].title == "Price"
    scenario.assets["price"].schema.validate(3)
    with pytest.raises(InvalidDataError):
        scenario.assets["price"].schema.validate(-1)
    with pytest.raises(InvalidDataError):
        scenario.assets["x"].schema.validate("no object")


def test_response_schema_is_a_validator_and_a_document():
    form = {"type": "object", "required": ["x"]}
    response = action(responses={"ok": {"schema": form, "ui_schema": {"x": 1}}}).responses["ok"]
    assert response.schema_document["required"] == ["x"]
    assert response.ui_schema == {"x": 1}
    with pytest.raises(InvalidDataError):
        response.schema.validate({})
    assert action().responses["ok"].schema is None
    assert action(responses={"ok": {"schema": False}}).responses["ok"].schema_document is False


def test_update_instructions_in_order():
    updates = action(update=["title", {"select": "actors.a", "patch": False, "data": {"x": 1}, "projection": "x"}])
    first, second = updates.responses["ok"].update
    assert (first.select, first.patch, first.data, first.projection) == ("title", True, None, None)
    assert (second.select, second.patch, second.data, second.projection) == ("actors.a", False, {"x": 1}, "x")


def test_data_instructions_stay_data():
    condition = {"<eval>": "current.actor.key == 'a'"}
    found = action(condition=condition, title={"<tpl>": "{{title}}"}, actors={"<ref>": "assets"}, actor=None)
    assert found.condition == condition
    assert found.title == {"<tpl>": "{{title}}"}
    assert found.actors == {"<ref>": "assets"}


def test_kinds_and_their_properties():
    call = action(
        **{"$schema": "urn:livecontract:action:http"},
        url="https://example.com",
        method=None,
        responses={"ok": {}, "error": {}},
    )
    assert (call.kind, call.is_system, call.is_performative) == ("http", True, False)
    assert call.properties == {"url": "https://example.com"}
    manual = action(**{"x-color": "red"}, priority=7, context=["assets"], when="settled")
    assert (manual.kind, manual.is_system, manual.is_performative) == ("manual", False, True)
    assert (manual.priority, manual.context, manual.when) == (7, ("assets",), "settled")
    assert manual.properties == {"x-color": "red"}
    assert action(system=True).is_system
    assert not action(performative=False).is_performative


def test_members_of_our_dialect_mean_nothing_in_lto():
    document = minimal(
        **{"$schema": LTO_SCENARIO},
        actions={"go": {"actor": "a", "priority": 9, "system": True, "responses": {"ok": {"schema": False}}}},
        scenarios={"sub": 3},
    )
    scenario = load(document)
    go = scenario.actions["go"]
    assert (go.priority, go.is_system, go.is_performative, go.context) == (0, False, True, None)
    assert go.responses["ok"].schema is None
    assert scenario.actors["a"].priority == 0
    assert scenario.scenarios == {}


def test_lto_kinds():
    schema = "https://specs.livecontracts.io/v0.2.0/action/nop/schema.json#"
    document = minimal(
        **{"$schema": LTO_SCENARIO}, actions={"go": {"$schema": schema, "actor": "a", "trigger_response": "ok"}}
    )
    go = load(document).actions["go"]
    assert (go.kind, go.is_system, go.properties) == ("nop", True, {"trigger_response": "ok"})


def test_actions_of_a_state_are_its_own_then_those_allowed_everywhere():
    scenario = load(
        minimal(
            actions={"go": {"actor": "a"}, "talk": {"actor": "a"}, "stop": {"actor": "a"}},
            allow_actions=["talk", "go"],
            states={
                "initial": {"actions": ["stop", "go"], "transition": "waiting"},
                "waiting": {"timeout": "P1D", "transitions": [{"action": ":timeout", "transition": "ended"}]},
                "ended": {"title": "Ended"},
            },
        )
    )
    assert scenario.action_keys("initial") == ("stop", "go", "talk")
    assert scenario.action_keys("waiting") == ("talk", "go")
    assert scenario.action_keys("ended") == ()
    assert scenario.action_keys(":success") == ()


def test_final_states():
    scenario = load(minimal(states={"initial": {"action": "go", "transition": "ended"}, "ended": {}}))
    finals = {key for key, state in scenario.states.items() if state.is_final}
    assert finals == {"ended", ":success", ":failed", ":cancelled"}


def test_sub_scenarios_are_loaded_too():
    scenario = load(minimal(scenarios={"sub": minimal(title="Sub")}))
    assert scenario.scenarios["sub"].id == load(minimal(title="Sub")).id


def test_all_problems_are_carried():
    with pytest.raises(InvalidScenarioError) as caught:
        load(minimal(actions={"go": {"actor": "b", "update": "assets.x"}}))
    assert [problem.rule for problem in caught.value.problems] == ["unknown-actor", "update-target"]
    assert caught.value.path == "$.actions.go.actor"
    assert "1 more" in str(caught.value)


def test_warnings_do_not_refuse():
    assert load(minimal(assets={"unused": {}})).assets


def test_scenario_of_lto_plays_in_short_and_full_form():
    """Two parties say their names, in either order; each once: the idioms of LTO's tutorials."""
    role = {"$schema": "http://json-schema.org/schema#", "type": "object", "properties": {"name": {"type": "string"}}}
    document = {
        "$schema": LTO_SCENARIO,
        "title": "Names",
        "actors": {"host": {**role, "title": "Host"}, "guest": {**role, "title": "Guest"}},
        "actions": {
            "introduce": {
                "actors": ["host", "guest"],
                "condition": {"<eval>": "current.actor.name == null"},
                "update": "current.actor",
            }
        },
        "states": {
            "initial": {
                "action": "introduce",
                "timeout": "P1D",
                "transitions": [
                    {
                        "transition": ":success",
                        "condition": {"<eval>": "actors.host.name != null && actors.guest.name != null"},
                    }
                ],
            }
        },
    }
    responses = [
        {"actor": "guest", "action": "introduce", "data": {"name": "Gus"}},
        {"actor": "host", "action": "introduce", "data": {"name": "Hanna"}},
    ]
    assert [problem.rule for problem in check(document).problems] == ["timeout-without-transition"]
    for form in (document, normalise(document)):
        half = simulate.run(form, responses[:1])
        assert (half["state"], half["actions"]) == ("initial", {"introduce": ["host"]})
        whole = simulate.run(form, responses)
        assert whole["state"] == ":success"
        assert [whole["actors"][key]["name"] for key in ("host", "guest")] == ["Hanna", "Gus"]
