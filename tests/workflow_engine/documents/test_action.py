"""A document as a system action: every node makes it again, and nobody has to believe the one that made it."""

import copy

import pytest

from eventchain.core import base58
from eventchain.core.hashing import sha256
from tests.workflow_engine.documents.templates import ODT, PNG, content, field, template, text_in, zipped
from tests.workflow_engine.samples import Chain
from workflow_engine import machine, simulate
from workflow_engine.compiling import load
from workflow_engine.documents import InvalidTemplateError, fill
from workflow_engine.documents.action import make
from workflow_engine.documents.embedding import slim, template_definition, template_in
from workflow_engine.documents.retrieval import DocumentChangedError, DocumentNotFoundError, document_in
from workflow_engine.errors import InvalidResponseError, InvalidScenarioError
from workflow_engine.triggers import Call, Triggers
from workflow_engine.triggers.document import document

BODY = template(f"<text:p>{field('assets.terms.price')} EUR</text:p>")
SIGNING = {
    "$schema": "urn:livecontract:scenario:1",
    "id": "signing",
    "actors": {"buyer": {"properties": {"signed": {"type": "boolean"}}}, "seller": {}},
    "assets": {"terms": {"locked_in": ["signing"]}, "contract": {"locked_in": ["signing"]}},
    "definitions": {"contract": template_definition(BODY, "Contract")},
    "actions": {
        "offer": {"actor": "seller", "update": "assets.terms"},
        "write": {
            "$schema": "urn:livecontract:action:document",
            "actor": "seller",
            "template": "contract",
            "responses": {"ok": {"update": "assets.contract"}, "error": {}},
        },
        "amend": {"actor": "seller", "update": "assets.terms"},
        "sign": {"actor": "buyer", "update": {"select": "current.actor", "data": {"signed": True}}},
    },
    "states": {
        "initial": {"action": "offer", "transition": "writing"},
        "writing": {
            "action": "write",
            "transitions": [
                {"action": "write", "response": "ok", "transition": "signing"},
                {"action": "write", "response": "error", "transition": ":failed"},
            ],
        },
        "signing": {"actions": ["sign", "amend"], "transitions": [{"action": "sign", "transition": ":success"}]},
    },
}


def writing(price=3, scenario=SIGNING, chain="chain"):
    """A process whose document is about to be made, and the chain it stands on."""
    chain = Chain(chain)
    chain.scenario(scenario)
    process = machine.start(load(scenario), chain.process(scenario="signing"))
    data = {} if price is None else {"price": price}
    return machine.step(process, chain.response("offer", "beta", data=data)), chain


def written(chain="chain"):
    """The process after its document was made, and the chain it stands on."""
    process, chain = writing(chain=chain)
    made = make(process, "write")
    response = chain.response("write", "beta", signed_with="system", key=made.key, data=dict(made.data))
    return machine.step(process, response), chain


def test_trigger_answers_with_the_description_of_the_document():
    process, _ = writing()
    body = Triggers({"document": document}).run(
        Call(process=process, action="write", actor="seller", idempotency_key="x")
    )
    wanted = fill(BODY, {"title": None, "actors": process.actors, "assets": process.assets})
    assert body["key"] == "ok"
    assert body["data"] == {
        "$schema": "urn:livecontract:document:1",
        "media_type": "application/vnd.oasis.opendocument.text",
        "hash": base58.encode(sha256(wanted)),
        "size": len(wanted),
        "template": base58.encode(sha256(BODY)),
    }
    assert "3 EUR" in text_in(wanted)


def test_response_that_describes_the_document_is_taken():
    process, _ = written()
    assert process.current.key == "signing"
    assert process.assets["contract"] == make(writing()[0], "write").data


@pytest.mark.parametrize(
    "forge",
    [
        lambda data: {**data, "hash": base58.encode(bytes(32))},
        lambda data: {**data, "size": data["size"] + 1},
        lambda data: {**data, "template": base58.encode(bytes(32))},
        lambda data: {**data, "media_type": "text/html"},
        lambda data: {**data, "more": 1},
        lambda data: {key: value for key, value in data.items() if key != "hash"},
        lambda data: None,
        lambda data: [],
        lambda data: True,
    ],
)
def test_response_that_says_anything_else_is_refused(forge):
    process, chain = writing()
    data = forge(dict(make(process, "write").data))
    with pytest.raises(InvalidResponseError, match="does not describe"):
        machine.step(process, chain.response("write", "beta", signed_with="system", key="ok", data=data))


