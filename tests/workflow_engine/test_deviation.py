"""Deviations: by consent of all, from where the process stands, once, and never backwards."""

from contextlib import suppress
from pathlib import Path

import pytest

from eventchain.core.errors import LiveContractError
from eventchain.store.document_store import DocumentStore
from eventchain.store.memory import MemoryStore
from eventchain.store.sqlite import SqliteStore
from tests.node.leased import LeasedMemoryStore
from workflow_engine.errors import (
    ActionNotAvailableError,
    DeviationNotOpenError,
)
from workflow_engine.proposal import OWN_DEVIATION
from workflow_engine.records import ENTRIES, STATES
from workflow_engine.service import COLLECTIONS

from .deviating import HAGGLE, Play, whole
from .samples import DAY
from .test_service import DyingStore, Killed, make


def test_deviation_is_in_force_at_the_last_needed_signature_and_gone_when_it_is_back() -> None:
    play = Play()
    before = play.process
    proposed = play.propose()
    assert play.process.current == before.current
    assert [item.agreed for item in play.process.proposals] == [("acme",)]
    agreed = play.answer(proposed, reason="All right.")
    process = play.process
    assert (process.current.key, process.current.title) == ("haggling", "Haggling over 12.5")
    assert process.current.event == agreed
    assert process.available == ("lower", "give_up")
    assert process.base.name == "order"
    assert process.state()["deviation"] == {"event": proposed, "title": "Haggle about the price", "to": "signing"}
    play.respond("lower", "beta", data={"price": 11})
    assert process.assets["haggle"] == {"rounds": 0}
    assert play.process.current.key == "haggling"
    play.check_replays()
    play.respond("lower", "beta", data={"price": 10})
    process = play.process
    assert (process.current.key, process.assets["order"]["price"]) == ("signing", 10)
    assert (process.deviation, process.scenario.id) == (None, before.scenario.id)
    assert set(process.assets) == {"order"}
    assert process.previous[: len(before.previous)] == before.previous
    assert [item["action"]["key"] for item in process.previous] == ["order", ":deviation", "lower", "lower"]
    assert process.previous[1]["reason"] == "All right."
    assert process.previous[1]["deviation"] == proposed
    play.check_replays()
    for action in ("lower", "give_up"):
        with pytest.raises(LiveContractError):
            play.respond(action, "beta")
    with pytest.raises(DeviationNotOpenError):
        play.answer(proposed)


def test_process_goes_on_to_its_end_after_a_deviation() -> None:
    play = Play()
    play.answer(play.propose())
    play.respond("give_up")
    play.respond("sign")
    play.respond("sign", "beta")
    play.respond("notify", "beta", signed_with="system", data=12.5)
    assert play.process.current.key == ":success"
    play.check_replays()


def test_timeout_of_a_state_of_a_deviation_counts_from_the_last_signature() -> None:
    play = Play()
    proposed = play.propose(at=10_000)
    play.answer(proposed, at=20_000)
    assert play.process.current.due_date == 20_000 + 2 * DAY
    with pytest.raises(ActionNotAvailableError):
        play.respond(":timeout", at=2 * DAY, signed_with="system")
    play.respond(":timeout", at=20_000 + 2 * DAY, signed_with="system")
    assert play.process.current.key == "signing"
    assert play.process.current.due_date == 20_000 + 9 * DAY


def test_deviation_without_states_leads_to_its_end_at_once() -> None:
    play = Play()
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Begin again", "from": "signing", "to": "initial"}
    play.answer(play.propose(body=body))
    assert play.process.current.key == "initial"
    assert play.process.assets["order"]["price"] == 12.5
    assert play.process.deviation is None
    play.check_replays()


def test_parties_may_end_a_process_together() -> None:
    play = Play()
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Call it off", "from": "signing", "to": ":cancelled"}
    play.answer(play.propose(body=body))
    assert play.process.is_finished
    with pytest.raises(DeviationNotOpenError):
        play.propose()


def test_one_deviation_at_a_time() -> None:
    play = Play()
    play.answer(play.propose())
    with pytest.raises(DeviationNotOpenError, match="deviates already"):
        play.propose(body={**HAGGLE, "from": "haggling"})


def test_deviation_is_ended_early_by_consent_and_its_assets_go_with_it() -> None:
    play = Play()
    play.answer(play.propose())
    play.respond("lower", "beta", data={"price": 11})
    body = {"$schema": OWN_DEVIATION, "process": "p", "title": "Stop", "from": "haggling", "to": ":cancelled"}
    for wrong in ({"from": "signing"}, {"to": "haggling"}, {"to": "nowhere"}):
        with pytest.raises(LiveContractError):
            play.propose(body={**body, **wrong})
    proposed = play.propose("beta", body)
    play.respond("lower", "beta", data={"price": 10})
    with pytest.raises(DeviationNotOpenError):
        play.answer(proposed, "acme")
    again = Play()
    again.answer(again.propose())
    proposed = again.propose("beta", body)
    assert again.process.current.key == "haggling"
    again.answer(proposed, "acme")
    assert (again.process.current.key, again.process.deviation) == (":cancelled", None)
    assert set(again.process.assets) == {"order"}
    again.check_replays()


def test_system_action_of_a_deviation_is_due_for_the_node_of_its_actor() -> None:
    look = {"$schema": "urn:livecontract:action:nop", "actor": "seller"}
    body = {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Look",
        "from": "signing",
        "to": "signing",
        "states": {"looking": {"action": "look", "transition": "signing"}},
        "actions": {"look": look},
    }
    play = Play()
    play.answer(play.propose(body=body))
    [action] = play.service.due("chain", {"beta"})
    performed = play.service.perform(action)
    assert performed is not None
    play.do(lambda c: c.entry(performed, "beta", key="system"))
    assert play.process.current.key == "signing"
    assert play.service.due("chain", {"beta"}) == []


@pytest.mark.slow
@pytest.mark.parametrize("done", [False, True])
def test_kill_at_any_write_loses_and_doubles_nothing(done: bool) -> None:
    entries = whole().entries
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    for write in range(1 + done, 3 * len(entries), 4):
        store = MemoryStore(COLLECTIONS)
        dying = make(DyingStore(store, write, done=done))  # type: ignore[arg-type]  # a test's stand-in
        with suppress(Killed):
            for entry in entries:
                dying.apply(entry)
        again = make(store)
        for entry in entries:
            again.apply(entry)
        assert again.projection("chain") == reference.projection("chain")


@pytest.mark.parametrize("kind", ["sqlite", "leased"])
def test_every_store_keeps_the_same_and_a_second_copy_goes_on_anywhere(kind: str, tmp_path: Path) -> None:
    entries = whole().entries
    store: DocumentStore = LeasedMemoryStore(COLLECTIONS)
    if kind == "sqlite":
        store = SqliteStore(tmp_path / "node.sqlite", COLLECTIONS)
    copies = [make(store), make(store)]
    for number, entry in enumerate(entries):
        copies[number % 2].apply(entry)
        copies[1 - number % 2].apply(entry)
    reference = make(MemoryStore(COLLECTIONS))
    for entry in entries:
        reference.apply(entry)
    for service in (*copies, make(store)):
        assert service.projection("chain") == reference.projection("chain")
    assert len(store.find(STATES)) == 1
    copies[0].forget("chain")
    assert store.find(ENTRIES) == store.find(STATES) == []
    store.close()
