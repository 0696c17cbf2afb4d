"""The demonstration from outside: what it shows, what it leaves, and that no kill of a node loses anything."""

import functools
import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from livecontract.cli import main
from livecontract.demo import stage
from livecontract.mailbox import Mailbox
from tests.livecontract.demo_process import DemoProcess

pytestmark = pytest.mark.slow

Start = Callable[..., DemoProcess]

CHECKS = ["same chains", "same projections", "replay", "receipts", "evidence", "tampering"]
ROLES = ["public-chain", "buyer", "seller", "inspector"]
TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ok", "steps", "checks", "seconds", "chain", "process", "nodes", "public_chain", "evidence"],
    "properties": {
        "ok": {"type": "boolean"},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["step", "who", "detail", "ok", "seconds"],
                "properties": {
                    "step": TEXT,
                    "who": {"enum": ["", "buyer", "seller", "inspector", "node", "process"]},
                    "detail": TEXT,
                    "ok": {"type": "boolean"},
                    "seconds": {"type": "number", "minimum": 0},
                },
            },
        },
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["check", "ok", "message"],
                "properties": {"check": TEXT, "ok": {"type": "boolean"}, "message": TEXT},
            },
        },
        "seconds": {"type": "number", "minimum": 0},
        "chain": TEXT,
        "process": TEXT,
        "nodes": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["role", "name", "url", "restarts"],
                "properties": {
                    "role": {"enum": ["buyer", "seller", "inspector"]},
                    "name": TEXT,
                    "url": {"type": "string", "pattern": "^http://127\\.0\\.0\\.1:[0-9]+$"},
                    "restarts": {"type": "integer", "minimum": 0},
                },
            },
        },
        "public_chain": {"type": "string", "pattern": "^http://127\\.0\\.0\\.1:[0-9]+$"},
        "evidence": {"type": ["string", "null"]},
    },
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[DemoProcess] = []

    def begin(*arguments: str) -> DemoProcess:
        started.append(DemoProcess(tmp_path / str(len(started)), *arguments))
        return started[-1]

    yield begin
    for process in started:
        process.close()


def check_nothing_is_left(demo: DemoProcess, urls: list[str]) -> None:
    assert demo.nodes() == {}
    for url in urls:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5)
    assert [list(place.iterdir()) for place in demo.surroundings] == [[], [], []]


def urls_of(document: dict[str, Any]) -> list[str]:
    return [document["public_chain"], *(node["url"] for node in document["nodes"])]


def test_the_demonstration_holds_and_leaves_its_directory_only(start: Start) -> None:
    demo = start("--once", "--json")
    code, out, err = demo.end()
    assert (code, err) == (0, "")
    document = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["ok"] is True
    assert [(item["check"], item["ok"]) for item in document["checks"]] == [(name, True) for name in CHECKS]
    assert all(step["ok"] for step in document["steps"])
    assert [node["restarts"] for node in document["nodes"]] == [0, 0, 0]
    assert sum(step["seconds"] for step in document["steps"]) <= document["seconds"]
    assert document["chain"] in document["steps"][1]["detail"]
    check_nothing_is_left(demo, urls_of(document))
    names = {path.name for path in demo.directory.iterdir()}
    assert names == {*ROLES, "evidence.json", "evidence.flipped.json"}
    assert document["evidence"] == str(demo.directory / "evidence.json")
    assert main(["verify", document["evidence"]]) == 0
    assert main(["verify", str(demo.directory / "evidence.flipped.json")]) == 1


