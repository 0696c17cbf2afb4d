"""What each scenario of the library promises in its description holds for people who try otherwise."""

import hashlib

import pytest

import scenarios
from eventchain.core.errors import LiveContractError
from tests.scenarios.casting import loaded, respond, start
from workflow_engine import simulate
from workflow_engine.errors import ActionNotAvailableError, ActorNotAllowedError, InvalidDataError
from workflow_engine.proofs import group, sigma
from workflow_engine.proofs.statement import commit


def played(name, title, length=None):
    """Return the process of a run of the library, or of its first responses."""
    return simulate.play(loaded(name), scenarios.runs(name)[title]["responses"][:length])


def cast(name, **others):
    """Let everybody be played by somebody of their name, but for those who are told otherwise; None is nobody."""
    people = {key: key for key in loaded(name).actors} | others
    return {key: who for key, who in people.items() if who is not None}


def begun(name, **others):
    return start(loaded(name), cast(name, **others))


# --- Four-eyes approval -----------------------------------------------------------------------------------------------

ORDER = {"payee": "Paper Mill", "account": "NL91", "amount": 25000, "currency": "EUR", "purpose": "Paper"}


def test_nobody_approves_what_they_asked_for():
    process = respond(begun("four-eyes", approver="requester"), "requester", "submit", ORDER)
    with pytest.raises(LiveContractError):
        respond(process, "requester", "approve")
    process = respond(process, "director", ":timeout", days=3)
    assert process.current.actions["approve"]["actors"] == ["deputy"]


def test_nobody_approves_twice():
    process = respond(begun("four-eyes", director="approver"), "requester", "submit", ORDER)
    process = respond(process, "approver", "approve")
    assert process.current.key == "second_approval"
    with pytest.raises(ActionNotAvailableError):
        respond(process, "approver", "approve_second")


def test_deputy_has_to_wait_for_the_approver():
    process = respond(begun("four-eyes"), "requester", "submit", ORDER)
    with pytest.raises(ActorNotAllowedError):
        respond(process, "deputy", "approve")
    process = respond(process, "requester", ":timeout", days=3)
    assert respond(process, "approver", "approve").current.key == "second_approval"
    assert respond(process, "deputy", "approve").current.key == "second_approval"


def test_approval_is_gone_when_the_order_is_sent_back():
    process = played("four-eyes", "The director sends back, the order is halved and approved", 4)
    assert process.assets["approval"] == {}
    assert process.current.key == "review"


def test_requester_who_is_the_director_can_neither_send_back_nor_reject():
    process = respond(begun("four-eyes", director="requester"), "requester", "submit", ORDER)
    process = respond(process, "approver", "approve")
    assert set(process.current.actions) == {"withdraw"}


@pytest.mark.parametrize(("amount", "state"), [(10000, ":success"), (10000.01, "second_approval")])
def test_second_approval_is_needed_above_the_limit(amount, state):
    process = respond(begun("four-eyes"), "requester", "submit", {**ORDER, "amount": amount})
    assert respond(process, "approver", "approve").current.key == state


def respond_in(process, actor, action, data=None):
    """Go on with a process of `simulate`, whose identities are named like the actors."""
    run = [
        {"actor": actor, "action": action, **({} if data is None else {"data": data})},
    ]
    responses = [
        {
            "actor": given["actor"]["key"],
            "action": given["action"]["key"],
            "response": given["key"],
            "data": given.get("data"),
            "at": given["timestamp"],
        }
        for given in process.previous
    ]
    return simulate.play(process.scenario, [*responses, *run])


# --- Texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "title", "asset", "parts"),
    [
        (
            "arbitration",
            "Heard and decided",
            "agreement",
            ["Acme Corp, Utrecht, and Beta Ltd, Leeds", "Amsterdam", "3000 EUR", "disclosed: nothing"],
        ),
    ],
)
def test_text_that_binds_is_written_with_what_was_agreed(name, title, asset, parts):
    process = played(name, title)
    text = process.assets[asset]["text"]
    assert [part for part in parts if part not in text] == []
    assert "{{" not in text