def test_node_cannot_say_that_it_failed_when_it_does_not():
    process, chain = writing()
    with pytest.raises(InvalidResponseError, match='ends in "ok"'):
        machine.step(process, chain.response("write", "beta", signed_with="system", key="error"))


def test_data_without_a_field_ends_in_error_and_nothing_else():
    process, chain = writing(price=None)
    made = make(process, "write")
    assert (made.key, made.document) == ("error", b"")
    assert "assets.terms.price" in made.data["message"]
    with pytest.raises(InvalidResponseError, match='ends in "error"'):
        machine.step(process, chain.response("write", "beta", signed_with="system", key="ok", data={}))
    other_words = {"message": "worded otherwise by another version"}
    after = machine.step(process, chain.response("write", "beta", signed_with="system", key="error", data=other_words))
    assert after.current.key == ":failed"


def test_data_of_the_action_is_what_the_template_sees():
    scenario = copy.deepcopy(SIGNING)
    scenario["actions"]["write"]["data"] = {"total": {"<eval>": "assets.terms.price"}}
    scenario["definitions"]["contract"] = template_definition(template(f"<text:p>{field('total')}</text:p>"))
    assert "7" in text_in(make(writing(7, scenario)[0], "write").document)


def test_template_can_be_chosen_by_the_data():
    scenario = copy.deepcopy(SIGNING)
    scenario["actions"]["write"]["template"] = {"<if>": {"condition": True, "then": "contract", "else": "other"}}
    assert make(writing(7, scenario)[0], "write").key == "ok"
    scenario["actions"]["write"]["template"] = {"<ref>": "assets.terms.nothing"}
    assert make(writing(7, scenario)[0], "write").key == "error"


def test_two_nodes_with_the_members_in_another_order_make_the_same_document():
    turned = {key: SIGNING[key] for key in reversed(SIGNING)}
    assert make(writing()[0], "write") == make(writing(scenario=turned)[0], "write")


def test_simulation_makes_the_document_by_itself():
    run = [{"actor": "seller", "action": "offer", "data": {"price": 5}}, {"actor": "seller", "action": "write"}]
    result = simulate.run(SIGNING, run)
    assert result["state"] == "signing"
    assert result["assets"]["contract"]["size"] > 500


