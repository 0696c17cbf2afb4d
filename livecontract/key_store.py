"""Key files: a private key on disk, readable by its owner alone, encrypted where a passphrase is given.

```
{"format": "livecontract-key", "version": 1, "public_key": <base58>,
 "private_key": <base58, 64 bytes>}                                               without passphrase
 "encrypted": {"kdf": "argon2id", "operations": 3, "memory": 67108864,            with one
               "salt": <base64, 16 bytes>, "cipher": "xsalsa20-poly1305",
               "box": <base64: nonce(24) ‖ tag(16) ‖ 32-byte private key>}}
```

Decision 0040 says why. No private key is in an error, a log line or a repr.
"""

import base64
import binascii
import contextlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nacl.bindings
import nacl.exceptions

from eventchain.core import strict_json
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import SEED_LENGTH, KeyPair, Random
from livecontract.errors import InvalidKeyFileError

FORMAT = "livecontract-key"
VERSION = 1

OPERATIONS = 3
MEMORY = 64 * 1024 * 1024
"""The second recommended choice of RFC 9106, 4; libsodium computes one lane."""

MAX_OPERATIONS = 16
MAX_MEMORY = 1024 * 1024 * 1024
"""A file may not ask for more: it could hold up, or bring down, whoever opens it."""

MAX_FILE = 64 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SALT = nacl.bindings.crypto_pwhash_SALTBYTES
_NONCE = nacl.bindings.crypto_secretbox_NONCEBYTES


def load_or_create(path: Path, passphrase: str | None, random: Random) -> KeyPair:
    """Return the key in a file; make key, file and directory if there is none.

    Of several processes that start at once, one makes the key and all get it.

    Raises:
        InvalidKeyFileError: See `load`; or the file cannot be written, or others can enter its directory.
    """
    if not path.exists():
        if path.parent.exists():
            _check_directory(path.parent)  # a key that is refused where it lies is not made there
        with contextlib.suppress(FileExistsError):  # another process was first
            save(path, KeyPair.generate(random), passphrase, random)
    _check_directory(path.parent)
    return load(path, passphrase)


def load(path: Path, passphrase: str | None = None) -> KeyPair:
    """Return the key in a file.

    Raises:
        InvalidKeyFileError: It cannot be read, others can read it, it is no key file, or the passphrase is wrong or
            missing.
    """
    document = _document(_read(path), path)
    encrypted = document.get("encrypted")
    try:
        if encrypted is not None:
            key = KeyPair.from_seed(_open(encrypted, passphrase, path))
        else:
            key = KeyPair.from_private_key(document["private_key"])
    except InvalidKeyFileError:
        raise
    except (LiveContractError, KeyError, TypeError, ValueError):
        raise _damaged(path) from None
    if document.get("public_key") != str(key.public_key):
        raise InvalidKeyFileError(f"{path}: the public key is not that of the private key; the file was changed")
    return key


def save(path: Path, key: KeyPair, passphrase: str | None, random: Random) -> None:
    """Write a key file, whole or not at all, and never over another file.

    Raises:
        FileExistsError: There is a file of that name.
        InvalidKeyFileError: It cannot be written.
    """
    data = json.dumps(_to_document(key, passphrase, random), indent=2).encode("ascii") + b"\n"
    _put(path, data, random)


def is_encrypted(data: bytes) -> bool:
    """Whether the private key in the bytes of a key file needs a passphrase."""
    return "encrypted" in strict_json.parse(data)


def read_as_it_is(path: Path) -> tuple[bytes, str]:
    """Return the bytes of a key file, encrypted as they may be, and the public key (base58) they name.

    Raises:
        InvalidKeyFileError: It cannot be read, others can read it, or it is no key file.
    """
    data = _read(path)
    named = _document(data, path).get("public_key")
    if not isinstance(named, str):
        raise _damaged(path)
    return data, named


def check_same(path: Path, public_key: str) -> None:
    """Check that a key file may come to a place: there is none, or one of the same key.

    Raises:
        InvalidKeyFileError: There is another.
    """
    if path.exists() and read_as_it_is(path)[1] != public_key:
        raise InvalidKeyFileError(
            f"{path} is the key of another node", hint="Move it away, or name another place with --data or --key-file."
        )


def write_as_it_is(path: Path, data: bytes, random: Random) -> None:
    """Write the bytes of a key file, unless there is one of that name, which `check_same` looked at.

    Raises:
        InvalidKeyFileError: It cannot be written.
    """
    with contextlib.suppress(FileExistsError):
        _put(path, data, random)


