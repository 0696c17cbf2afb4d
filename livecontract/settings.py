"""The settings of a node: their names, how each is read from text, and what holds without them.

One name in three spellings: `mail_host` in `livecontract.toml` (or `host` in its table `[mail]`),
`LIVECONTRACT_MAIL_HOST` in the environment, `--mail-host` on the command line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from eventchain.core.errors import LiveContractError
from eventchain.core.keys import PublicKey
from livecontract.errors import InvalidConfigError
from livecontract.mail import validate_address

Read = Callable[[Any], Any]
"""Makes the value of a setting of what TOML or text gives; raises ValueError with what is wanted instead."""

_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}")
_LOGIN = re.compile(r"//\S*:\S*@")
"""User and password in a URL; up to the last @, as passwords that nobody escaped may hold any character."""

_QUERY = re.compile(r"\?.*", re.DOTALL)

_SECRET_OPTIONS = frozenset({"tlscertificatekeyfilepassword", "authmechanismproperties"})
"""Options of a MongoDB URL, in lower case, that hold passwords or tokens; the URL of the store is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        name: In the file; the other spellings follow from it.
        read: How its value is read.
        default: What holds where it is not given.
        secret: Whether its value is shown to nobody, and may be given as a file (`<name>_file`).
        meaning: For the reference in `docs/configuration.md`.
    """

    name: str
    read: Read
    default: Any
    meaning: str
    secret: bool = False


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text")
    return value


def _optional_text(value: Any) -> str | None:
    return _text(value) or None


def _path(value: Any) -> Path:
    text = value if isinstance(value, Path) else _text(value)
    if not str(text):
        raise ValueError("the path of a directory")
    return Path(text).expanduser()


def _optional_path(value: Any) -> Path | None:
    return _path(value) if value else None


def _integer(low: int, high: int) -> Read:
    def read(value: Any) -> int:
        wanted = f"a whole number from {low} to {high}"
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise ValueError(wanted)
        return value

    return read


def _choice(*choices: str) -> Read:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return read


def _list_of(read_item: Read) -> Read:
    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = [item.strip() for item in value.split(",") if item.strip()]
        if not isinstance(value, (list, tuple)):
            raise ValueError("a list (text: separated by commas)")
        return tuple(read_item(item) for item in value)

    return read


def _key(value: Any) -> str:
    try:
        return str(PublicKey.parse(value))
    except LiveContractError as error:
        raise ValueError(f"base58 Ed25519 public keys ({error.message})") from None


def _mail_address(value: Any) -> str:
    try:
        return validate_address(value)
    except LiveContractError:
        raise ValueError("a plain mail address, such as contracts@example.com") from None


def _host(value: Any) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueError("a host name or address, without scheme or path")
    return value.lower()


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password) and text.isprintable()
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain and " " not in text


def _url(value: Any) -> str | None:
    text = _text(value).rstrip("/")
    if text and not _is_web_url(text):
        raise ValueError("an http or https URL without user, query or fragment")
    return text or None


def _network(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]", value):
        raise ValueError("one capital letter: T for test, L for the main network")
    return value


def _place(*schemes: str) -> Read:
    """Read where a store or queue is: a file, the memory, or a server of one of these URL schemes."""

    def read(value: Any) -> str:
        text = _text(value)
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


def _node_uri(value: Any) -> str | None:
    text = _text(value).rstrip("/")
    if not text or _is_web_url(text):
        return text or None
    if not re.match(r"amqps?://", text) or not _is_server(text) or "@" in text:
        raise ValueError("an http(s) or amqp(s) URL without user and password")
    return text


def _peer(value: Any) -> str:
    text = _text(value)
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("amqp", "amqps") and parts.hostname and parts.username and parts.password
    except ValueError:
        complete = False
    if not complete:
        raise ValueError("a list of amqps://<user>:<password>@<host>:<port>/<virtual host>")
    return text


def _anchor(value: Any) -> str:
    if value == "embedded":
        return "embedded"
    try:
        url = _url(value)
    except ValueError:
        url = None
    if url is None:
        raise ValueError("embedded, or the URL of an anchor service")
    return str(url)


SETTINGS: tuple[Setting, ...] = (
    Setting(name="data", read=_path, default=Path("livecontract-data"), meaning="Directory of keys and databases."),
    Setting(name="host", read=_host, default="127.0.0.1", meaning="Address the web server listens on."),
    Setting(name="port", read=_integer(0, 65535), default=8080, meaning="Its port; 0 takes a free one."),
    Setting(
        name="url",
        read=_url,
        default=None,
        meaning="Where others reach this node; requests are signed for it. Without it, `http://<host>:<port>`.",
    ),
    Setting(name="network", read=_network, default="T", meaning="Letter of the public network, in ids and addresses."),
    Setting(name="name", read=_text, default="Live contracts node", meaning="Name of the organisation."),
    Setting(
        name="users",
        read=_list_of(_key),
        default=(),
        meaning="Public keys of the people this node serves. Empty, for development: anyone.",
    ),
    Setting(name="operators", read=_list_of(_key), default=(), meaning="Public keys of those who run this node."),
    Setting(
        name="store",
        read=_place("mongodb", "mongodb+srv"),
        default="sqlite:node.db",
        meaning="`sqlite:<file>`, `memory:`, or `mongodb://<user>@<host>/<database>`.",
    ),
    Setting(name="store_password", read=_optional_text, default=None, secret=True, meaning="Password of its user."),
    Setting(
        name="broker",
        read=_place("amqp", "amqps"),
        default="sqlite:queue.db",
        meaning="`sqlite:<file>`, `memory:`, or `amqps://<user>@<host>/<virtual host>`: RabbitMQ.",
    ),
    Setting(name="broker_password", read=_optional_text, default=None, secret=True, meaning="Password of its user."),
    Setting(
        name="broker_api",
        read=_url,
        default=None,
        meaning="RabbitMQ's management API. Without it, port 15672 (TLS: 15671) of the broker's host.",
    ),
    Setting(
        name="broker_ca",
        read=_optional_path,
        default=None,
        meaning="PEM file of who signs the brokers' certificates, where the system does not trust them.",
    ),
    Setting(
        name="broker_certificate",
        read=_optional_path,
        default=None,
        meaning="PEM file of this node's certificate and key for brokers that ask for one.",
    ),
    Setting(
        name="node_uri",
        read=_node_uri,
        default=None,
        meaning="Where other nodes send events: `amqps://<host>/<virtual host>` for RabbitMQ. Without it, `url`.",
    ),
    Setting(
        name="peers",
        read=_list_of(_peer),
        default=(),
        secret=True,
        meaning="How this node logs in at other nodes' brokers: their node URIs with user and password.",
    ),
    Setting(name="anchor", read=_anchor, default="embedded", meaning="`embedded`, or the URL of an anchor service."),
    Setting(
        name="service",
        read=_choice("all", "eventchain", "workflow", "dispatcher", "anchor", "web"),
        default="all",
        meaning="Which service this process is; `all` is a whole node.",
    ),
    Setting(name="eventchain", read=_url, default=None, meaning="URL of the event chain service, for the others."),
    Setting(name="workflow", read=_url, default=None, meaning="URL of the workflow engine, for the others."),
    Setting(name="dispatcher", read=_url, default=None, meaning="URL of the dispatcher, for the web server."),
    Setting(
        name="block_time_ms",
        read=_integer(50, 3_600_000),
        default=10_000,
        meaning="Milliseconds between blocks of the embedded public chain.",
    ),
    Setting(
        name="mail",
        read=_choice("mailbox", "smtp", "none"),
        default="mailbox",
        meaning="`mailbox` keeps mails at `/dev/mail`, for development; `smtp` sends them; `none` refuses.",
    ),
    Setting(name="mail_host", read=_host, default="localhost", meaning="The SMTP server."),
    Setting(name="mail_port", read=_integer(1, 65535), default=587, meaning="Its port."),
    Setting(
        name="mail_tls",
        read=_choice("starttls", "tls", "none"),
        default="starttls",
        meaning="How the connection to it is encrypted.",
    ),
    Setting(name="mail_user", read=_optional_text, default=None, meaning="Name to log in with, if any."),
    Setting(name="mail_password", read=_optional_text, default=None, secret=True, meaning="Password to log in with."),
    Setting(name="mail_from", read=_mail_address, default="livecontract@localhost", meaning="Sender of the mails."),
    Setting(
        name="key_file",
        read=_optional_path,
        default=None,
        meaning="The node's key. Without it, `keys/system.json` in the data directory, made at the first start.",
    ),
    Setting(
        name="passphrase",
        read=_optional_text,
        default=None,
        secret=True,
        meaning="Encrypts the key file. Without it the file is only closed to other users of the machine.",
    ),
    Setting(
        name="http_allow",
        read=_list_of(_host),
        default=(),
        meaning="Private hosts that system actions, and messages to other nodes, may reach nevertheless.",
    ),
    Setting(
        name="max_request_bytes",
        read=_integer(1024, 1 << 30),
        default=16 * 1024 * 1024,
        meaning="The largest body of a request.",
    ),
    Setting(name="threads", read=_integer(1, 256), default=8, meaning="Requests served at once."),
    Setting(
        name="streams",
        read=_integer(0, 10_000),
        default=64,
        meaning="Live updates (server-sent events) served at once, beside the requests.",
    ),
    Setting(
        name="rate_by_key",
        read=_integer(0, 1_000_000),
        default=100,
        meaning="Signed requests a second from one key; bursts of ten times that. 0 for no limit.",
    ),
    Setting(
        name="rate_by_address",
        read=_integer(0, 1_000_000),
        default=200,
        meaning="Requests a second from one address, signed or not; bursts of ten times that. 0 for no limit.",
    ),
    Setting(
        name="trusted_proxies",
        read=_integer(0, 10),
        default=0,
        meaning="How many proxies stand before the node; with one, the client is the last of X-Forwarded-For.",
    ),
    Setting(
        name="queue_limit",
        read=_integer(0, 100_000_000),
        default=10_000,
        meaning="Waiting messages beyond which new events are answered with 503 and Retry-After. 0 for no limit.",
    ),
    Setting(
        name="cors_origins",
        read=_list_of(_url),
        default=(),
        meaning="Origins of web applications that may use this node from a browser.",
    ),
    Setting(
        name="metrics_port",
        read=_integer(0, 65535),
        default=0,
        meaning="Port of `/metrics` for whoever reaches it. 0: on the node's own port, for this machine alone.",
    ),
    Setting(
        name="traces",
        read=_url,
        default=None,
        meaning="OTLP endpoint that traces are sent to; needs the extra `telemetry`.",
    ),
    Setting(
        name="log_level", read=_choice("debug", "info", "warning", "error"), default="info", meaning="Least level."
    ),
    Setting(name="log_format", read=_choice("text", "json"), default="text", meaning="How log lines are written."),
)

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


def read_value(setting: Setting, value: Any, source: str) -> Any:
    """Read the value of one setting.

    Raises:
        InvalidConfigError: Naming the setting, where it was given and what is wanted; secrets are not repeated.
    """
    try:
        return setting.read(value)
    except ValueError as error:
        shown = _QUERY.sub("?***", _LOGIN.sub("//***@", str(value)))
        given = "" if setting.secret else f", not {shown[:80]!r}"
        holds_password = f"{setting.name}_password" in BY_NAME and _LOGIN.search(str(value))
        raise InvalidConfigError(
            f"{source}: {setting.name} should be {error}{given}",
            path=setting.name,
            hint=f"A password belongs into the file that {setting.name}_password_file names."
            if holds_password
            else None,
        ) from None
