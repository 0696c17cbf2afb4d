"""The game, held against an enumerator of strategies, and what the table says of known scenarios."""

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from workflow_engine import simulate
from workflow_engine.errors import InvalidScenarioError
from workflow_engine.model import examine, game
from workflow_engine.model.goal import answer, game_to_dict, read_goal
from workflow_engine.model.graph import NATURE, Configuration, Graph, Move

from .fault_corpus import sound

WAIT = None


def graph_of(size: int, moves: list[tuple[int, int, str, str]]) -> Graph:
    found: list[list[Move]] = [[] for _ in range(size)]
    for source, target, mover, action in moves:
        actor = "a" if mover == NATURE else mover
        found[source].append(Move(source=source, target=target, mover=mover, actor=actor, action=action))
    ends = {index for index in range(size) if not found[index]}
    configurations = [Configuration(state=f"s{index}", is_final=index in ends) for index in range(size)]
    return Graph(configurations=configurations, moves=[tuple(item) for item in found])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(2, 5))
    places = st.integers(0, size - 1)
    mover = st.sampled_from([("a", "act"), ("a", "act"), ("b", "act"), (NATURE, "ask"), (NATURE, ":timeout")])
    moves = draw(st.lists(st.tuples(places, places, mover), max_size=8))
    return graph_of(size, [(source, target, *who) for source, target, who in moves])


def strategies(graph: Graph, coalition: set[str]) -> Iterator[list[Move | None]]:
    """Every way of acting that looks at the present configuration alone: a move of the coalition's, or waiting."""
    choices = [
        [WAIT, *(move for move in moves if move.mover in coalition and move.target != move.source)]
        for moves in graph.moves
    ]
    yield from (list(choice) for choice in product(*choices))


def wins(graph: Graph, coalition: set[str], goal: set[int], strategy: list[Move | None], path: tuple[int, ...]) -> bool:
    """Follow every play that goes on from a path; it is lost where it stops, or comes round, before the goal."""
    index = path[-1]
    if index in goal:
        return True
    if index in path[:-1]:
        return False
    chosen = strategy[index]
    foreign = [move for move in graph.moves[index] if move.mover not in coalition and move.target != index]
    if chosen is None:
        if all(move.mover != NATURE for move in foreign):
            return False
        following = [move.target for move in foreign]
    else:
        following = [chosen.target, *(move.target for move in foreign if move.action != ":timeout")]
    return all(wins(graph, coalition, goal, strategy, (*path, target)) for target in following)


@settings(max_examples=300, deadline=None)
@given(graph=graphs(), coalition=st.sampled_from([{"a"}, {"b"}, {"a", "b"}, set()]), goal=st.sets(st.integers(0, 4)))
def test_forcing_is_what_some_strategy_achieves(graph: Graph, coalition: set[str], goal: set[int]) -> None:
    wanted = {index for index in goal if index < len(graph.configurations)}
    can = any(wins(graph, coalition, wanted, strategy, (0,)) for strategy in strategies(graph, coalition))
    assert (0 in game.won(graph, coalition, wanted)) == can


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), goal=st.sets(st.integers(0, 4), min_size=1))
def test_shown_plays_go_where_they_say(graph: Graph, goal: set[int]) -> None:
    wanted = {index for index in goal if index < len(graph.configurations)}
    won = game.won(graph, {"a"}, wanted)
    way = (game.way_of_forcing if 0 in won else game.way_of_failing)(graph, {"a"}, wanted)
    places = [0, *(move.target for move in way)]
    assert [move.source for move in way] == places[:-1]
    assert all((place in won) == (0 in won) for place in places)
    if 0 in won:
        assert places[-1] in wanted


@settings(max_examples=150, deadline=None)
@given(graph=graphs(), goal=st.sets(st.integers(0, 4)))
def test_more_allies_are_never_weaker_and_two_sides_never_both_force(graph: Graph, goal: set[int]) -> None:
    wanted = {index for index in goal if index < len(graph.configurations)}
    alone, together = game.won(graph, {"a"}, wanted), game.won(graph, {"a", "b"}, wanted)
    assert alone.keys() <= together.keys()
    ends = {index for index, item in enumerate(graph.configurations) if item.is_final}
    mine, theirs = ends & wanted, ends - wanted
    assert not game.won(graph, {"a"}, mine).keys() & game.won(graph, {"b"}, theirs).keys()


def test_what_was_not_explored_counts_for_nobody() -> None:
    graph = graph_of(2, [(0, 1, "a", "act")])
    cut = Graph(configurations=graph.configurations, moves=graph.moves, unexplored=frozenset({1}), bound="…")
    assert game.power(cut, ("a", "b"), {"a"}, set()) == game.Power(forces=False, prevents=True, is_known=False)
    assert game.power(cut, ("a", "b"), {"b"}, set()) == game.Power(forces=False, prevents=False, is_known=False)


def test_repeating_oneself_keeps_nobody_from_acting() -> None:
    graph = graph_of(2, [(0, 1, "a", "act"), (0, 0, "b", "chat")])
    assert 0 in game.won(graph, {"a"}, {1})
    assert [stall.party for stall in game.stalls(graph)] == ["a"]


def test_a_party_acts_before_the_time_runs_out_and_may_wait_for_it() -> None:
    graph = graph_of(3, [(0, 1, "a", "act"), (0, 2, NATURE, ":timeout")])
    assert game.power(graph, ("a",), {"a"}, {1}).forces
    assert game.power(graph, ("a",), {"a"}, {2}).forces
    assert list(game.stalls(graph)) == []


def test_quotation_can_be_cancelled_by_either_side_and_needs_both_for_a_contract() -> None:
    examination = examine(scenarios.load("quotation"))
    assert examination.scenario is not None
    assert examination.graph is not None
    table = game_to_dict(examination.scenario, examination.graph)
    assert table["table"]["buyer"][":success"] == {"forces": False, "prevents": True}
    assert table["table"]["seller"][":cancelled"] == {"forces": True, "prevents": False}
    assert table["decides"]["inspecting"] == {"inspector": [":failed", ":success"]}
    asked = read_goal("buyer + seller + inspector: writing", examination.scenario)
    found = answer(asked, examination.scenario, examination.graph)
    assert found.power.forces
    assert found.run is not None
    assert simulate.run(scenarios.load("quotation"), list(found.run.responses))["state"] == "writing"


def test_node_that_does_not_write_the_contract_keeps_all_parties_from_success() -> None:
    examination = examine(scenarios.load("quotation"))
    assert examination.scenario is not None
    assert examination.graph is not None
    asked = read_goal("buyer + seller + inspector: signing", examination.scenario)
    assert not answer(asked, examination.scenario, examination.graph).power.forces


@pytest.mark.parametrize("text", ["seller", ":success", "nobody: :success", "seller: :sucess", "seller: offer.maybe"])
def test_question_about_what_does_not_exist_is_refused(text: str) -> None:
    examination = examine(scenarios.load("quotation"))
    assert examination.scenario is not None
    with pytest.raises(InvalidScenarioError):
        read_goal(text, examination.scenario)


def test_borrower_of_a_small_loan_depends_on_the_lender() -> None:
    examination = examine(sound("loan"))
    assert examination.scenario is not None
    assert examination.graph is not None
    found = answer(read_goal("borrower: :success", examination.scenario), examination.scenario, examination.graph)
    assert (found.power.forces, found.power.prevents) == (False, True)
    assert found.run is not None
    assert found.run.state == ":cancelled" or found.run.responses[-1]["actor"] != "borrower"
