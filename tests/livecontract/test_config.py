"""Where settings come from, which wins, what is refused, and that secrets are shown to nobody."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from eventchain.core.keys import KeyPair
from livecontract import config
from livecontract.config import Config
from livecontract.errors import InvalidConfigError
from livecontract.settings import SETTINGS

USER = str(KeyPair.from_seed(b"u" * 32).public_key)


def load(file: str | None = None, *, tmp_path: Path | None = None, flags: Any = None, **variables: str) -> Config:
    path = None
    if file is not None:
        assert tmp_path is not None
        path = tmp_path / "livecontract.toml"
        path.write_text(file)
        path.chmod(0o600)
    environment = {f"LIVECONTRACT_{name.upper()}": value for name, value in variables.items()} | {"PATH": "/bin"}
    return config.load(flags, file=path, environment=environment, default_file=Path("/nonexistent/livecontract.toml"))


def refused(match: str, *arguments: Any, **how: Any) -> InvalidConfigError:
    with pytest.raises(InvalidConfigError, match=match) as caught:
        load(*arguments, **how)
    return caught.value


def test_without_anything_a_node_listens_on_loopback_only() -> None:
    found = load()
    assert (found.host, found.port, found.public_url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert found.key_place == Path("livecontract-data/keys/system.json")


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = 'port = 1\nthreads = 2\nname = "file"\n'
    found = load(file, tmp_path=tmp_path, threads="3", name="environment", flags={"name": "flag", "network": None})
    assert (found.port, found.threads, found.name, found.network) == (1, 3, "flag", "T")


def test_the_same_name_is_read_from_a_table_of_the_file(tmp_path: Path) -> None:
    found = load('[mail]\nhost = "smtp.example"\nport = 25\n', tmp_path=tmp_path)
    assert (found.mail_host, found.mail_port) == ("smtp.example", 25)
    refused("mail_host is given twice", 'mail_host = "a"\n[mail]\nhost = "b"\n', tmp_path=tmp_path)


def test_lists_are_written_as_lists_or_separated_by_commas(tmp_path: Path) -> None:
    assert load(f'users = ["{USER}"]', tmp_path=tmp_path).users == (USER,)
    assert load(users=f"{USER}, {USER}").users == (USER, USER)


def test_hosts_that_may_be_reached_are_named_with_ports_and_by_domain() -> None:
    read = load(http_targets="ERP.example:8443, *.Acme.example,::1").http_targets
    assert read == ("erp.example:8443", "*.acme.example", "::1")


def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    assert refused("no setting prot", "prot = 1", tmp_path=tmp_path).hint == "Did you mean port?"
    assert refused("no setting passprase_file", passprase_file="x").hint == "Did you mean passphrase_file?"
    assert refused("no setting zzzzzz", flags={"zzzzzz": 1}).path == "zzzzzz"


def test_a_file_for_something_that_is_no_secret_is_refused() -> None:
    refused("no setting name_file", name_file="/etc/hostname")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "٣"),
        ("port", "true"),
        ("network", "test"),
        ("url", "ftp://node.example"),
        ("url", "https://user:pw@node.example"),
        ("url", "https://node.example/?a=1"),
        ("url", "https://node.example:99999"),
        ("url", "https://[node"),
        ("store", "mongodb://acme:secret@db.example/acme"),
        ("store", "amqp://db.example/acme"),
        ("broker", "mongodb://db.example/acme"),
        ("broker", "amqp://acme:secret@mq.example/acme"),
        ("broker", "amqps://"),
        ("node_uri", "amqps://acme@mq.example/acme"),
        ("node_uri", "ftp://mq.example/acme"),
        ("service", "everything"),
        ("queue_limit", "-1"),
        ("users", "not-a-key"),
        ("http_targets", "*"),
        ("http_targets", "https://erp.example"),
        ("http_targets", "erp.example/orders"),
        ("store", "postgres:x"),
        ("store", "sqlite:"),
        ("anchor", "somewhere"),
        ("mail", "pigeon"),
        ("mail_tls", "ssl"),
        ("mail_from", "Acme <contracts@acme.example>"),
        ("host", "http://x"),
        ("block_time_ms", "0"),
        ("log_level", "loud"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    error = refused(f"{name} should be", **{name: value})
    assert error.path == name
    assert value.partition("//")[0][:20] in error.message


@pytest.mark.parametrize("option", ["tlsCertificateKeyFilePassword=hunter2", "authMechanismProperties=AWS:hunter2"])
def test_a_secret_among_the_options_of_a_store_is_refused_and_not_repeated(option: str) -> None:
    error = refused("options that are secrets", store=f"mongodb://db.example/acme?tls=true&{option}")
    assert "hunter2" not in str(error)
    assert load(store="mongodb://db.example/acme?tls=true").store.endswith("?tls=true")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("store", "mongodb://acme:hunter2@db.example/acme"),
        ("broker", "amqps://acme:hunter2/@@mq.example/acme"),
        ("url", "https://acme:hunter2@node.example"),
        ("traces", "http://:hunter2@collector.example"),
        ("cors_origins", "https://acme:hunter2@a.example,https://acme:hunter2@b.example"),
        ("node_uri", "amqps://acme:hunter2@mq.example/acme"),
    ],
)
def test_a_password_in_a_url_is_not_repeated(name: str, value: str) -> None:
    error = refused(f"{name} should be", **{name: value})
    assert "hunter2" not in str(error)
    assert (f"{name}_password_file" in str(error.hint)) is (name in ("store", "broker"))


def test_a_store_without_the_name_of_a_database_is_refused() -> None:
    refused("name of a database", store="mongodb://db.example")


def test_a_setting_as_value_and_as_table_is_explained(tmp_path: Path) -> None:
    error = refused("is not TOML", 'mail = "smtp"\n[mail]\nhost = "a"\n', tmp_path=tmp_path)
    assert error.hint == "TOML takes mail as a value or as a table, not both. Write mail_… = … before the first table."


def test_every_toml_example_of_the_documents_can_be_read() -> None:
    """The settings of an example exist, and TOML takes them together; keys and files in it are placeholders."""
    root = Path(__file__).parents[2]
    names = {name for setting in SETTINGS for name in (setting.name, f"{setting.name}_file")}
    examples = [
        tomllib.loads(block)
        for document in (*(root / "docs").glob("*.md"), root / "README.md")
        for block in re.findall(r"```toml\n(.*?)```", document.read_text(), re.DOTALL)
    ]
    assert len(examples) >= 5
    assert {name for example in examples for name in example} <= names


@pytest.mark.parametrize("text", ["port = true", "port = 1.5", "port = []", "users = 1", "name = 3", "data = 1"])
def test_a_value_of_the_wrong_type_in_the_file_is_refused(text: str, tmp_path: Path) -> None:
    refused("should be", text, tmp_path=tmp_path)


def test_secrets_are_read_from_files_and_shown_to_nobody(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\r\n")
    found = load(passphrase_file=str(secret), mail_user="u", mail_password="battery staple")
    assert (found.passphrase, found.mail_password) == ("correct horse", "battery staple")
    for shown in (repr(found), str(found), str(found.to_dict())):
        assert "horse" not in shown
        assert "staple" not in shown


def test_a_secret_that_is_no_text_is_refused_without_being_repeated(tmp_path: Path) -> None:
    assert "12345" not in str(refused("passphrase should be", "passphrase = 12345", tmp_path=tmp_path))


def test_a_secret_and_its_file_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("b")
    refused("not both", passphrase="a", passphrase_file=str(tmp_path / "secret"))


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_without_text_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(content)
    refused("passphrase_file", passphrase_file=str(tmp_path / "s"))
    refused("passphrase_file", passphrase_file=str(tmp_path))
    refused("passphrase_file", passphrase_file=str(tmp_path / "missing"))


def test_a_configuration_with_secrets_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('passphrase = "x"')
    path.chmod(0o644)
    with pytest.raises(InvalidConfigError, match="open to other users") as caught:
        config.load(file=path, environment={})
    assert caught.value.hint == f"Run: chmod 600 {path}"


@pytest.mark.parametrize("content", [b"port = ", b"\xff", b"a = {" * 10_000, b"#" * (1024 * 1024 + 1)])
def test_a_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(content)
    with pytest.raises(InvalidConfigError, match=r"c\.toml"):
        config.load(file=path, environment={})


def test_a_named_file_has_to_exist_and_an_unnamed_one_not(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfigError, match="cannot be read"):
        config.load(file=tmp_path / "missing.toml", environment={})
    with pytest.raises(InvalidConfigError, match="cannot be read"):
        config.load(environment={"LIVECONTRACT_CONFIG": str(tmp_path / "missing.toml")})
    unnamed = tmp_path / "livecontract.toml"
    unnamed.write_text("port = 81")
    assert config.load(environment={}, default_file=unnamed).port == 81
    assert config.load(environment={"LIVECONTRACT_CONFIG": str(unnamed)}, default_file=tmp_path / "no").port == 81


def test_an_empty_variable_counts_as_not_given() -> None:
    assert load(port="").port == 8080


def test_a_node_open_to_the_network_has_to_know_its_url() -> None:
    refused("know its own URL", host="0.0.0.0")
    refused("know its own URL", host="::")
    assert load(host="0.0.0.0", url="https://node.example/").public_url == "https://node.example"
    assert load(host="::1").public_url == "http://[::1]:8080"


def test_a_mail_password_never_travels_unencrypted() -> None:
    refused("unencrypted", mail_user="u", mail_password="p", mail_tls="none")
    refused("without mail_user", mail_password="p")


def test_a_node_on_servers_names_them_without_their_passwords() -> None:
    found = load(
        store="mongodb://acme@one.example,two.example:27018/acme?replicaSet=r",
        store_password="s",
        broker="amqps://acme@mq.example/acme",
        broker_password="b",
        node_uri="amqps://mq.example/acme/",
        peers="amqps://acme:p@mq.other.example:5671/other",
    )
    assert found.uri == "amqps://mq.example/acme"
    shown = found.to_dict()
    assert [shown[name] for name in ("store_password", "broker_password", "peers")] == ["set", "set", "set"]
    assert load().uri == "http://127.0.0.1:8080"


@pytest.mark.parametrize("value", ["amqps://mq.example/acme", "https://u:p@mq.example", "amqps://u:p@["])
def test_a_peer_is_named_with_user_and_password_and_never_repeated(value: str) -> None:
    assert value not in str(refused("peers should be a list of", peers=value))


def test_a_node_that_is_reached_over_amqp_has_a_rabbitmq_broker() -> None:
    refused("node_uri names a RabbitMQ broker", node_uri="amqps://mq.example/acme")


def test_a_service_of_its_own_knows_the_services_it_asks() -> None:
    others = {"eventchain": "http://e", "workflow": "http://w", "dispatcher": "http://d", "anchor": "http://a"}
    broker = "amqps://acme@mq.example/acme"
    for service in ("eventchain", "workflow", "dispatcher", "anchor", "web"):
        assert load(service=service, broker=broker, **others).service == service
    assert refused("asks the service workflow", service="eventchain", broker=broker, anchor="http://a").path
    refused("no public chain of its own", service="workflow", eventchain="http://e")
    refused("shares its queue", service="dispatcher", **others)
    refused("nothing in memory", service="workflow", store="memory:", **others)


def test_a_service_of_its_own_knows_where_it_is_reached() -> None:
    others = {"eventchain": "http://e", "workflow": "http://w", "dispatcher": "http://d", "anchor": "http://a"}
    broker = "amqps://acme@mq.example/acme"
    for service, url in others.items():
        assert load(service=service, broker=broker, url="https://n", host="0.0.0.0", **others).own_url == url
    assert load(service="web", url="https://n", **others).own_url == load(url="https://n").own_url == "https://n"
    alone = {**others, "anchor": "embedded"}
    assert load(service="anchor", port="5000", **alone).own_url == "http://127.0.0.1:5000"
    error = refused("should know its own URL", service="anchor", url="https://n", host="0.0.0.0", **alone)
    assert error.path == "anchor"


def test_every_setting_is_a_member_and_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    assert [setting.name for setting in SETTINGS] == list(Config.__dataclass_fields__)
    for setting in SETTINGS:
        assert f"| `{setting.name}` |" in documented
        assert setting.meaning in documented
