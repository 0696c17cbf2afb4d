"""`livecontract scenario impact --node`: what would become of the processes that run at a node."""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scenarios
from eventchain.chain import read_chain
from eventchain.core.errors import InvalidError, TooLargeError
from eventchain.core.keys import KeyPair
from livecontract import key_store, running_processes
from livecontract.client import NodeClient
from livecontract.running_processes import list_processes, running_histories
from tests.livecontract.running import NEIGHBOUR, OWNER, PROCESS, STRANGER, World, running, settle
from tests.livecontract.test_cli import Result, Run, run
from workflow_engine.compiling import load

__all__ = ["run"]

OLD = scenarios.load("quotation")


ACTORS = {role: {"identity": "owner", "name": role.title()} for role in ("buyer", "seller")}


def renamed() -> dict[str, Any]:
    """The quotation with another key for the state in which order-2 stands."""
    return json.loads(json.dumps(OLD).replace('"requested"', '"asked_for"'))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A node on which the owner has two running processes on two chains, and one of another scenario."""
    with running(tmp_path_factory.mktemp("node")) as node:
        world = World(node)
        second = world.agent.create_chain({"name": "Owner"})
        world.agent.add(second, OLD)
        world.agent.start(second, "order-2", "quotation", ACTORS)
        world.agent.respond(second, "order-2", "request", {"item": "Beam", "quantity": 4})
        world.agent.add(world.chain, {**copy.deepcopy(OLD), "id": "other", "title": "Another"})
        world.agent.start(world.chain, "other-1", "other", ACTORS)
        settle(node)
        yield world


def key_file(tmp_path: Path, key: KeyPair, passphrase: str | None = None) -> str:
    path = tmp_path / "keys" / f"{key.public_key}.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        key_store.save(path, key, passphrase, os.urandom)
    return str(path)


def impact(run: Run, tmp_path: Path, new: Any, *more: str, old: Any = OLD) -> Result:
    for name, document in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return run("scenario", "impact", "old.json", "new.json", "--quick", *more)


def test_running_processes_of_all_chains_are_replayed_under_the_new_text(
    run: Run, tmp_path: Path, world: World
) -> None:
    at = ("--node", world.node.url, "--key-file", key_file(tmp_path, OWNER))
    found = impact(run, tmp_path, {**OLD, "title": "New"}, *at, "--json")
    assert found.code == 0, found.out
    assert {(item["node"], item["process"], item["stuck"]) for item in found.json["processes"]} == {
        (world.node.url, PROCESS, False),
        (world.node.url, "order-2", False),
    }
    assert world.chain in {item["chain"] for item in found.json["processes"]}
    assert all(item["replayed_to"] == item["state"] for item in found.json["processes"])
    assert found.json["node"] == {"url": world.node.url, "listed": 3, "running": 2}


def test_process_that_would_be_stuck_is_told_with_its_chain_and_the_reason(
    run: Run, tmp_path: Path, world: World
) -> None:
    found = impact(run, tmp_path, renamed(), "--node", world.node.url, "--key-file", key_file(tmp_path, OWNER))
    assert found.code == 1
    assert f"ok    {PROCESS} in initial ({world.node.url}, chain {world.chain})" in found.out
    assert "STUCK order-2 in requested" in found.out
    assert 'no state "requested"' in found.out
    assert "2 processes by the old text, 1 of them would be stuck:" in found.out
    assert f"Of 3 processes that this key sees at {world.node.url}, 2 run by the old text now." in found.out


def test_files_are_looked_at_beside_the_node(run: Run, tmp_path: Path, world: World) -> None:
    (tmp_path / "chain.json").write_text(json.dumps(world.agent.chain(world.chain)))
    at = ("--node", world.node.url, "--key-file", key_file(tmp_path, OWNER))
    found = impact(run, tmp_path, OLD, *at, "--processes", "chain.json", "--json")
    assert [item.get("file") for item in found.json["processes"]] == ["chain.json", None, None]


def test_key_sees_only_processes_of_its_own_chains(run: Run, tmp_path: Path, world: World) -> None:
    for key in (NEIGHBOUR, STRANGER):
        found = impact(run, tmp_path, OLD, "--node", world.node.url, "--key-file", key_file(tmp_path, key))
        assert found.code == 0
        assert "This key sees no process at" in found.out


def test_none_by_the_old_text_is_not_told_as_none_stuck(run: Run, tmp_path: Path, world: World) -> None:
    at = ("--node", world.node.url, "--key-file", key_file(tmp_path, OWNER))
    found = impact(run, tmp_path, OLD, *at, old={**OLD, "title": "Never used"})
    assert "Of 3 processes" in found.out
    assert "none runs by the old text now" in found.out


def test_finished_processes_are_left_out(run: Run, tmp_path: Path, world: World) -> None:
    partner = KeyPair.from_seed(b"q" * 32)
    agent = type(world.agent)("partner", partner, world.node.url)
    chain = agent.create_chain({"name": "Partner"})
    short = {
        "$schema": "urn:livecontract:scenario:1",
        "title": "Short",
        "actors": {"one": {"title": "One"}},
        "actions": {"end": {"actor": "one"}},
        "states": {"initial": {"action": "end", "transition": ":success"}},
    }
    agent.add(chain, {**short, "id": "short"})
    for process in ("ended", "runs"):
        agent.start(chain, process, "short", {"one": {"identity": "partner"}})
    agent.respond(chain, "ended", "end")
    settle(world.node)
    at = ("--node", world.node.url, "--key-file", key_file(tmp_path, partner))
    found = impact(run, tmp_path, short, *at, "--json", old={**short, "id": "short"})
    assert [item["process"] for item in found.json["processes"]] == ["runs"]
    assert found.json["node"]["listed"] == 2


def test_encrypted_key_file_opens_with_its_passphrase(run: Run, tmp_path: Path, world: World) -> None:
    at = ("--node", world.node.url, "--key-file", key_file(tmp_path, OWNER, "open sesame"))
    (tmp_path / "passphrase").write_text("open sesame\n")
    locked = impact(run, tmp_path, OLD, *at)
    assert locked.code == 1
    assert "no passphrase" in locked.err
    assert impact(run, tmp_path, OLD, *at, "--passphrase-file", "passphrase").code == 0


def test_node_and_key_are_named_together(run: Run, tmp_path: Path) -> None:
    key = key_file(tmp_path, OWNER)
    for options in (("--node", "http://127.0.0.1:1"), ("--key-file", key), ("--passphrase-file", key)):
        found = impact(run, tmp_path, OLD, *options)
        assert found.code == 2
        assert "belong" in found.err


def test_node_that_is_not_there_is_told_in_words(run: Run, tmp_path: Path) -> None:
    at = ("--key-file", key_file(tmp_path, OWNER))
    found = impact(run, tmp_path, OLD, "--node", "http://127.0.0.1:1", *at)
    assert found.code == 4
    assert "http://127.0.0.1:1 cannot be reached" in found.err
    assert impact(run, tmp_path, OLD, "--node", "127.0.0.1", *at).code == 3


class Lying(NodeClient):
    """A client of a node that answers as it likes."""

    def __init__(self, list_: Any, chain: Any = None, *, pages: int = 1_000_000) -> None:
        super().__init__("http://node.example")
        self.list, self.chain, self.left, self.asked = list_, chain, pages, 0

    def pages(self, *_: Any, **__: Any) -> Iterator[list[Any]]:
        for _page in range(self.left):
            self.asked += 1
            yield self.list

    def get(self, *_: Any, **__: Any) -> Any:
        return self.chain


def test_list_without_end_is_given_up(world: World) -> None:
    lying = Lying([{"id": "p", "chain": world.chain, "current": {"key": "initial"}}] * 1000)
    with pytest.raises(TooLargeError, match="more than 10000 processes"):
        list_processes(lying)
    assert lying.asked == running_processes.MAX_PROCESSES // 1000 + 1


def test_chain_is_fetched_once_and_only_where_something_has_not_ended(world: World) -> None:
    going = [{"chain": world.chain, "current": {"key": key}} for key in ("initial", "requested", ":success")]
    ended = [{"chain": world.other, "current": {"key": key}} for key in (":success", ":failed", ":cancelled")]
    listed = list_processes(Lying(going + ended, pages=2))
    assert (listed.processes, listed.chains) == (12, (world.chain,))


def test_url_under_which_the_node_does_not_know_itself_is_told_in_words(run: Run, tmp_path: Path, world: World) -> None:
    other = world.node.url.replace("127.0.0.1", "localhost")
    assert other != world.node.url
    found = impact(run, tmp_path, OLD, "--node", other, "--key-file", key_file(tmp_path, OWNER))
    assert found.code == 1
    assert f"This server knows itself as {world.node.url}" in found.err


@pytest.mark.parametrize(
    "item",
    [3, None, {}, {"chain": "../x", "current": {"key": "a"}}, {"chain": 3, "current": 3}, {"current": {"key": []}}],
)
def test_list_of_something_else_is_refused(item: Any) -> None:
    with pytest.raises(running_processes.NodeUnreachableError, match="no list of processes"):
        list_processes(Lying([item]))


def test_other_forged_or_partial_chain_is_refused_with_its_name(world: World) -> None:
    whole, scenario = world.agent.chain(world.chain), load(OLD)
    forged = copy.deepcopy(whole)
    forged["events"][1]["signature"] = forged["events"][0]["signature"]
    other = world.neighbour.chain(world.other)
    for document in (forged, other, {"id": world.chain, "events": []}, {**whole, "events": whole["events"][1:]}, 3):
        with pytest.raises(InvalidError, match=f"chain {world.chain} of http://node.example: "):
            running_histories(Lying([], document), world.chain, scenario)
    assert read_chain(whole).events
    assert [item.process.id for item in running_histories(Lying([], whole), world.chain, scenario)] == [PROCESS]
