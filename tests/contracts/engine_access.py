"""What every `EngineAccess` does: inherit from `EngineAccessContract` and give it an `engine` fixture.

`engine` reaches the workflow engine of the node `buyer` on a `stage` that plays the quotation.
"""

from dataclasses import replace

from eventchain.chain import read_chain
from eventchain.core.entry import Entry
from eventchain.core.errors import ConflictError
from eventchain.tip import entries_of
from tests.node.stage import Stage, refusal
from workflow_engine.engine import EngineAccess
from workflow_engine.process import LTO_RESPONSE


def response(action: str) -> dict[str, object]:
    return {"$schema": LTO_RESPONSE, "process": "process", "action": action, "key": "ok", "actor": "buyer"}


def entry_of(stage: Stage, body: dict[str, object]) -> Entry:
    """Return the entry of an event with this body at the end of the chain, which is not added."""
    document = stage["buyer"].sign(stage.chain, body)
    return stage.node("buyer").eventchain.tip(stage.chain).advance(read_chain(document).events[0])[1]


class EngineAccessContract:
    """Every sentence of the protocol's docstrings, as tests."""

    def test_head_is_the_last_entry(self, engine: EngineAccess, stage: Stage) -> None:
        assert engine.head(stage.chain) == stage.projection("buyer")["head"]
        assert engine.head("another") is None

    def test_entry_is_applied_once(self, engine: EngineAccess, stage: Stage) -> None:
        entry = entry_of(stage, response("withdraw"))
        engine.check(entry)
        assert stage.state("buyer") == "initial"
        for _ in range(2):
            engine.apply(entry)
            assert engine.head(stage.chain) == entry.hash
        assert stage.projection("buyer")["processes"][0]["previous"][-1]["event"] == entry.hash

    def test_refused_entry_changes_nothing(self, engine: EngineAccess, stage: Stage) -> None:
        entry, before = entry_of(stage, response("accept")), stage.projection("buyer")
        for refuse in (engine.check, engine.apply):
            error = refusal(refuse, entry)
            assert isinstance(error, ConflictError)
            assert error.code == "ActionNotAvailable"
        assert stage.projection("buyer") == before

    def test_of_a_chain_nothing_is_applied_after_what_was_refused(self, engine: EngineAccess, stage: Stage) -> None:
        good = entry_of(stage, response("withdraw"))
        bad = entry_of(stage, response("accept"))
        first = {"chain": "another", "previous": "start", "hash": "first", "members": frozenset()}
        other = replace(entry_of(stage, stage.note()), **first)
        outcomes = engine.apply_all([bad, other, good])
        assert [outcome and outcome.code for outcome in outcomes] == ["ActionNotAvailable", None, "ActionNotAvailable"]
        assert engine.head("another") == "first"
        assert engine.head(stage.chain) == good.previous
        assert list(engine.apply_all([good, good])) == [None, None]
        assert list(engine.apply_all([])) == []

    def test_entries_told_ahead_are_applied_in_their_turn(self, engine: EngineAccess, stage: Stage) -> None:
        entry = entry_of(stage, response("withdraw"))
        after = replace(entry_of(stage, stage.note()), previous=entry.hash, hash="after")
        with engine.ahead(iter([entry, after])):
            assert engine.head(stage.chain) == entry.previous
            for item in (entry, after):
                engine.apply(item)
                assert engine.head(stage.chain) == item.hash
        assert engine.head(stage.chain) == "after"

    def test_entry_told_ahead_may_be_refused(self, engine: EngineAccess, stage: Stage) -> None:
        bad, good = entry_of(stage, response("accept")), entry_of(stage, response("withdraw"))
        with engine.ahead([bad, replace(good, previous=bad.hash)]):
            assert refusal(engine.apply, bad).code == "ActionNotAvailable"
            assert engine.head(stage.chain) == bad.previous
            engine.apply(good)
        assert engine.head(stage.chain) == good.hash

    def test_what_was_told_ahead_may_come_otherwise(self, engine: EngineAccess, stage: Stage) -> None:
        """Another copy appended meanwhile: the chain is derived again, and goes on elsewhere."""
        first, other = entry_of(stage, stage.note()), entry_of(stage, response("withdraw"))
        entries = [entry for _, entry in entries_of(stage.canonical("buyer"))]
        with engine.ahead([first]):
            engine.forget(stage.chain)
            for entry in [*entries, other]:
                engine.apply(entry)
            assert engine.head(stage.chain) == other.hash
        assert engine.head(stage.chain) == other.hash

    def test_engine_that_stands_elsewhere_is_found_out(self, engine: EngineAccess, stage: Stage) -> None:
        missing = replace(entry_of(stage, stage.note()), previous="unknown")
        with engine.ahead([missing]):
            assert engine.head(stage.chain) == stage.projection("buyer")["head"]
            assert refusal(engine.apply, missing).code == "OutOfStep"

    def test_forgotten_chain_is_derived_again_from_its_entries(self, engine: EngineAccess, stage: Stage) -> None:
        before = engine.projection(stage.chain)
        engine.forget(stage.chain)
        assert engine.head(stage.chain) is None
        assert engine.projection(stage.chain)["processes"] == []
        entries = [entry for _, entry in entries_of(stage.canonical("buyer"))]
        assert list(engine.apply_all(entries)) == [None] * len(entries)
        assert engine.projection(stage.chain) == before == stage.projection("buyer")

    def test_rehearsing_saves_nothing(self, engine: EngineAccess, stage: Stage) -> None:
        entries = [entry for _, entry in entries_of(stage.canonical("buyer"))]
        engine.rehearse(entries[:3])
        assert refusal(engine.rehearse, [entries[0], entries[3]]).code == "OutOfStep"
        assert engine.head(stage.chain) == entries[-1].hash

    def test_due_actions_are_those_of_the_service(self, engine: EngineAccess, stage: Stage) -> None:
        service = stage.node("buyer").workflow
        assert list(engine.due(stage.chain, ["buyer", "seller"])) == [
            due.to_dict() for due in service.due(stage.chain, ["buyer", "seller"])
        ]
        assert list(engine.due(stage.chain, [])) == list(engine.overdue(stage.chain, ["buyer", "seller"])) == []

    def test_overdue_timeout_is_performed(self, engine: EngineAccess, stage: Stage) -> None:
        stage.simulation.clock.now += 400 * 24 * 60 * 60 * 1000
        for due in engine.overdue(stage.chain, ["buyer", "seller"]):
            body = engine.perform(due)
            assert body is not None
            assert (body["action"], body["process"]) == (":timeout", "process")
            assert engine.perform({**due, "cause": "another"}) is None

    def test_standings_are_those_of_the_projection(self, engine: EngineAccess, stage: Stage) -> None:
        assert [tuple(item) for item in engine.standings(stage.chain)] == [
            ("process", "initial", stage.projection("buyer")["processes"][0]["current"]["entered"]["event"])
        ]
        engine.apply(entry := entry_of(stage, response("withdraw")))
        ((_, state, event),) = engine.standings(stage.chain)
        assert state != "initial"
        assert event == entry.hash
