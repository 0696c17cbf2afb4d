"""What is not translated is refused with the element, its line and the reason; nothing is guessed."""

import re
from typing import Any

import pytest

from workflow_engine.exchange.bpmn_elements import REASONS
from workflow_engine.exchange.bpmn_import import bpmn_to_scenario
from workflow_engine.exchange.errors import InvalidBpmnError

from .pencil import FAIL, LANGUAGE, TERMINATE, Pencil, line, timer


def refusal(xml: bytes | str) -> InvalidBpmnError:
    with pytest.raises(InvalidBpmnError) as caught:
        bpmn_to_scenario(xml if isinstance(xml, bytes) else xml.encode())
    return caught.value


def assert_refused(xml: bytes | str, words: str) -> InvalidBpmnError:
    error = refusal(xml)
    assert words in error.message
    assert re.fullmatch(r"line \d+", error.path or "")
    return error


def drawn(element: str, inside: str = "", **attributes: str) -> str:
    """Start, a user task, a node, end."""
    pencil = line("userTask", element)
    text = pencil.xml().decode()
    given = "".join(f' {name.replace("__", ":")}="{value}"' for name, value in attributes.items())
    return text.replace('name="B">', f'name="B"{given}>{inside}')


@pytest.mark.parametrize(
    "element",
    [
        "inclusiveGateway", "complexGateway", "subProcess", "adHocSubProcess", "transaction", "callActivity",
        "sendTask", "scriptTask", "businessRuleTask", "intermediateThrowEvent",
    ],
)  # fmt: skip
def test_element_outside_the_subset_is_named_with_its_reason(element: str) -> None:
    error = assert_refused(drawn(element), REASONS[element])
    assert '"B" (b)' in error.message
    assert error.problems[0].path == error.path == "line 8"


@pytest.mark.parametrize(
    "inside", ["multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "potentialOwner"]
)
def test_addition_to_a_task_that_changes_what_it_means_is_refused(inside: str) -> None:
    assert_refused(drawn("userTask", f"<bpmn:{inside}/>"), REASONS[inside])


@pytest.mark.parametrize(
    "definition",
    ["messageEventDefinition", "signalEventDefinition", "conditionalEventDefinition", "linkEventDefinition"],
)
def test_event_that_is_no_timer_is_refused(definition: str) -> None:
    assert_refused(drawn("intermediateCatchEvent", f"<bpmn:{definition}/>"), REASONS[definition])


def test_start_by_a_message_and_end_with_a_message_are_refused() -> None:
    for event in ("startEvent", "endEvent"):
        text = line("userTask").xml().decode()
        text = re.sub(rf'(<bpmn:{event} id="\w+">)', r"\1<bpmn:messageEventDefinition/>", text)
        assert_refused(text, "a scenario knows responses only")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"isForCompensation": "true"}, "no compensation"),
        ({"startQuantity": "2"}, "takes one token"),
        ({"completionQuantity": "2"}, "gives one token"),
        ({"lc__acton": "go"}, "lc:acton means nothing on userTask. There are lc:action"),
        ({"lc__final": "x"}, "lc:final means nothing on userTask"),
        ({"default": "f2"}, "only exclusive gateways can"),
    ],
)
def test_attribute_that_changes_what_a_task_means_is_refused(attributes: dict[str, str], words: str) -> None:
    assert_refused(drawn("userTask", **attributes), words)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("", "has no trigger"),
        ("<bpmn:timerEventDefinition/>", "has no timeDuration"),
        (timer("two weeks"), "is not a duration"),
        (timer("${days}"), "is not a duration"),
        (timer().replace("timeDuration", "timeDate"), "has a timeDate"),
        (timer().replace("timeDuration", "timeCycle"), "has a timeCycle"),
        (timer() + timer(), "several triggers"),
    ],
)
def test_timer_without_a_duration_is_refused(inside: str, words: str) -> None:
    assert_refused(drawn("intermediateCatchEvent", inside), words)


