"""Mermaid, SCXML, DOT and `transitions` say what the scenario says, and no text of a stranger breaks out of them."""

import html
import json
import re
from typing import Any

import pytest
from defusedxml import ElementTree  # type: ignore[import-untyped]  # it has no types
from hypothesis import given, settings
from hypothesis import strategies as st
from transitions import Machine

from tests.workflow_engine.samples import ORDER
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.exchange.bpmn_export import scenario_to_bpmn
from workflow_engine.exchange.dot import scenario_to_dot
from workflow_engine.exchange.errors import NotExportableError
from workflow_engine.exchange.mermaid import scenario_to_mermaid
from workflow_engine.exchange.moves import label_of, moves_of, reachable_states
from workflow_engine.exchange.names import identifiers, key_of, plain, unique
from workflow_engine.exchange.scxml import SCXML, scenario_to_scxml
from workflow_engine.exchange.transitions import scenario_to_transitions
from workflow_engine.operators import holds
from workflow_engine.process import context_of
from workflow_engine.scenario import TIMEOUT, Scenario

from .machines import SCENARIOS, moves
from .texts import NASTY, nasty_scenario

WRITERS = [scenario_to_mermaid, scenario_to_dot, scenario_to_scxml, scenario_to_transitions]


@pytest.mark.parametrize("write", WRITERS)
def test_same_scenario_gives_the_same_bytes(write: Any) -> None:
    assert write(load(ORDER)) == write(load(json.loads(json.dumps(ORDER, sort_keys=True))))


def everything_everywhere() -> dict[str, Any]:
    """A scenario of some 30 KB with a million moves."""
    responses = {f"r{number}": {} for number in range(20)}
    actions = {f"a{number}": {"actor": "x", "default_response": "r0", "responses": responses} for number in range(70)}
    states = {f"s{number}": {"transition": f"s{number + 1}"} for number in range(250)}
    states = {**states, "initial": {"transition": "s0"}, "s250": {}}
    document = {"$schema": ORDER["$schema"], "actors": {"x": {}}, "actions": actions}
    return {**document, "allow_actions": list(actions), "states": states}


def everything_in_one_state() -> dict[str, Any]:
    """A scenario in which many conditions are tried after each of many responses."""
    responses = {f"r{number}": {} for number in range(30)}
    actions = {f"a{number}": {"actor": "x", "default_response": "r0", "responses": responses} for number in range(20)}
    moves = [{"condition": {"<eval>": f"title == '{number}'"}, "transition": ":success"} for number in range(600)]
    state = {"actions": list(actions), "transitions": moves}
    return {"$schema": ORDER["$schema"], "actors": {"x": {}}, "actions": actions, "states": {"initial": state}}


@pytest.mark.parametrize("write", [*WRITERS, scenario_to_bpmn])
@pytest.mark.parametrize("document", [everything_everywhere(), everything_in_one_state()], ids=["everywhere", "in one"])
def test_small_scenario_with_a_million_moves_is_not_drawn(write: Any, document: dict[str, Any]) -> None:
    with pytest.raises(NotExportableError, match="in more than 10000 ways"):
        write(load(document))


def labels(scenario: Scenario) -> list[str]:
    """What has to be written on the arrows, in their order."""
    return [
        plain(label_of(scenario, move) + ("" if move.target else " (stays)"))
        for key in reachable_states(scenario)
        for move in moves_of(scenario, scenario.states[key])
        if move.target is not None or not move.is_timeout
    ]


def titles(scenario: Scenario) -> list[str]:
    states = [scenario.states[key] for key in reachable_states(scenario)]
    return [plain(str(state.title) if state.title and state.title.split() else state.key) for state in states]  # type: ignore[union-attr]  # texts here


# --- Mermaid ----------------------------------------------------------------------------------------------------------

MERMAID = re.compile(
    r'stateDiagram-v2|  \[\*\] --> s0|  s\d+ --> \[\*\]|  state "(?P<title>[\w #;]*)" as s\d+'
    r"|  s\d+ --> s\d+ : (?P<label>[\w #;]*)"
)


