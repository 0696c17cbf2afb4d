"""What BPMN means as a scenario."""

from pathlib import Path
from typing import Any

import pytest

from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.exchange.bpmn_import import bpmn_to_scenario

from .pencil import FAIL, LANGUAGE, TERMINATE, Pencil, line, timer

FILES = Path(__file__).parent / "files"

ORDER: dict[str, Any] = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "Process_1",
    "actors": {"buyer": {"title": "Buyer"}, "seller": {"title": "Seller"}},
    "actions": {
        "order_the_goods": {
            "title": "Order the goods",
            "description": "Say what you want to have.",
            "actors": ["buyer"],
            "responses": {"ok": {}},
        },
        "judge_the_order": {
            "title": "Judge the order",
            "actors": ["seller"],
            "responses": {
                "no": {"title": "No"},
                "yes": {"title": "Yes"},
                "change_it_please": {"title": "Change it, please!"},
            },
            "default_response": "yes",
        },
        "pay": {"title": "Pay", "actors": ["buyer"], "responses": {"ok": {}}},
        "deliver": {"title": "Deliver", "actors": ["seller"], "responses": {"ok": {}}},
    },
    "states": {
        "initial": {
            "title": "Order the goods",
            "actions": ["order_the_goods"],
            "transitions": [{"action": "order_the_goods", "transition": "judge_the_order"}],
        },
        "judge_the_order": {
            "title": "Judge the order",
            "timeout": "P14D",
            "actions": ["judge_the_order"],
            "transitions": [
                {"action": "judge_the_order", "response": "no", "transition": ":failed"},
                {"action": "judge_the_order", "response": "yes", "transition": "pay+deliver"},
                {"action": "judge_the_order", "response": "change_it_please", "transition": "initial"},
                {"action": ":timeout", "transition": ":failed"},
            ],
        },
        "pay+deliver": {
            "title": "Pay / Deliver",
            "actions": ["pay", "deliver"],
            "transitions": [
                {"action": "pay", "transition": "deliver"},
                {"action": "deliver", "transition": "pay"},
            ],
        },
        "pay": {"title": "Pay", "actions": ["pay"], "transitions": [{"action": "pay", "transition": ":success"}]},
        "deliver": {
            "title": "Deliver",
            "actions": ["deliver"],
            "transitions": [{"action": "deliver", "transition": ":success"}],
        },
        ":success": {"title": "Sold"},
        ":failed": {"title": "Not sold"},
    },
}


def test_file_of_an_editor_with_pools_lanes_and_layout_becomes_a_scenario() -> None:
    assert bpmn_to_scenario((FILES / "order.bpmn").read_bytes()) == ORDER


def test_scenario_of_a_drawing_has_nothing_that_the_passive_tests_find() -> None:
    for name in ("order.bpmn", "claim.bpmn"):
        assert check(bpmn_to_scenario((FILES / name).read_bytes())).problems == ()


def test_same_file_gives_the_same_scenario() -> None:
    data = (FILES / "claim.bpmn").read_bytes()
    assert bpmn_to_scenario(data) == bpmn_to_scenario(data)


def test_order_can_be_played_to_its_end() -> None:
    steps = [("buyer", "order_the_goods"), ("seller", "judge_the_order"), ("seller", "deliver"), ("buyer", "pay")]
    responses = [{"actor": actor, "action": action} for actor, action in steps]
    assert simulate.run(ORDER, responses)["state"] == ":success"


def test_process_of_an_engine_keeps_data_and_calls_of_its_scenario_member() -> None:
    scenario = bpmn_to_scenario((FILES / "claim.bpmn").read_bytes())
    assert scenario["description"] == "A claim of an insured person."
    assert scenario["actions"]["claim"] == {
        "title": "Claim",
        "label": "Send the claim",
        "actors": ["insured_person"],
        "responses": {"ok": {"update": "assets.claim"}},
    }
    assert scenario["actions"]["register"]["responses"] == {"ok": {}, "error": {}}
    decision = [
        {"condition": {"<eval>": "assets.claim.amount < `100`"}, "transition": ":success"},
        {"transition": "decide"},
    ]
    assert scenario["states"]["register"]["transitions"] == [
        *({"action": "register", "response": "ok", **item} for item in decision),
        {"action": "register", "response": "error", "transition": "register_by_hand"},
    ]
    claimed = {"actor": "insured_person", "action": "claim", "data": {"amount": 70}}
    registered = {"actor": "insurer", "action": "register"}
    assert simulate.run(scenario, [claimed, registered])["state"] == ":success"
    large = {**claimed, "data": {"amount": 700}}
    assert simulate.run(scenario, [large, registered])["state"] == "decide"


@pytest.mark.parametrize(
    ("inside", "attributes", "state"),
    [
        ("", {}, ":success"),
        (TERMINATE, {}, ":success"),
        (FAIL, {}, ":failed"),
        (TERMINATE, {"lc__final": ":cancelled"}, ":cancelled"),
        ("", {"lc__final": "on_hold"}, "on_hold"),
    ],
)
def test_end_event_says_how_the_process_ends(inside: str, attributes: dict[str, str], state: str) -> None:
    pencil = Pencil()
    task = pencil.node("userTask", "Go", id="go")
    pencil.flow(pencil.node("startEvent"), task)
    pencil.flow(task, pencil.node("endEvent", "Over", inside=inside, **attributes))
    scenario = bpmn_to_scenario(pencil.xml())
    assert scenario["states"]["initial"]["transitions"] == [{"action": "go", "transition": state}]
    assert scenario["states"][state] == {"title": "Over"}
    assert simulate.run(scenario, [{"actor": "person", "action": "go"}])["finished"]


