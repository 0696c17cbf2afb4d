"""`livecontract scenario simulate` with proposals in files: what is printed, and what is wrong with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

import scenarios
from livecontract.cli import main

SENT = {"actor": "creditor", "action": "send",
        "data": {"number": "1", "description": "Chairs", "amount": 900, "currency": "EUR"}}  # fmt: skip
WRITTEN = {"actor": "creditor", "action": "write"}
PROPOSED = {"actor": "debtor", "propose": "arrangement.json"}
OVERDUE: list[dict[str, Any]] = [SENT, WRITTEN, {"actor": "debtor", "comment": "Not\nyet."}, {"wait": "P30D"}]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("invoice.json").write_text(json.dumps(scenarios.load("invoice")), "utf-8")
    Path("runs/arrangement.json").write_text(json.dumps(scenarios.deviation("payment-arrangement")), "utf-8")


def simulate(items: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], code: int = 0, *words: str) -> str:
    Path("runs/run.json").write_text(json.dumps(items), "utf-8")
    assert main(["scenario", "simulate", "invoice.json", "--responses", "runs/run.json", *words]) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out if code == 0 else captured.err


def test_proposal_is_found_beside_the_list_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = simulate([*OVERDUE, PROPOSED], capsys)
    assert "proposal   Payment arrangement by debtor: open, waits for creditor\n" in text
    assert "comment    debtor in open: Not yet.\n" in text
    agreed = [*OVERDUE, PROPOSED, {"actor": "creditor", "answer": "agree"}]
    assert "deviation  Payment arrangement (in force)\n" in simulate(agreed, capsys)
    document = json.loads(simulate(agreed, capsys, 0, "--json"))
    assert (document["state"], document["proposals"][0]["state"]) == ("instalments", "in force")


def test_update_goes_on_by_the_scenario_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    changed = {**scenarios.load("invoice"), "id": "invoice-2"}
    Path("runs/second.json").write_text(json.dumps(changed), "utf-8")
    update = {
        "$schema": "urn:livecontract:deviation:1",
        "title": "By the new terms",
        "from": "overdue",
        "to": "checking",
    }
    items = [*OVERDUE, {"actor": "creditor", "propose": {**update, "scenario": "invoice-2"}, "scenario": "second.json"},
             {"actor": "debtor", "answer": "agree"}]  # fmt: skip
    assert "state      checking\n" in simulate(items, capsys)


@pytest.mark.parametrize(
    ("items", "code", "said"),
    [
        ([SENT, {"actor": "debtor", "propose": "missing.json"}], 3, "missing.json does not exist"),
        ([SENT, {"actor": "debtor", "propose": "../invoice.json"}], 3, "(at $[1].propose)"),
        ([SENT, {"actor": "debtor", "propose": "-"}], 3, "beside the list"),
        ([SENT, {"actor": "debtor", "propose": ""}], 3, "beside the list"),
        ([SENT, {"actor": "debtor", "propose": "a\0b"}], 3, "cannot be read"),
        ([SENT, {"actor": "debtor", "propose": {}, "scenario": "/etc/hostname"}], 3, "(at $[1].scenario)"),
        ([SENT, PROPOSED], 5, "(at $[1].propose.from)"),
        ([PROPOSED] * 65, 3, "more than 64 files"),
        ([SENT, {"actor": "debtor", "answer": "maybe"}], 3, "(at $[1].answer)"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    items: list[dict[str, Any]], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in simulate(items, capsys, code)


def test_run_with_a_proposal_is_recorded_and_is_a_test(capsys: pytest.CaptureFixture[str]) -> None:
    items: list[dict[str, Any]] = [
        SENT,
        WRITTEN,
        {"actor": "debtor", "comment": "Not yet."},
        {"wait": "P30D"},
        PROPOSED,
        {"actor": "creditor", "answer": "agree", "reason": "Fine."},
        {"actor": "debtor", "comment": {"content": "Thanks.", "title": "Note"}, "reply_to": "Not yet."},
    ]
    Path("runs/run.json").write_text(json.dumps(items), "utf-8")
    words = ["scenario", "record", "invoice.json", "--responses", "runs/run.json", "--out", "invoice.feature"]
    assert main(words) == 0, capsys.readouterr().err
    assert main(["scenario", "test", "invoice.feature"]) == 0, capsys.readouterr().out
    Path("runs/run.json").unlink()
    items[4] = {**PROPOSED, "propose": "payment-arrangement"}
    Path("runs/invoice.json").write_text(json.dumps({"Agreed": {"state": "instalments", "responses": items}}), "utf-8")
    assert main(["scenario", "test", "runs/invoice.json"]) == 0, capsys.readouterr().out
