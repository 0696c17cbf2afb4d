"""The graph rules against an independent library, on random machines."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine.checks import check
from workflow_engine.checks.view import View
from workflow_engine.normalise import FINAL_STATES, OWN_SCENARIO, normalise

STATES = ["initial", "s1", "s2", "s3", "s4", "s5"]
TARGETS = [*STATES, ":success"]
EDGES = st.lists(
    st.tuples(st.sampled_from(STATES), st.sampled_from(["person", "node"]), st.sampled_from(TARGETS)),
    max_size=14,
    unique=True,
)


def scenario(edges):
    states = {key: {"actions": ["person", "node"], "transitions": []} for key in STATES}
    for source, action, target in edges:
        states[source]["transitions"].append({"action": action, "transition": target})
    return {
        "$schema": OWN_SCENARIO,
        "actors": {"a": {}},
        "actions": {
            "person": {"actor": "a"},
            "node": {"$schema": "urn:livecontract:action:nop", "actor": "a"},
        },
        "states": states,
    }


def graph(edges):
    result = nx.MultiDiGraph()
    result.add_nodes_from([*STATES, *FINAL_STATES])
    result.add_edges_from((source, target) for source, _, target in edges)
    return result


def states_of(document, rule):
    return {problem.path.split(".")[2] for problem in check(document).problems if problem.rule == rule}


@settings(max_examples=100, deadline=None)
@given(EDGES)
def test_reachable_states_and_states_that_can_end(edges):
    view, wanted = View(normalise(scenario(edges))), graph(edges)
    assert view.reachable == {"initial"} | nx.descendants(wanted, "initial")
    endings = {key for key in (*STATES, *FINAL_STATES) if key in FINAL_STATES}
    assert view.can_end == endings | set().union(*(nx.ancestors(wanted, key) for key in endings))


@settings(max_examples=100, deadline=None)
@given(EDGES)
def test_one_finding_per_loop_of_system_actions(edges):
    system = graph([edge for edge in edges if edge[1] == "node"])
    loops = [
        component
        for component in nx.strongly_connected_components(system)
        if len(component) > 1 or any(system.has_edge(key, key) for key in component)
    ]
    found = states_of(scenario(edges), "system-loop")
    assert len(found) == len(loops)
    assert all(len(found & loop) == 1 for loop in loops)


@settings(max_examples=100, deadline=None)
@given(EDGES)
def test_unreachable_states_and_dead_ends(edges):
    document, wanted = scenario(edges), graph(edges)
    reachable = {"initial"} | nx.descendants(wanted, "initial")
    assert states_of(document, "unreachable-state") == set(STATES) - reachable
    trapped = {key for key in reachable if key in STATES and not nx.has_path(wanted, key, ":success")}
    if "initial" in trapped:
        assert states_of(document, "no-reachable-end") == {"initial"}
    else:
        assert states_of(document, "dead-end") == trapped
