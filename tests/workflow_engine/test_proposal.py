"""Proposals to deviate: what is malformed, collides or could not come back is refused at its place, when proposed."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core import canonical_json
from eventchain.core.errors import LiveContractError
from workflow_engine.compiling import load
from workflow_engine.errors import (
    InvalidDeviationError,
)
from workflow_engine.proposal import OWN_DEVIATION, read_proposal

from .deviating import HAGGLE, Play, changed
from .samples import ORDER

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown member": (changed(stats={}), "$.stats"),
    "no title": (changed(title=None), "$.title"),
    "long title": (changed(title="x" * 257), "$.title"),
    "no process": (changed(process=None), "$.process"),
    "no from": (changed(**{"from": None}), "$.from"),
    "no to": (changed(to=None), "$.to"),
    "to nowhere": (changed(to="nowhere"), "$.to"),
    "states as a list": (changed(states=[{"key": "a"}]), "$.states"),
    "start that is no state": (changed(start="signing"), "$.start"),
    "two states without start": (changed(states__second={}), "$.start"),
    "start without states": ({**changed(states=None, actions=None, assets=None), "start": "a"}, "$.start"),
    "parts without states": (changed(states=None), "$"),
    "map without scenario": (changed(map={}), "$.map"),
    "deadline in words": (changed(deadline="tomorrow"), "$.deadline"),
    "deadline without zone": (changed(deadline="2030-01-01T00:00:00"), "$.deadline"),
    "deadline that is no day": (changed(deadline="2030-02-30T00:00:00Z"), "$.deadline"),
    "taken state": (changed(states__initial={"transition": "signing"}, start="haggling"), "$.states.initial"),
    "taken final state": (changed(states={":success": {"transition": "signing"}}), '$.states[":success"]'),
    "taken action": (changed(actions__sign={"actor": "seller"}), "$.actions.sign"),
    "taken asset": (changed(assets__order={}), "$.assets.order"),
    "actor who is not there": (changed(actions__lower__actor="notary"), "$.actions.lower.actor"),
    "action that is not there": (changed(states__haggling__actions=["lower", "x"]), "$.states.haggling.actions[1]"),
    "ends in another state": (
        changed(states__haggling__transitions__0__transition="initial"),
        "$.states.haggling.transitions[0].transition",
    ),
    "ends in two states": (
        changed(states__haggling__transitions__1__transition=":cancelled"),
        "$.states.haggling.transitions[1].transition",
    ),
    "no way back": (changed(states__haggling__transitions=[]), "$.states.haggling"),
    "final state of its own": (changed(states__haggling={}), "$.states.haggling"),
    "state that nobody comes to": (
        changed(states__island={"action": "lower", "transition": "signing"}, start="haggling"),
        "$.states.island",
    ),
    "loop of system actions": (
        changed(
            states={
                "ping": {"action": "look", "transitions": [{"response": "ok", "transition": "pong"}]},
                "pong": {
                    "action": "look",
                    "transitions": [
                        {"response": "ok", "transition": "ping"},
                        {"response": "error", "transition": "signing"},
                    ],
                },
            },
            start="ping",
            actions={
                "look": {
                    "$schema": "urn:livecontract:action:nop",
                    "actor": "seller",
                    "responses": {"ok": {}, "error": {}},
                }
            },
        ),
        "$.states.ping.transitions[0]",
    ),
    "bad schema": (changed(assets__haggle={"type": "nothing"}), "$.assets.haggle"),
    "source operator": (changed(states__haggling__title={"<src>": "https://example.com"}), "$.states.haggling.title"),
    "unknown asset": (changed(states__haggling__title={"<ref>": "assets.nothing"}), "$.states.haggling.title"),
    "misspelt member": (changed(states__haggling__transition_s=[]), "$.states.haggling.transition_s"),
    "too many states": (
        changed(
            states={f"s{number}": {"action": "give_up", "transition": "signing"} for number in range(256)}, start="s0"
        ),
        "$.states",
    ),
    "nested too deeply": (changed(definitions={"a": json.loads("[" * 60 + "]" * 60)}), "$"),
    "huge": (changed(definitions={"a": "x" * 70_000}), "$"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_proposal_is_refused_at_its_place_and_changes_nothing(name: str) -> None:
    body, path = BAD[name]
    play = Play()
    before = play.service.projection("chain")
    with pytest.raises(InvalidDeviationError) as caught:
        play.propose(body=body)
    assert caught.value.path is not None
    assert caught.value.path.startswith(path) or path in [item.path for item in caught.value.problems]
    assert caught.value.message.endswith((".", "?"))
    assert play.service.projection("chain") == before


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["initial", "a", "<eval>", "action", "transition", "key"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from(sorted(HAGGLE)), JUNK, st.sampled_from(sorted(HAGGLE["states"]["haggling"])), JUNK)
def test_junk_is_refused_or_can_be_agreed_to_and_never_breaks_a_node(
    member: str, value: Any, inner: str, other: Any
) -> None:
    play = Play()
    body = changed(**{f"states__haggling__{inner}": "x"})
    body["states"]["haggling"][inner] = other
    body[member] = value
    with suppress(LiveContractError):
        play.answer(play.propose(body=body))
    play.check_replays()


def test_base_whose_normal_form_is_larger_than_an_event_can_be_deviated_from() -> None:
    wide = {
        **ORDER,
        "id": "wide",
        "actions": {**ORDER["actions"], **{f"a{number}": {"actor": "buyer"} for number in range(200)}},
        "allow_actions": [f"a{number}" for number in range(200)],
        "x-filling": "x" * 30_000,
    }
    play = Play()
    play.do(lambda c: c.scenario(wide))
    assert len(canonical_json.encode(load(wide).normal_form)) > 65_535
    play.do(lambda c: c.process(id="q", scenario="wide"))
    play.respond("order", data={"price": 1}, process="q")
    play.answer(play.propose(process="q"))
    assert play.service.process("q").current.key == "haggling"


def test_deviation_from_a_scenario_of_lto_is_written_in_its_dialect() -> None:
    lto = "https://specs.livecontracts.io/v0.2.0"
    scenario = {
        "$schema": f"{lto}/scenario/schema.json#",
        "id": "lto",
        "actors": {"buyer": {}, "seller": {}},
        "actions": {"go": {"actor": "buyer"}},
        "states": {"initial": {"action": "go", "transition": ":success"}},
    }
    play = Play()
    play.do(lambda c: c.scenario(scenario))
    play.do(lambda c: c.process(id="q", scenario="lto"))
    body = {
        "$schema": OWN_DEVIATION,
        "process": {"id": "q"},
        "title": "A detour",
        "from": "initial",
        "to": "initial",
        "states": {"detour": {"action": "turn", "transition": "initial", "anything": "goes"}},
        "actions": {"turn": {"$schema": f"{lto}/action/nop/schema.json#", "actor": "seller"}},
    }
    play.answer(play.propose(body=body))
    play.respond("turn", "beta", process="q", signed_with="system")
    assert play.service.process("q").current.key == "initial"
    play.service.forget("chain")
    for entry in play.chain.entries:
        play.service.apply(entry)
    assert play.service.process("q").current.key == "initial"


def test_example_of_the_documentation_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "deviations.md").read_text("utf-8")
    examples = [json.loads(part.partition("```")[0]) for part in text.split("```json\n")[1:]]
    (example,) = [item for item in examples if isinstance(item, dict) and item.get("$schema") == OWN_DEVIATION]
    assert read_proposal(example).start == "first_part"


def test_moments_are_read_in_one_form_alone() -> None:
    assert read_proposal({**HAGGLE, "deadline": "2030-01-01T00:00:00.500+01:00"}).deadline == 1_893_452_400_500
    for text in ("2030-01-01", "20300101T000000Z", "2030-01-01T24:00:00Z", "2030-W01-1T00:00:00Z"):
        with pytest.raises(InvalidDeviationError):
            read_proposal({**HAGGLE, "deadline": text})
