"""The configuration of a node: flags, then `LIVECONTRACT_*`, then `livecontract.toml`, then defaults.

The only module that reads the environment. What each setting means stands in `livecontract.settings`.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from livecontract.errors import InvalidConfigError
from livecontract.settings import BY_NAME, SETTINGS, Setting, read_value

DEFAULT_FILE = Path("livecontract.toml")
PREFIX = "LIVECONTRACT_"
_FILE_VARIABLE = "CONFIG"
_SECRET_FILE = "_file"  # noqa: S105 (the end of a name, not a secret)
_MAX_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be set. Secrets are in no repr and not in `to_dict`."""

    data: Path
    host: str
    port: int
    url: str | None
    network: str
    name: str
    users: tuple[str, ...]
    operators: tuple[str, ...]
    store: str
    store_password: str | None = field(repr=False)
    broker: str
    broker_password: str | None = field(repr=False)
    broker_api: str | None
    broker_ca: Path | None
    broker_certificate: Path | None
    node_uri: str | None
    peers: tuple[str, ...] = field(repr=False)
    anchor: str
    service: str
    eventchain: str | None
    workflow: str | None
    dispatcher: str | None
    block_time_ms: int
    mail: str
    mail_host: str
    mail_port: int
    mail_tls: str
    mail_user: str | None
    mail_password: str | None = field(repr=False)
    mail_from: str
    key_file: Path | None
    passphrase: str | None = field(repr=False)
    http_allow: tuple[str, ...]
    http_targets: tuple[str, ...]
    max_request_bytes: int
    threads: int
    streams: int
    rate_by_key: int
    rate_by_address: int
    trusted_proxies: int
    queue_limit: int
    cors_origins: tuple[str, ...]
    metrics_port: int
    traces: str | None
    log_level: str
    log_format: str

    @property
    def public_url(self) -> str:
        """Where others reach this node, without a slash at the end. Without `url` it is where the node listens."""
        return self.url or _listening(self.host, self.port)

    @property
    def own_url(self) -> str:
        """Where the other services of the node reach this process, without a slash at the end."""
        named = None if self.service in ("all", "web") else getattr(self, self.service)
        if named not in (None, "embedded"):
            return str(named)
        return self.public_url if self.service in ("all", "web") else _listening(self.host, self.port)

    @property
    def key_place(self) -> Path:
        """Where the node's system key lies."""
        return self.key_file or self.data / "keys" / "system.json"

    @property
    def uri(self) -> str:
        """Where other nodes send events, as the identities of this node say."""
        return self.node_uri or self.public_url

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values, a secret only as whether it is set."""
        return {item.name: _show(BY_NAME[item.name], getattr(self, item.name)) for item in fields(self)}


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    default_file: Path = DEFAULT_FILE,
) -> Config:
    """Put the configuration together.

    Args:
        flags: Settings by name from the command line; None means not given.
        file: The TOML file; without it `LIVECONTRACT_CONFIG`, without that `default_file` if it exists.
        environment: Instead of that of the process.
        default_file: Read where no file is named.

    Raises:
        InvalidConfigError: An unknown setting, a value that cannot be used, or a file that cannot be read.
    """
    variables = _variables(os.environ if environment is None else environment)
    named = variables.pop(_FILE_VARIABLE.lower(), None)
    chosen = file or (Path(named) if named else None)
    if chosen is None and default_file.exists():
        chosen = default_file
    given = {
        **(_from_file(chosen) if chosen else {}),
        **_read_all(variables, "environment"),
        **_read_all({name: value for name, value in (flags or {}).items() if value is not None}, "command line"),
    }
    config = Config(**{setting.name: given.get(setting.name, setting.default) for setting in SETTINGS})
    _check_together(config)
    return config


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process with these settings instead of its own, to start another node in."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return foreign | {PREFIX + name.upper(): value for name, value in settings.items()}


def _variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables that are ours, by setting; an empty one counts as not given."""
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
            mode = os.fstat(stream.fileno()).st_mode
    except OSError as error:
        raise InvalidConfigError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_FILE:
        raise InvalidConfigError(f"{path} is larger than {_MAX_FILE} bytes")
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidConfigError(f"{path} is not TOML: {error}", hint=_toml_hint(data)) from None
    flat = _flatten(document, path.name)
    secrets = [name for name in flat if name in BY_NAME and BY_NAME[name].secret and flat[name]]
    if secrets and mode & 0o077:
        raise InvalidConfigError(
            f"{path} holds {', '.join(secrets)} and is open to other users of this machine",
            hint=f"Run: chmod 600 {path}",
        )
    return _read_all(flat, path.name)


def _toml_hint(data: bytes) -> str | None:
    """Return what to do about the one mistake that the names of our settings invite."""
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    both = [name for name in BY_NAME if f"[{name}]" in lines and any(re.match(rf"{name}\s*=", line) for line in lines)]
    if not both:
        return None
    return f"TOML takes {both[0]} as a value or as a table, not both. Write {both[0]}_… = … before the first table."


