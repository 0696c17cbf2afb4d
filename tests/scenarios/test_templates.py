"""The documents of the library: templates that fit their scenarios, and what they say at the end of played runs."""

import hashlib
from functools import cache

import pytest

import scenarios
from eventchain.core.errors import LiveContractError
from tests.scenarios.casting import loaded
from tests.workflow_engine.documents.templates import text_in
from workflow_engine import simulate
from workflow_engine.documents import admit, fill
from workflow_engine.documents.action import DOCUMENT
from workflow_engine.documents.comparison import action_shape, compare, fields_of
from workflow_engine.documents.embedding import template_in
from workflow_engine.documents.retrieval import document_in
from workflow_engine.normalise import normalise

SIGNED = {"nda", "quotation", "signing", "group-signing", "lease", "purchase", "onboarding"}
"""Those in which people agree to a text, which is a document."""


@cache
def document_actions(name):
    return {key: action for key, action in loaded(name).actions.items() if action.kind == "document"}


WITH_DOCUMENT = [name for name in scenarios.names() if document_actions(name)]
ENDS = [
    (name, title) for name in WITH_DOCUMENT for title, run in scenarios.runs(name).items() if run["state"] == ":success"
]


def played(name, title, length=None):
    return simulate.play(loaded(name), scenarios.runs(name)[title]["responses"][:length])


def asset_of(name):
    """Return the key of the asset that holds the document of a scenario."""
    (action,) = document_actions(name).values()
    (instruction,) = action.responses["ok"].update
    return instruction.select.removeprefix("assets.")


def words(document):
    return " ".join(text_in(document).split())


def test_library_makes_documents_of_what_is_signed():
    assert set(WITH_DOCUMENT) >= SIGNED
    assert set(WITH_DOCUMENT) == set(scenarios.template_names())
    with pytest.raises(KeyError):
        scenarios.template("../nda")


@pytest.mark.parametrize("name", WITH_DOCUMENT)
def test_template_is_let_in_whole_and_fits_its_scenario(name):
    template = admit(scenarios.template(name))
    assert template.notes == ()
    form = normalise(scenarios.load(name))
    (key,) = document_actions(name)
    problems = compare(fields_of(template), action_shape(form, form["actions"][key]))
    assert [problem.message for problem in problems if problem.severity != "info"] == []
    assert len(scenarios.template(name)) < 8_000


@pytest.mark.parametrize("name", WITH_DOCUMENT)
def test_template_in_a_scenario_is_the_one_beside_it(name):
    (action,) = document_actions(name).values()
    assert template_in(loaded(name).definitions[action.properties["template"]]) == scenarios.template(name)


@pytest.mark.parametrize("name", WITH_DOCUMENT)
def test_template_stands_at_the_end_of_the_file_out_of_the_way(name):
    assert list(scenarios.load(name))[-1] == "definitions"
    assert (
        list(scenarios.load(name)["definitions"])[-1]
        == next(iter(document_actions(name).values())).properties["template"]
    )


@pytest.mark.parametrize(("name", "title"), ENDS)
def test_every_run_that_comes_to_the_end_still_makes_its_document(name, title):
    document = document_in(played(name, title), asset_of(name))
    assert len(document) > 5_000
    assert "{{" not in words(document)


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_nothing_that_the_document_shows_changes_from_its_making_to_the_last_signature(name):
    """So that whoever signed late has signed the same as whoever signed first."""
    for title, run in scenarios.runs(name).items():
        seen = set()
        for length in range(1, len(run["responses"]) + 1):
            process = played(name, title, length)
            described = process.assets.get(asset_of(name), {})
            if described.get("$schema") == DOCUMENT and not process.is_finished:
                seen.add(described["hash"])
                document_in(process, asset_of(name))
        assert len(seen) <= 2, title  # a second one where the terms were proposed anew


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_document_is_locked_in_every_state_that_follows_its_making(name):
    scenario = loaded(name)
    (key,) = document_actions(name)
    for state in scenario.states.values():
        for transition in state.transitions:
            if (transition.action, transition.response) == (key, "ok"):
                assert transition.target in scenarios.load(name)["assets"][asset_of(name)]["locked_in"]