# --- Purchase ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "due"),
    [
        ("Ordered, sent, accepted, paid", 1079.4),
        ("A lower price is agreed on", 971.46),
        ("A lower price is refused, the inspector decides", 895.9),
        ("Contested, and the goods go back", 0),
    ],
)
def test_buyer_owes_the_price_less_the_reduction(title, due):
    assert played("purchase", title).assets["payment"]["due"] == due


def test_seller_gets_the_time_that_was_offered_and_no_day_more():
    process = played("purchase", "Ordered, sent, accepted, paid", 3)
    offered, _, ordered = (given["timestamp"] for given in process.previous)
    assert process.current.due_date == ordered + 14 * 86_400_000
    assert ordered > offered
    with pytest.raises(LiveContractError, match="not over yet"):
        respond_in(process, "buyer", ":timeout")


def test_nobody_but_the_inspector_decides():
    process = played("purchase", "Contested, and the goods go back", 6)
    assert {key: list(item["actors"]) for key, item in process.current.actions.items()} == {"decide": ["inspector"]}
    with pytest.raises(InvalidDataError):
        respond_in(process, "inspector", "decide", {"percent": 101, "findings": "All is lost."})


# --- Signing by several parties ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signers", "rule", "needed"),
    [
        (1, "all", 1),
        (1, "more than half", 1),
        (2, "more than half", 2),
        (3, "more than half", 2),
        (3, "two thirds", 2),
        (4, "two thirds", 3),
        (5, "two thirds", 4),
        (5, "more than half", 3),
        (6, "two thirds", 4),
        (6, "all", 6),
    ],
)
def test_so_many_of_the_bound_signers_have_to_sign(signers, rule, needed):
    nobody = {f"signer_{number}": None for number in range(signers + 1, 7)}
    document = {"title": "Articles", "sha256": 64 * "a", "rule": rule}
    process = respond(begun("group-signing", **nobody), "sender", "present", document)
    process = respond(process, "sender", "write")
    assert process.assets["count"] == {"signers": signers, "needed": needed, "may_refuse": signers - needed}
    for number in range(1, needed + 1):
        assert process.current.key == "signing"
        process = respond(process, f"signer_{number}", "sign")
    assert process.current.key == ":success"


def test_sender_who_is_bound_as_signer_signs_as_such():
    process = respond(
        begun("group-signing", signer_1="sender", **{f"signer_{number}": None for number in range(2, 7)}),
        "sender",
        "present",
        {"title": "Articles", "sha256": 64 * "a", "rule": "all"},
    )
    process = respond(process, "sender", "write")
    assert respond(process, "sender", "sign").current.key == ":success"


# --- Arbitration and insurance ----------------------------------------------------------------------------------------


def test_nobody_accepts_their_own_offer_to_settle():
    process = played("arbitration", "Settled while the case is stated", 4)
    with pytest.raises(ActorNotAllowedError):
        respond_in(process, "respondent", "accept_settlement")
    with pytest.raises(ActorNotAllowedError):
        respond_in(process, "claimant", "take_back")


def test_offer_to_settle_that_was_taken_back_cannot_be_accepted():
    process = played("arbitration", "An offer to settle is taken back, another is accepted late", 5)
    assert "accept_settlement" not in process.current.actions


def test_insurer_asks_three_times_and_then_has_to_decide():
    process = played("insurance-claim", "Granted and paid", 1)
    for _ in range(3):
        process = respond_in(process, "insurer", "ask", {"question": "How old is it?"})
        process = respond_in(process, "insured", "inform", {"answer": "Twelve years."})
    assert set(process.current.actions) == {"grant", "offer", "reject", "withdraw"}


