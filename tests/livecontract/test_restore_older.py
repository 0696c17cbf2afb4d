"""An older backup among other parties: what happened since comes from them, and nothing forks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eventchain.core.ids import ChainId
from livecontract.cli.main import main
from tests.livecontract.parties import Parties, parties
from tests.livecontract.running import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Parties]:
    with parties(tmp_path / "parties", "acme", "beta", "gamma") as found:
        found.found("acme", ["beta", "gamma"])
        yield found


def test_older_backup_and_what_others_have_since_are_the_whole(trio: Parties, tmp_path: Path) -> None:
    config = trio.nodes["gamma"].config
    settings = ("--data", str(config.data), "--url", config.public_url, "--anchor", config.anchor)
    trio.note("gamma")
    trio.wait_until_equal()
    assert main(["backup", str(tmp_path / "b.zip"), *settings]) == 0
    for name in ("gamma", "beta"):
        trio.note(name)
        trio.wait_until_equal()
    trio.wait_for_receipts("beta")
    end = trio.end("beta")
    trio.stop("gamma")
    assert main(["restore", str(tmp_path / "b.zip"), "--replace", *settings]) == 0
    sources = [word for name in ("acme", "beta") for word in ("--from", trio.nodes[name].url)]
    assert main(["recover", *sources, *settings]) == 0
    trio.start("gamma")
    assert trio.end("gamma") == end
    assert trio.projection("gamma") == trio.projection("beta")
    trio.note("gamma")
    trio.wait_until_equal()
    trio.wait_for_receipts("gamma")
    chain = ChainId.parse(trio.chain)
    for name in trio.nodes:
        assert trio.nodes[name].node.eventchain.archive.conflicts(chain) == []


def test_restored_event_that_nobody_has_is_told_again(trio: Parties, tmp_path: Path) -> None:
    config = trio.nodes["gamma"].config
    settings = ("--data", str(config.data), "--url", config.public_url, "--anchor", config.anchor)
    beta = trio.stop("beta")
    trio.note("gamma")
    trio.wait_until_equal(["acme", "gamma"])
    assert main(["backup", str(tmp_path / "b.zip"), *settings]) == 0
    trio.stop("gamma")
    for name in ("node.db", "node.db-wal", "node.db-shm", "queue.db", "queue.db-wal", "queue.db-shm"):
        (config.data / name).unlink(missing_ok=True)  # and with it what waited for beta
    assert main(["restore", str(tmp_path / "b.zip"), *settings]) == 0
    trio.start("beta", port=beta.port)
    trio.start("gamma")
    archive = trio.nodes["gamma"].node.eventchain.archive
    wait_for(lambda: not archive.pending(1), "the effects to be done")
    trio.wait_until_equal()