def decided(condition: str, *, language: str = LANGUAGE, default: bool = True) -> str:
    pencil = line("userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway", **({"default": "otherwise"} if default else {}))
    pencil.flow("a", gateway)
    pencil.flow(gateway, "e", id="otherwise")
    pencil.flow(gateway, pencil.node("endEvent", inside=FAIL), condition=condition)
    return pencil.xml().decode().replace(LANGUAGE, language)


@pytest.mark.parametrize("condition", ["${approved}", "approved == true", "=amount > 5"])
def test_condition_in_the_language_of_an_engine_is_refused_and_says_what_to_write(condition: str) -> None:
    error = assert_refused(decided(condition, language="http://www.w3.org/1999/XPath"), "in no language of ours")
    assert LANGUAGE in error.message


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("a ==", "syntax error"),
        ('{"a": 1}', "without an operator"),
        ('{"<eval>": 1,}', "cannot be read"),
        ('{"<unknown>": 1}', "unknown-operator"),
        ("assets.nothing", "There is no asset"),
    ],
)
def test_condition_that_cannot_be_evaluated_is_refused(condition: str, words: str) -> None:
    error = refusal(decided(condition))
    assert words in error.message or words == "unknown-operator"


def test_gateway_without_a_default_flow_is_refused() -> None:
    assert_refused(decided("title", default=False), "has no default flow")


def test_flow_without_name_and_condition_behind_a_task_is_refused() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway")
    pencil.flow("a", gateway)
    pencil.flow(gateway, "e", name="Yes")
    pencil.flow(gateway, pencil.node("endEvent", inside=FAIL))
    assert_refused(pencil.xml(), "has neither a name nor a condition")


def test_gateway_of_responses_that_two_tasks_lead_to_is_refused() -> None:
    pencil = line("userTask", "userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway")
    pencil.flow("b", gateway)
    event = pencil.node("boundaryEvent", attachedToRef="a", inside=timer())
    pencil.flow(event, gateway)
    pencil.flow(gateway, "e", name="Yes")
    pencil.flow(gateway, pencil.node("endEvent", inside=FAIL), name="No")
    assert_refused(pencil.xml(), "not directly behind one task")


def test_two_flows_of_one_name_are_refused() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway")
    pencil.flow("a", gateway)
    pencil.flow(gateway, "e", name="Yes")
    pencil.flow(gateway, pencil.node("endEvent", inside=FAIL), name="yes!")
    assert_refused(pencil.xml(), "the same name as another flow")


def test_conditions_listed_in_another_order_than_they_stand_in_are_refused() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    listed = "".join(f"<bpmn:outgoing>{flow}</bpmn:outgoing>" for flow in ("two", "one", "d"))
    gateway = pencil.node("exclusiveGateway", default="d", inside=listed)
    pencil.flow("a", gateway)
    pencil.flow(gateway, "e", id="d")
    for key in ("one", "two"):
        pencil.flow(gateway, pencil.node("endEvent", inside=FAIL), id=key, condition="title")
    assert_refused(pencil.xml(), "in another order")


def test_service_task_has_to_say_what_a_node_does_and_what_follows_a_failure() -> None:
    assert_refused(line("serviceTask").xml(), "does not say what a node does")
    action = {"call": {"$schema": "urn:livecontract:action:http", "url": "https://example.org"}}
    text = line("serviceTask").xml({"actions": action}).decode()
    assert_refused(text.replace('name="A"', 'lc:action="call"'), "put an error event on its border")


def test_task_of_a_person_cannot_stand_for_what_a_node_does() -> None:
    text = line("userTask").xml({"actions": {"wait": {"$schema": "urn:livecontract:action:nop"}}}).decode()
    assert_refused(text.replace('name="A"', 'lc:action="wait"'), "draw a service task")


