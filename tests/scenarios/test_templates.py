"""The templates of the library: let in, fitting their scenarios, and filled from played runs with what was agreed."""

import hashlib

import pytest

import scenarios
from tests.workflow_engine.documents.templates import nda_with_document, text_in
from workflow_engine import simulate
from workflow_engine.documents import admit, fill
from workflow_engine.documents.comparison import compare, fields_of, process_shape
from workflow_engine.normalise import normalise
from workflow_engine.scenario import load


def document_after(name, title, responses=None):
    """The document that the process of a run makes, after all of its responses or the first few."""
    process = simulate.play(load(scenarios.load(name)), scenarios.runs(name)[title]["responses"][:responses])
    data = {"title": process.title, "actors": process.actors, "assets": process.assets}
    return fill(scenarios.template(name), data)


def words(document):
    return " ".join(text_in(document).split())


def test_library_has_templates_of_what_is_signed():
    assert set(scenarios.template_names()) >= {"nda", "quotation"}
    with pytest.raises(KeyError):
        scenarios.template("../nda")


@pytest.mark.parametrize("name", scenarios.template_names())
def test_template_is_let_in_whole_and_fits_its_scenario(name):
    template = admit(scenarios.template(name))
    assert template.notes == ()
    problems = compare(fields_of(template), process_shape(normalise(scenarios.load(name))))
    assert [problem.message for problem in problems if problem.severity != "info"] == []
    assert len(scenarios.template(name)) < 8_000


@pytest.mark.parametrize("name", scenarios.template_names())
def test_every_run_that_comes_to_the_end_has_a_document(name):
    for title, run in scenarios.runs(name).items():
        if run["state"] == ":success":
            assert len(document_after(name, title)) > 5_000


def test_agreement_says_what_was_agreed():
    title = next(title for title, run in scenarios.runs("nda").items() if run["state"] == ":success")
    process = simulate.play(load(scenarios.load("nda")), scenarios.runs("nda")[title]["responses"])
    terms = process.assets["terms"]
    text = words(document_after("nda", title))
    assert f"Between {terms['discloser']}, the disclosing party, and {terms['recipient']}, the receiving party." in text
    assert f"These duties last {terms['years']} year" in text
    assert ("5. Penalty" in text) == bool(terms.get("penalty"))
    assert f"governed by the law of {terms['law']}." in text


def test_penalty_stands_in_the_agreement_only_where_there_is_one():
    terms = {"discloser": "A", "recipient": "B", "purpose": "talks", "years": 1, "law": "NL"}
    with_penalty = fill(scenarios.template("nda"), {"assets": {"terms": {**terms, "penalty": 5000}}})
    without = fill(scenarios.template("nda"), {"assets": {"terms": terms}})
    assert "Each breach costs the receiving party EUR 5000." in words(with_penalty)
    assert "Penalty" not in words(without)
    assert "These duties last 1 year from" in words(without)


def test_contract_of_sale_says_what_was_accepted():
    text = words(document_after("quotation", "Offer, counter-offer, new offer, acceptance, approval"))
    for part in ("Oak chair", "12", "84.25 EUR", "The price of all is 1011 EUR.", "Free delivery."):
        assert part in text


def test_documents_of_the_library_are_pinned():
    """Another hash here means that two versions of the node would refuse each other's documents."""
    terms = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}
    document = fill(scenarios.template("nda"), {"assets": {"terms": {**terms, "penalty": 10_000}}})
    assert hashlib.sha256(document).hexdigest() == "c7bd436c4a97f9f41ac83f5f4283b41dd8f6fa43f07cf396438e659288d87bce"


def test_template_of_the_library_works_inside_its_scenario():
    """The agreement as a document: made by a node, checked by all, and locked while it is signed."""
    form = nda_with_document()
    terms = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}
    run = [
        {"actor": "discloser", "action": "propose", "data": terms},
        {"actor": "recipient", "action": "agree"},
        {"actor": "discloser", "action": "write"},
        {"actor": "recipient", "action": "sign"},
        {"actor": "discloser", "action": "sign"},
    ]
    result = simulate.run(form, run)
    assert result["state"] == ":success"
    assert result["assets"]["document"]["media_type"] == "application/vnd.oasis.opendocument.text"
