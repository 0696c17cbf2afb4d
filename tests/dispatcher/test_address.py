"""Node URIs of brokers: one spelling, one queue, and a login that fits exactly."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.address import AmqpAddress, Login, Logins, is_amqp, normal_uri
from dispatcher.errors import InvalidDestinationError
from dispatcher.message import Message


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("amqps://Broker.Example.com/acme", "amqps://broker.example.com:5671/acme"),
        ("amqp://broker.example.com:5672/acme", "amqp://broker.example.com:5672/acme"),
        ("amqp://broker.example.com", "amqp://broker.example.com:5672/%2F"),
        ("amqp://broker.example.com/", "amqp://broker.example.com:5672/%2F"),
        ("amqp://broker.example.com/%2f", "amqp://broker.example.com:5672/%2F"),
        ("amqp://broker.example.com/a%20b", "amqp://broker.example.com:5672/a%20b"),
        ("amqps://[::1]/acme", "amqps://[::1]:5671/acme"),
        ("https://node.example.com/", "https://node.example.com"),
    ],
)
def test_spellings_of_one_address_have_one_normal_form(uri: str, normal: str) -> None:
    assert normal_uri(uri) == normal
    assert normal_uri(normal) == normal


@pytest.mark.parametrize(
    "uri",
    [
        "amqp://",
        "amqp:///acme",
        "amqp://host:0/acme",
        "amqp://host:99999/acme",
        "amqp://host/a/b",
        "amqp://host/%ff",
        "amqp://host/%00",
        "amqp://host/" + "x" * 256,
        "amqp://host/acme?verify=verify_none",
        "amqp://host/acme#x",
        "amqp://user@host/acme",
        "amqp://user:password@host/acme",
        "amqp://host/ac me",
        "amqp://host\\@other/acme",
        "amqp://h\u00f6st/acme",
        "amqp://[::1/acme",
        "https://host",
    ],
)
def test_what_names_no_virtual_host_is_refused(uri: str) -> None:
    with pytest.raises(InvalidDestinationError):
        AmqpAddress.parse(uri)


def test_scheme_decides_whether_a_uri_is_one_of_a_broker() -> None:
    assert is_amqp("amqps://host/a")
    assert is_amqp("AMQP://host/a")
    assert not is_amqp("https://host/a")
    assert not is_amqp("amqp")


HOSTS = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,60}", fullmatch=True)


@given(HOSTS, st.integers(1, 65535), st.text(st.characters(codec="ascii"), max_size=20))
def test_every_address_has_a_queue_with_a_name_that_brokers_take(host: str, port: int, vhost: str) -> None:
    address = AmqpAddress(scheme="amqp", host=host, port=port, vhost=vhost)
    assert Message(queue=address.queue, id="1", group="g", body=b"").queue == address.queue
    assert re.fullmatch(r"peer-[a-z0-9-]+-[0-9a-f]{12}", address.queue)


def test_addresses_that_differ_in_anything_have_queues_of_their_own() -> None:
    uris = ["amqp://host/a", "amqps://host/a", "amqp://host:5671/a", "amqp://host/b", "amqp://host2/a", "amqp://host"]
    assert len({AmqpAddress.parse(uri).queue for uri in uris}) == len(uris)
    assert AmqpAddress.parse("amqps://acme.example.com/a").queue.startswith("peer-acme-example-com-")


def test_login_is_read_and_written_with_what_has_to_be_quoted() -> None:
    login = Login.parse("amqps://our%40name:p%2Fw%3A@host/a%2Fb?cacertfile=/etc/ssl/ca.pem")
    assert (login.user, login.password, login.address.vhost) == ("our@name", "p/w:", "a/b")
    assert login.options == {"cacertfile": "/etc/ssl/ca.pem"}
    assert login.url(heartbeat=10) == "amqps://our%40name:p%2Fw%3A@host:5671/a%2Fb?heartbeat=10"
    assert Login.parse(login.url()) == Login.parse("amqps://our%40name:p%2Fw%3A@host/a%2Fb")
    assert "p/w" not in repr(login)


@pytest.mark.parametrize(
    "text",
    [
        "amqps://host/a",
        "amqps://user@host/a",
        "https://user:secret@host/a",
        "amqps://user:secret@host/a?verify=verify_none",
        "amqps://user:secret@host/a?server_name_indication=disable",
    ],
)
def test_login_without_password_or_with_other_options_is_refused(text: str) -> None:
    with pytest.raises(InvalidDestinationError) as caught:
        Login.parse(text)
    assert "secret" not in str(caught.value)


def test_login_fits_its_own_address_only() -> None:
    login = Login.parse("amqps://user:secret@host/a")
    logins = Logins([login])
    assert logins.find(AmqpAddress.parse("amqps://HOST:5671/a")) is login
    assert logins.all() == [login]
    for other in ("amqp://host/a", "amqp://host:5671/a", "amqps://host/b", "amqps://host:1/a", "amqps://other/a"):
        assert logins.find(AmqpAddress.parse(other)) is None
