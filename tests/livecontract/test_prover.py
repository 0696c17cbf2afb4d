"""The software of a prover: a whole proof on the command line, and the mistakes that would give a secret away."""

import json
import os
import stat
from pathlib import Path

import pytest

from livecontract import prover
from tests.livecontract.test_cli import Run
from workflow_engine.proofs.errors import InvalidProofError

CHALLENGE = "00112233445566778899aabbccddeeff"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(capsys)


def statement(folder: Path, secret: str, values: list[int]) -> None:
    document = {"commitment": json.loads((folder / secret).read_text())["commitment"], "values": values}
    (folder / "statement.json").write_text(json.dumps(document))


@pytest.fixture
def announced(run: Run, tmp_path: Path) -> Run:
    assert run("proof", "commit", "6", "--out", "secret.json").code == 0
    statement(tmp_path, "secret.json", [4, 5, 6, 7])
    assert run("proof", "announce", "secret.json", "--statement", "statement.json", "--out", "proof.json").code == 0
    return run


def test_file_of_another_move_is_refused_with_the_command_that_writes_the_right_one(announced: Run) -> None:
    result = announced("proof", "answer", "secret.json", "--challenge", CHALLENGE)
    assert result.code == 3
    assert 'no "secret" in this file' in result.err
    assert "answering what `proof announce` wrote" in result.err
    assert 'no "blinding" in this file' in announced("proof", "open", "proof.json").err


def test_proof_runs_from_the_seal_to_the_judgement(announced: Run, tmp_path: Path) -> None:
    kept = json.loads((tmp_path / "proof.json").read_text())
    drawn = announced("proof", "challenge", "--json").json["challenge"]
    answer = announced("proof", "answer", "proof.json", "--challenge", drawn).out.strip()
    proof = {name: kept[name] for name in ("statement", "announcement")} | {"challenge": drawn, "answer": answer}
    (tmp_path / "whole.json").write_text(json.dumps(proof))
    assert announced("proof", "verify", "whole.json").out == "The proof holds.\n"
    (tmp_path / "changed.json").write_text(json.dumps({**proof, "challenge": CHALLENGE}))
    changed = announced("proof", "verify", "changed.json", "--json")
    assert (changed.code, changed.json) == (1, {"holds": False})


def test_second_challenge_is_refused_and_the_first_may_be_asked_again(announced: Run) -> None:
    first = announced("proof", "answer", "proof.json", "--challenge", CHALLENGE)
    again = announced("proof", "answer", "proof.json", "--challenge", CHALLENGE)
    assert (first.code, again.out) == (0, first.out)
    other = announced("proof", "answer", "proof.json", "--challenge", "11" * 16)
    assert other.code == 5
    assert other.out == ""
    assert "would give the secret away" in other.err


def test_answer_that_was_broken_off_while_it_was_kept_is_refused(announced: Run, tmp_path: Path) -> None:
    (tmp_path / "proof.json.answer").write_text("")
    refused = announced("proof", "answer", "proof.json", "--challenge", CHALLENGE)
    assert (refused.code, refused.out) == (3, "")
    (tmp_path / "proof.json.answer").write_text("[]")
    assert announced("proof", "answer", "proof.json", "--challenge", CHALLENGE).code == 5


def test_secrets_are_for_their_owner_alone_and_never_written_over(announced: Run, tmp_path: Path) -> None:
    announced("proof", "answer", "proof.json", "--challenge", CHALLENGE)
    for name in ("secret.json", "proof.json", "proof.json.answer"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    before = (tmp_path / "secret.json").read_bytes()
    assert announced("proof", "commit", "7", "--out", "secret.json").code == 5
    assert announced("proof", "key", "--out", "secret.json").code == 5
    assert (tmp_path / "secret.json").read_bytes() == before
    assert announced("proof", "commit", "7", "--out", "no/where.json").code == 3


def test_what_is_printed_opens_nothing(run: Run, tmp_path: Path) -> None:
    made = run("proof", "commit", "6", "--out", "secret.json", "--json")
    kept = json.loads((tmp_path / "secret.json").read_text())
    assert made.json == {"commitment": kept["commitment"], "file": "secret.json"}
    assert kept["blinding"] not in made.out + made.err


def test_whoever_vouches_sees_whether_the_value_is_true(run: Run, tmp_path: Path) -> None:
    run("proof", "commit", "6", "--out", "secret.json")
    opened = run("proof", "open", "secret.json", "--json")
    assert (opened.code, opened.json["value"]) == (0, 6)
    kept = json.loads((tmp_path / "secret.json").read_text())
    (tmp_path / "lie.json").write_text(json.dumps({**kept, "value": 9}))
    assert run("proof", "open", "lie.json").code == 1
    (tmp_path / "other.json").write_text("[1]")
    assert run("proof", "open", "other.json").code == 3


@pytest.mark.parametrize("words", [["commit", "-1"], ["commit", "9007199254740992"], ["commit", "six"], ["commit"]])
def test_value_that_cannot_be_sealed_is_refused_and_nothing_is_kept(
    run: Run,
    words: list[str],
    tmp_path: Path,
) -> None:
    assert run("proof", *words, "--out", "secret.json").code in (2, 3)
    assert list(tmp_path.iterdir()) == []


def test_what_is_false_cannot_be_announced(run: Run, tmp_path: Path) -> None:
    run("proof", "commit", "3", "--out", "secret.json")
    statement(tmp_path, "secret.json", [4, 5])
    refused = run("proof", "announce", "secret.json", "--statement", "statement.json", "--out", "proof.json")
    assert refused.code == 3
    assert "does not show" in refused.err
    assert not (tmp_path / "proof.json").exists()


def test_secret_of_a_key_can_be_proven(run: Run, tmp_path: Path) -> None:
    key = run("proof", "key", "--out", "key.json").out.strip()
    announced = prover.announce(json.loads((tmp_path / "key.json").read_text()), {"key": key}, os.urandom)
    assert len(prover.answer(announced, CHALLENGE)["answer"]) == 64


@pytest.mark.parametrize("document", [None, [], {}, {"secret": "ff" * 32, "seed": "00" * 32}, {"secret": "00" * 32}])
def test_damaged_files_are_refused_in_a_sentence(document: object) -> None:
    with pytest.raises(InvalidProofError):
        prover.answer(document, CHALLENGE)
    with pytest.raises(InvalidProofError):
        prover.announce(document, {"key": "00"}, os.urandom)
