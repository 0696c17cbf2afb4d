"""Onboarding between nodes: employee and agency, invited by the scenario itself, act with keys of their own."""

from typing import Any

import scenarios
from eventchain.core.errors import ForbiddenError, LiveContractError
from livecontract.simulated_party import response
from livecontract.simulation import Simulation
from tests.node.stage import Stage, check_equal, refusal
from tests.workflow_engine.documents.templates import text_in
from workflow_engine.documents.retrieval import document_in

NAMES = ("employer", "employee", "checker")
SCREENED = "Screened, nothing found, signed"


def steps(title: str) -> dict[str, dict[str, Any]]:
    """Return what people do in a run of the library, by action; inviting is the node's."""
    return {step["action"]: step for step in scenarios.runs("onboarding")[title]["responses"]}


def act(stage: Stage, name: str, action: str, data: object = None) -> None:
    stage.act(name, action, data)
    stage.simulation.settle(receipts=False)


def begin(title: str) -> Stage:
    """Start where nobody but the employer is on the chain, and let it make its offer."""
    stage = Stage.of(Simulation(6, names=NAMES), NAMES).found("employer", ())
    stage.start("onboarding", {"employer": "employer"}, "employer")
    act(stage, "employer", "offer", steps(title)["offer"]["data"])
    return stage


def join(stage: Stage, name: str) -> None:
    stage[name].take_invitation()
    stage.simulation.settle(receipts=False)


def refused(stage: Stage, name: str, key: Any, action: str) -> LiveContractError:
    """Return why the employer's node does not take a response that is signed with some key."""
    party = stage[name]
    party.key = key
    return refusal(lambda: party.send(party.sign(stage.chain, response("process", action)), to="employer"))


def test_employee_and_agency_are_invited_and_act_with_their_own_keys() -> None:
    stage = begin(SCREENED)
    assert [mail.to for mail in stage.simulation.world.mails] == ["employee@example.com"]
    join(stage, "employee")
    act(stage, "employee", "accept")
    assert [mail.to for mail in stage.simulation.world.mails][1:] == ["checker@example.com"]
    join(stage, "checker")
    stage["checker"].post(stage.chain, response("process", "report", key="clear"))
    stage.simulation.settle(receipts=False)
    act(stage, "employee", "state_details", steps(SCREENED)["state_details"]["data"])
    act(stage, "employer", "sign")
    act(stage, "employee", "sign")
    assert {stage.state(name) for name in NAMES} == {":success"}
    check_equal(stage, NAMES)
    process = stage.node("checker").workflow.process("process", stage.chain)
    assert "Ada Green, born on 1994-05-17" in text_in(document_in(process, "contract"))
    identities = stage.node("employer").eventchain.tip(stage.chain).identities.by_id
    for name in ("employee", "checker"):
        identity = identities[process.actors[name]["identity"]["id"]]
        assert (identity.is_invited, identity.node) == (False, f"http://{name}")


def test_one_time_key_is_worth_nothing_once_the_employee_has_replaced_it() -> None:
    stage = begin("Accepted, and signed by both")
    invitation = stage["employee"].read_invitation()
    join(stage, "employee")
    error = refused(stage, "employee", invitation.key, "accept")
    assert isinstance(error, ForbiddenError)
    assert stage.state("employer") == "offered"


def test_employer_does_not_accept_in_the_name_of_the_employee() -> None:
    stage = begin("Accepted, and signed by both")
    join(stage, "employee")
    error = refused(stage, "employer", stage["employer"].key, "accept")
    assert error.path == "$.actor"
    assert stage.state("employee") == "offered"


def test_invitation_that_is_never_taken_lets_the_offer_lapse() -> None:
    stage = begin("Accepted, and signed by both")
    due_date = stage.node("employer").workflow.process("process", stage.chain).current.due_date
    assert due_date is not None
    stage.simulation.clock.now = due_date
    for _ in range(3):  # the employee's turn to tell passes, then it is the employer's
        stage.simulation.wait(600_000)
    assert stage.state("employer") == ":cancelled"


def test_employer_is_told_why_nobody_could_be_invited() -> None:
    stage = Stage.of(Simulation(6, names=NAMES), NAMES).found("employer", ())
    stage["employer"].post(stage.chain, {**stage["employee"].identity, "id": "process-employee"})
    stage.start("onboarding", {"employer": "employer"}, "employer")
    act(stage, "employer", "offer", steps(SCREENED)["offer"]["data"])
    process = stage.node("employer").workflow.process("process", stage.chain)
    assert process.current.key == "unreachable"
    assert process.current.description is not None
    assert "the chain has an identity process-employee already" in process.current.description
    assert stage.simulation.world.mails == []