@pytest.mark.parametrize("name", WITH_DOCUMENT)
def test_document_that_cannot_be_written_is_told_with_the_reason_and_can_be_corrected(name):
    title = next(title for title in scenarios.runs(name) if title.endswith("cannot be written, and is corrected"))
    steps = scenarios.runs(name)[title]["responses"]
    failed = next(index for index, step in enumerate(steps, start=1) if step.get("response") == "error")
    process = played(name, title, failed)
    assert "characters that no document can hold" in process.current.description
    assert played(name, title).assets[asset_of(name)]["$schema"] == DOCUMENT


@pytest.mark.parametrize("name", WITH_DOCUMENT)
def test_nobody_can_say_of_a_document_that_it_is_another_one_or_that_it_cannot_be_made(name):
    for run in scenarios.runs(name).values():
        for length, step in enumerate(run["responses"]):
            if step.get("action") in document_actions(name) and step.get("response") != "error":
                before = run["responses"][:length]
                for lie in ({"response": "error"}, {"data": {"hash": "1" * 43}}, {"data": {}}):
                    with pytest.raises(LiveContractError):
                        simulate.play(loaded(name), [*before, {**step, **lie}])
                return
    raise AssertionError(name)


SAID = [
    (
        "nda",
        "Signed in the other order",
        [
            "Between Acme Corp, the disclosing party, and Beta Ltd, the receiving party.",
            "These duties last 3 years from",
        ],
    ),
    (
        "quotation",
        "Offer, counter-offer, new offer, acceptance, approval",
        ["Oak chair", "12", "84.25 EUR", "The price of all is 1011 EUR.", "Free delivery.", "within 90 days"],
    ),
    ("signing", "The sender signs first", ["Signature page", "Sender", "Recipient", "application/pdf"]),
    (
        "purchase",
        "Ordered, sent, accepted, paid",
        ["Oak chair, oiled", "Canal Street 12, Utrecht", "1079.4 EUR", "within 14 days after the order"],
    ),
    ("lease", "Three months, paid in time", ["Canal Street 12", "for 3 months", "1150 EUR", "NL91"]),
    (
        "onboarding",
        "Accepted, and signed by both",
        ["Between Acme Corp, Utrecht, the employer, and Ada Green, born on", "bookkeeper", "3150.5 EUR", "4 weeks of"],
    ),
    ("licence", "Issued, and the shipment is told", ["Number X-2026-118", "Pressure gauges", "40 pieces", "CH"]),
    ("invoice", "Paid in time and confirmed", ["Number 2026-17", "12 oak chairs", "900 EUR"]),
    ("group-signing", "More than half sign", ["Signer 1", "Signer 6", "4 of 6 signatures are needed (more than half)"]),
]


@pytest.mark.parametrize(("name", "title", "parts"), SAID)
def test_document_says_what_was_agreed(name, title, parts):
    text = words(document_in(played(name, title), asset_of(name)))
    assert [part for part in parts if part not in text] == []


def test_penalty_stands_in_the_agreement_only_where_there_is_one():
    terms = {"discloser": "A", "recipient": "B", "purpose": "talks", "years": 1, "law": "NL"}
    with_penalty = fill(scenarios.template("nda"), {"assets": {"terms": {**terms, "penalty": 5000}}})
    without = fill(scenarios.template("nda"), {"assets": {"terms": terms}})
    assert "Each breach costs the receiving party EUR 5000." in words(with_penalty)
    assert "Penalty" not in words(without)
    assert "These duties last 1 year from" in words(without)


def test_documents_of_the_library_are_pinned():
    """Another hash here means that two versions of the node would refuse each other's documents."""
    terms = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}
    document = fill(scenarios.template("nda"), {"assets": {"terms": {**terms, "penalty": 10_000}}})
    assert hashlib.sha256(document).hexdigest() == "c7bd436c4a97f9f41ac83f5f4283b41dd8f6fa43f07cf396438e659288d87bce"
