"""A node that has nothing left but its key has its contracts again, and knows what of them is proven."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from eventchain.core.errors import InvalidError
from eventchain.core.ids import ChainId
from livecontract.cli.main import main
from livecontract.client import NodeClient
from livecontract.recovery import find_own_anchors
from tests.livecontract.parties import Parties, parties

pytestmark = pytest.mark.slow


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Parties]:
    with parties(tmp_path, "acme", "beta", "gamma") as found:
        found.found("acme", ["beta", "gamma"])
        for name in ("beta", "gamma", "acme"):
            found.note(name)
            found.wait_until_equal()
        yield found


def lose(trio: Parties, name: str) -> None:
    """Stop a node and delete all it has but its key."""
    directory = trio.stop(name).data
    for path in directory.iterdir():
        if path.name != "keys":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def recover(trio: Parties, name: str, *sources: str, capsys: Any, options: tuple[str, ...] = ()) -> tuple[int, Any]:
    """Run the command and return its exit code and its report."""
    config = trio.nodes[name].config
    froms = [word for source in sources for word in ("--from", source)]
    settings = ("--anchor", config.anchor, "--url", config.public_url)
    capsys.readouterr()
    code = main(["recover", *froms, "--data", str(config.data), *settings, "--json", *options])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else err


def urls(trio: Parties, *names: str) -> list[str]:
    return [trio.nodes[name].url for name in names]


def test_everything_comes_back_and_is_proven(trio: Parties, capsys: pytest.CaptureFixture[str]) -> None:
    trio.wait_for_receipts("gamma")
    before, end = trio.projection("gamma"), trio.end("gamma")
    lose(trio, "gamma")
    code, report = recover(trio, "gamma", *urls(trio, "acme", "beta"), capsys=capsys)
    (chain,) = report["chains"]
    assert chain["chain"] == trio.chain
    assert chain["events"] == chain["anchored"] == end[0]
    assert chain["agree"]
    assert sorted(chain["ends"]) == sorted(urls(trio, "acme", "beta"))
    assert (chain["unanchored"], chain["disproven"], chain["refused"]) == ([], {}, {})
    assert chain["not_asked"] == []
    assert report["foreign_anchors"] == {}
    assert report["public_chain"]["headers"] > 1
    assert report["proven"] is True
    assert code == 0
    trio.start("gamma")
    assert trio.end("gamma") == end
    assert trio.projection("gamma") == before == trio.projection("acme")
    trio.note("gamma")
    trio.wait_until_equal()


def test_what_is_not_proven_is_said(trio: Parties, capsys: pytest.CaptureFixture[str]) -> None:
    lose(trio, "gamma")
    trio.stop("beta")
    code, report = recover(trio, "gamma", *urls(trio, "acme", "beta"), capsys=capsys, options=("--genesis", "5" * 88))
    (chain,) = report["chains"]
    assert code == 1
    assert report["proven"] is False
    assert list(report["silent"]) == urls(trio, "beta")
    assert "first block" in report["public_chain"]["error"]
    assert chain["events"] == trio.end("acme")[0]
    assert chain["not_asked"] == urls(trio, "beta")
    assert main(["recover", "--from", trio.nodes["acme"].url, "--data", str(trio.nodes["gamma"].config.data)]) == 1
    said = capsys.readouterr().out
    assert "it was this node's own" in said
    assert "starts at its first event" in said


def test_hashes_that_the_own_account_anchored_are_found_on_the_public_chain(trio: Parties) -> None:
    trio.wait_for_receipts("acme")
    acme, gamma = trio.nodes["acme"], trio.nodes["gamma"]
    client = NodeClient(acme.url)
    anchored = find_own_anchors(client, str(acme.key.public_key.address("T")))
    archive = acme.node.eventchain.archive
    events = {str(document["hash"]) for document in archive.canonical(ChainId.parse(trio.chain))}
    assert anchored.keys() == events
    assert find_own_anchors(client, str(gamma.key.public_key.address("T"))) == {}


def test_blocks_that_are_too_many_for_one_answer_are_asked_for_in_halves() -> None:
    asked: list[str] = []

    class Small:
        def get(self, path: str, **_how: Any) -> Any:
            asked.append(path)
            if path == "/blocks/height":
                return {"height": 5}
            first, last = [*path.split("/")[3:], path.split("/")[3]][:2]
            if "/seq/" in path and first != "1":
                raise InvalidError("too large")
            if "/seq/" in path and last != "2":
                raise InvalidError("too large")
            heights = range(int(first), int(last) + 1)
            anchors = {height: [f"hash {height}"] for height in heights}
            return (
                [
                    {"height": height, "transactions": [{"type": 15, "sender": "us", "anchors": anchors[height]}]}
                    for height in heights
                ]
                if "/seq/" in path
                else {"height": int(first), "transactions": []}
            )

    found = find_own_anchors(cast("NodeClient", Small()), "us")
    assert found == {"hash 1": 1, "hash 2": 2}
    assert {"/blocks/seq/1/5", "/blocks/seq/1/3", "/blocks/seq/1/2", "/blocks/at/3", "/blocks/at/5"} <= set(asked)


def test_running_node_is_left_alone(trio: Parties, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = recover(trio, "gamma", *urls(trio, "acme"), capsys=capsys)
    assert code == 5
    assert "another process has this queue open" in json.dumps(said)


def test_without_its_key_a_node_is_nobody(trio: Parties, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recover", "--from", trio.nodes["acme"].url, "--data", str(tmp_path / "new")]) == 1
    assert "there is no key" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