BOMBS = {
    "zip bomb": zipped({"mimetype": ODT, "content.xml": bytes(5_000_000)}),
    "entities": zipped({"mimetype": ODT, "content.xml": '<!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>'}),
    "deep": template("<text:list><text:list-item>" * 200 + "</text:list-item></text:list>" * 200),
    "many names": template("".join(f"<text:p>{field(f'a{number}')}</text:p>" for number in range(1100))),
    "long condition": template(f'<text:p><text:hidden-text text:condition="{"(" * 500}a{")" * 500}"/></text:p>'),
    "macro": zipped({"mimetype": ODT, "content.xml": content("<text:p/>"), "Basic/x.xml": "x"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_scenario_of_a_stranger_with_a_bomb_in_it_is_refused_at_load(name):
    scenario = copy.deepcopy(SIGNING)
    scenario["definitions"]["contract"] = template_definition(BOMBS[name])
    with pytest.raises(InvalidScenarioError) as caught:
        load(scenario)
    assert [(problem.rule, problem.path) for problem in caught.value.problems] == [
        ("bad-document", "$.definitions.contract")
    ]


def test_scenario_makes_at_most_so_many_documents():
    scenario = copy.deepcopy(SIGNING)
    keys = [f"write{number}" for number in range(17)]
    scenario["actions"] |= dict.fromkeys(keys, scenario["actions"]["write"])
    scenario["states"]["writing"]["action"] = keys
    with pytest.raises(InvalidScenarioError, match="at most 16 documents"):
        load(scenario)


class TestLock:
    def test_locked_asset_is_not_changed_while_others_sign(self):
        process, chain = written()
        with pytest.raises(InvalidResponseError, match='"terms" is locked in the state "signing"') as caught:
            machine.step(process, chain.response("amend", "beta", data={"price": 1}))
        assert caught.value.path == "$.assets.terms"

    def test_writing_the_same_value_again_is_no_change(self):
        process, chain = written()
        after = machine.step(process, chain.response("amend", "beta", data={"price": 3}))
        assert after.assets == process.assets

    def test_true_is_not_the_number_one(self):
        process, chain = writing(1)
        made = make(process, "write")
        process = machine.step(
            process, chain.response("write", "beta", signed_with="system", key="ok", data=dict(made.data))
        )
        with pytest.raises(InvalidResponseError, match="locked"):
            machine.step(process, chain.response("amend", "beta", data={"price": True}))

    def test_other_assets_and_actors_change_as_before(self):
        process, chain = written()
        after = machine.step(process, chain.response("sign", "acme"))
        assert after.actors["buyer"]["signed"] is True

    def test_lock_changes_the_id_of_a_scenario_only_where_it_stands(self):
        without = copy.deepcopy(SIGNING)
        for asset in without["assets"].values():
            del asset["locked_in"]
        assert load(without).id != load(SIGNING).id
        assert "locked_in" not in load(without).normal_form["assets"]["terms"]

    def test_lock_means_nothing_in_the_other_dialect(self):
        scenario = {
            "$schema": "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#",
            "actors": {"buyer": {}, "seller": {}},
            "assets": {"terms": {"locked_in": ["initial"]}},
            "actions": {"offer": {"actor": "seller", "update": "assets.terms"}},
            "states": {"initial": {"action": "offer", "transition": ":success"}},
        }
        chain = Chain()
        process = machine.start(load(scenario), chain.process())
        assert machine.step(process, chain.response("offer", "beta", data={"a": 1})).assets["terms"] == {"a": 1}


class TestRetrieval:
    def test_document_is_made_once_more(self):
        process, _ = written()
        assert document_in(process, "contract") == make(writing()[0], "write").document

    def test_document_of_data_that_the_action_chose_is_made_once_more(self):
        scenario = copy.deepcopy(SIGNING)
        scenario["actions"]["write"]["data"] = {"total": {"<ref>": "assets.terms.price"}}
        scenario["definitions"]["contract"] = template_definition(template(f"<text:p>{field('total')}</text:p>"))
        run = [{"actor": "seller", "action": "offer", "data": {"price": 5}}, {"actor": "seller", "action": "write"}]
        assert "5" in text_in(document_in(simulate.play(load(scenario), run), "contract"))

    def test_nothing_is_given_where_the_document_would_be_another_one(self):
        scenario = copy.deepcopy(SIGNING)
        del scenario["assets"]["terms"]["locked_in"]
        run = [
            {"actor": "seller", "action": "offer", "data": {"price": 5}},
            {"actor": "seller", "action": "write"},
            {"actor": "seller", "action": "amend", "data": {"price": 6}},
        ]
        with pytest.raises(DocumentChangedError):
            document_in(simulate.play(load(scenario), run), "contract")

    @pytest.mark.parametrize("asset", ["terms", "nothing", ""])
    def test_what_is_no_document_is_not_found(self, asset):
        with pytest.raises(DocumentNotFoundError):
            document_in(written()[0], asset)


class TestEmbedding:
    def test_definition_gives_the_template_back(self):
        assert template_in(template_definition(BODY)) == BODY

    @pytest.mark.parametrize(
        "definition",
        [None, 3, "x", {}, {"$schema": "urn:livecontract:template:1"}, {**template_definition(BODY), "content": "?"},
         {**template_definition(BODY), "content": 3}, {**template_definition(BODY), "media_type": "text/html"},
         {**template_definition(BODY), "$schema": "urn:other"}],
    )  # fmt: skip
    def test_what_is_no_template_is_refused(self, definition):
        with pytest.raises(InvalidTemplateError):
            template_in(definition)

    def test_slim_template_is_smaller_and_fills_to_the_same_bytes(self):
        large = template(
            f"<text:p>{field('a')}</text:p>",
            **{"Thumbnails__t.png": PNG + bytes(range(256)) * 20, "settings.xml": "<x/>"},
        )
        assert len(slim(large)) < len(large)
        assert fill(slim(large), {"a": 1}) == fill(large, {"a": 1})

    def test_refused_template_is_not_embedded(self):
        with pytest.raises(InvalidTemplateError):
            slim(template("<text:p><text:date/></text:p>"))