def test_task_in_the_lane_of_somebody_who_may_not_do_it_is_refused() -> None:
    scenario = {"actors": {"other": {}}, "actions": {"go": {"actors": ["other"]}}}
    text = line("userTask").xml(scenario).decode().replace('name="A"', 'lc:action="go"')
    assert_refused(text, 'is in the lane of "person", whom lc:scenario does not let do it')


def side_by_side(
    inside: str = "", element: str = "userTask", scenario: dict[str, Any] | None = None, **more: str
) -> bytes:
    pencil = Pencil()
    fork, join = pencil.node("parallelGateway"), pencil.node("parallelGateway")
    one, two = pencil.node("userTask", "One"), pencil.node(element, "Two", inside=inside, **more)
    pencil.flow(pencil.node("startEvent"), fork)
    for task in (one, two):
        pencil.flow(fork, task)
        pencil.flow(task, join)
    pencil.flow(join, pencil.node("endEvent"))
    return pencil.xml(scenario)


def test_deadline_beside_another_branch_is_refused_because_it_would_start_anew() -> None:
    assert_refused(side_by_side(timer(), "intermediateCatchEvent"), "A state has one deadline")


def test_call_beside_another_branch_is_refused_because_it_would_be_made_twice() -> None:
    actions = {
        "call": {"$schema": "urn:livecontract:action:http", "url": "https://example.org", "responses": {"ok": {}}}
    }
    xml = side_by_side(element="serviceTask", scenario={"actions": actions}, lc__action="call")
    assert_refused(xml, "a node would do it again")


def test_one_action_twice_at_once_is_refused() -> None:
    text = side_by_side(lc__action="same").decode().replace('name="One"', 'name="Two" lc:action="same"')
    assert_refused(text, 'stands for the action "same" while')


def changed(pencil: Pencil, old: str, new: str) -> str:
    text = pencil.xml().decode()
    assert old in text
    return text.replace(old, new)


TASK = '<bpmn:userTask id="x" name="X"/>'
PROCESS = '<bpmn:process id="P">'
MESSAGE = '<bpmn:collaboration id="c"><bpmn:messageFlow id="m"/></bpmn:collaboration>'
OWN = "<bpmn:extensionElements><lc:scenario>{}</lc:scenario></bpmn:extensionElements>"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('<bpmn:startEvent id="s"></bpmn:startEvent>', '<bpmn:manualTask id="s"/>', "has no start event"),
        ("<bpmn:laneSet>", '<bpmn:startEvent id="s2"/><bpmn:laneSet>', "is a second start"),
        ("<bpmn:laneSet>", f"{TASK}<bpmn:laneSet>", "no sequence flow leads to it"),
        ('sourceRef="a" targetRef="b"', 'sourceRef="s" targetRef="b"', "leads nowhere"),
        ('targetRef="e"', 'targetRef="s"', "cannot be reached by a sequence flow"),
        ('targetRef="e"', 'targetRef="nothing"', 'tied to "nothing"'),
        ('id="b"', 'id="a"', "has an id that another node has"),
        ('<bpmn:userTask id="b"', "<bpmn:userTask", "has no id"),
        ('<bpmn:sequenceFlow id="f1"', "<bpmn:sequenceFlow", "needs an id of its own"),
        ('name="Person"', "", "A lane needs a name"),
        ("<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", "", "is in no lane"),
        (PROCESS, f'<bpmn:process id="Q"/>{PROCESS}', "holds 2 processes"),
        (PROCESS, MESSAGE + PROCESS, "messages between pools"),
        (PROCESS, f'<bpmn:extension mustUnderstand="true"/>{PROCESS}', "must be understood"),
        (PROCESS, f'<bpmn:choreography id="c"/>{PROCESS}', "only processes are read"),
        ('name="B">', f'name="B">{OWN}', "lc:scenario means nothing here"),
        ('sourceRef="a"', 'lc:response="yes" sourceRef="a"', "names a response"),
        ('sourceRef="a"', 'lc:stays="true" sourceRef="a"', "does not lead back"),
        ('sourceRef="a"', 'lc:stays="yes" sourceRef="a"', "no value that is known"),
        ('<bpmn:endEvent id="e"', '<bpmn:endEvent id="e" lc:final="initial"', "the first state"),
    ],
)  # fmt: skip
def test_drawing_that_does_not_fit_together_is_refused(old: str, new: str, words: str) -> None:
    assert words in refusal(changed(line("userTask", "userTask"), old, new)).message


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ({"actions": []}, "an object of objects"),
        ({"actors": {"person": "me"}}, "an object of objects"),
        ({"states": {"a": {"actions": ["a"]}}}, "actions and transitions are drawn"),
        ({"allow_actions": ["a"]}, "cannot allow actions in every state"),
        ({"states": {"initail": {"title": "A"}}}, 'Did you mean "initial"?'),
        ({"unknown": 1}, 'has no member "unknown"'),
        ({"assets": {"x": {"type": "nonsense"}}}, "$.assets.x.type"),
    ],
)
def test_scenario_member_that_does_not_fit_is_refused(scenario: dict[str, Any], words: str) -> None:
    assert words in refusal(line("userTask").xml(scenario)).message


