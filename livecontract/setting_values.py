"""Reading the values of settings from what TOML or text gives.

All raise `ValueError`, with what is wanted instead.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from eventchain.core.errors import LiveContractError
from eventchain.core.keys import PublicKey
from livecontract.mail import validate_address

Read = Callable[[Any], Any]
"""Makes the value of a setting; raises ValueError with what is wanted instead."""

_TARGET = re.compile(r"(?:\*\.)?[A-Za-z0-9:_-](?:[A-Za-z0-9.:_-]{0,254})")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}")

_SECRET_OPTIONS = frozenset({"tlscertificatekeyfilepassword", "authmechanismproperties"})
"""Options of a MongoDB URL, in lower case, that hold passwords or tokens; the URL of the store is shown."""


def read_text(value: Any) -> str:
    """Read text."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text")
    return value


def read_optional_text(value: Any) -> str | None:
    """Read text, or None where it is empty."""
    return read_text(value) or None


def read_path(value: Any) -> Path:
    """Read a path."""
    text = value if isinstance(value, Path) else read_text(value)
    if not str(text):
        raise ValueError("the path of a directory")
    return Path(text).expanduser()


def read_optional_path(value: Any) -> Path | None:
    """Read a path, or None where it is empty."""
    return read_path(value) if value else None


def integer(low: int, high: int) -> Read:
    """Return what reads a whole number in these bounds, which belong to it."""

    def read(value: Any) -> int:
        wanted = f"a whole number from {low} to {high}"
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise ValueError(wanted)
        return value

    return read


def choice(*choices: str) -> Read:
    """Return what reads one of these words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return read


def list_of(read_item: Read) -> Read:
    """Return what reads a list, or text with commas between its items."""

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",") if item.strip()]
        if not isinstance(value, (list, tuple)):
            raise ValueError("a list (text: separated by commas)")
        return tuple(read_item(item) for item in value)

    return read


def read_key(value: Any) -> str:
    """Read a public key."""
    try:
        return str(PublicKey.parse(value))
    except LiveContractError as error:
        raise ValueError(f"base58 Ed25519 public keys ({error.message})") from None


def read_mail_address(value: Any) -> str:
    """Read a mail address."""
    try:
        return validate_address(value)
    except LiveContractError:
        raise ValueError("a plain mail address, such as contracts@example.com") from None


def read_host(value: Any) -> str:
    """Read the name or address of a host."""
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueError("a host name or address, without scheme or path")
    return value.lower()


def read_target(value: Any) -> str:
    """Read a host, with or without a port, or `*.` and a domain for all hosts below it."""
    if not isinstance(value, str) or not _TARGET.fullmatch(value):
        raise ValueError("a host name or address such as erp.acme.example or erp.acme.example:8443, or *.acme.example")
    return value.lower()


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password) and text.isprintable()
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain and " " not in text


def read_url(value: Any) -> str | None:
    """Read a URL of the web, without the slash at its end; None where it is empty."""
    text = read_text(value).rstrip("/")
    if text and not _is_web_url(text):
        raise ValueError("an http or https URL without user, query or fragment")
    return text or None


def read_network(value: Any) -> str:
    """Read the letter of a public network."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]", value):
        raise ValueError("one capital letter: T for test, L for the main network")
    return value


def place(*schemes: str) -> Read:
    """Read where a store or queue is: a file, the memory, or a server of one of these URL schemes."""

    def read(value: Any) -> str:
        text = read_text(value)
        scheme, separator, _ = text.partition("://")
        if separator and scheme in schemes and _is_server(text):
            if not _SECRET_OPTIONS.isdisjoint(name.lower() for name, _ in parse_qsl(urlsplit(text).query)):
                raise ValueError(f"{scheme}://<user>@<host>/<database>, without options that are secrets")
            if scheme.startswith("mongodb") and not urlsplit(text).path.strip("/"):
                raise ValueError(f"{scheme}://<user>@<host>/<database>, with the name of a database")
            return text
        if text != "memory:" and not re.fullmatch(r"sqlite:.+", text):
            servers = "".join(f", {scheme}://<user>@<host>/<name>" for scheme in schemes)
            raise ValueError(f"sqlite:<file> (relative to the data directory), memory:{servers}")
        return text

    return read


def _is_server(text: str) -> bool:
    """Whether a URL names a server and holds no password: passwords are settings of their own."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if "@" in parts.path:  # what stands before it is a password with a slash in it, which nobody escaped
        return False
    return bool(parts.netloc.rpartition("@")[2]) and parts.password is None and text.isprintable() and " " not in text


def read_node_uri(value: Any) -> str | None:
    """Read where other nodes send events; None where it is empty."""
    text = read_text(value).rstrip("/")
    if not text or _is_web_url(text):
        return text or None
    if not re.match(r"amqps?://", text) or not _is_server(text) or "@" in text:
        raise ValueError("an http(s) or amqp(s) URL without user and password")
    return text


def read_peer(value: Any) -> str:
    """Read a login at the broker of another organisation."""
    text = read_text(value)
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("amqp", "amqps") and parts.hostname and parts.username and parts.password
    except ValueError:
        complete = False
    if not complete:
        raise ValueError("a list of amqps://<user>:<password>@<host>:<port>/<virtual host>")
    return text


def read_anchor(value: Any) -> str:
    """Read where the anchor service is."""
    if value == "embedded":
        return "embedded"
    try:
        url = read_url(value)
    except ValueError:
        url = None
    if url is None:
        raise ValueError("embedded, or the URL of an anchor service")
    return str(url)
