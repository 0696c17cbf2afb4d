import json
import re
from functools import cache
from pathlib import Path

import pytest

import scenarios
from tests.scenarios.casting import loaded
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.normalise import FINAL_STATES, normalise
from workflow_engine.proposal import check_proposal, read_proposal

PROMISED = {
    "arbitration",
    "demo-transaction",
    "four-eyes",
    "group-signing",
    "insurance-claim",
    "invoice",
    "key-recovery",
    "lease",
    "licence",
    "nda",
    "onboarding",
    "purchase",
    "quotation",
    "request-received",
    "request-sent",
    "shipment",
    "signing",
    "solvency",
    "synchronise-all",
    "synchronise-silence",
    "tender",
}

RUNS = [(name, title) for name in scenarios.names() for title in scenarios.runs(name)]


PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")


def test_page_of_the_library_lists_each_scenario_with_its_actors():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \|", PAGE, re.MULTILINE))
    assert set(rows) == set(scenarios.names())
    for name, listed in rows.items():
        actors = {re.sub(r"_[0-9]+$", "", key) for key in loaded(name).actors}
        assert {re.sub(r"s$", "", word.split()[-1]) for word in listed.split(", ")} == actors, name


def test_library_holds_what_is_promised():
    assert set(scenarios.names()) >= PROMISED


@pytest.mark.parametrize("name", scenarios.names())
def test_scenario_has_no_problems_at_all(name):
    assert check(scenarios.load(name)).to_dict()["problems"] == []


@pytest.mark.parametrize("name", scenarios.names())
def test_scenario_names_itself_like_its_file(name):
    assert scenarios.load(name)["id"] == name
    assert loaded(name).name == name


@pytest.mark.parametrize(("name", "title"), RUNS)
def test_run_ends_as_it_says(name, title):
    run = scenarios.runs(name)[title]
    assert simulate.play(loaded(name), run["responses"]).current.key == run["state"]


@cache
def moves(name):
    """Return what the runs of a scenario do: the states before and after, with the action and its outcome between."""
    scenario, found = loaded(name), set()
    for run in scenarios.runs(name).values():
        before = "initial"
        for length in range(1, len(run["responses"]) + 1):
            process = simulate.play(scenario, run["responses"][:length])
            given, after = process.previous[-1], process.current.key
            found.add((before, given["action"]["key"], given["key"], after))
            before = after
    return found


@pytest.mark.parametrize("name", scenarios.names())
def test_runs_come_to_every_state(name):
    assert {"initial"} | {after for *_, after in moves(name)} == set(loaded(name).states)


@pytest.mark.parametrize("name", scenarios.names())
def test_runs_take_every_transition(name):
    missing = [
        (state.key, transition)
        for state in loaded(name).states.values()
        for transition in state.transitions
        if not any(
            (before, after) == (state.key, transition.target)
            and transition.action in (None, action)
            and transition.response in (None, response)
            for before, action, response, after in moves(name)
        )
    ]
    assert missing == []


@pytest.mark.parametrize("name", scenarios.names())
def test_runs_do_every_action_with_every_outcome(name):
    done = {(action, response) for _, action, response, _ in moves(name)}
    actions = loaded(name).actions.values()
    assert {(action.key, response) for action in actions for response in action.responses} <= done


@pytest.mark.parametrize("name", scenarios.names())
def test_time_ends_every_state_that_somebody_could_leave_others_waiting_in(name):
    for state in loaded(name).states.values():
        if state.key != "initial" and not state.key.startswith(":"):
            assert state.timeout is not None, state.key
            assert any(transition.action == ":timeout" for transition in state.transitions), state.key


@pytest.mark.parametrize("name", scenarios.names())
def test_nothing_leads_back_to_the_start_where_no_deadline_runs(name):
    states = loaded(name).states.values()
    assert "initial" not in {transition.target for state in states for transition in state.transitions}


@pytest.mark.parametrize("name", scenarios.names())
def test_everybody_is_told_in_every_state_what_to_do_or_to_wait_for(name):
    scenario = loaded(name)
    for state in scenario.states.values():
        if not state.key.startswith(":"):
            assert set(state.instructions) == set(scenario.actors), state.key


@pytest.mark.parametrize("name", scenarios.names())
def test_every_final_state_is_reached_by_a_run(name):
    assert {run["state"] for run in scenarios.runs(name).values()} >= set(FINAL_STATES)