def _flatten(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return `{"mail_host": …}` for `[mail] host = …`; one spelling or the other."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        members = {f"{name}_{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        for key, item in members.items():
            if key in flat:
                raise InvalidConfigError(f"{source}: {key} is given twice", path=key)
            flat[key] = item
    return flat


def _read_all(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in values.items():
        plain = name.removesuffix(_SECRET_FILE)
        from_file = plain != name and plain in BY_NAME and BY_NAME[plain].secret
        setting = BY_NAME.get(plain if from_file else name)
        if setting is None:
            raise _unknown(name, source)
        if setting.name in result:
            raise InvalidConfigError(
                f"{source}: give either {plain} or {plain}{_SECRET_FILE}, not both", path=setting.name
            )
        result[setting.name] = read_value(setting, _secret_of(name, value) if from_file else value, source)
    return result


def _secret_of(name: str, value: Any) -> str:
    """Return what a secret's file holds, without the line end that editors add."""
    try:
        path = Path(value)
        with path.open("rb") as stream:
            text = stream.read(_MAX_FILE).decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise InvalidConfigError(
            f"the file that {name} names cannot be read: {error.strerror}",  # no path: it may be the secret itself
            path=name,
            hint="A relative path starts in the directory that the program runs in.",
        ) from None
    except (ValueError, TypeError):
        raise InvalidConfigError(f"the file that {name} names cannot be read as text", path=name) from None
    if not text:
        raise InvalidConfigError(f"the file that {name} names is empty", path=name)
    return text


def _unknown(name: str, source: str) -> InvalidConfigError:
    nearest = difflib.get_close_matches(name, _known_names(), n=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else "The settings are listed in docs/configuration.md."
    return InvalidConfigError(f"{source}: there is no setting {name[:80]}", path=name[:80], hint=hint)


def _known_names() -> Iterable[str]:
    for setting in SETTINGS:
        yield setting.name
        if setting.secret:
            yield f"{setting.name}{_SECRET_FILE}"


def _check_together(config: Config) -> None:
    if config.url is None and not _is_reachable(config.host):
        raise InvalidConfigError(
            f"a node that listens on {config.host} should know its own URL, for which requests are signed",
            path="url",
            hint="Set url, such as https://contracts.example.com.",
        )
    if config.node_uri and config.node_uri.startswith("amqp") and not config.broker.startswith("amqp"):
        raise InvalidConfigError(
            "node_uri names a RabbitMQ broker, and this node's queue is none",
            path="node_uri",
            hint="Set broker to it as well.",
        )
    _check_services(config)
    if config.mail_password and not config.mail_user:
        raise InvalidConfigError("mail_password is set without mail_user", path="mail_user")
    if config.mail_password and config.mail_tls == "none":
        raise InvalidConfigError(
            "the mail password would travel unencrypted", path="mail_tls", hint="Use starttls or tls."
        )


_NEEDED = {
    "eventchain": ("workflow",),
    "workflow": ("eventchain",),
    "dispatcher": ("eventchain", "workflow"),
    "anchor": (),
    "web": ("eventchain", "workflow", "dispatcher"),
}
"""Which other services each service asks; those that anchor name the anchor service too."""


def _check_services(config: Config) -> None:
    """Check that a service of its own knows the others it asks, and shares store and queue with its copies."""
    if config.service == "all":
        return
    for name in _NEEDED[config.service]:
        if getattr(config, name) is None:
            raise InvalidConfigError(
                f"the service {config.service} asks the service {name}", path=name, hint=f"Set {name} to its URL."
            )
    if config.service != "anchor" and config.anchor == "embedded":
        raise InvalidConfigError(
            f"the service {config.service} has no public chain of its own",
            path="anchor",
            hint="Set anchor to the URL of an anchor service.",
        )
    if (
        config.service != "web"
        and not _is_reachable(config.host)
        and config.own_url == _listening(config.host, config.port)
    ):
        raise InvalidConfigError(
            f"the service {config.service} listens on {config.host} and should know its own URL, for which the other "
            "services sign their requests",
            path=config.service,
            hint=f"Set {config.service} to the URL by which the others reach it.",
        )
    if config.store == "memory:":
        raise InvalidConfigError("services that run apart share nothing in memory", path="store")
    if config.service in ("eventchain", "dispatcher") and not config.broker.startswith("amqp"):
        raise InvalidConfigError(
            f"the service {config.service} shares its queue with others, which takes RabbitMQ",
            path="broker",
            hint="Set broker to an amqps:// URL.",
        )


def _listening(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_reachable(host: str) -> bool:
    """Whether others can use the listening address as a URL: not where it means every address of the machine."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return True


def _show(setting: Setting, value: Any) -> Any:
    if setting.secret:
        return "set" if value else None
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