def test_responses_of_the_scenario_member_have_to_be_those_of_the_drawing() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    gateway = pencil.node("exclusiveGateway")
    pencil.flow("a", gateway)
    for name in ("yes", "no"):
        pencil.flow(gateway, pencil.node("endEvent"), name=name)
    text = pencil.xml({"actions": {"a": {"responses": {"yes": {}}}}}).decode().replace('name="A"', 'lc:action="a"')
    text = text.replace('<bpmn:endEvent id="e"></bpmn:endEvent>', "")
    assert_refused(text, "other responses in lc:scenario than in the drawing")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("exclusiveGateway", "nothing is known that a gateway could decide by"),
        ("endEvent", "ends before anybody does something"),
    ],
)
def test_what_happens_before_the_first_task_is_refused(before: str, words: str) -> None:
    pencil = Pencil()
    gateway = pencil.node("exclusiveGateway", default="d")
    pencil.flow(pencil.node("startEvent"), gateway)
    task = pencil.node("userTask" if before == "exclusiveGateway" else "exclusiveGateway")
    pencil.flow(gateway, task, id="d")
    pencil.flow(task, pencil.node("endEvent"))
    if before == "exclusiveGateway":
        pencil.flow(gateway, pencil.node("endEvent"), condition="title")
    assert_refused(pencil.xml(), words)


def test_gateways_alone_in_a_circle_are_refused() -> None:
    pencil = line("userTask")
    pencil.flows.pop()
    one, two = pencil.node("exclusiveGateway"), pencil.node("exclusiveGateway", default="out")
    pencil.flow("a", one)
    pencil.flow(one, two)
    pencil.flow(two, one, condition="title")
    pencil.flow(two, "e", id="out")
    assert_refused(pencil.xml(), "in a circle of gateways without a task")


def test_nodes_acting_for_ever_among_themselves_are_refused() -> None:
    pencil = Pencil()
    merge, task = pencil.node("exclusiveGateway"), pencil.task("again", "done", element="serviceTask")
    gateway, event = pencil.node("exclusiveGateway"), pencil.node("boundaryEvent", attachedToRef=task, inside=FAIL)
    pencil.flow(pencil.node("startEvent"), merge)
    pencil.flow(merge, task)
    pencil.flow(task, gateway)
    pencil.flow(event, pencil.node("endEvent", inside=TERMINATE))
    pencil.flow(gateway, merge, name="again")
    pencil.flow(gateway, pencil.node("endEvent"), name="done")
    assert "System actions alone lead in a circle" in refusal(pencil.with_flag()).message


def test_everything_that_is_wrong_is_listed() -> None:
    pencil = line("subProcess", "scriptTask", "callActivity")
    error = refusal(pencil.xml())
    assert [problem.path for problem in error.problems] == ["line 7", "line 8", "line 9"]
    assert "It is not alone:" in (error.hint or "")
