"""What comes from another chain into a sub-process: it is taken once, however often the sub-process is run."""

from dataclasses import replace
from typing import Any

import pytest

from eventchain.core.entry import Origin
from tests.workflow_engine.nesting import Contract, manual
from tests.workflow_engine.samples import OWN
from workflow_engine.errors import InvalidResponseError
from workflow_engine.process import OWN_RESPONSE
from workflow_engine.simulate import CHAIN

SUB_PROCESS = "urn:livecontract:action:sub-process"
PAID = {"$schema": OWN_RESPONSE, "process": "account", "action": "pay", "data": {"amount": 100}}


def once(action: dict[str, Any], key: str) -> dict[str, Any]:
    """A scenario that ends when its only action is done."""
    return {
        "$schema": OWN,
        "title": key,
        "actors": {"buyer": {"title": "Buyer"}},
        "actions": {key: action},
        "states": {"initial": {"action": key, "transition": ":success"}},
    }


def within(inner: dict[str, Any], key: str) -> dict[str, Any]:
    """A scenario that runs another one as its only action."""
    action = {"$schema": SUB_PROCESS, "actor": "buyer", "scenario": key, "responses": {"ok": {}, "error": {}}}
    return {**once(action, key), "scenarios": {key: inner}}


HEARING = once(manual("buyer", system=True, accepts={"chain": CHAIN}), "hear")


def instalments(inner: dict[str, Any], key: str) -> dict[str, Any]:
    """A scenario in which payments are waited for in a sub-process, as often as somebody asks."""
    outer = within(inner, key)
    return {
        **outer,
        "id": "instalments",
        "actors": {"buyer": {"title": "Buyer"}, "seller": {"title": "Seller"}},
        "actions": {**outer["actions"], "ask": manual("seller"), "end": manual("seller"), "leave": manual("seller")},
        "states": {
            "initial": {
                "actions": ["ask", "end"],
                "transitions": [
                    {"action": "ask", "transition": "asked"},
                    {"action": "end", "transition": ":success"},
                ],
            },
            "asked": {
                "actions": [key, "leave"],
                "transitions": [
                    {"action": key, "transition": "initial"},
                    {"action": "leave", "transition": "initial"},
                ],
            },
        },
    }


def hear(contract: Contract, process: str, event: str) -> None:
    """Let the carrier's node give an event of the other chain to a process."""
    body = {"$schema": OWN_RESPONSE, "process": process, "action": "hear", "data": PAID["data"]}
    origin = Origin(chain=CHAIN, hash=event, timestamp=5, signer="k", identity=None, body=PAID)
    entry = replace(contract.chain.entry(body, "acme", key="system", at=contract.now + 1000), origin=origin)
    contract.chain.entries[-1] = entry
    try:
        contract.engine.apply(entry)
    except InvalidResponseError:
        contract.chain.entries.pop()
        raise
    contract.now += 1000


def settle(contract: Contract) -> None:
    """Let the nodes start sub-processes and answer for them; what comes from the other chain is carried by `hear`."""
    while found := [item for item in contract.due() if item.action in ("collect", "listen")]:
        body = contract.engine.perform(found[0])
        assert body is not None
        contract.add(body, found[0].identity, key="system")


def asked(contract: Contract, *keys: str) -> str:
    """Ask for a payment, and return the id of the sub-process that waits for it."""
    contract.act("p", "ask", "beta")
    settle(contract)
    process = "p"
    for key in keys:
        process = contract.child(key, process)
    return process


@pytest.mark.parametrize(
    ("inner", "keys"), [(HEARING, ("collect",)), (within(HEARING, "listen"), ("collect", "listen"))], ids=["one", "two"]
)
def test_event_that_one_run_has_taken_is_not_taken_by_the_next(inner: dict[str, Any], keys: tuple[str, ...]) -> None:
    contract = Contract(instalments(inner, "collect"))
    hear(contract, asked(contract, *keys), "first")
    settle(contract)
    second = asked(contract, *keys)
    with pytest.raises(InvalidResponseError, match="has taken this event before"):
        hear(contract, second, "first")
    hear(contract, second, "second")
    settle(contract)
    third = asked(contract, *keys)
    for event in ("first", "second"):
        with pytest.raises(InvalidResponseError, match="has taken this event before"):
            hear(contract, third, event)
    contract.check_replay()


def test_event_that_nothing_came_of_may_be_taken_again() -> None:
    """A sub-process that was abandoned has told its parent nothing: the payment still counts for the next one."""
    contract = Contract(instalments(within(HEARING, "listen"), "collect"))
    hear(contract, asked(contract, "collect", "listen"), "first")
    contract.act("p", "leave", "beta")
    hear(contract, asked(contract, "collect", "listen"), "first")
    contract.check_replay()
