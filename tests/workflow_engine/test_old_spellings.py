"""The old spellings of operators: one meaning with the present ones in LTO's dialect, refused in ours."""

import copy
from typing import Any

import pytest

from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.normalise import LTO_SCENARIO, OWN_SCENARIO, normalise
from workflow_engine.old_spellings import OLD_OPERATORS


def scenario(title: Any, dialect: str = LTO_SCENARIO) -> dict[str, Any]:
    return {
        "$schema": dialect,
        "title": "Sale",
        "actors": {"one": {}},
        "definitions": {"word": {"_ref": "kept as it is"}},
        "actions": {"go": {"actor": "one", "title": title}},
        "states": {"initial": {"actions": ["go"], "transitions": [{"action": "go", "transition": ":success"}]}},
    }


@pytest.mark.parametrize(
    ("old", "present"),
    [
        ({"_ref": "title"}, {"<ref>": "title"}),
        ({"_tpl": "{{title}}"}, {"<tpl>": "{{title}}"}),
        ({"_merge": ["a", {"_ref": "title"}]}, {"<merge>": ["a", {"<ref>": "title"}]}),
        ({"_switch": "title", "Sale": "x"}, {"<switch>": "title", "Sale": "x"}),
        ({"_jmespath": "a", "a": "x"}, {"<jmespath>": "a", "a": "x"}),
        ({"_transformation": "hash:sha256", "input": "x"}, {"<transformation>": "hash:sha256", "input": "x"}),
    ],
)
def test_old_spelling_gives_the_same_scenario(old: Any, present: Any) -> None:
    given = scenario(old)
    before = copy.deepcopy(given)
    assert normalise(given) == normalise(scenario(present))
    assert given == before
    assert check(given).id == check(scenario(present)).id
    assert check(given).valid
    assert simulate.run(given, [{"actor": "one", "action": "go"}])["state"] == ":success"


def test_constants_and_schemas_keep_such_names() -> None:
    assert normalise(scenario("x"))["definitions"]["word"] == {"_ref": "kept as it is"}


def test_finding_names_the_place_in_the_spelling_of_the_document() -> None:
    (problem,) = check(scenario({"_ref": {"a": 1}})).problems
    assert (problem.rule, problem.path) == ("bad-argument", "$.actions.go.title._ref")
    listed = scenario("x")
    listed["actions"] = [{"key": "go", "actor": "one", "description": {"_tpl": "{{#open}}"}}]
    assert [problem.path for problem in check(listed).problems] == ["$.actions[0].description._tpl"]


def test_both_spellings_in_one_object_are_refused() -> None:
    found = check(scenario({"_ref": "title", "<ref>": "id"})).problems
    assert [(problem.rule, problem.path) for problem in found] == [("unknown-operator", "$.actions.go.title._ref")]


def test_old_source_is_refused_with_the_reason() -> None:
    found = check(scenario({"<ref>": "id", "_src": "https://example.com"})).problems
    assert [problem.rule for problem in found] == ["source-operator"]


@pytest.mark.parametrize("name", sorted(OLD_OPERATORS))
def test_our_dialect_refuses_old_spellings(name: str) -> None:
    document = scenario({"<tpl>": "x", name: "title"}, OWN_SCENARIO)
    rules = {problem.rule for problem in check(document).problems if problem.severity == "error"}
    assert rules == {"source-operator" if name == "_src" else "unknown-operator"}