def _put(path: Path, data: bytes, random: Random) -> None:
    temporary = path.with_name(f".{path.name}.{random(8).hex()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(temporary, data)
        try:
            os.link(temporary, path)  # unlike a rename, it fails where the name is taken
            _flush_directory(path.parent)
        finally:
            temporary.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise InvalidKeyFileError(f"{path} cannot be written: {error.strerror}") from None


def _check_directory(path: Path) -> None:
    if path.stat().st_mode & _OTHERS:
        raise InvalidKeyFileError(
            f"{path} is open to other users of this machine",
            hint=f"Keep keys in a directory of their own, or close this one: chmod 700 {path.absolute()}",
        )


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            state = os.fstat(stream.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise InvalidKeyFileError(f"{path} is not a file")
            if state.st_mode & _OTHERS:
                raise InvalidKeyFileError(
                    f"{path} is open to other users of this machine",
                    hint=f"Consider the key known to them. If it is not, run: chmod 600 {path}",
                )
            return stream.read(MAX_FILE)
    except OSError as error:
        raise InvalidKeyFileError(f"{path} cannot be read: {error.strerror}") from None


def _document(data: bytes, path: Path) -> Mapping[str, Any]:
    try:
        document = strict_json.parse(data)
    except LiveContractError:
        raise _damaged(path) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidKeyFileError(f"{path} is not a key file of a node")
    if document.get("version") != VERSION:
        raise InvalidKeyFileError(f"{path} has a version this node does not know", hint="Use a newer version.")
    return document


def _to_document(key: KeyPair, passphrase: str | None, random: Random) -> dict[str, Any]:
    head = {"format": FORMAT, "version": VERSION, "public_key": str(key.public_key)}
    if not passphrase:
        return {**head, "private_key": key.private_key}
    salt, nonce = random(_SALT), random(_NONCE)
    box = nacl.bindings.crypto_secretbox(key.seed, nonce, _stretch(passphrase, salt, OPERATIONS, MEMORY))
    encrypted = {
        "kdf": "argon2id",
        "operations": OPERATIONS,
        "memory": MEMORY,
        "salt": base64.b64encode(salt).decode("ascii"),
        "cipher": "xsalsa20-poly1305",
        "box": base64.b64encode(nonce + box).decode("ascii"),
    }
    return {**head, "encrypted": encrypted}


def _open(encrypted: Mapping[str, Any], passphrase: str | None, path: Path) -> bytes:
    if encrypted["kdf"] != "argon2id" or encrypted["cipher"] != "xsalsa20-poly1305":
        raise InvalidKeyFileError(f"{path} is encrypted in a way this node does not know")
    operations, memory = encrypted["operations"], encrypted["memory"]
    salt, box = _bytes(encrypted["salt"]), _bytes(encrypted["box"])
    sizes = len(salt) == _SALT and len(box) == _NONCE + nacl.bindings.crypto_secretbox_MACBYTES + SEED_LENGTH
    if not sizes or not _within(operations, 1, MAX_OPERATIONS) or not _within(memory, 8192, MAX_MEMORY):
        raise _damaged(path)
    if not passphrase:
        raise InvalidKeyFileError(
            f"{path} is encrypted, and no passphrase is set",
            hint="Set LIVECONTRACT_PASSPHRASE_FILE to a file that holds it.",
        )
    try:
        secret = _stretch(passphrase, salt, operations, memory)
        return nacl.bindings.crypto_secretbox_open(box[_NONCE:], box[:_NONCE], secret)
    except nacl.exceptions.CryptoError:
        raise InvalidKeyFileError(f"the passphrase does not open {path}, or the file was changed") from None


def _stretch(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    """Return the 32-byte Argon2id (RFC 9106, version 1.3) of a passphrase."""
    return nacl.bindings.crypto_pwhash_alg(
        nacl.bindings.crypto_secretbox_KEYBYTES,
        passphrase.encode("utf-8"),
        salt,
        operations,
        memory,
        nacl.bindings.crypto_pwhash_ALG_ARGON2ID13,
    )


def _within(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None


def _damaged(path: Path) -> InvalidKeyFileError:
    return InvalidKeyFileError(
        f"{path} is damaged", hint="Restore it from a backup; a new key would be another identity."
    )
