"""Generated and recorded features: they pass, they come to everything, and what they cannot is told with the reason."""

from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from tests.workflow_engine.samples import ORDER
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.errors import ActionNotAvailableError
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.testing.coverage import Coverage
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.exploring import explore, hints_of
from workflow_engine.testing.feature import read_feature
from workflow_engine.testing.generating import generate, record
from workflow_engine.testing.running import Result, as_tests

from .features import TESTED
from .test_values import JSON

OWN = "urn:livecontract:scenario:1"


def text_of(scenario: Scenario) -> str:
    """The one feature that is generated."""
    (text,) = generate("it", scenario).texts
    return text


def played(text: str, scenario: Scenario) -> list[Result]:
    results = [test.run(lambda _: scenario) for test in as_tests(read_feature(text.encode(), "a.feature"))]
    assert [result.failure for result in results if result.failure] == []
    return results


def shown(process: Process) -> dict[str, Any]:
    """What a process holds, without the names that events and chains have."""
    form = process.state()
    entered = {"timestamp": form["current"]["entered"]["timestamp"]}
    previous = [{name: value for name, value in item.items() if name != "event"} for item in process.previous]
    kept = {name: value for name, value in form.items() if name not in ("id", "chain")}
    return {**kept, "current": {**form["current"], "entered": entered}, "previous": previous}


@pytest.mark.parametrize("document", [*map(scenarios.load, TESTED), ORDER], ids=lambda item: item["id"])
def test_generated_feature_passes_and_comes_to_everything(document: Any) -> None:
    scenario = load(document)
    made = generate("it", scenario)
    results = played(made.texts[0], scenario)
    coverage = Coverage()
    for result in results:
        coverage.add(result.traces)
    (report,) = coverage.report({scenario.id: document})
    assert (report["percent"], made.missing) == (100, [])
    assert made.cases == len(results)


def test_timeout_of_the_first_state_is_generated() -> None:
    document = {**ORDER, "states": {**ORDER["states"], "initial": ORDER["states"]["signing"]}}
    text = text_of(load(document))
    assert "When the time of the state is over" in text
    played(text, load(document))


def test_long_scenario_is_tested_by_several_features() -> None:
    length = 70
    document = {
        "$schema": OWN,
        "actors": {"a": {}},
        "actions": {"go": {"actor": "a"}, "stop": {"actor": "a"}},
        "states": {
            f"s{number}" if number else "initial": {
                "actions": ["go", "stop"],
                "transitions": [
                    {"action": "go", "transition": f"s{number + 1}" if number < length else ":success"},
                    {"action": "stop", "transition": ":failed"},
                ],
            }
            for number in range(length + 1)
        },
    }
    scenario = load(document)
    made = generate("it", scenario)
    assert len(made.texts) == 2
    assert sum(len(played(text, scenario)) for text in made.texts) == made.cases


def test_same_scenario_gives_the_same_feature() -> None:
    assert text_of(load(ORDER)) == text_of(load(ORDER))