# --- Lease ------------------------------------------------------------------------------------------------------------


def test_months_of_a_lease_do_not_move_with_the_payments():
    process = played("lease", "Three months, paid in time", 9)
    assert process.current.title == "Month 3 of 3"
    assert [given["timestamp"] for given in process.previous if given["action"]["key"] == ":timeout"] == [
        1_772_272_800_000,
        1_774_692_000_000,
    ]
    assert process.current.due_date == 1_777_370_400_000


def test_landlord_gives_notice_only_when_rent_of_a_month_that_is_over_is_missing():
    before = played("lease", "Not caught up after a notice", 4)
    after = played("lease", "Not caught up after a notice", 5)
    assert "give_notice" not in before.current.actions
    assert after.current.actions["give_notice"]["actors"] == ["landlord"]
    assert "missing" in after.current.description


def test_tenant_has_the_whole_following_month_after_a_notice():
    noticed = played("lease", "Not caught up after a notice", 6)
    assert noticed.current.title == "Month 2 of 3"
    following = played("lease", "Not caught up after a notice", 7)
    assert following.current.title == "Month 3 of 3"
    assert not following.is_finished


def test_notice_is_gone_when_the_tenant_caught_up():
    process = played("lease", "Caught up after a notice", 7)
    assert "notice" not in process.assets["account"]
    assert "give_notice" not in process.current.actions


def test_objection_brings_the_notice_back_so_that_false_statements_gain_nothing():
    process = played("lease", "A notice comes back with an objection", 7)
    assert "notice" not in process.assets["account"]
    process = played("lease", "A notice comes back with an objection", 9)
    assert process.assets["account"]["notice"] == 1
    assert process.assets["account"].keys() & {"lapsed", "until"} == set()


def test_notice_does_not_come_back_after_the_payment_was_confirmed():
    process = played("lease", "A notice comes back with an objection", 7)
    process = respond_in(process, "landlord", "confirm")
    assert process.assets["account"].keys() & {"lapsed", "until", "notice"} == set()


def test_objection_at_the_end_leaves_the_tenant_thirty_days():
    process = played("lease", "An objection, then paid again", 14)
    assert process.current.key == "settling"
    assert process.current.due_date == process.previous[-1]["timestamp"] + 30 * 86_400_000
    assert process.previous[-1]["action"]["key"] == "object"


# --- Tender -----------------------------------------------------------------------------------------------------------

TENDER = {"subject": "Cleaning", "description": "Daily.", "currency": "EUR", "days": 14, "law": "the Netherlands"}
SALT = "0123456789abcdef0123456789abcdef"


def sealed(bidder, price, process="p"):
    text = f'{{"bidder":"{bidder}","price":{price},"process":"{process}","salt":"{SALT}"}}'
    return {"sealed": hashlib.sha256(text.encode()).hexdigest()}


def test_copied_seal_cannot_be_opened():
    process = respond(begun("tender"), "buyer", "publish", TENDER)
    process = respond(process, "bidder_1", "bid", sealed("bidder_1", 100))
    process = respond(process, "bidder_2", "bid", sealed("bidder_1", 100))
    process = respond(process, "buyer", ":timeout", days=14)
    process = respond(process, "bidder_1", "open", {"price": 100, "salt": SALT})
    process = respond(process, "bidder_2", "open", {"price": 100, "salt": SALT})
    assert process.previous[-1]["key"] == "wrong"
    assert [bid["bidder"] for bid in process.assets["bids"]] == ["bidder_1"]
    assert process.current.key == "opening"


def test_outcome_of_opening_is_not_the_bidders_to_say():
    process = respond(begun("tender"), "buyer", "publish", TENDER)
    process = respond(process, "bidder_1", "bid", sealed("bidder_1", 100))
    process = respond(process, "buyer", ":timeout", days=14)
    process = respond(process, "bidder_1", "open", {"price": 1, "salt": SALT}, key="opened")
    assert process.previous[-1]["key"] == "wrong"
    assert process.assets["bids"] == []


