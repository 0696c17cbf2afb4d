"""Members that are read and that no schema knows: told where none can be there or one is misspelt, else passed over."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from eventchain.core.errors import LiveContractError
from workflow_engine import simulate
from workflow_engine.checks import check, misspelt
from workflow_engine.checks.view import View
from workflow_engine.normalise import LTO_SCENARIO, read

AGREEING = {"properties": {"agreed": {"type": "boolean"}}}
OFFER = {"properties": {"price": {"type": "number"}, "place": {"properties": {"town": {"type": "string"}}}}}
OPEN = {"select": "assets.offer"}
DOCS = Path(__file__).parents[2] / "docs"


def scenario(expression: str, *, updates: Any = (), schema: Any = True, offer: Any = OFFER, **actors: Any) -> Any:
    return {
        "$schema": "urn:livecontract:scenario:1",
        "actors": actors or {"one": AGREEING},
        "assets": {"offer": offer},
        "actions": {
            "go": {
                "actors": list(actors or ["one"])[:2],
                "condition": {"<eval>": expression},
                "responses": {"ok": {"schema": schema, "update": list(updates)}},
            }
        },
        "states": {"initial": {"action": "go", "transition": ":success"}},
    }


def told(document: Any) -> list[str]:
    return [problem.message for problem in check(document).problems if problem.rule == "misspelt-read"]


def test_handshake_of_the_documents_with_a_misspelt_member_is_told_what_was_meant() -> None:
    text = re.search(r"```json\n(.*?)```", (DOCS / "scenarios.md").read_text("utf-8"), re.DOTALL)
    assert text is not None
    misspelt_one = json.loads(text.group(1).replace("current.actor.agreed", "current.actor.agred"))
    assert told(json.loads(text.group(1))) == []
    (message,) = told(misspelt_one)
    assert message == (
        '"current.actor.agred" reads "agred", which no schema of its actors knows and no update writes. '
        'Did you mean "agreed"?'
    )


MISSPELT = {
    "near to a listed one": scenario("assets.offer.prise", updates=[OPEN]),
    "written nowhere": scenario("assets.offer.total"),
    "below a listed one": scenario("assets.offer.place.towns", updates=[OPEN]),
    "response leaves no room": scenario(
        "assets.offer.total", updates=[OPEN], schema={"properties": {"price": {}}, "additionalProperties": False}
    ),
    "update with other data": scenario("assets.offer.total", updates=[{**OPEN, "data": {"price": 1}}]),
    "of an actor": scenario("actors.one.agred", updates=[{"select": "current.actor"}]),
    "of the data of its response": scenario(
        "`true`", updates=[{**OPEN, "data": {"price": {"<ref>": "current.response.data.prise"}}}], schema=OFFER
    ),
    "of the data of its response, closed": scenario(
        "`true`",
        updates=[{**OPEN, "data": {"price": {"<ref>": "current.response.data.total"}}}],
        schema={**OFFER, "additionalProperties": False},
    ),
    "of whoever acts, in a template": scenario(
        "`true`", updates=[{**OPEN, "data": {"price": {"<tpl>": "{{current.actor.agred}}"}}}]
    ),
    "of whoever acts, closed": scenario("current.actor.total", one={**AGREEING, "additionalProperties": False}),
    "of whoever acts, of two": scenario("current.actor.agred", one=AGREEING, two=AGREEING),
    "of whoever acts, though a third has it": scenario(
        "current.actor.total", one=AGREEING, two=AGREEING, three={"properties": {"total": {}}}
    ),
}


@pytest.mark.parametrize("name", MISSPELT)
def test_member_that_is_probably_misspelt_is_told_once(name: str) -> None:
    assert len(told(MISSPELT[name])) == 1


PASSED_OVER = {
    "listed": scenario("assets.offer.price && assets.offer.place.town && current.actor.agreed"),
    "kept by the engine": scenario("current.actor.title && current.actor.identity.id && actors.one.key"),
    "brought by an open response": scenario("assets.offer.total", updates=[OPEN]),
    "in the schema of the response": scenario(
        "assets.offer.prise", updates=[OPEN], schema={"properties": {"prise": {}}}
    ),
    "selected": scenario("assets.offer.prise", updates=[{"select": "assets.offer.prise"}]),
    "selected below": scenario("assets.offer.prise", updates=[{"select": "assets.offer.prise.net"}]),
    "in the data of an update": scenario("assets.offer.prise", updates=[{**OPEN, "data": {"prise": 1}}]),
    "in its projection": scenario("assets.offer.prise", updates=[{**OPEN, "projection": "{prise: p}"}]),
    "in its instruction": scenario("assets.offer.prise", updates=[{**OPEN, "data": {"<eval>": "{prise: `1`}"}}]),
    "written by whoever acts": scenario("actors.one.agred", updates=[{"select": "current.actor.agred"}]),
    "of an asset that lists nothing": scenario("assets.offer.prise", offer={}),
    "of the data of an open response": scenario(
        "`true`", updates=[{**OPEN, "data": {"price": {"<ref>": "current.response.data.total"}}}], schema=OFFER
    ),
    "of the data of another response": scenario("current.response.data.prise", schema=OFFER),
    "of a pattern": scenario("assets.offer.prise", offer={**OFFER, "patternProperties": {"^p": {}}}),
    "of a schema elsewhere": scenario("assets.offer.prise", offer={**OFFER, "$ref": "#/$defs/x", "$defs": {"x": {}}}),
    "of others that are allowed": scenario("assets.offer.prise", offer={**OFFER, "additionalProperties": True}),
    "of a default": scenario("assets.offer.prise", offer={**OFFER, "default": {"prise": 1}}),
    "one of the actors has it": scenario("current.actor.agred", one=AGREEING, two={"properties": {"agred": {}}}),
    "one of the actors lists nothing": scenario("current.actor.agred", one=AGREEING, two={}),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSED_OVER)
def test_member_that_may_be_there_is_passed_over(name: str) -> None:
    assert told(PASSED_OVER[name]) == []


@pytest.mark.parametrize("read_name", ["assets.offer.prise", "current.actor.agred"])
def test_scenario_of_the_other_dialect_is_looked_at_too(read_name: str) -> None:
    update = [{**OPEN, "data": {"price": {"<ref>": "current.response.data.x"}}}, OPEN, {"select": "current.actor"}]
    document = {**scenario("`true`"), "$schema": LTO_SCENARIO}
    document["actions"]["go"] = {
        "$schema": "https://specs.livecontracts.io/v0.2.0/action/schema.json#",
        "actor": "one",
        "condition": {"<eval>": read_name},
        "responses": {"ok": {"update": update}},
    }
    assert len(told(document)) == 1


@pytest.mark.parametrize("name", scenarios.names())
def test_library_reads_nothing_misspelt(name: str) -> None:
    assert told(scenarios.load(name)) == []


def test_more_unknown_members_than_are_compared_are_passed_over() -> None:
    document = scenario("`true`")
    document["actions"] |= {
        f"a{number}": {"actor": "one", "condition": {"<eval>": f"[{', '.join(names)}]"}}
        for number in range(4)
        for names in [[f"assets.offer.x{number}y{index}" for index in range(misspelt.MAX_JUDGED // 3)]]
    }
    judged = list(misspelt.misspelt_read(View(read(document)[0])))
    assert len(judged) == misspelt.MAX_JUDGED


MEMBERS = ("price", "prise", "agreed", "agred", "total")
NAMES = st.sampled_from(MEMBERS)
LISTING = st.fixed_dictionaries(
    {"properties": st.dictionaries(NAMES, st.just({}), max_size=3)},
    optional={"additionalProperties": st.booleans(), "default": st.dictionaries(NAMES, st.just(1), max_size=1)},
)
PLACES = st.sampled_from(["assets.offer", "current.actor", "actors.one", "actors.two"])
UPDATES = st.fixed_dictionaries(
    {"select": st.one_of(PLACES, st.tuples(PLACES, NAMES).map(".".join))},
    optional={
        "data": st.one_of(
            st.dictionaries(NAMES, st.just(1), max_size=2),
            st.sampled_from([{"<ref>": "current.response.data"}, {"<eval>": "assets.offer"}, {"<ref>": "actors.two"}]),
        ),
        "projection": NAMES.map(lambda name: f"{{{name}: {name}}}"),
    },
)


@given(
    place=PLACES,
    name=NAMES,
    offer=LISTING,
    actors=st.tuples(LISTING, LISTING),
    updates=st.lists(UPDATES, max_size=3),
    schema=LISTING,
    data=st.one_of(st.just(dict.fromkeys(MEMBERS, 1)), st.dictionaries(NAMES, st.just(1))),
    acting=st.sampled_from(["one", "two"]),
)
def test_what_no_update_is_told_to_write_is_written_by_none(
    place: str, name: str, offer: Any, actors: Any, updates: Any, schema: Any, data: Any, acting: str
) -> None:
    """Held against the engine itself: whatever is answered, the member is not there afterwards."""
    read = {"<eval>": f"!({place}.{name})"}
    document = scenario("`true`", updates=updates, schema=schema, offer=offer, one=actors[0], two=actors[1])
    document["actions"]["go"]["condition"] = read
    found = told(document)
    if not found:
        return
    known = place.split(".") if place != "current.actor" else ["actors", acting]
    schema_of_place = offer if known[0] == "assets" else actors[known[1] == "two"]
    assert name not in schema_of_place["properties"]
    try:
        after = simulate.run(document, [{"actor": acting, "action": "go", "data": data}])
    except LiveContractError:
        return
    if "no update writes" in found[0]:
        assert name not in (after[known[0]][known[1]] or {})
