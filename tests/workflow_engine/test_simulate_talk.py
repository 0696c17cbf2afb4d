"""What is said in a simulation: it comes to the same as on a chain, and what is wrong is told with its place."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventchain.core.errors import LiveContractError
from workflow_engine import simulate
from workflow_engine.compiling import load
from workflow_engine.process import Process

from .deviating import HAGGLE, RENTAL, TO_RENTAL, Play
from .samples import ORDER

ORDERED = {"actor": "buyer", "action": "order", "data": {"price": 12.5}}
HAGGLING = {"actor": "seller", "propose": HAGGLE}
AGREED = {"actor": "buyer", "answer": "agree"}
SCENARIO = load(ORDER)
IDENTITIES = {"buyer": "acme", "seller": "beta"}


def run(*items: dict[str, Any]) -> dict[str, Any]:
    return simulate.run(ORDER, [ORDERED, *items])


def test_deviation_is_played_to_its_end() -> None:
    open_ = run(HAGGLING)
    assert open_["proposals"] == [
        {"title": "Haggle about the price", "author": "seller", "state": "open", "missing": ["buyer"]}
    ]
    in_force = run(HAGGLING, {**AGREED, "reason": "Fine.", "deviation": "Haggle about the price"})
    assert (in_force["state"], in_force["deviation"]) == ("haggling", "Haggle about the price")
    over = run(HAGGLING, AGREED, {"wait": "P3D"})
    assert (over["state"], over["proposals"][0]["state"]) == ("signing", "over")
    assert over["previous"] == ["order.ok", ":deviation.ok", ":timeout.ok"]
    assert "deviation" not in over


def test_update_names_the_scenario_to_go_on_by_as_a_whole() -> None:
    rented = run(
        {"actor": "seller", "propose": TO_RENTAL, "scenario": RENTAL}, AGREED, {"actor": "customer", "action": "end"}
    )
    assert (rented["state"], set(rented["actors"])) == (":success", {"customer", "seller"})


def test_comments_are_kept_with_their_point() -> None:
    said = run(
        {"actor": "buyer", "comment": "It is dear."},
        {"actor": "seller", "comment": {"content": "It is good.", "title": "Answer"}, "reply_to": "It is dear."},
    )["comments"]
    assert [item["point"]["state"] for item in said] == ["signing", "signing"]
    assert said[1]["reply_to"] == said[0]["event"]


def test_wait_is_spelled_out_around_what_is_said() -> None:
    items = [ORDERED, HAGGLING, {"actor": "buyer", "comment": "Well."}, {**AGREED, "after": "P1D"}, {"wait": "P3D"},
             {"actor": "buyer", "action": "sign"}]  # fmt: skip
    plain = simulate.spelled_out(SCENARIO, items)
    assert not any("wait" in item for item in plain)
    assert simulate.play(SCENARIO, plain).state() == simulate.play(SCENARIO, items).state()


@pytest.mark.parametrize(
    ("item", "path", "said"),
    [
        ({"actor": "seller", "propose": 3}, "$[1].propose", "object"),
        ({"actor": "seller", "propose": {**HAGGLE, "from": "initial"}}, "$[1].propose.from", "stands in"),
        ({"actor": "seller", "propose": {**HAGGLE, "stats": {}}}, "$[1].propose.stats", "no member"),
        ({"actor": "seller", "propose": HAGGLE, "data": {}}, "$[1].data", "no member"),
        ({"actor": "seller", "propose": TO_RENTAL}, "$[1].scenario", "not here"),
        ({"actor": "seller", "propose": TO_RENTAL, "scenario": {}}, "$[1].scenario", ""),
        ({"actor": "nobody", "propose": HAGGLE}, "$[1].actor", "no actor"),
        ({"actor": "seller", "answer": "agree"}, "$[1].deviation", "Nothing is proposed"),
        ({"actor": "seller", "answer": "yes"}, "$[1].answer", "one of"),
        ({"actor": "seller", "answer": "agree", "deviation": 3}, "$[1].deviation", "text"),
        ({"actor": "seller", "comment": ""}, "$[1].comment.content", "not empty"),
        ({"actor": "seller", "comment": []}, "$[1].comment", "object"),
        ({"actor": "seller", "comment": "a", "reply_to": "b"}, "$[1].reply_to", "Nobody has commented"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(item: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(LiveContractError) as caught:
        run(item)
    assert str(caught.value.path).startswith(path)
    assert said in caught.value.message


# --- Beside the service that nodes run --------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["buyer", "seller"]),
        st.sampled_from(["propose", "agree", "refuse", "withdraw", "sign", "cancel", "lower", "give_up"]),
    ),
    max_size=8,
)


def comes_to(process: Process) -> dict[str, Any]:
    """What does not depend on the hashes of events and the ids of identities."""
    return {
        "state": process.current.key,
        "assets": dict(process.assets),
        "history": [(item["action"]["key"], item["actor"]["key"]) for item in process.previous],
        "deviation": process.deviation and process.deviation.title,
        "agreed": [sorted(IDENTITIES.get(who, who) for who in item.agreed) for item in process.proposals],
    }


@settings(max_examples=25)
@given(STEPS)
def test_simulation_takes_and_refuses_what_a_node_does(steps: list[tuple[str, str]]) -> None:
    play, items = Play(), [ORDERED]
    proposed: list[str] = []
    for actor, step in steps:
        identity = IDENTITIES[actor]
        try:
            if step == "propose":
                proposed.append(play.propose(identity, {**HAGGLE, "title": f"Haggle {len(proposed)}"}))
                item: dict[str, Any] = {"propose": {**HAGGLE, "title": f"Haggle {len(proposed) - 1}"}}
            elif step in ("agree", "refuse", "withdraw"):
                item = {"answer": step, "deviation": f"Haggle {len(proposed) - 1}"}
                if proposed:
                    play.answer(proposed[-1], identity, step)
            else:
                item = {"action": step, "data": {"price": 11} if step == "lower" else None}
                play.respond(step, identity, **({"data": item["data"]} if step == "lower" else {}))
            is_taken = bool(proposed) or "answer" not in item
        except LiveContractError:
            is_taken = False
            if step == "propose":
                item = {"propose": {**HAGGLE, "title": f"Haggle {len(proposed)}"}}
        try:
            after = simulate.play(SCENARIO, [*items, {"actor": actor, **item}])
        except LiveContractError:
            assert not is_taken
            continue
        assert is_taken
        items.append({"actor": actor, **item})
        assert comes_to(after) == comes_to(play.process)