def test_the_transcript_is_readable_where_there_is_no_terminal_and_a_signal_ends_what_stays_up(start: Start) -> None:
    demo = start()
    demo.wait_for_line("The nodes stay up")
    assert sorted(demo.nodes()) == sorted(ROLES)
    demo.signal(signal.SIGINT)
    code, out, err = demo.end()
    assert (code, err) == (0, "")
    check_nothing_is_left(demo, [])
    assert all(character.isprintable() or character == "\n" for character in out)
    assert "NO" not in out
    places = [out.index(text) for text in ("Three organisations", "Offer", "Both sign", "An inspector", "Everything")]
    assert places == sorted(places)
    for check in CHECKS:
        assert f"ok {check}" in out
    for role in ROLES:
        path = demo.directory / role / "keys" / "system.json"
        log = (demo.directory / role / "node.log").read_text()
        assert (path.stat().st_mode & 0o777, path.parents[1].stat().st_mode & 0o777) == (0o600, 0o700)
        assert json.loads(path.read_text())["private_key"] not in log + out
        assert "Traceback" not in log


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGTERM, "Three organisations"),
        (signal.SIGINT, "makes a counter-offer"),
        (signal.SIGHUP, "What can be shown now"),
    ],
)
def test_a_signal_in_the_middle_ends_every_node(start: Start, number: signal.Signals, moment: str) -> None:
    demo = start("--once")
    demo.wait_for_line(moment)
    demo.signal(number)
    code, out, err = demo.end()
    assert code == 130
    assert "Traceback" not in out + err
    check_nothing_is_left(demo, [])


def play_with_kills(demo: DemoProcess, victims: Callable[[int], list[str]]) -> list[str]:
    """Kill, after each line of the transcript, who is named for it, until the end is told; return who was."""
    killed = []
    for number, line in enumerate(demo.lines()):
        if "Everything held." in line:
            break
        killed += [role for role in victims(number) if demo.kill_node(role)]
    code, out, err = demo.end()
    assert code == 0, out + err
    assert "Everything held." in out
    assert len(killed) - len(ROLES) <= out.count("it is started again") <= len(killed)
    return killed


@pytest.mark.parametrize(("in_turn", "at_once"), [(6, 30), (18, 8)])
def test_nodes_may_be_killed_in_turn_and_all_at_once(start: Start, in_turn: int, at_once: int) -> None:
    plan = {in_turn + 3 * index: [role] for index, role in enumerate(ROLES)} | {at_once: ROLES}
    killed = play_with_kills(start("--once"), lambda number: plan.get(number, []))
    assert set(killed) == set(ROLES)


def test_what_does_not_hold_is_named_and_ends_with_1(start: Start) -> None:
    demo = start("--once", "--json")
    (demo.directory / "evidence.json").mkdir(parents=True)
    code, out, _ = demo.end()
    document = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert (code, document["ok"]) == (1, False)
    failed = {item["check"]: item["message"] for item in document["checks"] if not item["ok"]}
    assert list(failed) == ["evidence", "tampering"]
    assert "evidence.json" in failed["evidence"]


def test_a_node_that_cannot_start_is_named_with_its_reason(start: Start) -> None:
    demo = start("--once", "--json")
    keys = demo.directory / "seller" / "keys"
    keys.mkdir(mode=0o700, parents=True)
    (keys / "system.json").write_text("no key")
    (keys / "system.json").chmod(0o600)
    code, out, _ = demo.end()
    document = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert (code, document["ok"], document["evidence"]) == (1, False, None)
    assert [step["ok"] for step in document["steps"]] == [False]
    (found,) = document["checks"]
    assert "Borealis Steel" in found["message"]
    assert "system.json" in found["message"]
    check_nothing_is_left(demo, urls_of(document))


class RefusingMailbox(Mailbox):
    """A mail server that is never there when a node comes."""

    def __init__(self) -> None:
        super().__init__()
        self._smtp.stop()

    def close(self) -> None:
        self._web.stop()


def test_an_invitation_that_does_not_arrive_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("livecontract.demo.stage.Mailbox", RefusingMailbox)
    monkeypatch.setattr("livecontract.demo.stage.wait_for", functools.partial(stage.wait_for, seconds=2.0))
    assert main(["demo", "--once", "--json", "--directory", str(tmp_path)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["steps"][-1]["ok"] is False
    assert "the mail to ben@seller.example" in document["checks"][-1]["message"]