def test_conditions_are_tried_in_the_order_of_the_file_and_the_default_last() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway", default="otherwise")
    pencil.flow("a", gateway)
    pencil.flow(gateway, "e", id="otherwise")
    for number in (1, 2, 3):
        pencil.flow(
            gateway,
            pencil.node("endEvent", inside=TERMINATE, lc__final=f"end{number}"),
            condition=f"title == '{number}'",
        )
    transitions = bpmn_to_scenario(pencil.xml())["states"]["initial"]["transitions"]
    assert [item["transition"] for item in transitions] == ["end1", "end2", "end3", ":success"]
    assert [item.get("condition") for item in transitions] == [{"<eval>": f"title == '{n}'"} for n in (1, 2, 3)] + [
        None
    ]


def test_conditions_one_after_the_other_have_to_hold_together() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    outer, inner = (pencil.node("exclusiveGateway", default=f"d{number}") for number in (1, 2))
    pencil.flow("a", outer)
    pencil.flow(outer, inner, condition="title == 'x' || title == 'y'")
    pencil.flow(outer, "e", id="d1")
    pencil.flow(inner, pencil.node("endEvent", inside=FAIL), condition="id")
    pencil.flow(inner, "e", id="d2")
    transitions = bpmn_to_scenario(pencil.xml())["states"]["initial"]["transitions"]
    assert [item.get("condition", {}).get("<eval>") for item in transitions] == [
        "(title == 'x' || title == 'y') && (id)",
        "title == 'x' || title == 'y'",
        None,
    ]


def test_pool_without_lanes_is_the_only_actor() -> None:
    pencil = line("userTask")
    pencil.lanes = False
    pool = '<bpmn:collaboration id="c"><bpmn:participant id="p" name="Notary" processRef="P"/></bpmn:collaboration>'
    text = pencil.xml().decode().replace("<bpmn:process", f"{pool}<bpmn:process")
    assert bpmn_to_scenario(text.encode())["actors"] == {"notary": {"title": "Notary"}}


def test_pool_is_no_actor_where_the_scenario_member_names_all_of_them() -> None:
    pencil = line("userTask")
    pencil.lanes = False
    pool = '<bpmn:collaboration id="c"><bpmn:participant id="p" name="Notary" processRef="P"/></bpmn:collaboration>'
    text = pencil.xml({"actors": {"clerk": {}}, "actions": {"go": {"actor": "clerk"}}}).decode()
    text = text.replace("<bpmn:process", f"{pool}<bpmn:process").replace('name="A"', 'lc:action="go"')
    scenario = bpmn_to_scenario(text.encode())
    assert scenario["actors"] == {"clerk": {}}
    assert scenario["actions"] == {"go": {"actor": "clerk", "responses": {"ok": {}}}}


def test_texts_of_states_are_added_to_what_is_drawn() -> None:
    texts = {"initial": {"instructions": {"person": "Go."}}, ":success": {"title": "Gone"}, ":cancelled": {}}
    states = bpmn_to_scenario(line("userTask").xml({"states": texts}))["states"]
    assert states["initial"] == {
        "title": "A",
        "instructions": {"person": "Go."},
        "actions": ["a"],
        "transitions": [{"action": "a", "transition": ":success"}],
    }
    assert (states[":success"], states[":cancelled"]) == ({"title": "Gone"}, {})


def test_tasks_of_one_name_become_actions_of_different_keys() -> None:
    text = line("userTask", "userTask").xml().decode().replace('name="B"', 'name="a"')
    assert list(bpmn_to_scenario(text.encode())["actions"]) == ["a", "a_2"]


def test_duration_of_a_timer_may_be_an_instruction() -> None:
    text = line("userTask", "intermediateCatchEvent").xml({"definitions": {"days": "P3D"}}).decode()
    instruction = '{"&lt;ref>": "definitions.days"}'
    duration = f'<bpmn:timeDuration language="{LANGUAGE}">{instruction}</bpmn:timeDuration>'
    text = text.replace('name="B">', f'name="B"><bpmn:timerEventDefinition>{duration}</bpmn:timerEventDefinition>')
    assert bpmn_to_scenario(text.encode())["states"]["b"] == {
        "title": "B",
        "timeout": {"<ref>": "definitions.days"},
        "transitions": [{"action": ":timeout", "transition": ":success"}],
    }


def test_waiting_for_other_branches_does_not_keep_a_timer_from_standing_alone() -> None:
    pencil = Pencil()
    start, fork, join = pencil.node("startEvent"), pencil.node("parallelGateway"), pencil.node("parallelGateway")
    task = pencil.node("userTask", "Go")
    pause = pencil.node("intermediateCatchEvent", "Pause", inside=timer())
    for source, target in [(start, fork), (fork, join), (fork, task), (task, pause), (pause, join)]:
        pencil.flow(source, target)
    pencil.flow(join, pencil.node("endEvent"))
    assert bpmn_to_scenario(pencil.xml())["states"]["pause"]["timeout"] == "PT1H"
