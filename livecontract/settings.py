"""The settings of a node: their names, how each is read from text, and what holds without them.

One name in three spellings: `mail_host` in `livecontract.toml` (or `host` in its table `[mail]`),
`LIVECONTRACT_MAIL_HOST` in the environment, `--mail-host` on the command line.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livecontract import setting_values as values
from livecontract.errors import InvalidConfigError

_LOGIN = re.compile(r"//\S*:\S*@")
"""User and password in a URL; up to the last @, as passwords that nobody escaped may hold any character."""

_QUERY = re.compile(r"\?.*", re.DOTALL)


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
    read: values.Read
    default: Any
    meaning: str
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="data",
        read=values.read_path,
        default=Path("livecontract-data"),
        meaning="Directory of keys and databases.",
    ),
    Setting(name="host", read=values.read_host, default="127.0.0.1", meaning="Address the web server listens on."),
    Setting(name="port", read=values.integer(0, 65535), default=8080, meaning="Its port; 0 takes a free one."),
    Setting(
        name="url",
        read=values.read_url,
        default=None,
        meaning="Where others reach this node; requests are signed for it. Without it, `http://<host>:<port>`.",
    ),
    Setting(
        name="network",
        read=values.read_network,
        default="T",
        meaning="Letter of the public network, in ids and addresses.",
    ),
    Setting(name="name", read=values.read_text, default="Live contracts node", meaning="Name of the organisation."),
    Setting(
        name="users",
        read=values.list_of(values.read_key),
        default=(),
        meaning="Public keys of the people this node serves. Empty, for development: anyone.",
    ),
    Setting(
        name="operators",
        read=values.list_of(values.read_key),
        default=(),
        meaning="Public keys of those who run this node.",
    ),
    Setting(
        name="store",
        read=values.place("mongodb", "mongodb+srv"),
        default="sqlite:node.db",
        meaning="`sqlite:<file>`, `memory:`, or `mongodb://<user>@<host>/<database>`.",
    ),
    Setting(
        name="store_password",
        read=values.read_optional_text,
        default=None,
        secret=True,
        meaning="Password of its user.",
    ),
    Setting(
        name="broker",
        read=values.place("amqp", "amqps"),
        default="sqlite:queue.db",
        meaning="`sqlite:<file>`, `memory:`, or `amqps://<user>@<host>/<virtual host>`: RabbitMQ.",
    ),
    Setting(
        name="broker_password",
        read=values.read_optional_text,
        default=None,
        secret=True,
        meaning="Password of its user.",
    ),
    Setting(
        name="broker_api",
        read=values.read_url,
        default=None,
        meaning="RabbitMQ's management API. Without it, port 15672 (TLS: 15671) of the broker's host.",
    ),
    Setting(
        name="broker_ca",
        read=values.read_optional_path,
        default=None,
        meaning="PEM file of who signs the brokers' certificates, where the system does not trust them.",
    ),
    Setting(
        name="broker_certificate",
        read=values.read_optional_path,
        default=None,
        meaning="PEM file of this node's certificate and key for brokers that ask for one.",
    ),
    Setting(
        name="node_uri",
        read=values.read_node_uri,
        default=None,
        meaning="Where other nodes send events: `amqps://<host>/<virtual host>` for RabbitMQ. Without it, `url`.",
    ),
    Setting(
        name="peers",
        read=values.list_of(values.read_peer),
        default=(),
        secret=True,
        meaning="How this node logs in at other nodes' brokers: their node URIs with user and password.",
    ),
    Setting(
        name="anchor",
        read=values.read_anchor,
        default="embedded",
        meaning="`embedded`, or the URL of an anchor service.",
    ),
    Setting(
        name="service",
        read=values.choice("all", "eventchain", "workflow", "dispatcher", "anchor", "web"),
        default="all",
        meaning="Which service this process is; `all` is a whole node.",
    ),
    Setting(
        name="eventchain", read=values.read_url, default=None, meaning="URL of the event chain service, for the others."
    ),
    Setting(name="workflow", read=values.read_url, default=None, meaning="URL of the workflow engine, for the others."),
    Setting(
        name="dispatcher", read=values.read_url, default=None, meaning="URL of the dispatcher, for the web server."
    ),
    Setting(
        name="block_time_ms",
        read=values.integer(50, 3_600_000),
        default=10_000,
        meaning="Milliseconds between blocks of the embedded public chain.",
    ),
    Setting(
        name="mail",
        read=values.choice("mailbox", "smtp", "none"),
        default="mailbox",
        meaning="`mailbox` keeps mails at `/dev/mail`, for development; `smtp` sends them; `none` refuses.",
    ),
    Setting(name="mail_host", read=values.read_host, default="localhost", meaning="The SMTP server."),
    Setting(name="mail_port", read=values.integer(1, 65535), default=587, meaning="Its port."),
    Setting(
        name="mail_tls",
        read=values.choice("starttls", "tls", "none"),
        default="starttls",
        meaning="How the connection to it is encrypted.",
    ),
    Setting(name="mail_user", read=values.read_optional_text, default=None, meaning="Name to log in with, if any."),
    Setting(
        name="mail_password",
        read=values.read_optional_text,
        default=None,
        secret=True,
        meaning="Password to log in with.",
    ),
    Setting(
        name="mail_from",
        read=values.read_mail_address,
        default="livecontract@localhost",
        meaning="Sender of the mails.",
    ),
    Setting(
        name="key_file",
        read=values.read_optional_path,
        default=None,
        meaning="The node's key. Without it, `keys/system.json` in the data directory, made at the first start.",
    ),
    Setting(
        name="passphrase",
        read=values.read_optional_text,
        default=None,
        secret=True,
        meaning="Encrypts the key file. Without it the file is only closed to other users of the machine.",
    ),
    Setting(
        name="http_allow",
        read=values.list_of(values.read_host),
        default=(),
        meaning="Private hosts that system actions, and messages to other nodes, may reach nevertheless.",
    ),
    Setting(
        name="http_targets",
        read=values.list_of(values.read_target),
        default=(),
        meaning="The only hosts that system actions may reach: `<host>`, `<host>:<port>` or `*.<domain>`. Empty: any.",
    ),
    Setting(
        name="max_request_bytes",
        read=values.integer(1024, 1 << 30),
        default=16 * 1024 * 1024,
        meaning="The largest body of a request.",
    ),
    Setting(name="threads", read=values.integer(1, 256), default=8, meaning="Requests served at once."),
    Setting(
        name="streams",
        read=values.integer(0, 10_000),
        default=64,
        meaning="Live updates (server-sent events) served at once, beside the requests.",
    ),
    Setting(
        name="rate_by_key",
        read=values.integer(0, 1_000_000),
        default=100,
        meaning="Signed requests a second from one key; bursts of ten times that. 0 for no limit.",
    ),
    Setting(
        name="rate_by_address",
        read=values.integer(0, 1_000_000),
        default=200,
        meaning="Requests a second from one address, signed or not; bursts of ten times that. 0 for no limit.",
    ),
    Setting(
        name="trusted_proxies",
        read=values.integer(0, 10),
        default=0,
        meaning="How many proxies stand before the node; with one, the client is the last of X-Forwarded-For.",
    ),
    Setting(
        name="queue_limit",
        read=values.integer(0, 100_000_000),
        default=10_000,
        meaning="Waiting messages beyond which new events are answered with 503 and Retry-After. 0 for no limit.",
    ),
    Setting(
        name="cors_origins",
        read=values.list_of(values.read_url),
        default=(),
        meaning="Origins of web applications that may use this node from a browser.",
    ),
    Setting(
        name="metrics_port",
        read=values.integer(0, 65535),
        default=0,
        meaning="Port of `/metrics` for whoever reaches it. 0: on the node's own port, for this machine alone.",
    ),
    Setting(
        name="traces",
        read=values.read_url,
        default=None,
        meaning="OTLP endpoint that traces are sent to; needs the extra `telemetry`.",
    ),
    Setting(
        name="log_level",
        read=values.choice("debug", "info", "warning", "error"),
        default="info",
        meaning="Least level.",
    ),
    Setting(
        name="log_format", read=values.choice("text", "json"), default="text", meaning="How log lines are written."
    ),
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
