"""Three organisations in processes of their own: killed, set back to an old copy, and right again after asking."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventchain.core import base58
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from livecontract.agent import Agent
from livecontract.client import NodeClient
from livecontract.config import environment_of
from livecontract.demo.processes import NodeProcess
from tests.livecontract.running import wait_for

pytestmark = pytest.mark.slow

NAMES = ("acme", "beta", "gamma")
NOTE = "urn:example:note:1"


class Trio:
    """Nodes of three organisations with one chain; the first has the public chain."""

    def __init__(self, directory: Path) -> None:
        self.nodes: dict[str, NodeProcess] = {}
        self.number = 0
        for name in NAMES:
            settings = {"anchor": self.nodes["acme"].url} if self.nodes else {"block_time_ms": "200"}
            self.nodes[name] = NodeProcess(name, directory / name, settings)
            self.nodes[name].prepare()
            self.start(name)
        agent = self.agent("acme")
        self.chain = agent.create_chain({})
        for name in NAMES[1:]:
            agent.add(self.chain, self.identity(name))
        self.wait_until_equal(*NAMES)

    def start(self, name: str) -> None:
        self.nodes[name].start()
        self.nodes[name].wait_until_ready()

    def kill(self, name: str) -> None:
        os.kill(self.nodes[name].pid, signal.SIGKILL)
        self.nodes[name].join()

    def agent(self, name: str) -> Agent:
        return Agent(name, KeyPair.from_seed_phrase(f"{name} user"), self.nodes[name].url)

    def identity(self, name: str) -> dict[str, Any]:
        about = NodeClient(self.nodes[name].url).get("/")
        user = KeyPair.from_seed_phrase(f"{name} user")
        return {
            "$schema": IDENTITY_SCHEMA,
            "id": name,
            "node": about["node"],
            "signkeys": {"user": str(user.public_key), SYSTEM_KEY: about["signkey"]},
            "encryptkey": base58.encode(user.encrypt_key),
        }

    def note(self, name: str) -> None:
        self.number += 1
        self.agent(name).add(self.chain, {"$schema": NOTE, "number": self.number})

    def events(self, name: str) -> list[Any]:
        events: list[Any] = self.agent(name).chain(self.chain)["events"]
        return events

    def wait_until_equal(self, *names: str) -> None:
        wait_for(lambda: all(self.events(name) == self.events(names[0]) for name in names), "equal chains")

    def doctor(self, name: str, *options: str) -> tuple[int, Any]:
        node = self.nodes[name]
        settings = {"data": str(node.directory), "port": str(node.port), "anchor": self.nodes["acme"].url}
        done = subprocess.run(
            [sys.executable, "-m", "livecontract", "doctor", "--config", os.devnull, "--json", *options],
            env=environment_of(settings),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.returncode, json.loads(done.stdout)

    def close(self) -> None:
        for node in self.nodes.values():
            node.tell_to_stop()
        for node in self.nodes.values():
            node.join()


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Trio]:
    found = Trio(tmp_path)
    yield found
    found.close()


def test_event_whose_node_died_before_it_was_sent_comes_from_another_party(trio: Trio) -> None:
    trio.kill("gamma")
    trio.note("acme")
    trio.wait_until_equal("acme", "beta")
    trio.kill("acme")  # with the message for gamma still in its queue
    for file in trio.nodes["acme"].directory.glob("queue.db*"):
        file.unlink()
    trio.start("gamma")
    assert len(trio.events("gamma")) == len(trio.events("beta")) - 1
    code, report = trio.doctor("gamma", "--repair", "--wait", "20")
    assert code == 0, report
    trio.wait_until_equal("beta", "gamma")
    assert "missing events" in [finding["check"] for finding in report["findings"]]


def test_node_set_back_to_an_old_copy_of_its_files_catches_up(trio: Trio, tmp_path: Path) -> None:
    directory = trio.nodes["beta"].directory
    trio.nodes["beta"].tell_to_stop()
    trio.nodes["beta"].join()
    shutil.copytree(directory, tmp_path / "copy")
    trio.start("beta")
    for name in ("beta", "acme", "gamma", "beta"):
        trio.note(name)
        trio.wait_until_equal(*NAMES)
    trio.kill("beta")
    shutil.rmtree(directory)
    shutil.copytree(tmp_path / "copy", directory)
    trio.start("beta")
    assert len(trio.events("beta")) == len(trio.events("acme")) - 4
    trio.note("acme")  # follows what beta has lost
    trio.wait_until_equal(*NAMES)
    trio.note("beta")
    trio.wait_until_equal(*NAMES)
    assert trio.doctor("beta")[0] == 0
