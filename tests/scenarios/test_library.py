import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.normalise import FINAL_STATES, normalise
from workflow_engine.proposal import check_proposal, read_proposal
from workflow_engine.scenario import load

RUNS = [(name, title) for name in scenarios.names() for title in scenarios.runs(name)]


def test_library_holds_what_is_promised():
    assert set(scenarios.names()) >= {"quotation", "nda", "signing", "demo-transaction"}


@pytest.mark.parametrize("name", scenarios.names())
def test_scenario_has_no_problems_at_all(name):
    assert check(scenarios.load(name)).to_dict()["problems"] == []


@pytest.mark.parametrize("name", scenarios.names())
def test_scenario_names_itself_like_its_file(name):
    assert scenarios.load(name)["id"] == name
    assert load(scenarios.load(name)).name == name


@pytest.mark.parametrize(("name", "title"), RUNS)
def test_run_ends_as_it_says(name, title):
    run = scenarios.runs(name)[title]
    assert simulate.run(scenarios.load(name), run["responses"])["state"] == run["state"]


@pytest.mark.parametrize("name", scenarios.names())
def test_runs_come_to_every_state_and_take_every_named_transition(name):
    scenario = load(scenarios.load(name))
    seen, taken = {"initial"}, set()
    for run in scenarios.runs(name).values():
        for length in range(1, len(run["responses"]) + 1):
            before = simulate.play(scenario, run["responses"][: length - 1]).current.key
            after = simulate.play(scenario, run["responses"][:length]).current.key
            seen.add(after)
            taken.add((before, run["responses"][length - 1]["action"]))
    assert seen == set(scenario.states)
    wanted = {
        (state.key, transition.action)
        for state in scenario.states.values()
        for transition in state.transitions
        if transition.action not in {None, "withdraw"}
    }
    assert wanted <= taken


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
            if not form["actions"][action]["system"] and action != "withdraw"
            for actor in form["actions"][action]["actors"]
        }
        assert people <= set(state["instructions"]), key


def test_quotation_writes_the_accepted_terms_into_the_contract():
    run = scenarios.runs("quotation")["Offer, counter-offer, new offer, acceptance, approval"]
    contract = simulate.run(scenarios.load("quotation"), run["responses"])["assets"]["contract"]
    assert contract["total"] == 1011
    assert "12 \u00d7 Oak chair" in contract["text"]
    assert "84.25 EUR per unit" in contract["text"]
    assert "Free delivery." in contract["text"]


def test_quotation_lets_nobody_sign_twice():
    responses = scenarios.runs("quotation")["The seller refuses to sign"]["responses"][:-1]
    result = simulate.run(scenarios.load("quotation"), responses)
    assert result["state"] == "signing"
    assert result["actions"] == {"sign": ["seller"], "refuse": ["seller"]}


def test_quotation_notifies_only_where_the_buyer_gave_an_address():
    runs = scenarios.runs("quotation")
    silent = simulate.run(
        scenarios.load("quotation"), runs["The buyer signs first, nobody is notified"]["responses"][:5]
    )
    assert silent["state"] == "appointing"
    loud = simulate.run(
        scenarios.load("quotation"),
        runs["Offer, counter-offer, new offer, acceptance, approval"]["responses"][:7],
    )
    assert loud["state"] == "notifying"
    assert loud["actions"] == {"notify": ["buyer"]}


@pytest.mark.parametrize("name", scenarios.names())
def test_forms_say_in_which_order_their_fields_are_shown(name):
    for action in load(scenarios.load(name)).actions.values():
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


@pytest.mark.parametrize("name", scenarios.deviation_names())
def test_deviation_can_be_proposed_in_a_scenario_of_the_library(name):
    proposal = read_proposal(scenarios.deviation(name))
    assert check_proposal(proposal, load(scenarios.load(proposal.process)), None) == ()


def test_unknown_names_are_refused():
    for read in (scenarios.load, scenarios.runs, scenarios.deviation, scenarios.schema):
        with pytest.raises(KeyError):
            read("../quotation")
