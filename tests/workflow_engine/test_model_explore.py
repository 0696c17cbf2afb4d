"""Exploring: held against naive playing of everything, and bounded whoever wrote the scenario."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from eventchain.core.errors import LiveContractError
from workflow_engine import machine, simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.model import Limits, examine
from workflow_engine.model.explore import explore
from workflow_engine.model.graph import Graph
from workflow_engine.model.runs import run_along
from workflow_engine.model.trying import Attempt, entry_of
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario

from .fault_corpus import sound
from .samples import ORDER, OWN

Trace = tuple[tuple[str, str, str], ...]
"""Actor, action, and the state it leads to."""

DEPTH = 3
POOL = [{"flag": flag, "count": count} for flag in (False, True) for count in (0, 1, 2)]

CONDITIONS: list[Any] = [
    True,
    {"<eval>": "assets.box.flag"},
    {"<eval>": "assets.box.count > `1`"},
    {"<eval>": "assets.box.count == `1` && !(assets.box.flag)"},
    {"<equal>": [{"<ref>": "assets.box.count"}, 2]},
    {"<eval>": "actors.one.signed && actors.two.signed"},
    {"<eval>": "current.response.data.count < `1`"},
    {"<if>": {"condition": {"<ref>": "assets.box.flag"}, "then": True, "else": {"<eval>": "actors.one.signed"}}},
    {"<switch>": {"on": {"<ref>": "assets.box.count"}, "options": {"0": True, "2": True}}},
]
NOTHING = {"type": "null"}
TARGETS = ["initial", "middle", ":success"]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    def state() -> dict[str, Any]:
        action = st.sampled_from(["set", "sign", "go", None])
        form = st.tuples(action, st.sampled_from(CONDITIONS), st.sampled_from(TARGETS))
        transitions = [
            {"condition": condition, "transition": target, **({"action": name} if name else {})}
            for name, condition, target in draw(st.lists(form, min_size=1, max_size=4))
        ]
        return {"actions": ["set", "sign", "go"], "transitions": transitions}

    schema = {
        "type": "object",
        "properties": {"flag": {"type": "boolean"}, "count": {"type": "integer", "minimum": 0, "maximum": 2}},
        "required": ["flag", "count"],
    }
    return {
        "$schema": OWN,
        "actors": {"one": {}, "two": {}},
        "assets": {"box": {}},
        "actions": {
            "set": {"actor": "one", "responses": {"ok": {"schema": schema, "update": "assets.box"}}},
            "sign": {
                "actors": ["one", "two"],
                "condition": {"<eval>": "!(current.actor.signed)"},
                "responses": {"ok": {"schema": NOTHING}},
                "update": {"select": "current.actor", "data": {"signed": True}},
            },
            "go": {
                "actor": "two",
                "condition": draw(st.sampled_from(CONDITIONS[:-3])),
                "responses": {"ok": {"schema": NOTHING}},
            },
        },
        "states": {"initial": state(), "middle": state()},
    }


def played(process: Process, depth: int) -> Iterator[Trace]:
    """Yield the traces of everything that anybody could say, with all data there is."""
    yield ()
    tries = [("one", "set", data) for data in POOL]
    tries += [(actor, action, None) for actor, action in (("one", "sign"), ("two", "sign"), ("two", "go"))]
    for actor, action, data in tries if depth else []:
        attempt = Attempt(mover=actor, actor=actor, action=action, response="ok", data=data, at=simulate.START)
        try:
            after = machine.step(process, entry_of(process, attempt, 100 - depth))
        except LiveContractError:
            continue
        for trace in played(after, depth - 1):
            yield ((actor, action, after.current.key), *trace)


def traced(graph: Graph, index: int, depth: int) -> Iterator[Trace]:
    yield ()
    for move in graph.moves[index] if depth else ():
        for trace in traced(graph, move.target, depth - 1):
            yield ((move.actor, move.action, graph.configurations[move.target].state), *trace)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate],
)
@given(document=documents().filter(lambda document: check(document).valid))
def test_graph_allows_what_the_engine_does_and_nothing_else(document: dict[str, Any]) -> None:
    scenario = load(document)
    graph = explore(scenario)
    assert graph.is_complete
    assert set(traced(graph, 0, DEPTH)) == set(played(simulate.start(scenario), DEPTH))
    for index in range(len(graph.configurations)):
        run = run_along(scenario, graph.way_to(index))
        assert run.is_certain
        assert run.state == graph.configurations[index].state


def counter(condition: str, *, start: int = 0, step: int = 1) -> Scenario:
    """A number that goes up or down with every response, until a condition lets the process end."""
    return load(
        {
            "$schema": OWN,
            "actors": {"one": {}},
            "assets": {"box": {"properties": {"count": {"type": "integer", "default": start}}}},
            "actions": {
                "count": {
                    "actor": "one",
                    "update": {
                        "select": "assets.box.count",
                        "data": {
                            "<math>": f"n + {step}" if step > 0 else f"n - {-step}",
                            "n": {"<ref>": "assets.box.count"},
                        },
                    },
                }
            },
            "states": {
                "initial": {
                    "action": "count",
                    "transitions": [{"condition": {"<eval>": condition}, "transition": ":success"}],
                }
            },
        }
    )


def test_counting_is_followed_to_the_number_that_a_condition_names() -> None:
    graph = explore(counter("assets.box.count >= `5`"))
    assert (graph.is_complete, graph.is_exact) == (True, True)
    assert len(graph.configurations) == 6
    assert graph.configurations[-1].is_final


def test_counting_past_every_named_number_ends_and_says_that_it_is_not_exact() -> None:
    graph = explore(counter("assets.box.count == `5` && actors.one.signed"))
    assert (graph.is_complete, graph.is_exact) == (True, False)
    assert len(graph.configurations) < 120


def test_what_was_taken_as_one_is_only_said_to_be_possible() -> None:
    document = counter("assets.box.count < `0`", start=900, step=-1).normal_form
    findings = {finding.problem.rule: finding.problem for finding in examine(document).findings}
    assert findings["transition-never-fits"].severity == "info"
    assert "Possible" in findings["transition-never-fits"].message


def test_data_that_nothing_reads_makes_no_difference() -> None:
    graph = explore(load(ORDER))
    assert graph.is_complete
    assert sum(item.state == "signing" for item in graph.configurations) == 3
    assert graph.notes == ()


def talks(condition: str) -> Graph:
    """Two actors who may each say two things, until a condition on what was said lets them end."""
    document = {
        "$schema": OWN,
        "actors": {"one": {}, "two": {}},
        "actions": {
            "hear": {"actors": ["one", "two"]},
            "say": {"actors": ["one", "two"], "condition": {"<eval>": "length(previous) < `4`"}},
        },
        "states": {
            "initial": {
                "actions": ["hear", "say"],
                "transitions": [{"condition": {"<eval>": condition}, "transition": ":success"}],
            }
        },
    }
    if "previous[?" in condition:
        document["actions"]["say"]["condition"] = {"<eval>": condition.replace(">=", "<")}  # type: ignore[index]
    return explore(load(document), limits=Limits(configurations=200))


def test_history_that_is_only_counted_matters_by_its_counts() -> None:
    graph = talks("length(previous[?action.key == 'say']) >= `3`")
    assert graph.is_complete
    assert {item.state for item in graph.configurations} == {"initial", ":success"}
    assert len(graph.configurations) < 20
    assert not any("history" in note for note in graph.notes)


def test_history_that_is_read_otherwise_matters_as_a_whole() -> None:
    graph = talks("previous[0].action.key == 'say'")
    assert any("history" in note for note in graph.notes)


def test_nodes_and_time_are_nature() -> None:
    graph = explore(load(ORDER))
    movers = {(move.action, move.response): move.mover for move in graph.all_moves()}
    assert movers[":timeout", "ok"] == movers["notify", "ok"] == ":nature"
    assert movers["cancel", "ok"] in ("buyer", "seller")


# --- Bombs ------------------------------------------------------------------------------------------------------------


def bomb(**members: Any) -> dict[str, Any]:
    return {"$schema": OWN, "actors": {f"a{index}": {} for index in range(24)}, **members}


SWITCHES = bomb(
    assets={"box": {}},
    actions={
        f"s{index}": {"actor": "a0", "update": {"select": f"assets.box.b{index}", "data": True}} for index in range(24)
    },
    states={
        "initial": {
            "actions": [f"s{index}" for index in range(24)],
            "transitions": [
                {
                    "condition": {"<eval>": " && ".join(f"assets.box.b{index}" for index in range(24))},
                    "transition": ":success",
                }
            ],
        }
    },
)
SIGNERS = bomb(
    actions={
        "sign": {
            "actors": [f"a{index}" for index in range(24)],
            "condition": {"<eval>": "!(current.actor.signed)"},
            "update": {"select": "current.actor", "data": {"signed": True}},
        }
    },
    states={
        "initial": {
            "action": "sign",
            "transitions": [
                {"condition": {"<eval>": "actors.a0.signed && actors.a1.signed"}, "transition": ":success"}
            ],
        }
    },
)
DOUBLING = bomb(
    assets={
        "box": {
            "properties": {
                "text": {"type": "string", "default": "0123456789"},
                "n": {"type": "integer", "default": 0},
            }
        }
    },
    actions={
        "double": {
            "actor": "a0",
            "update": [
                {
                    "select": "assets.box.text",
                    "data": {"<join>": {"input": [{"<ref>": "assets.box.text"}, {"<ref>": "assets.box.text"}]}},
                },
                {"select": "assets.box.n", "data": {"<math>": "n + 1", "n": {"<ref>": "assets.box.n"}}},
            ],
        },
        "end": {"actor": "a0", "condition": {"<eval>": "assets.box.n > `10`"}},
    },
    states={"initial": {"actions": ["double", "end"], "transitions": [{"action": "end", "transition": ":success"}]}},
)
HISTORY = bomb(
    actions={
        "talk": {"actors": ["a0", "a1", "a2"]},
        "end": {"actor": "a0", "condition": {"<eval>": "length(previous) > `30`"}},
    },
    states={"initial": {"actions": ["talk", "end"], "transitions": [{"action": "end", "transition": ":success"}]}},
)
FULL = {"condition": {"<ref>": "assets.box"}, "transition": ":success"}
FORM = {
    "type": "object",
    "required": [f"m{index}" for index in range(40)],
    "properties": {f"m{index}": {"enum": list(range(30))} for index in range(40)},
}
FORMS = bomb(
    assets={"box": {}},
    actions={"fill": {"actor": "a0", "responses": {"ok": {"schema": FORM, "update": "assets.box"}}}},
    states={"initial": {"action": "fill", "transitions": [FULL]}},
)
SELF = {
    "type": "object",
    "properties": {f"m{index}": {"$ref": "#"} for index in range(20)},
    "required": [f"m{index}" for index in range(20)],
}
SELVES = bomb(
    assets={"box": {}},
    actions={"fill": {"actor": "a0", "responses": {"ok": {"schema": SELF, "update": "assets.box"}}}},
    states={"initial": {"action": "fill", "transitions": [FULL]}},
)
BOMBS = {
    "switches": SWITCHES,
    "signers": SIGNERS,
    "doubling": DOUBLING,
    "history": HISTORY,
    "forms": FORMS,
    "selves": SELVES,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_costs_no_more_than_its_budget(name: str) -> None:
    examination = examine(BOMBS[name], limits=Limits(configurations=150, steps=600))
    graph = examination.graph
    assert graph is not None
    assert len(graph.configurations) <= 150
    assert graph.steps <= 600 + 64
    assert graph.is_complete == (graph.bound is None)
    if name in ("switches", "signers", "history"):
        assert not graph.is_complete
        assert graph.unexplored


def test_what_was_not_explored_raises_no_alarm_about_what_never_happens() -> None:
    examination = examine(SWITCHES, limits=Limits(configurations=50))
    assert {finding.problem.rule for finding in examination.findings} == {"unused-actor", "can-stall"}


def test_waiting_processes_are_bounded_by_their_size() -> None:
    graph = explore(load(DOUBLING), limits=Limits(weight=10_000))
    assert graph.bound is not None
    assert "10000 characters" in graph.bound


def test_time_for_exploring_is_bounded_by_whoever_asks() -> None:
    answers = itertools.chain([False] * 10, itertools.repeat(True))
    graph = explore(load(SIGNERS), limits=Limits(is_over=lambda: next(answers)))
    assert graph.steps == 10
    assert graph.bound == "Stopped because the time for it was over; there is more."


def test_scenario_that_cannot_be_started_is_told_so() -> None:
    initial = {**ORDER["states"]["initial"], "timeout": {"<ref>": "actors.buyer"}}
    document = {**ORDER, "states": {**ORDER["states"], "initial": initial}}
    examination = examine(document)
    assert [finding.problem.rule for finding in examination.findings][:1] == ["no-start"]
    assert not examination.is_sound


@pytest.mark.parametrize("value", [None, 7, [], {}, {"$schema": OWN}, {"$schema": OWN, "properties": 7}])
def test_anything_at_all_can_be_examined(value: Any) -> None:
    examination = examine(value)
    assert not examination.is_sound
    assert examination.to_dict()["explored"] is None


def test_instructions_that_read_very_much_do_not_stop_the_check() -> None:
    names = [f"m{index}" for index in range(400)]
    document = bomb(
        actions={
            "go": {
                "actor": "a0",
                "condition": {
                    "<eval>": " || ".join(f"current.actor.{name}" for name in names[:30]) + " || !(current.actor.m0)"
                },
                "update": [
                    {"select": f"current.actor.{name}", "data": {"<ref>": f"current.actor.{other}"}}
                    for name, other in itertools.pairwise(names)
                ],
            }
        },
        states={"initial": {"action": "go", "transition": ":success"}},
    )
    graph = explore(load(document))
    assert graph.is_complete
    assert [item.state for item in graph.configurations] == ["initial", ":success"]


def test_instructions_that_nest_deeply_do_not_stop_the_check() -> None:
    condition: Any = {"<ref>": "assets.box"}
    for _ in range(20):
        condition = {"<if>": {"condition": condition, "then": True}}
    document = bomb(
        assets={"box": {}},
        actions={"go": {"actor": "a0"}},
        states={"initial": {"action": "go", "transitions": [{"condition": condition, "transition": ":success"}]}},
    )
    assert explore(load(document)).is_complete


def test_time_that_is_over_at_once_leaves_the_start() -> None:
    document = {**sound("club")}
    examination = examine(document, limits=Limits(is_over=lambda: True))
    assert examination.graph is not None
    assert [item.state for item in examination.graph.configurations] == ["initial"]
    assert examination.graph.unexplored == {0}


def passing_on(determined: Any) -> dict[str, Any]:
    """Whoever judges says the outcome, or an asset does; one of the outcomes has data of its own."""
    number = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    return {
        "$schema": OWN,
        "actors": {"one": {}},
        "actions": {
            "judge": {
                "actor": "one",
                "determine_response": determined,
                "default_response": "good",
                "responses": {"good": {"schema": False}, "bad": {"schema": number}, "ugly": {}},
            }
        },
        "states": {
            "initial": {
                "action": "judge",
                "transitions": [
                    {"response": "good", "transition": ":success"},
                    {"response": "bad", "transition": ":failed"},
                    {"response": "ugly", "transition": ":cancelled"},
                ],
            }
        },
    }


@pytest.mark.parametrize(
    ("determined", "outcomes"),
    [
        ({"<ref>": "current.response.key"}, {"bad", "ugly"}),
        (
            {"<if>": {"condition": {"<eval>": "current.response.key == 'ugly'"}, "then": "bad", "else": "ugly"}},
            {"bad", "ugly"},
        ),
        ("bad", {"bad"}),
    ],
)
def test_outcome_that_an_action_passes_on_is_submitted_with_the_data_of_all_outcomes(
    determined: Any, outcomes: set[str]
) -> None:
    scenario = load(passing_on(determined))
    graph = explore(scenario)
    moves = [move for moves in graph.moves for move in moves]
    assert {move.response for move in moves} == outcomes
    for move in moves:
        run = run_along(scenario, (move,))
        assert run.is_certain
        assert run.state == graph.configurations[move.target].state