def test_numbers_in_conditions_are_tried() -> None:
    document = {
        "$schema": OWN,
        "actors": {"a": {}},
        "assets": {"x": {}},
        "actions": {"go": {"actor": "a", "responses": {"ok": {"schema": {
            "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}, "update": "assets.x"}}}},
        "states": {"initial": {"action": "go", "transitions": [
            {"action": "go", "condition": {"<eval>": "assets.x.n > `4711`"}, "transition": ":success"},
            {"action": "go", "condition": {"<equal>": [{"<ref>": "assets.x.n"}, -42]}, "transition": ":failed"},
        ]}},
    }  # fmt: skip
    scenario = load(document)
    assert hints_of(scenario) == [4711, -42]
    assert generate("it", scenario).missing == []


UNREACHED = {
    "$schema": OWN,
    "actors": {"a": {}, "b": {}},
    "assets": {"x": {"properties": {"n": {"type": "integer", "maximum": 5}}}},
    "actions": {
        "go": {"actor": "a"},
        "big": {"actor": "b", "responses": {"ok": {"update": {"select": "assets.x", "data": {"n": 9}}}}},
        "odd": {"actor": "b", "responses": {"ok": {"schema": {"type": "string", "pattern": r"^\pN+$"}}}},
    },
    "states": {
        "initial": {
            "actions": ["go", "big", "odd"],
            "transitions": [
                {"action": "go", "condition": {"<eval>": "assets.x.n == `3`"}, "transition": "far"},
                {"action": "go", "transition": ":success"},
                {"action": "go", "transition": ":failed"},
                {"action": "big", "transition": ":cancelled"},
            ],
        },
        "far": {"action": "go", "transition": ":success"},
    },
}


def test_what_cannot_be_reached_is_told_with_the_reason() -> None:
    reasons = {item.path: reason for item, reason in explore(load(UNREACHED)).missing()}
    place = ("states", "initial", "transitions")
    assert reasons[(*place, 0)] == "its condition is not met by any example data"
    assert reasons[(*place, 2)] == "its action is not possible there, or another transition is taken before it"
    assert reasons[(*place, 3)].startswith("the action was refused: ")
    assert reasons["states", "far", "transitions", 0] == 'the state "far" is not reached'
    assert reasons["states", "far"] == "no transition that leads there is taken"
    assert reasons["actions", "odd", "responses", "ok"] == "nobody can give it"
    assert reasons["actions", "big", "responses", "ok"].startswith("it was always refused: ")
    played(text_of(load(UNREACHED)), load(UNREACHED))


def test_bound_is_kept_and_told() -> None:
    found = explore(load(scenarios.load("quotation")), bound=5)
    assert found.bounded
    assert found.configurations == 5
    assert all("within 5 configurations" in reason for _, reason in found.missing())


def test_scenario_that_grows_for_ever_ends_at_the_bound() -> None:
    grows = {**ORDER, "states": {**ORDER["states"], "initial": {**ORDER["states"]["initial"], "transitions": [
        {"action": "order", "condition": {"<eval>": "length(assets.order.lines) > `400`"}, "transition": "signing"}
    ]}}}  # fmt: skip
    grows["actions"] = {
        **ORDER["actions"],
        "add_line": {"actor": "buyer", "responses": {"ok": {"schema": {}, "update": "assets.order.lines"}}},
    }
    found = explore(load(grows), bound=60)
    assert found.bounded


STATES = ["initial", "one", "two", "three", ":success", ":failed"]
ACTIONS = ["go", "come", "stay"]
MOVES = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(STATES)), min_size=1, max_size=3)


@settings(max_examples=30)
@given(st.fixed_dictionaries(dict.fromkeys(STATES[:4], MOVES)))
def test_what_a_graph_library_reaches_is_reached(moves: dict[str, list[tuple[str, str]]]) -> None:
    document = {
        "$schema": OWN,
        "actors": {"a": {}},
        "actions": {action: {"actor": "a"} for action in ACTIONS},
        "states": {
            state: {
                "actions": sorted({action for action, _ in listed}),
                "transitions": [{"action": action, "transition": target} for action, target in listed],
            }
            for state, listed in moves.items()
        },
    }
    if not check(document).valid:
        return
    first = {state: dict(reversed(listed)) for state, listed in moves.items()}
    graph = nx.DiGraph((state, target) for state, taken in first.items() for target in taken.values())
    there = {"initial", *nx.descendants(graph, "initial")}
    wanted = {
        ("transition", state, [action for action, _ in moves[state]].index(taken))
        for state in there & moves.keys()
        for taken in first[state]
    }
    found = explore(load(document))
    assert {key for key in found.first if key[0] == "transition"} == wanted
    assert {str(key[1]) for key in found.first if key[0] == "state"} == there
    played(text_of(load(document)), load(document))


# --- Recording --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*TESTED, "key-recovery", "request-sent", "shipment"])
def test_recorded_runs_pass_and_leave_the_same_process(name: str) -> None:
    scenario, runs = load(scenarios.load(name)), scenarios.runs(name)
    results = played(record(name, scenario, runs, "runs"), scenario)
    for run, result in zip(runs.values(), results, strict=True):
        assert shown(result.traces[0][-1]) == shown(simulate.play(scenario, run["responses"]))


@settings(max_examples=40)
@given(st.lists(JSON, max_size=3), st.integers(0, 2**41))
def test_whatever_was_said_is_recorded(said: list[Any], moment: int) -> None:
    scenario = load(ORDER)
    run = [{"actor": "buyer", "action": "add_line", "data": data} for data in said]
    run += [{"actor": "buyer", "action": "order", "data": {"price": 1}, "at": moment}]
    (result,) = played(record("order", scenario, run, "A run"), scenario)
    assert shown(result.traces[0][-1]) == shown(simulate.play(scenario, run))


def test_how_long_after_the_one_before_something_happens_is_recorded() -> None:
    scenario = load(scenarios.load("demo-transaction"))
    (first, second, *_) = next(iter(scenarios.runs("demo-transaction").values()))["responses"]
    run = [{**first, "after": "PT2H"}, {"actor": "initiator", "comment": "Soon?", "after": "PT1H"}, second]
    text = "".join(record("demo-transaction", scenario, run, "A run"))
    assert [f'at "2020-01-01T0{hour}:00:00.000Z"' in text for hour in (2, 3, 4)] == [True, True, False]


def test_odd_names_are_written_so_that_they_are_read_back() -> None:
    odd = 'say "no" | \\ yes'
    document = {
        "$schema": OWN,
        "title": "Two\nlines",
        "actors": {odd: {}},
        "actions": {odd: {"actor": odd, "responses": {odd: {}}, "default_response": odd}},
        "states": {"initial": {"action": odd, "transition": ":success"}},
    }
    scenario = load(document)
    played(text_of(scenario), scenario)


@pytest.mark.parametrize("name", ["${main}", "a\u202eb"])
def test_names_that_no_feature_can_hold_are_refused(name: str) -> None:
    document = {"$schema": OWN, "actors": {name: {}}, "actions": {"go": {"actor": name}},
                "states": {"initial": {"action": "go", "transition": ":success"}}}  # fmt: skip
    with pytest.raises(InvalidFeatureError, match="cannot stand in a feature"):
        generate("it", load(document))


def test_run_that_the_scenario_refuses_is_not_written() -> None:
    with pytest.raises(ActionNotAvailableError):
        record("order", load(ORDER), [{"actor": "buyer", "action": "sign"}], "A run")


def test_text_that_no_line_can_hold_is_refused() -> None:
    run = [{"actor": "buyer", "action": "add_line", "data": {"text": "x" * 9_000}}]
    with pytest.raises(InvalidFeatureError, match="more than"):
        record("order", load(ORDER), run, "A run")


def test_what_is_no_run_is_refused() -> None:
    for document in ({}, "x", {"a": 1}, [{}] * 2_000):
        with pytest.raises(InvalidFeatureError):
            record("order", load(ORDER), document, "A run")
