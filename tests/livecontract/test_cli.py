"""The command line: what is printed where, and how each command ends."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eventchain.core import errors
from eventchain.core.keys import KeyPair
from livecontract import key_store
from livecontract.cli import files, main, outcome
from livecontract.errors import InvalidConfigError, NodeUnreachableError
from tests import needs

VECTORS = Path(__file__).parents[1] / "vectors"
CHAIN = VECTORS / "chains" / "v2-lto-0.16.15.json"
COMMANDS = [[], ["key"], ["key", "new"], ["key", "show"], ["chain"], ["chain", "new"], ["chain", "show"],
            ["chain", "verify"], ["scenario"], ["scenario", "check"], ["scenario", "normalise"],
            ["scenario", "simulate"], ["scenario", "impact"],
            ["scenario", "export"], ["scenario", "import"]]  # fmt: skip


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Run:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path) -> Result:
        code = main([str(item) for item in arguments])
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return Run(capsys)


def type_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(run: Run, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.code == 0
    assert "Usage: livecontract" in result.out
    assert result.err == ""


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from livecontract.cli import main; main(['--help']); "
        "heavy = {'flask', 'waitress', 'urllib3', 'jsonschema', 'networkx', 'cryptography', 'aiosmtpd', 'transitions'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_key_of_a_seed_phrase_is_that_of_the_lto_clients(run: Run, eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["v2_chain"]
    for command in ("new", "show"):
        result = run("key", command, "--seed", vector["seed_phrase"], "--json")
        assert (result.code, result.err) == (0, "")
        assert list(result.json) == ["public_key", "address", "encrypt_key"]
        assert result.json["public_key"] == vector["public_key"]
        assert result.json["address"].startswith("3N")


def test_nonce_and_network_choose_the_account(run: Run) -> None:
    keys = {run("key", "show", "--seed", "a", "--nonce", str(n), "--json").json["public_key"] for n in (0, 1)}
    assert keys == {str(KeyPair.from_seed_phrase("a", n).public_key) for n in (0, 1)}
    assert run("key", "show", "--seed", "a", "--network", "L", "--json").json["address"].startswith("3J")


def test_a_seed_phrase_may_come_from_a_file_or_standard_input(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seed").write_text("test phrase\n")
    expected = run("key", "show", "--seed", "test phrase", "--json").json
    assert run("key", "show", "--seed-file", tmp_path / "seed", "--json").json == expected
    type_in(monkeypatch, b"test phrase\r\n")
    assert run("key", "show", "--seed-file", "-", "--json").json == expected


def test_a_random_key_is_kept_in_a_file_that_only_its_owner_reads(run: Run, tmp_path: Path) -> None:
    result = run("key", "new", "--json")
    path = tmp_path / result.json["file"]
    assert path.name == f"{result.json['address']}.key.json"
    assert path.stat().st_mode & 0o777 == 0o600
    key = key_store.load(path)
    assert str(key.public_key) == result.json["public_key"]
    assert key.private_key not in result.out + result.err
    shown = run("key", "show", path, "--json").json
    assert shown == {name: value for name, value in result.json.items() if name != "file"}


def test_a_key_file_is_encrypted_where_a_passphrase_is_given(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pass").write_text("horse")
    (tmp_path / "wrong").write_text("donkey")
    made = run("key", "new", "--out", "k.json", "--passphrase-file", "pass", "--json").json
    assert "private_key" not in (tmp_path / "k.json").read_text()
    assert run("key", "show", "k.json", "--passphrase-file", "pass", "--json").json["address"] == made["address"]
    refused = run("key", "show", "k.json", "--passphrase-file", "wrong")
    assert (refused.code, refused.out) == (1, "")
    assert "donkey" not in refused.err


def test_an_existing_key_file_is_not_written_over(run: Run) -> None:
    assert run("key", "new", "--out", "k.json").code == 0
    result = run("key", "new", "--out", "k.json", "--json")
    assert (result.code, result.json["status"]) == (5, 409)


def test_the_private_key_is_printed_only_when_asked_for(run: Run, tmp_path: Path) -> None:
    key = KeyPair.from_seed_phrase("a")
    assert key.private_key not in run("key", "show", "--seed", "a").out
    assert run("key", "show", "--seed", "a", "--private", "--json").json["private_key"] == key.private_key
    assert run("key", "new", "--private", "--json").json["private_key"]
    assert list(tmp_path.iterdir()) == []


def test_a_chain_id_is_that_of_the_lto_clients(run: Run, eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["v2_chain"]
    result = run("chain", "new", "--seed", vector["seed_phrase"], "--nonce", vector["nonce"], "--json")
    assert result.code == 0
    assert list(result.json) == ["id", "initial_hash", "initial_state"]
    assert result.json["id"] == vector["id"]
    assert result.json["initial_hash"] == vector["initial_hash"]


def test_a_chain_without_a_nonce_is_another_each_time(run: Run) -> None:
    assert len({run("chain", "new", "--seed", "a", "--json").json["id"] for _ in range(3)}) == 3


def test_a_chain_of_a_published_client_is_valid(run: Run) -> None:
    result = run("chain", "verify", CHAIN, "--json")
    assert (result.code, result.err) == (0, "")
    assert list(result.json) == [
        *("valid", "format", "id", "events", "partial", "latest_hash", "state", "errors", "not_checked")
    ]
    assert (result.json["valid"], result.json["format"], result.json["errors"]) == (True, "V2", [])
    assert "Valid: whole chain" in run("chain", "verify", CHAIN).out
    shown = run("chain", "show", CHAIN, "--json").json
    assert len(shown["events"]) == result.json["events"]
    assert shown["events"][-1]["hash"] == result.json["latest_hash"]


def test_a_chain_is_read_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, CHAIN.read_bytes())
    assert run("chain", "verify", "-").code == 0


@pytest.mark.parametrize(
    ("field", "change", "check"),
    [
        ("timestamp", lambda value: value + 1, "hash"),
        ("signature", lambda value: value[:-1] + ("1" if value[-1] != "1" else "2"), "signature"),
        ("signature", lambda value: value[:-4], "form"),
        ("signature", lambda _: None, "form"),
    ],
)
def test_a_changed_chain_is_not_valid_and_the_check_is_named(
    run: Run, tmp_path: Path, field: str, change: Any, check: str
) -> None:
    document = json.loads(CHAIN.read_text())
    event = document["events"][3]
    event[field] = change(event[field])
    path = tmp_path / "chain.json"
    path.write_text(json.dumps(document))
    result = run("chain", "verify", path, "--json")
    assert (result.code, result.json["valid"]) == (1, False)
    assert check in [item["check"] for item in result.json["errors"]]
    assert event["hash"] in [item["event"] for item in result.json["errors"]]
    assert "Not valid" in run("chain", "verify", path).out


def test_what_is_no_chain_is_an_invalid_document(run: Run, tmp_path: Path) -> None:
    for text in ("[]", "{}", '{"id": 1, "events": []}', '{"id": "x"}', '"chain"'):
        (tmp_path / "c.json").write_text(text)
        assert run("chain", "verify", "c.json", "--json").code == 3


@pytest.mark.parametrize(
    "command", [["chain", "verify"], ["chain", "show"], ["scenario", "check"], ["scenario", "normalise"]]
)
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(run: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    (tmp_path / "text").write_text("once upon a time")
    (tmp_path / "twice").write_text('{"a": 1, "a": 2}')
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "empty").write_text("")
    names = ["missing", tmp_path, "binary", "latin", "text", "twice", "deep", "empty", "/dev/zero", "nul\0", "x" * 5000]
    for name in names:
        result = run(*command, name)
        assert (result.code, result.out) == (3, "")
        assert result.err.startswith(f"Error: {str(name)[:20]}".replace("\0", "�"))
        assert result.err.count("\n") == 2
        assert run(*command, name, "--json").json["status"] == 400


def test_a_file_that_may_not_be_read_is_named(run: Run, tmp_path: Path) -> None:
    error = files._unreadable(str(tmp_path / "x"), PermissionError())
    assert "may not be read" in str(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["chain", "nope"],
        ["chain", "verify"],
        ["chain", "verify", "a", "b"],
        ["chain", "new"],
        ["chain", "new", "--seed", ""],
        ["key", "show"],
        ["key", "show", "file", "--seed", "a"],
        ["key", "new", "--seed", "a", "--seed-file", "b"],
        ["key", "new", "--nonce", "1"],
        ["key", "new", "--seed", "a", "--nonce", "-1"],
        ["key", "new", "--seed", "a", "--nonce", "4294967296"],
        ["key", "new", "--seed", "a", "--network", "test"],
        ["key", "new", "--sed", "a"],
        ["scenario", "simulate", "a"],
        ["scenario", "simulate", "-", "--responses", "-"],
    ],
)
def test_wrong_usage_ends_with_2_and_one_document(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "--help" in result.err
    as_json = run(*arguments, "--json")
    assert (as_json.code, as_json.err) == (2, "")
    assert as_json.json["title"] == "Usage"


@pytest.mark.parametrize("arguments", [[], ["key"], ["chain"], ["scenario"]])
def test_a_group_without_a_command_explains_itself(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).code == 2


def test_each_family_of_errors_has_its_exit_code() -> None:
    expected = {
        errors.InvalidError: 3, errors.TooLargeError: 3, errors.UnauthenticatedError: 1, errors.ForbiddenError: 1,
        errors.NotFoundError: 1, errors.ConflictError: 5, errors.UnavailableError: 4, NodeUnreachableError: 4,
        InvalidConfigError: 2,
    }  # fmt: skip
    assert {family: outcome.exit_code(family("x")) for family in expected} == expected
    assert outcome.exit_code(RuntimeError()) == 1


def test_a_mistake_of_ours_is_a_sentence_and_not_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("internals")

    monkeypatch.setattr("livecontract.cli.chain.read_document", fail)
    result = run("chain", "show", "x")
    assert (result.code, result.out) == (1, "")
    assert "please report it" in result.err
    assert run("chain", "show", "x", "--json").json["title"] == "Failure"


def test_what_strangers_wrote_does_not_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"$schema": "\x1b[2J\x07evil"}))
    result = run("scenario", "check", "s.json")
    assert result.code == 1
    assert "\x1b" not in result.out + result.err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "import sys; from livecontract.cli import main; sys.exit(main())"]
    result = subprocess.run(
        [*command, "chain", "show", str(CHAIN)], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert result.stderr == b""


SCENARIO = Path(__file__).parents[2] / "scenarios" / "library" / "quotation.json"


def test_a_scenario_of_the_library_is_valid_and_has_the_id_of_its_normal_form(run: Run, tmp_path: Path) -> None:
    checked = run("scenario", "check", SCENARIO, "--json")
    assert (checked.code, checked.json["valid"]) == (0, True)
    normal = run("scenario", "normalise", SCENARIO)
    assert normal.code == 0
    (tmp_path / "normal.json").write_text(normal.out)
    assert run("scenario", "check", "normal.json", "--json").json["id"] == checked.json["id"]
    assert run("scenario", "normalise", "normal.json", "--json").json == normal.json


def test_a_scenario_with_an_error_is_negative_and_says_where(run: Run, tmp_path: Path) -> None:
    document = json.loads(SCENARIO.read_text())
    document["states"]["initial"]["transitions"] = [{"action": "nothing", "transition": "nowhere"}]
    (tmp_path / "s.json").write_text(json.dumps(document))
    result = run("scenario", "check", "s.json", "--json")
    assert (result.code, result.json["valid"]) == (1, False)
    assert any(item["path"].startswith("$.states.initial.transitions[0]") for item in result.json["problems"])
    assert "Not valid" in run("scenario", "check", "s.json").out
    assert run("scenario", "simulate", "s.json", "--responses", "s.json", "--json").code == 3


def test_a_simulation_without_responses_stands_at_the_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("[]")
    result = run("scenario", "simulate", SCENARIO, "--responses", "r.json", "--json")
    assert result.code == 0
    assert set(result.json) == {"state", "finished", "next", "previous", "actions", "actors", "assets"}
    assert (result.json["state"], result.json["finished"], result.json["previous"]) == ("initial", False, [])
    assert result.json["actions"]
    text = run("scenario", "simulate", SCENARIO, "--responses", "r.json").out
    assert "initial" in text
    assert next(iter(result.json["actions"])) in text


def test_a_response_that_is_refused_is_named_by_its_place(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('[{"actor": "nobody", "action": "nothing"}]')
    result = run("scenario", "simulate", SCENARIO, "--responses", "r.json", "--json")
    assert result.code in (1, 3, 5)
    assert result.json["path"].startswith("$[0]")
    (tmp_path / "o.json").write_text("{}")
    assert run("scenario", "simulate", SCENARIO, "--responses", "o.json").code == 3


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
@pytest.mark.parametrize("arguments", [["key", "show", "--seed", "a"], ["chain", "show", "missing"]])
def test_an_output_that_is_full_ends_in_failure_without_a_traceback(arguments: list[str], json_flag: list[str]) -> None:
    if not Path("/dev/full").exists():
        needs.missing("this system has no /dev/full")
    command = [sys.executable, "-c", "import sys; from livecontract.cli import main; sys.exit(main())"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([*command, *arguments, *json_flag], stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode in (1, 3)
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_the_output_cannot_carry_do_no_harm(encoding: str) -> None:
    command = [sys.executable, "-c", "import sys; from livecontract.cli import main; sys.exit(main())"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    for name in (b"\xff\xfe", "契約".encode()):
        arguments = [*command, "chain", "show", name]
        text = subprocess.run(arguments, capture_output=True, check=False, env=environment)
        assert (text.returncode, text.stdout) == (3, b"")
        assert b"does not exist" in text.stderr
        as_json = subprocess.run([*arguments, "--json"], capture_output=True, check=False, env=environment)
        assert (as_json.returncode, as_json.stderr) == (3, b"")
        assert json.loads(as_json.stdout.decode(encoding))["status"] == 400


def test_the_version_is_that_of_the_package(run: Run) -> None:
    from importlib.metadata import version

    assert run("--version").out.strip() == version("livecontract")
