"""Every condition of an action in the library keeps somebody from something, and would be missed.

Each case is what a party tries after the first responses of a run. With the scenario as it is, it is refused; without
the condition of that action it would be taken.
"""

import copy

import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError

ASK = {"question": "How old is it?"}
ANSWER = {"answer": "Twelve years."}
STATEMENT = {"text": "Once more."}
PAID = {"paid": "2026-03-01"}
OBJECTION = {"objection": "Nothing came."}
REASON = {"reason": "No."}
TOGGLED = [("tenant", "end_early", None), ("tenant", "go_on", None)]
TOLD = {"chain": "c", "events": ["e"]}
TRIED = [("buyer", "notify_again", None), ("buyer", "notify.error", None)]
OPENED = {"price": 18000, "salt": "0" * 32}


def asked(times):
    return [("insurer", "ask", ASK), ("insured", "inform", ANSWER)] * times


BACK = "Keys lost, agreed to, replaced, and the party is back"
TWO = "Two have to agree and do, and the invitation is not taken"
CASES = [
    # scenario, run, how many of its responses, what else happens, and what is refused
    ("arbitration", "Heard and decided", 3, [("claimant", "submit", STATEMENT)] * 5, ("claimant", "submit", STATEMENT)),
    ("arbitration", "Who rested may answer what is added", 4, [], ("claimant", "rest", None)),
    ("arbitration", "Settled while the case is stated", 4, [], ("respondent", "accept_settlement", None)),
    ("arbitration", "Settled while the case is stated", 3, [], ("claimant", "accept_settlement", None)),
    ("arbitration", "Settled while the case is stated", 4, [], ("claimant", "take_back", None)),
    ("four-eyes", "Approved by one other person", 1, [], ("deputy", "approve", None)),
    ("four-eyes", "Approved by one other person", 1, [], ("deputy", "send_back", REASON)),
    ("four-eyes", "Approved by one other person", 1, [], ("deputy", "reject", REASON)),
    ("group-signing", "More than half sign", 4, [], ("signer_1", "sign", None)),
    ("group-signing", "More than half sign", 5, [], ("signer_3", "sign", None)),
    ("group-signing", "More than half sign", 4, [], ("signer_1", "refuse", REASON)),
    ("group-signing", "More than half sign", 5, [], ("signer_3", "refuse", REASON)),
    ("insurance-claim", "Granted and paid", 1, asked(3), ("insurer", "ask", ASK)),
    ("lease", "Paid in advance, confirmed by silence", 7, [], ("tenant", "pay", PAID)),
    ("lease", "Three months, paid in time", 4, [], ("landlord", "confirm", None)),
    ("lease", "Three months, paid in time", 6, [], ("landlord", "confirm", None)),
    ("lease", "Three months, paid in time", 4, [], ("landlord", "object", OBJECTION)),
    ("lease", "Three months, paid in time", 6, [], ("landlord", "object", OBJECTION)),
    ("lease", "Three months, paid in time", 4, [], ("landlord", "give_notice", None)),
    ("lease", "Not caught up after a notice", 6, [], ("landlord", "give_notice", None)),
    ("lease", "Ended early by agreement", 6, [], ("tenant", "end_early", None)),
    ("lease", "Ended early by agreement", 6, [], ("landlord", "go_on", None)),
    ("lease", "Rent missing at the end", 4, TOGGLED * 12, ("tenant", "end_early", None)),
    ("lease", "Rent missing at the end", 9, [], ("landlord", "close", None)),
    ("nda", "Signed in the other order", 4, [], ("discloser", "sign", None)),
    ("onboarding", "Never signed by the employer", 6, [], ("employee", "sign", None)),
    ("quotation", "One signs, the other is silent", 5, [], ("buyer", "sign", None)),
    ("quotation", "One signs, the other is silent", 5, [], ("buyer", "refuse", None)),
    ("quotation", "The notification fails, and the buyer is silent", 7, TRIED * 3, ("buyer", "notify_again", None)),
    ("request-received", "Answered, and received", 2, [], ("messenger", "tell", TOLD)),
    ("request-sent", "Answered", 1, [], ("messenger", "tell", TOLD)),
    ("signing", "The recipient signs first", 3, [], ("recipient", "sign", None)),
    ("signing", "The recipient signs first", 3, [], ("recipient", "refuse", REASON)),
    ("synchronise-all", "One is silent", 2, [], ("member_1", "acknowledge", None)),
    ("tender", "Three bids, the lowest wins", 5, [], ("bidder_4", "open", OPENED)),
    ("tender", "Three bids, the lowest wins", 6, [], ("bidder_3", "open", OPENED)),
    ("key-recovery", BACK, 2, [], ("member_2", "agree", None)),
    ("key-recovery", BACK, 5, [], ("member_1", "approve", None)),
    ("key-recovery", BACK, 5, [], ("member_3", "approve", None)),
    ("key-recovery", TWO, 6, [], ("member_4", "approve", None)),
    ("key-recovery", BACK, 5, [], ("member_2", "object", None)),
    ("key-recovery", BACK, 6, [], ("member_2", "replace", None)),
    ("key-recovery", BACK, 7, [], ("member_1", "confirm", None)),
]

WITH_A_CAST = {("four-eyes", "approve_second"), ("four-eyes", "send_back_second"), ("four-eyes", "reject_second")}
"""These tell apart people, not actors: `test_library_conduct` lets one person play two."""


def tried(scenario, case):
    _, title, length, more, (actor, action, data) = case
    given = [*scenarios.runs(case[0])[title]["responses"][:length]]
    simulate.play(scenario, [*given, *map(as_response, more)])
    return [*given, *map(as_response, [*more, (actor, action, data)])]


def as_response(step):
    actor, action, data = step
    action, _, key = action.partition(".")
    outcome = {"response": key} if key else {}
    return {"actor": actor, "action": action, **outcome, **({} if data is None else {"data": data})}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[4][0]} {case[4][1]} after {case[1]}")
def test_condition_keeps_a_party_from_it(case):
    document = scenarios.load(case[0])
    scenario = load(document)
    responses = tried(scenario, case)
    with pytest.raises((ActionNotAvailableError, ActorNotAllowedError)):
        simulate.play(scenario, responses)
    del document["actions"][case[4][1]]["condition"]
    simulate.play(load(document), responses)


def test_every_condition_is_tried():
    conditions = {
        (name, key)
        for name in scenarios.names()
        for key, action in scenarios.load(name)["actions"].items()
        if "condition" in action
    }
    assert {(case[0], case[4][1]) for case in CASES} | WITH_A_CAST == conditions


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
def test_every_condition_of_a_transition_is_needed_by_a_run(name):
    scenario, needless = scenarios.load(name), []
    for key, state in scenario["states"].items():
        for index, transition in enumerate(state.get("transitions", ())):
            if "condition" in transition:
                changed = copy.deepcopy(scenario)
                del changed["states"][key]["transitions"][index]["condition"]
                changed = load(changed)
                if all(ends_as_it_says(changed, run) for run in scenarios.runs(name).values()):
                    needless.append((key, index))
    assert needless == []


def ends_as_it_says(scenario, run):
    try:
        return simulate.play(scenario, run["responses"]).current.key == run["state"]
    except ActionNotAvailableError:
        return False
