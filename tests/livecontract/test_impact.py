"""`livecontract scenario impact`: what would become of running processes, from the files a party has."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import scenarios
from livecontract.histories import DEVIATED, UNKNOWN_START, read_histories
from livecontract.simulation import Simulation
from tests.livecontract.test_cli import Result, Run, run
from tests.node.stage import Stage, make_evidence, silence
from tests.workflow_engine.samples import ORDER
from workflow_engine import simulate, view
from workflow_engine.compiling import load
from workflow_engine.impact import change_to, impact_of

__all__ = ["run"]

Files = Callable[..., list[str]]

NEW: dict[str, Any] = {**ORDER, "title": "Order, new text"}


def new_text(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    document = copy.deepcopy(NEW)
    change(document)
    return document


@pytest.fixture(scope="module")
def stage() -> Stage:
    """An order that is being signed, by buyer and seller on two nodes, and one that has deviated."""
    with silence():
        stage = Stage.of(Simulation(1, names=("buyer", "seller"))).found()
        buyer, seller = stage["buyer"], stage["seller"]
        buyer.post(stage.chain, ORDER)
        for process in ("first", "second"):
            buyer.start_process(stage.chain, process, "order", {"buyer": "buyer", "seller": "seller"})
            buyer.respond(stage.chain, process, "order", {"price": 12.5})
        buyer.respond(stage.chain, "first", "sign")
        body = {
            "$schema": "urn:livecontract:deviation:1",
            "process": "second",
            "title": "Order anew",
            "from": "signing",
            "to": "initial",
        }
        proposed = buyer.post(stage.chain, body).to_dict()["events"][-1]["hash"]
        stage.simulation.settle(receipts=False)
        consent = {"$schema": "urn:livecontract:consent:1", "deviation": proposed, "answer": "agree"}
        seller.post(stage.chain, consent)
        stage.simulation.settle()
        return stage


@pytest.fixture
def files(stage: Stage, tmp_path: Path) -> Files:
    """Writes documents into files and returns their names; a chain, evidence or process by its name."""
    engine = stage.node("seller").workflow
    known: dict[str, Any] = {
        "chain": stage.canonical("seller").to_dict(),
        "first": view.complete(engine.process("first", stage.chain)),
        "second": view.complete(engine.process("second", stage.chain)),
        "old": ORDER,
        "new": NEW,
    }

    def write(*documents: Any) -> list[str]:
        names = []
        for number, document in enumerate(documents):
            path = tmp_path / (f"{document}.json" if isinstance(document, str) else f"document-{number}.json")
            if document == "evidence":
                path.write_bytes(make_evidence(stage, "seller"))
            else:
                path.write_text(json.dumps(known[document] if isinstance(document, str) else document))
            names.append(str(path))
        return names

    return write


def impact(run: Run, files: Files, new: Any, *processes: str, more: tuple[str, ...] = ()) -> Result:
    old, text = files("old", new)
    named = [item for name in files(*processes) for item in ("--processes", name)]
    return run("scenario", "impact", old, text, *named, *more, "--json")


def test_text_that_differs_in_words_leaves_every_process_as_it_is(run: Run, files: Files) -> None:
    found = impact(run, files, "new", "chain", "first", "evidence")
    assert found.code == 0
    assert [(item["kind"], item["path"]) for item in found.json["structure"]] == [("changed", "$.title")]
    assert [(item["process"], item["goes_on_in"], item.get("replayed_to")) for item in found.json["processes"]] == [
        ("first", "signing", "signing"),
        ("second", "initial", None),
        ("first", "signing", "signing"),
        ("first", "signing", "signing"),
        ("second", "initial", None),
    ]
    assert found.json["processes"][1]["note"] == DEVIATED


def test_process_whose_state_is_gone_is_stuck_unless_another_one_is_named(run: Run, files: Files) -> None:
    def rename(document: dict[str, Any]) -> None:
        document["states"]["to_sign"] = document["states"].pop("signing")
        document["states"]["initial"]["transitions"][0]["transition"] = "to_sign"

    found = impact(run, files, new_text(rename), "first")
    assert found.code == 1
    (item,) = found.json["processes"]
    assert item["stuck"]
    assert 'no state "signing"' in item["obstacle"]
    assert item["replayed_to"] == "to_sign"
    assert impact(run, files, new_text(rename), "first", more=("--to", "to_sign")).code == 0


def test_response_that_would_be_refused_is_named_with_the_reason(run: Run, files: Files) -> None:
    dear = new_text(lambda document: document["assets"]["order"]["properties"]["price"].update(minimum=100))
    (item,) = impact(run, files, dear, "first").json["processes"]
    assert item["stuck"]
    assert item["refused"].startswith('Response 1 ("order") would have been refused: ')
    assert "$.assets.order.price" in item["obstacle"]


def test_state_in_which_nobody_can_do_anything_is_told(run: Run, files: Files) -> None:
    def silent(document: dict[str, Any]) -> None:
        document["actions"]["sign"]["condition"] = False
        document["states"]["signing"].update(actions=["sign"], timeout=None)
        document["states"]["signing"]["transitions"] = [{"action": "sign", "transition": ":success"}]

    (item,) = impact(run, files, new_text(silent), "first").json["processes"]
    assert "nobody could do anything" in item["obstacle"]


def test_deviation_concerns_processes_that_stand_where_it_starts(run: Run, files: Files) -> None:
    body = {
        "$schema": "urn:livecontract:deviation:1",
        "process": "first",
        "title": "Take a breath",
        "from": "signing",
        "to": "signing",
        "states": {"breathing": {"action": "go", "transition": "signing"}},
        "actions": {"go": {"actor": "seller"}},
    }
    found = impact(run, files, body, "chain")
    assert found.code == 0
    assert [item["path"] for item in found.json["structure"]] == ["$.actions.go", "$.states.breathing"]
    first, second = found.json["processes"]
    assert first["goes_on_in"] == "breathing"
    assert second["note"] == 'It does not stand in "signing"; it is not concerned.'
    as_shown_by_a_node = {"event": "x", "answers": [], "proposal": body}
    assert impact(run, files, as_shown_by_a_node, "chain").json == found.json
    assert impact(run, files, {**body, "to": "nowhere"}).code == 3
    assert impact(run, files, {**body, "scenario": "other"}).code == 2
    assert impact(run, files, body, more=("--to", "signing")).code == 2


def test_update_with_other_names_goes_on_as_its_proposal_maps_them(run: Run, files: Files, tmp_path: Path) -> None:
    text = json.dumps(NEW).replace('"buyer"', '"customer"').replace("actors.buyer", "actors.customer")
    proposal = {
        "$schema": "urn:livecontract:deviation:1",
        "process": "first",
        "title": "New text",
        "from": "signing",
        "to": "signing",
        "scenario": "order",
        "map": {"actors": {"customer": "buyer"}},
    }
    (tmp_path / "proposal.json").write_text(json.dumps(proposal))
    found = impact(run, files, json.loads(text), "first", more=("--proposal", str(tmp_path / "proposal.json")))
    (item,) = found.json["processes"]
    assert (found.code, item["goes_on_in"]) == (0, "signing")
    assert "replayed_to" not in item


def test_process_document_that_does_not_say_how_it_started_is_not_replayed(run: Run, files: Files) -> None:
    (name,) = files("first")
    document = json.loads(Path(name).read_text())
    document["assets"]["order"]["price"] = 99
    (item,) = impact(run, files, "new", document).json["processes"]
    assert item["note"] == UNKNOWN_START
    assert not item["stuck"]


def test_processes_of_other_scenarios_are_left_out(run: Run, files: Files) -> None:
    old, chain = files({**ORDER, "id": "other"}, "chain")
    assert run("scenario", "impact", old, old, "--processes", chain, "--json").json["processes"] == []


@pytest.mark.parametrize(
    "document", [3, {}, {"events": []}, {"version": "urn:livecontract:evidence:1"}, {"current": {}, "previous": []}]
)
def test_file_that_is_none_is_refused_with_its_name(run: Run, files: Files, document: Any) -> None:
    old, new, other = files("old", "new", document)
    result = run("scenario", "impact", old, new, "--processes", other)
    if document == {"current": {}, "previous": []}:
        assert "0 processes" in result.out
    else:
        assert result.code == 3
        assert Path(other).name in result.err


def test_damaged_process_document_is_refused(run: Run, files: Files) -> None:
    (name,) = files("first")
    whole = json.loads(Path(name).read_text())
    for member in ("actors", "assets", "current", "previous", "id"):
        for damaged in ({k: v for k, v in whole.items() if k != member}, {**whole, member: 3}):
            result = impact(run, files, "new", damaged)
            assert result.code == 3, damaged
    for member, damaged in (("current", {"key": "nowhere"}), ("current", {"due_date": "x"}), ("actors", {"x": {}})):
        assert impact(run, files, "new", {**whole, member: {**whole[member], **damaged}}).code == 3
    assert impact(run, files, "new", {**whole, "assets": {}}).code == 3


def test_deviation_is_checked_together_with_its_scenario(run: Run, files: Files) -> None:
    (name,) = files(scenarios.deviation("payment-arrangement"))
    result = run("scenario", "check", name)
    assert result.code == 3
    assert "livecontract scenario impact" in result.err


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
def test_same_text_leaves_nobody_stuck_anywhere_in_the_library(name: str) -> None:
    scenario = load(scenarios.load(name))
    runs = [run["responses"] for run in scenarios.runs(name).values()]
    begun = {
        json.dumps(responses[:length]): responses[:length] for responses in runs for length in range(len(responses))
    }
    for responses in begun.values():
        process = simulate.play(scenario, responses)
        (history,) = read_histories(view.complete(process), scenario)
        found = impact_of(history, change_to(scenario))
        assert not found.is_stuck, found
        assert found.goes_on_in == process.current.key
        assert found.replayed_to == process.current.key, found.note


def test_files_are_named_as_a_shell_writes_them_and_standard_input_once(run: Run, files: Files) -> None:
    old, new, one, two = files("old", "new", "first", "chain")
    found = run("scenario", "impact", old, new, "--processes", one, two, "--json")
    assert len(found.json["processes"]) == 3
    assert run("scenario", "impact", old, new, one).code == 2
    assert run("scenario", "impact", "-", "-").code == 2


def test_people_read_it_in_lines(run: Run, files: Files) -> None:
    shorter = new_text(lambda document: document["states"]["signing"].update(timeout="P1D"))
    old, new, chain = files("old", shorter, "chain")
    result = run("scenario", "impact", old, new, "--processes", chain)
    assert '~ $.states.signing.timeout: "P7D" → "P1D"' in result.out
    assert "2 processes by the old text, 0 of them would be stuck:" in result.out
    assert "goes on in signing" in result.out
    assert "0 steps newly possible" in result.out
    assert run("scenario", "impact", old, old, "--quick").out == "The texts mean the same.\n"


def test_what_can_happen_by_one_text_alone_is_shown_with_a_run(run: Run, files: Files) -> None:
    open_end = new_text(lambda document: document["states"]["signing"].pop("timeout"))
    old, new = files("old", open_end)
    result = run("scenario", "impact", old, new)
    assert result.code == 0
    assert "1 step no longer possible" in result.out
    assert 'in "signing": the time runs out, which leads to ":failed"' in result.out
    behaviour = run("scenario", "impact", old, new, "--json").json["behaviour"]
    (step,) = behaviour["impossible"]
    assert step["action"] == ":timeout"
    assert step["run"]["state"] == ":failed"
    assert "behaviour" not in run("scenario", "impact", old, new, "--json", "--quick").json


def test_what_a_deviation_makes_possible_is_told_with_the_ends_it_takes_away(run: Run, files: Files) -> None:
    old, new = files(scenarios.load("invoice"), scenarios.deviation("payment-arrangement"))
    result = run("scenario", "impact", old, new)
    assert result.code == 0
    assert "It comes into force once, when all agree." in result.out
    assert "4 steps newly possible" in result.out
    assert 'in "overdue": the deviation comes into force, which leads to "instalments"' in result.out
    assert "creditor: proposes the deviation → debtor: agrees → the time runs out" in result.out
    assert "0 ends no longer possible once it is in force" in result.out
    assert "Nothing else can become possible, and no other end is lost." in result.out
    assert "behaviour" not in run("scenario", "impact", old, new, "--json", "--quick").json


def test_run_into_a_deviation_is_one_that_simulate_takes(run: Run, files: Files, tmp_path: Path) -> None:
    old, new = files(scenarios.load("invoice"), scenarios.deviation("payment-arrangement"))
    behaviour = run("scenario", "impact", old, new, "--json").json["behaviour"]
    assert (behaviour["lost_ends"], behaviour["unknown_steps"], behaviour["bound"]) == ([], [], None)
    for number, step in enumerate(behaviour["possible"]):
        path = tmp_path / f"run-{number}.json"
        path.write_text(json.dumps(step["run"]["responses"]))
        assert run("scenario", "simulate", old, "--responses", str(path), "--json").json["state"] == step["leads_to"]


def test_end_that_a_deviation_takes_away_is_told_with_a_run(run: Run, files: Files) -> None:
    body = {
        "$schema": "urn:livecontract:deviation:1",
        "process": "first",
        "title": "No way back",
        "from": "signing",
        "to": ":success",
        "states": {"handing_over": {"action": "go", "transition": ":success"}},
        "actions": {"go": {"actor": "seller"}},
    }
    old, new = files("old", body)
    result = run("scenario", "impact", old, new)
    assert "2 ends no longer possible once it is in force" in result.out
    assert '":cancelled", until now:' in result.out
    lost = run("scenario", "impact", old, new, "--json").json["behaviour"]["lost_ends"]
    assert [item["state"] for item in lost] == [":cancelled", ":failed"]
    assert all(item["run"]["state"] == item["state"] for item in lost)