def unescaped(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


@pytest.mark.parametrize("text", NASTY)
def test_mermaid_shows_every_text_and_nothing_but_lines_of_its_own(text: str) -> None:
    scenario = load(nasty_scenario(text))
    found = [MERMAID.fullmatch(line) for line in scenario_to_mermaid(scenario).removesuffix("\n").split("\n")]
    assert None not in found
    assert [unescaped(item["title"]) for item in found if item and item["title"] is not None] == titles(scenario)
    assert [unescaped(item["label"]) for item in found if item and item["label"] is not None] == labels(scenario)


def test_mermaid_of_an_order() -> None:
    assert scenario_to_mermaid(load(ORDER)).splitlines()[:8] == [
        "stateDiagram-v2",
        '  state "initial" as s0',
        '  state "signing" as s1',
        '  state "notifying" as s2',
        '  state "#58;cancelled" as s3',
        '  state "#58;failed" as s4',
        '  state "#58;success" as s5',
        "  [*] --> s0",
    ]


# --- DOT --------------------------------------------------------------------------------------------------------------

QUOTED = r'"((?:[^"\\\n]|\\.)*)"'
DOT = re.compile(
    rf"digraph {QUOTED} \{{|  rankdir=LR;|  (?:node|edge|start) \[[\w=, .\"-]*\];|  start -> s0;|\}}"
    rf"|  s\d+ \[label={QUOTED}(?:, peripheries=2)?\];|  s\d+ -> s\d+ \[label={QUOTED}(, style=dashed)?\];"
)


def unquoted(text: str) -> str:
    assert re.fullmatch(r'(?:[^\\]|\\\\|\\")*', text)
    return html.unescape(re.sub(r"\\(.)", r"\1", text))


@pytest.mark.parametrize("text", NASTY)
def test_dot_shows_every_text_and_nothing_but_statements_of_its_own(text: str) -> None:
    scenario = load(nasty_scenario(text))
    found = [DOT.fullmatch(line) for line in scenario_to_dot(scenario).removesuffix("\n").split("\n")]
    assert None not in found
    assert [unquoted(item[2]) for item in found if item and item[2] is not None] == titles(scenario)
    shown = [unquoted(item[3]) + (" (stays)" if item[4] else "") for item in found if item and item[3] is not None]
    assert [text for text in shown if len(text) < 190] == [text for text in labels(scenario) if len(text) < 190]


# --- SCXML ------------------------------------------------------------------------------------------------------------


def scxml_of(scenario: Scenario) -> Any:
    return ElementTree.fromstring(scenario_to_scxml(scenario).encode(), forbid_dtd=True)


@pytest.mark.parametrize("text", NASTY)
def test_scxml_is_well_formed_and_its_targets_exist(text: str) -> None:
    root = scxml_of(load(nasty_scenario(text)))
    states = [item for item in root if item.tag in (f"{{{SCXML}}}state", f"{{{SCXML}}}final")]
    names = [item.get("id") for item in states]
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) for name in names)
    assert len(set(names)) == len(names) == 5
    assert root.get("initial") == "initial"
    for transition in root.iter(f"{{{SCXML}}}transition"):
        assert transition.get("target") in names
        assert re.fullmatch(r"action\.\w+\.\w+|timeout\.\w+", transition.get("event"), re.ASCII)


def test_scxml_says_who_does_what_when_and_by_when() -> None:
    root = scxml_of(load(ORDER))
    signing = next(item for item in root if item.get("id") == "signing")
    own = "{urn:livecontract:scxml:1}"
    first = signing.findall(f"{{{SCXML}}}transition")[0]
    assert json.loads(first.get(f"{own}actors")) == ["buyer", "seller"]
    assert json.loads(first.get("cond")) == {"<eval>": "actors.buyer.signed && actors.seller.signed"}
    assert (first.get("event"), first.get("target")) == ("action.sign.ok", "notifying")
    send = signing.find(f"{{{SCXML}}}onentry/{{{SCXML}}}send")
    cancel = signing.find(f"{{{SCXML}}}onexit/{{{SCXML}}}cancel")
    assert send.get("delayexpr") == "P7D"
    assert send.get("id") == cancel.get("sendid")
    finals = [item.get(f"{own}key") for item in root if item.tag == f"{{{SCXML}}}final"]
    assert finals == [":cancelled", ":failed", ":success"]


# --- transitions ------------------------------------------------------------------------------------------------------


def model_of(document: dict[str, Any], holder: dict[str, Any]) -> Any:
    """A model whose conditions are evaluated on the process in the holder."""
    methods = {
        name: lambda _self, instruction=instruction: holds(instruction, context_of(holder["process"]))
        for name, instruction in document["conditions"].items()
    }
    model = type("Model", (), methods)()
    Machine(model, **document["machine"])
    return model


@pytest.mark.slow
@settings(max_examples=25)
@given(SCENARIOS, st.data())
def test_library_moves_as_the_machine_does(document: dict[str, Any], data: st.DataObject) -> None:
    if not check(document).valid:
        return
    scenario = load(document)
    exported = json.loads(scenario_to_transitions(scenario))
    holder: dict[str, Any] = {}
    model = model_of(exported, holder)
    triggers = {tuple(meaning): name for name, meaning in exported["keys"]["triggers"].items()}
    process = simulate.start(scenario)
    for _ in range(6):
        assert exported["keys"]["states"][model.state] == process.current.key
        ways = moves(process)
        if not ways:
            return
        action, response, flag = data.draw(st.sampled_from(sorted(ways)))
        process = holder["process"] = ways[action, response, flag]
        trigger = triggers.get((action, "" if action == TIMEOUT else response))
        if trigger is not None:
            getattr(model, trigger)()


@pytest.mark.parametrize("text", NASTY)
def test_library_gets_names_that_are_identifiers(text: str) -> None:
    document = json.loads(scenario_to_transitions(load(nasty_scenario(text))))
    names = [*document["machine"]["states"], *document["keys"]["triggers"], *document["conditions"]]
    assert all(name.isidentifier() and name.isascii() and not name.startswith("__") for name in names)
    assert model_of(document, {}).state == "s_initial"


# --- Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [("Sign the contract!", "sign_the_contract"), ("  Ünï / 2 ", "ünï_2"), ("?!", ""), ("a__b", "a_b"), ("ﬁx", "fix")],
)
def test_key_is_made_of_the_words_of_a_name(text: str, key: str) -> None:
    assert key_of(text) == key


@settings(max_examples=50)
@given(st.lists(st.text(max_size=8), max_size=8))
def test_identifiers_are_different_for_different_keys(keys: list[str]) -> None:
    found = identifiers(keys)
    assert found.keys() == set(keys)
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in found.values())


@settings(max_examples=50)
@given(st.text(max_size=3), st.lists(st.text(max_size=3), max_size=8))
def test_unique_name_is_not_taken(wanted: str, taken: list[str]) -> None:
    assert unique(wanted, taken) not in taken
