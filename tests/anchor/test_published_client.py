"""LTO's published Python client, unmodified, against our node over a real socket.

It lives in an environment of its own, because it pins old libraries; the environment is kept in `.clients` of the
checkout, made from the hashes in `clients/requirements.lock`.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path
from typing import Any

import pytest

from anchor.account import address_of
from anchor.index import COLLECTIONS
from anchor.parameters import LTO, development
from anchor.service import AnchorService
from eventchain.core import base58
from eventchain.core.clock import system_clock
from eventchain.core.keys import KeyPair
from eventchain.store.memory import MemoryStore
from tests import needs
from tests.anchor.http_server import serve
from tests.anchor.world import hash_of

CLIENTS = Path(__file__).parent / "clients"
LOCK = CLIENTS / "requirements.lock"
ENVIRONMENTS = Path(__file__).parents[2] / ".clients"
PHRASE = "an account with money"
ACCOUNT = KeyPair.from_seed_phrase(PHRASE)
INSTALL_TIMEOUT = 300
"""Seconds."""

NEWEST_PYTHON = (3, 12)
"""The libraries the client pins have no files for later ones."""

pytestmark = pytest.mark.slow


def install() -> Path:
    """Return the Python of the client's environment, made if it is not there for this lock file."""
    name = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    home = ENVIRONMENTS / f"lto-{name}"
    python = home / "bin" / "python"
    if not home.exists():
        with needs.alone():
            if not home.exists():
                make(home)
    return python


def make(home: Path) -> None:
    """Make the environment beside its place and move it there whole."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    (ENVIRONMENTS / ".gitignore").write_text("*\n")
    making = Path(tempfile.mkdtemp(dir=ENVIRONMENTS))
    pip = [str(making / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--require-hashes", "-r", str(LOCK)]
    try:
        venv.create(making, with_pip=True)
        subprocess.run(command, check=True, timeout=INSTALL_TIMEOUT, capture_output=True)
        making.rename(home)
    except BaseException:
        shutil.rmtree(making)
        raise


@pytest.fixture(scope="module")
def client_python() -> Path:
    if sys.version_info[:2] > NEWEST_PYTHON:
        needs.missing("the published client needs Python {}.{} at most: PYTHON=… ./dev test".format(*NEWEST_PYTHON))
    try:
        return install()
    except (subprocess.SubprocessError, OSError) as error:
        output = getattr(error, "stderr", None) or b""
        reason = f"the published client cannot be installed: {error}\n{output.decode(errors='replace')[-2000:]}"
        needs.missing(reason)


@pytest.fixture(scope="module")
def seen(client_python: Path) -> dict[str, Any]:
    """What the client saw, and below `service` the node it saw it at."""
    service = AnchorService(MemoryStore(COLLECTIONS), ACCOUNT, development(block_time=200), clock=system_clock)
    stop = threading.Event()
    forger = threading.Thread(target=service.run, args=(stop,))
    forger.start()
    try:
        with serve(service) as url:
            played = subprocess.run(
                [client_python, "-W", "ignore", CLIENTS / "play.py", url, PHRASE],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
    finally:
        stop.set()
        forger.join()
    assert played.returncode == 0, played.stderr
    return {**json.loads(played.stdout), "service": service}


@pytest.mark.parametrize(
    ("name", "kind", "fee"),
    [
        ("transfer", "Transfer", 1000),
        ("mass", "MassTransfer", 1300),
        ("anchor", "Anchor", 450),
        ("sponsored", "Anchor", 350),
        ("secp256k1", "Anchor", 350),
        ("secp256r1", "Anchor", 350),
        ("lease", "Lease", 1000),
        ("cancel", "CancelLease", 1000),
        ("sponsorship", "Sponsorship", 5000),
        ("v1", "Anchor", 350),
    ],
)
def test_transactions_of_the_client_come_onto_the_chain(seen: dict[str, Any], name: str, kind: str, fee: int) -> None:
    assert seen[name]["type"] == kind
    assert seen[name]["fee"] == fee * LTO // 1000
    service: AnchorService = seen["service"]
    found = service.find_transaction(base58.decode(seen[name]["id"]))
    assert found is not None
    assert base58.encode(found[0].id) == seen[name]["id"]


def test_older_versions_come_onto_the_chain(seen: dict[str, Any]) -> None:
    assert [item["type"] for item in seen["v2"]] == ["Transfer", "Lease", "CancelLease"]


def test_anchored_hashes_have_receipts(seen: dict[str, Any]) -> None:
    service: AnchorService = seen["service"]
    for text in ("a", "b", "c", "d", "e"):
        assert service.find(base58.encode(text.encode() * 32)) is not None
    assert service.find(hash_of("never anchored")) is None


def test_client_reads_balances_leases_and_sponsors(seen: dict[str, Any]) -> None:
    poor = KeyPair.from_seed_phrase("second account")
    assert seen["start"] == 10_000_000 * LTO
    assert seen["balance"] == seen["service"].chain.state.account(address_of(poor.public_key, "T")).balance == 56 * LTO
    assert [item["id"] for item in seen["leases"]] == [seen["lease"]["id"]]
    assert seen["leased"]["leasing"] == 20 * LTO
    assert seen["after"] == []
    assert seen["sponsors"] == {"sponsor": [ACCOUNT.public_key.address("T")]}
    assert seen["valid"] == [True, False]


def test_client_reads_blocks(seen: dict[str, Any]) -> None:
    assert seen["height"] >= 1
    assert seen["first"]["height"] == 1
    assert seen["last"]["height"] > 1
    assert seen["status"]["blockchainHeight"] >= 1


def test_forged_transaction_raises_in_the_client(seen: dict[str, Any]) -> None:
    assert seen["forged"]["error"] == 199
    assert "proofs" in seen["forged"]["message"]