@pytest.mark.parametrize("name", scenarios.names())
def test_everybody_who_can_act_in_a_state_is_told_what_to_do(name):
    form = normalise(scenarios.load(name))
    for key, state in form["states"].items():
        people = {
            actor
            for action in state["actions"]
            if not form["actions"][action]["system"]
            for actor in form["actions"][action]["actors"]
        }
        assert people <= set(state["instructions"]), key


def test_quotation_calculates_the_price_of_all_from_the_accepted_terms():
    run = scenarios.runs("quotation")["Offer, counter-offer, new offer, acceptance, approval"]
    contract = simulate.run(scenarios.load("quotation"), run["responses"])["assets"]["contract"]
    assert contract == {"total": 1011, "currency": "EUR"}


def test_quotation_lets_nobody_sign_twice():
    responses = scenarios.runs("quotation")["The seller refuses to sign"]["responses"][:-1]
    result = simulate.run(scenarios.load("quotation"), responses)
    assert result["state"] == "signing"
    assert result["actions"] == {"sign": ["seller"], "refuse": ["seller"]}


def test_quotation_notifies_only_where_the_buyer_gave_an_address():
    runs = scenarios.runs("quotation")
    silent = simulate.run(
        scenarios.load("quotation"), runs["The buyer signs first, nobody is notified"]["responses"][:6]
    )
    assert silent["state"] == "appointing"
    loud = simulate.run(
        scenarios.load("quotation"),
        runs["Offer, counter-offer, new offer, acceptance, approval"]["responses"][:8],
    )
    assert loud["state"] == "notifying"
    assert loud["actions"] == {"notify": ["buyer"]}


@pytest.mark.parametrize("name", scenarios.names())
def test_forms_say_in_which_order_their_fields_are_shown(name):
    for action in loaded(name).actions.values():
        for response in action.responses.values():
            if response.schema_document is None:
                continue
            fields, hints = set(response.schema_document["properties"]), response.ui_schema
            assert set(hints) - {"order"} <= fields
            assert len(fields) == 1 or set(hints["order"]) == fields
            assert {hint["widget"] for field, hint in hints.items() if field != "order"} <= {
                "textarea",
                "identity",
                "file-hash",
            }
            assert all(field.get("title") for field in response.schema_document["properties"].values())


@pytest.mark.parametrize("name", scenarios.names())
def test_whatever_people_say_is_asked_for_by_a_form(name):
    """A response whose data is kept somewhere, or read, has a schema and says how it is shown."""
    for key, action in scenarios.load(name)["actions"].items():
        if loaded(name).actions[key].is_system:
            continue
        for response, form in action.get("responses", {}).items():
            given = loaded(name).actions[key].responses[response]
            takes = any(update.data is None for update in given.update) or "response.data" in json.dumps(form)
            assert not takes or given.schema_document is not None, (key, response)
            if given.schema_document is not None and len(given.schema_document["properties"]) > 1:
                assert given.ui_schema.get("order"), (key, response)


A_TIME = re.compile(r"\b(days?|weeks?|months?|years?|hours?|until the time)\b")


@pytest.mark.parametrize("name", scenarios.names())
def test_who_can_act_while_a_deadline_runs_is_told_how_long(name):
    scenario = loaded(name)
    for key, state in scenario.states.items():
        people = {
            actor
            for action in state.actions
            if not scenario.actions[action].is_system
            for actor in scenario.actions[action].actors
        }
        for actor in people if state.timeout is not None else ():
            assert A_TIME.search(json.dumps(state.instructions[actor])), (key, actor)


@pytest.mark.parametrize("name", scenarios.names())
def test_every_end_has_a_name(name):
    states = scenarios.load(name)["states"]
    assert all(states[end]["title"] for end in FINAL_STATES), name


@pytest.mark.parametrize("name", scenarios.deviation_names())
def test_deviation_can_be_proposed_in_a_scenario_of_the_library(name):
    proposal = read_proposal(scenarios.deviation(name))
    assert check_proposal(proposal, load(scenarios.load(proposal.process)), None) == ()


def test_unknown_names_are_refused():
    for read in (scenarios.load, scenarios.runs, scenarios.deviation, scenarios.schema):
        with pytest.raises(KeyError):
            read("../quotation")