def test_seal_of_another_process_cannot_be_opened_here():
    process = respond(begun("tender"), "buyer", "publish", TENDER)
    process = respond(process, "bidder_1", "bid", sealed("bidder_1", 100, "another"))
    process = respond(process, "buyer", ":timeout", days=14)
    process = respond(process, "bidder_1", "open", {"price": 100, "salt": SALT})
    assert process.previous[-1]["key"] == "wrong"


def test_nobody_bids_after_the_time_nor_opens_before():
    before = played("tender", "Three bids, the lowest wins", 4)
    after = played("tender", "Three bids, the lowest wins", 5)
    assert set(before.current.actions) == {"bid", "withdraw"}
    assert set(after.current.actions) == {"open"}
    assert after.current.actions["open"]["actors"] == ["bidder_1", "bidder_2", "bidder_3"]


def test_lowest_bid_wins_and_of_equal_ones_that_opened_first():
    assert played("tender", "Three bids, the lowest wins").assets["award"]["price"] == 17250.5
    process = respond(begun("tender"), "buyer", "publish", TENDER)
    for bidder in ("bidder_1", "bidder_2"):
        process = respond(process, bidder, "bid", sealed(bidder, 100))
    process = respond(process, "buyer", ":timeout", days=14)
    for bidder in ("bidder_2", "bidder_1"):
        process = respond(process, bidder, "open", {"price": 100, "salt": SALT})
    assert respond(process, "buyer", "award").assets["award"]["bidder"] == "bidder_2"


# --- Solvency ---------------------------------------------------------------------------------------------------------

BLINDING = group.scalar_of(987_654_321)
SEED = bytes(range(32))
CHALLENGE = "0f" * 16


def challenged(income_class, least):
    """Return a process in which a tenant of this class is challenged, and what the tenant's proof states."""
    commitment = commit(income_class, BLINDING).hex()
    statement = {"commitment": commitment, "values": list(range(least, 11))}
    process = begun("solvency")
    process = respond(
        process, "landlord", "inquire", {"home": "A flat", "rent": 900, "currency": "EUR", "least": least}
    )
    process = respond(process, "bank", "certify", {"commitment": commitment, "as_of": "2026-01-31"})
    wanted = statement if income_class >= least else {**statement, "values": [income_class]}
    process = respond(process, "tenant", "announce", {"announcement": sigma.announce(wanted, BLINDING, SEED)})
    return respond(process, "landlord", "challenge", {"challenge": CHALLENGE}), wanted


@pytest.mark.parametrize(("income_class", "least"), [(1, 1), (4, 4), (7, 4), (10, 10)])
def test_tenant_whose_class_is_enough_shows_it(income_class, least):
    process, statement = challenged(income_class, least)
    process = respond(process, "tenant", "answer", {"answer": sigma.answer(statement, BLINDING, SEED, CHALLENGE)})
    assert process.current.key == ":success"


@pytest.mark.parametrize(("income_class", "least"), [(1, 2), (3, 4), (9, 10)])
def test_tenant_whose_class_is_not_enough_cannot(income_class, least):
    process, statement = challenged(income_class, least)
    answer = sigma.answer(statement, BLINDING, SEED, CHALLENGE)
    for response in ("shown", None):
        ended = respond(process, "tenant", "answer", {"answer": answer}, key=response)
        assert ended.current.key == ":failed"


def test_chain_shows_the_same_forms_whatever_the_class_is():
    def lengths(income_class):
        process, statement = challenged(income_class, 4)
        answer = sigma.answer(statement, BLINDING, SEED, CHALLENGE)
        process = respond(process, "tenant", "answer", {"answer": answer})
        return [{name: len(str(value)) for name, value in given["data"].items()} for given in process.previous]

    assert lengths(4) == lengths(7) == lengths(10)
