"""Properties in a scenario: their form, their place in the normal form, and what they say of runs."""

import copy
from typing import Any

import jsonschema
import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.model import examine
from workflow_engine.normalise import normalise, scenario_id

from .fault_corpus import sound


def with_properties(*properties: Any, base: str = "club") -> dict[str, Any]:
    return {**copy.deepcopy(sound(base)), "properties": list(properties)}


def broken(document: dict[str, Any]) -> dict[str, list[str]]:
    """Path of each broken property, and the actions of the run that breaks it, which really can be played."""
    found = {}
    for finding in examine(document).findings:
        if finding.problem.rule == "property-broken":
            assert finding.run is not None
            played = simulate.run(document, list(finding.run.responses))
            assert played["state"] == finding.run.state
            found[finding.problem.path] = [item["action"] for item in finding.run.responses]
    return found


def test_scenario_without_properties_has_the_id_that_it_had() -> None:
    assert load(scenarios.load("quotation")).id == "ENfESzMhAWdcSS3mJbntBdw6qhC12XJ88kzdNw9RzALi"
    assert "properties" not in normalise(scenarios.load("quotation"))


def test_properties_belong_to_the_normal_form_and_to_the_id() -> None:
    plain = sound("club")
    plain.pop("properties")
    promised = {**plain, "properties": [{"never": "remind", "after": "pay", "title": None}]}
    form = normalise(promised)
    assert form["properties"] == [{"never": "remind", "after": "pay"}]
    assert normalise(form) == form
    assert scenario_id(form) != scenario_id(normalise(plain))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (7, "$.properties"),
        ([7], "$.properties[0]"),
        ([{"title": "Nothing"}], "$.properties[0]"),
        ([{"only": "pay"}], "$.properties[0]"),
        ([{"never": "pay", "for": "applicant"}], "$.properties[0]"),
        ([{"never": 7}], "$.properties[0].never"),
        ([{"always": ":success"}], "$.properties[0].always"),
        ([{"never": "pay", "whenever": "sign"}], "$.properties[0].whenever"),
        ([{"never": "pay"}] * 65, "$.properties"),
    ],
)
def test_malformed_property_is_refused_at_its_place(value: Any, path: str) -> None:
    with pytest.raises(InvalidScenarioError) as refused:
        normalise({**sound("club"), "properties": value})
    assert refused.value.path == path


@pytest.mark.parametrize(
    "value", [[7], [{"title": "Nothing"}], [{"only": "pay"}], [{"never": 7}], [{"never": "a", "x": 1}]]
)
def test_published_schema_refuses_the_same(value: Any) -> None:
    schema = jsonschema.Draft202012Validator(scenarios.schema("scenario"))
    assert schema.is_valid(sound("club"))
    assert not schema.is_valid({**sound("club"), "properties": value})


def test_name_of_a_state_and_an_action_is_ambiguous() -> None:
    document = with_properties({"never": "sign"})
    document["states"]["sign"] = {"action": "pay", "transition": ":success"}
    rules = [problem.rule for problem in check(document).problems]
    assert "unknown-in-property" in rules


def test_properties_of_the_other_dialect_mean_nothing() -> None:
    document = {
        "$schema": "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#",
        "actors": {"one": {}},
        "actions": {"go": {"actor": "one"}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
        "properties": {"never": ":success"},
    }
    assert examine(document).is_sound


@pytest.mark.parametrize(
    ("item", "run"),
    [
        ({"never": ":cancelled"}, ["quit"]),
        ({"never": "treasurer: vote"}, ["apply", "vote"]),
        ({"never": "vote", "after": "vote"}, ["apply", "vote", "vote"]),
        ({"only": "vote", "after": "treasurer: vote"}, ["apply", "vote"]),
        ({"only": ":failed", "after": "sign"}, ["apply", "vote"]),
        ({"always": {"<eval>": "!(assets.fee.paid)"}}, ["apply", "vote", "vote", "sign", "sign", "pay"]),
        ({"never": {"<eval>": "actors.chair.signed"}}, ["apply", "vote", "vote", "sign"]),
        (
            {"never": "pay", "after": {"<eval>": "actors.chair.signed"}},
            ["apply", "vote", "vote", "sign", "sign", "pay"],
        ),
        ({"always a way to": ":success", "for": "applicant"}, []),
        ({"never": ":timeout"}, ["apply", ":timeout"]),
    ],
)
def test_shortest_run_that_breaks_a_property_is_shown(item: dict[str, Any], run: list[str]) -> None:
    assert broken(with_properties(item)) == {"$.properties[0]": run}


@pytest.mark.parametrize(
    "item",
    [
        {"never": "quit", "after": ":success"},
        {"only": "pay", "after": "applicant: sign"},
        {"only": "remind", "after": {"<eval>": "actors.applicant.signed"}},
        {"always": {"<eval>": "actors.applicant.signed"}, "after": "applicant: sign"},
        {"always a way to": ":cancelled"},
        {"always a way to": "quit", "for": "applicant"},
        {"always a way to": ":success", "for": "applicant", "after": "pay"},
    ],
)
def test_property_that_holds_is_not_spoken_of(item: dict[str, Any]) -> None:
    assert broken(with_properties(item)) == {}
