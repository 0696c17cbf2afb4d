"""The machine: who may do what when, and where it leads."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from eventchain.core import canonical_json
from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from workflow_engine import machine
from workflow_engine.compiling import load
from workflow_engine.errors import (
    ActionNotAvailableError,
    ActorNotAllowedError,
    InvalidDataError,
    InvalidInstructionError,
    InvalidProcessError,
    InvalidResponseError,
)
from workflow_engine.golden_flow import golden_flow
from workflow_engine.process import Process
from workflow_engine.view import complete

from .samples import ORDER, Chain


def begun(document: dict[str, Any] | None = None, **more: Any) -> tuple[Process, Chain]:
    chain = Chain()
    return machine.start(load(document or ORDER), chain.process(**more)), chain


def run(process: Process, chain: Chain, *steps: tuple[Any, ...]) -> Process:
    for action, identity, *data in steps:
        more = {"data": data[0]} if data else {}
        process = machine.step(process, chain.response(action, identity, **more))
    return process


def changed(**members: Any) -> dict[str, Any]:
    """The order scenario with something replaced: `states__initial__actions=…`."""
    document = copy.deepcopy(ORDER)
    for place, value in members.items():
        *path, last = place.split("__")
        target = document
        for part in path:
            target = target[part]
        target[last] = value
    return document


def signing() -> tuple[Process, Chain]:
    process, chain = begun()
    return run(process, chain, ("order", "acme", {"price": 5})), chain


@pytest.mark.parametrize("order", [("acme", "beta"), ("beta", "acme")])
def test_both_sign_in_either_order_in_one_state(order: tuple[str, str]) -> None:
    process, chain = signing()
    first, second = order
    process = run(process, chain, ("sign", first))
    assert process.current.key == "signing"
    assert process.current.answered == ("sign",)
    assert process.current.actions["sign"]["actors"] == [{"acme": "seller", "beta": "buyer"}[first]]
    with pytest.raises(ActorNotAllowedError):
        run(process, chain, ("sign", first))
    assert run(process, chain, ("sign", second)).current.key == "notifying"


def test_state_is_entered_with_its_texts_and_due_date() -> None:
    process, _ = signing()
    current = process.current
    assert (current.title, current.instructions) == ("Signing for 5", {"buyer": "Sign the order."})
    assert (current.event, current.timestamp, current.actor) == ("chain/1", 1000, "buyer")
    assert process.state()["current"]["due_date"] == "1970-01-08T00:00:01.000Z"


def test_staying_keeps_the_due_date_and_renews_the_texts() -> None:
    document = changed(
        states__signing__title={"<tpl>": "{{#actors.seller.signed}}Seller signed{{/actors.seller.signed}}"}
    )
    process, chain = begun(document)
    process = run(process, chain, ("order", "acme", {"price": 5}))
    after = run(process, chain, ("sign", "beta"))
    assert (process.current.title, after.current.title) == ("", "Seller signed")
    assert after.current.due_date == process.current.due_date
    assert after.current.event == process.current.event


@pytest.mark.parametrize(
    ("body", "identity", "key", "family", "path"),
    [
        ({"action": "nothing"}, "acme", "user", InvalidResponseError, "$.action"),
        ({"action": "notify"}, "beta", "system", ActionNotAvailableError, "$.action"),
        ({"action": "order"}, "nobody", "user", ActorNotAllowedError, "$.actor"),
        ({"action": "order"}, "beta", "user", ActorNotAllowedError, "$.actor"),
        ({"action": "order", "actor": "seller"}, "acme", "user", ActorNotAllowedError, "$.actor"),
        ({"action": "order"}, "acme", "system", ActorNotAllowedError, None),
        ({"action": "order", "key": "no"}, "acme", "user", InvalidResponseError, "$.key"),
        ({"action": "order"}, "acme", "user", InvalidDataError, "$.data"),
        ({"action": "order", "data": {"price": "5"}}, "acme", "user", InvalidDataError, "$.data.price"),
        ({"action": "order", "data": {"price": -5}}, "acme", "user", InvalidDataError, "$.assets.order.price"),
        ({"action": "order", "data": {"price": 5, "x": 1}}, "acme", "user", InvalidDataError, "$.assets.order.x"),
        ({"action": "order", "process": "q"}, "acme", "user", InvalidResponseError, "$.process"),
        ({"action": None}, "acme", "user", InvalidResponseError, "$.action"),
        ({"action": {"key": 1}}, "acme", "user", InvalidResponseError, "$.action.key"),
        ({"action": "order", "process": ["p"]}, "acme", "user", InvalidResponseError, "$.process"),
        ({"action": "order", "key": {"a": 1}}, "acme", "user", InvalidResponseError, "$.key"),
        ({"action": ":timeout"}, "acme", "system", ActionNotAvailableError, "$.action"),
    ],
)
def test_refused_response_says_where_and_changes_nothing(
    body: dict[str, Any], identity: str, key: str, family: type[LiveContractError], path: str | None
) -> None:
    process, chain = begun()
    before = canonical_json.encode(complete(process))
    with pytest.raises(family) as caught:
        machine.step(process, chain.entry({"process": "p", **body}, identity, key=key))
    assert caught.value.path == path
    assert canonical_json.encode(complete(process)) == before


def test_who_comes_first_is_decided_first() -> None:
    process, chain = begun()
    with pytest.raises(ActorNotAllowedError):
        machine.step(process, chain.response("order", "beta", key="no", data={"price": "wrong"}))
    with pytest.raises(ActionNotAvailableError):
        machine.step(process, chain.response("sign", "nobody", key="no"))


def test_system_action_needs_the_system_key() -> None:
    process, chain = signing()
    process = run(process, chain, ("sign", "acme"), ("sign", "beta"))
    with pytest.raises(ActorNotAllowedError):
        machine.step(process, chain.response("notify", "beta"))
    after = machine.step(process, chain.response("notify", "beta", signed_with="system", key="error"))
    assert (after.current.key, after.is_finished) == (":failed", True)
    with pytest.raises(ActionNotAvailableError):
        machine.step(after, chain.response("notify", "beta", signed_with="system"))


def test_identity_with_two_roles_acts_in_the_first_that_may() -> None:
    process, chain = begun(actors={"buyer": "acme", "seller": "acme"})
    process = run(process, chain, ("order", "acme", {"price": 1}), ("sign", "acme"))
    assert process.previous[-1]["actor"]["key"] == "buyer"
    process = run(process, chain, ("sign", "acme"))
    assert process.previous[-1]["actor"]["key"] == "seller"
    assert process.current.key == "notifying"


def test_named_role_is_used() -> None:
    process, chain = begun(actors={"buyer": "acme", "seller": "acme"})
    process = run(process, chain, ("order", "acme", {"price": 1}))
    process = machine.step(process, chain.response("sign", "acme", actor={"key": "seller"}))
    assert process.actors["seller"]["signed"] is True
    assert "signed" not in process.actors["buyer"]


@pytest.mark.parametrize(
    ("members", "family", "path"),
    [
        ({"actors": {"thief": "acme"}}, InvalidProcessError, "$.actors.thief"),
        ({"actors": {"buyer": "stranger"}}, InvalidProcessError, "$.actors.buyer.identity"),
        ({"actors": {"seller": "beta"}}, ActorNotAllowedError, "$.actors"),
        ({"actors": "acme"}, InvalidProcessError, "$.actors"),
        ({"actors": {"buyer": 7}}, InvalidProcessError, "$.actors.buyer"),
        ({"actors": [{"identity": "acme"}]}, InvalidProcessError, "$.actors[0]"),
        ({"actors": {"buyer": {"identity": "acme", "signed": "yes"}}}, InvalidDataError, "$.actors.buyer.signed"),
        ({"assets": {"order": {"price": -1}}}, InvalidDataError, "$.assets.order.price"),
        ({"assets": {"nothing": {}}}, InvalidProcessError, "$.assets.nothing"),
        ({"current": {"key": ":success"}}, InvalidProcessError, "$.current"),
        ({"previous": []}, InvalidProcessError, "$.previous"),
        ({"id": ""}, InvalidProcessError, "$.id"),
        ({"id": "x" * 500}, InvalidProcessError, "$.id"),
        ({"title": 1}, InvalidProcessError, "$.title"),
        ({"chain": {"id": "elsewhere"}}, InvalidProcessError, "$.chain.id"),
    ],
)
def test_wrong_process_is_refused(members: dict[str, Any], family: type[LiveContractError], path: str) -> None:
    with pytest.raises(family) as caught:
        begun(**members)
    assert caught.value.path is not None
    assert path.startswith(caught.value.path)


@pytest.mark.parametrize(
    "actors",
    [
        {"buyer": "acme", "seller": "beta"},
        {"buyer": {"identity": {"id": "acme"}}, "seller": {"identity": "beta"}},
        [{"key": "buyer", "identity": "acme"}, {"key": "seller", "identity": {"id": "beta"}}],
    ],
)
def test_actors_are_bound_in_every_form(actors: Any) -> None:
    process, _ = begun(actors=actors, assets={"order": {"price": 3}}, **{"x-note": 1})
    assert process.actors_of("acme") == ("buyer",)
    assert process.actors["seller"] == {"key": "seller", "title": "Seller", "identity": {"id": "beta"}}
    assert process.assets["order"] == {"currency": "EUR", "lines": [], "price": 3}


def test_process_without_id_is_named_by_its_event() -> None:
    process, _ = begun(id=None)
    assert process.id == "chain/0"


def test_outcome_is_determined_by_the_action_on_the_response() -> None:
    document = changed(
        actions__order__determine_response={"<if>": {"condition": {"<eval>": "current.response.data.price > `10`"},
                                                     "then": "high", "else": "ok"}},
        actions__order__responses={"ok": {}, "high": {"title": {"<ref>": "current.response.key"}}},
    )  # fmt: skip
    process, chain = begun(document)
    high = machine.step(process, chain.response("order", data={"price": 11}, key="ok")).previous[-1]
    assert (high["key"], high["title"]) == ("high", "high")
    assert machine.step(process, chain.response("order", data={"price": 1}, key="high")).previous[-1]["key"] == "ok"


def test_updates_see_what_the_ones_before_them_wrote() -> None:
    update = [
        {"select": "assets.order.price", "projection": "price"},
        {"select": "title", "data": {"<tpl>": "Order of {{assets.order.price}}"}},
        {"select": "assets.order.currency", "data": "USD", "patch": False},
    ]
    process, chain = begun(changed(actions__order__responses={"ok": {"update": update}}))
    after = run(process, chain, ("order", "acme", {"price": 7, "more": 1}))
    assert (after.title, after.assets["order"]) == ("Order of 7", {"currency": "USD", "lines": [], "price": 7})
    assert process.title == "Order"


def test_failing_instruction_refuses_the_response_and_names_its_place() -> None:
    process, chain = begun(changed(states__signing__title={"<math>": "1 / n", "n": {"<ref>": "assets.order.price"}}))
    with pytest.raises(InvalidInstructionError) as caught:
        run(process, chain, ("order", "acme", {"price": 0}))
    assert caught.value.path == "$.states.signing.title"
    assert run(process, chain, ("order", "acme", {"price": 4})).current.title == "0.25"


def test_response_is_not_seen_once_it_is_handled() -> None:
    document = changed(states__signing__title={"<if>": {"condition": {"<ref>": "current.response"}, "then": "seen"}})
    process, chain = begun(document)
    assert run(process, chain, ("order", "acme", {"price": 1})).current.title is None


def test_data_too_deep_to_keep_is_refused() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    process, chain = begun()
    with pytest.raises(InvalidResponseError) as caught:
        run(process, chain, ("add_line", "acme", deep))
    assert caught.value.path == "$.data"


def test_actions_allowed_everywhere_come_last_and_end_with_the_process() -> None:
    document = changed(allow_actions=["cancel"])
    process, chain = begun(document)
    assert process.available == ("order", "add_line", "cancel")
    process = run(process, chain, ("cancel", "beta"))
    assert process.current.key == "initial"
    process = run(process, chain, ("order", "acme", {"price": 1}), ("cancel", "beta"))
    assert (process.current.key, process.available) == (":cancelled", ())


def test_golden_flow_is_there_from_the_start() -> None:
    process, chain = begun()
    assert [state["key"] for state in complete(process)["next"]] == ["signing"]
    process = run(process, chain, ("order", "acme", {"price": 1}), ("sign", "acme"), ("sign", "beta"))
    assert [(state["key"], state["actors"]) for state in golden_flow(process)] == [(":success", [])]


def test_golden_flow_marks_a_loop() -> None:
    document = changed(
        states__initial__transitions=[{"action": "order", "transition": "again"}],
        states__again={
            "actions": ["order", "cancel"],
            "transitions": [
                {"action": "order", "transition": "initial"},
                {"action": "cancel", "transition": ":cancelled"},
            ],
        },
    )
    process, _ = begun(document)
    assert [state["key"] for state in golden_flow(process)] == ["again", "initial", "again", ":loop"]


def test_timeout_moves_only_after_it_is_over_and_with_a_system_key() -> None:
    process, chain = signing()
    due = process.current.due_date
    assert due is not None
    with pytest.raises(ActionNotAvailableError):
        machine.step(process, chain.response(":timeout", signed_with="system", at=due - 1))
    with pytest.raises(ActorNotAllowedError):
        machine.step(process, chain.response(":timeout", at=due))
    with pytest.raises(InvalidResponseError):
        machine.step(process, chain.response(":timeout", signed_with="system", at=due, data=1))
    after = machine.step(process, chain.response(":timeout", "beta", signed_with="system", at=due))
    assert after.current.key == ":failed"
    assert after.previous[-1]["action"] == {"key": ":timeout"}


def test_decision_context_changes_with_what_the_signer_sees() -> None:
    process, chain = signing()
    seen = machine.decision_context(process, "sign", "buyer")
    assert machine.decision_context(process, "sign", "buyer") == seen
    assert machine.decision_context(process, "sign", "seller") != seen
    other = replace(process, assets={"order": {**process.assets["order"], "price": 6}})
    assert machine.decision_context(other, "sign", "buyer") != seen
    after = run(process, chain, ("sign", "beta"))
    assert machine.decision_context(after, "sign", "buyer") == seen
    with pytest.raises(ActionNotAvailableError):
        machine.decision_context(after, "sign", "seller")


def test_decision_context_is_what_the_action_declares() -> None:
    informative = changed(actions__sign__performative=False)
    declared = changed(actions__sign__context=["assets.order.currency"])
    for document in (informative, declared):
        process, chain = begun(document)
        process = run(process, chain, ("order", "acme", {"price": 5}))
        seen = machine.decision_context(process, "sign", "buyer")
        other = replace(process, assets={"order": {**process.assets["order"], "price": 6}})
        assert machine.decision_context(other, "sign", "buyer") == seen


def test_stored_state_is_the_same_process() -> None:
    process, chain = signing()
    process = run(process, chain, ("sign", "acme"))
    form = canonical_json.encode(process.state())
    again = Process.from_state(json.loads(form), scenario=process.scenario, previous=process.previous)
    assert again == process
    assert run(again, chain, ("sign", "beta")) == run(process, replace_last(chain), ("sign", "beta"))


def replace_last(chain: Chain) -> Chain:
    """The chain without its last entry, so that the same one can be made again."""
    chain.entries.pop()
    return chain


def test_order_of_members_of_the_scenario_means_nothing() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(item) for key, item in reversed(list(value.items()))}
        return [turned(item) for item in value] if isinstance(value, list) else value

    one, two = begun(), begun(turned(ORDER))
    for steps in [("order", "acme", {"price": 1}), ("sign", "beta"), ("cancel", "acme")]:
        one, two = (run(*one, steps), one[1]), (run(*two, steps), two[1])
        assert canonical_json.encode(complete(one[0])) == canonical_json.encode(complete(two[0]))


def test_step_does_not_touch_the_entry_or_the_process_before() -> None:
    process, chain = begun()
    entry: Entry = chain.response("order", data={"price": 1, "lines": [{"a": 1}]})
    before = copy.deepcopy(dict(entry.body))
    after = machine.step(process, entry)
    run(after, chain, ("sign", "acme"))
    assert entry.body == before
    assert process.assets["order"] == {"currency": "EUR", "lines": []}
