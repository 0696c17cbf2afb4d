"""Key files: closed to others, whole or not there, opened by the right passphrase only."""

import base64
import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nacl.pwhash
import nacl.secret
import pytest

from eventchain.core.keys import KeyPair
from livecontract import key_store
from livecontract.errors import InvalidKeyFileError

KEY = KeyPair.from_seed(b"k" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "system.json"


def change(path: Path, how: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(path.read_text())
    how(document)
    path.write_text(json.dumps(document))


def refused(path: Path, match: str, passphrase: str | None = None) -> str:
    with pytest.raises(InvalidKeyFileError, match=match) as caught:
        key_store.load(path, passphrase)
    return str(caught.value)


@pytest.mark.parametrize("passphrase", [None, "correct horse", "p\u00e4ss"])
def test_a_key_is_made_once_and_is_the_same_afterwards(path: Path, passphrase: str | None) -> None:
    first = key_store.load_or_create(path, passphrase, os.urandom)
    again = key_store.load_or_create(path, passphrase, os.urandom)
    assert first.seed == again.seed
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_an_encrypted_file_holds_no_private_key_and_opens_as_its_description_says(path: Path) -> None:
    key_store.save(path, KEY, "correct horse", random.Random(1).randbytes)
    text = path.read_text()
    assert KEY.private_key not in text
    form = json.loads(text)["encrypted"]
    secret = nacl.pwhash.argon2id.kdf(
        32, b"correct horse", base64.b64decode(form["salt"]), opslimit=form["operations"], memlimit=form["memory"]
    )
    assert nacl.secret.SecretBox(secret).decrypt(base64.b64decode(form["box"])) == KEY.seed


def test_a_wrong_or_missing_passphrase_is_said_and_not_repeated(path: Path) -> None:
    key_store.save(path, KEY, "right", os.urandom)
    assert "wr0ng" not in refused(path, "does not open", "wr0ng")
    assert "LIVECONTRACT_PASSPHRASE_FILE" in refused(path, "no passphrase is set")
    refused(path, "no passphrase is set", "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_open_to_others_is_refused(path: Path, mode: int) -> None:
    key_store.save(path, KEY, None, os.urandom)
    path.chmod(mode)
    refused(path, "open to other users")


def test_no_key_is_made_in_a_directory_open_to_others(path: Path) -> None:
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.parent.chmod(0o755)
    with pytest.raises(InvalidKeyFileError, match="open to other users"):
        key_store.load_or_create(path, None, os.urandom)
    assert not path.exists()


def test_a_directory_open_to_others_is_refused(path: Path) -> None:
    key_store.load_or_create(path, None, os.urandom)
    path.parent.chmod(0o750)
    with pytest.raises(InvalidKeyFileError, match="open to other users"):
        key_store.load_or_create(path, None, os.urandom)


def test_an_existing_file_is_never_written_over(path: Path) -> None:
    key_store.save(path, KEY, None, os.urandom)
    with pytest.raises(FileExistsError):
        key_store.save(path, KeyPair.from_seed(b"o" * 32), None, os.urandom)
    assert key_store.load(path).seed == KEY.seed


def test_nodes_that_start_together_get_one_key(path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(key_store.load_or_create(path, None, os.urandom).seed))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_node_killed_while_writing_leaves_no_half_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    (path.parent / f".{path.name}.dead").write_bytes(b'{"format": "livecon')
    assert key_store.load_or_create(path, None, os.urandom).seed


@pytest.mark.parametrize(
    "how",
    [
        lambda d: d["encrypted"].update(memory=2**40),
        lambda d: d["encrypted"].update(operations=10**9),
        lambda d: d["encrypted"].update(operations="3"),
        lambda d: d["encrypted"].update(operations=True),
        lambda d: d["encrypted"].update(salt="AAAA"),
        lambda d: d["encrypted"].update(box="!"),
        lambda d: d["encrypted"].pop("kdf"),
        lambda d: d.update(encrypted="x"),
        lambda d: d.update(encrypted=None),
    ],
)
def test_a_damaged_file_is_refused_before_work_is_done(path: Path, how: Callable[[dict[str, Any]], Any]) -> None:
    key_store.save(path, KEY, "right", os.urandom)
    change(path, how)
    refused(path, "damaged", "right")


@pytest.mark.parametrize(
    ("how", "match"),
    [
        (lambda d: d.update(version=2), "version"),
        (lambda d: d.update(format="other"), "not a key file"),
        (lambda d: d.update(public_key=str(KeyPair.from_seed(b"o" * 32).public_key)), "was changed"),
        (lambda d: d.update(private_key="0"), "damaged"),
        (lambda d: d.pop("private_key"), "damaged"),
    ],
)
def test_a_changed_file_is_refused(path: Path, how: Callable[[dict[str, Any]], Any], match: str) -> None:
    key_store.save(path, KEY, None, os.urandom)
    change(path, how)
    assert KEY.private_key not in refused(path, match)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"{}" * 100_000])
def test_a_file_that_is_something_else_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    refused(path, "damaged|not a key file")


def test_what_is_no_file_is_refused_without_waiting(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    refused(path, "not a file|cannot be read")
    pipe = path / "pipe"
    os.mkfifo(pipe, 0o600)
    refused(pipe, "not a file")
    refused(path / "missing", "cannot be read")
