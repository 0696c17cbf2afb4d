"""Dynamic shovels on a real broker: one for each destination, made, watched, renewed and removed."""

import json
import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from dispatcher.address import Login, Logins
from dispatcher.errors import ManagementRefusedError, ManagementUnavailableError
from dispatcher.management import Management, QueueFacts, _refusal
from dispatcher.shovels import (
    DAY_MS,
    INBOUND,
    MISSING,
    NO_LOGIN,
    UNCONFIRMED,
    UNUSED,
    Shovels,
    ShovelStatus,
    definition,
)
from eventchain.core.clock import system_clock
from eventchain.core.errors import InvalidError, NotFoundError
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import NewVhost

PATIENCE_SECONDS = 10
"""Two of the broker's samples; a node waits longer."""


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now


def shovels_of(organisation: Organisation, *logins: Login, clock: Callable[[], int] | None = None) -> Shovels:
    return Shovels(
        organisation.management(), Logins(logins), clock or Clock(), takes_in=False, patience=PATIENCE_SECONDS
    )


def states(shovels: Shovels) -> dict[str, str]:
    return {item.queue: item.state for item in shovels.status()}


# --- The definition ---------------------------------------------------------------------------------------------------


def test_definition_waits_for_confirms_and_holds_no_password_of_ours() -> None:
    login = Login.parse("amqp://us:secret@broker.example.com/acme")
    assert definition(login, "our/host") == {
        "src-protocol": "amqp091",
        "src-uri": "amqp:///our%2Fhost",
        "src-queue": login.address.queue,
        "src-prefetch-count": 500,
        "src-delete-after": "never",
        "dest-protocol": "amqp091",
        "dest-uri": "amqp://us:secret@broker.example.com:5672/acme?heartbeat=10&connection_timeout=10000",
        "dest-exchange": "inbound",
        "ack-mode": "on-confirm",
        "reconnect-delay": 2,
    }


def test_definition_verifies_the_other_brokers_certificate_and_name() -> None:
    login = Login.parse("amqps://us:secret@broker.example.com/acme?cacertfile=/etc/acme.pem")
    query = definition(login, "/")["dest-uri"].partition("?")[2].split("&")
    assert {"verify=verify_peer", "server_name_indication=broker.example.com", "cacertfile=/etc/acme.pem"} <= set(query)
    plain = definition(Login.parse("amqps://us:secret@broker.example.com/acme"), "/")["dest-uri"]
    assert "cacertfile=/etc/ssl/certs/ca-certificates.crt" in plain


# --- On a broker ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ten_destinations_have_ten_shovels(new_vhost: NewVhost) -> None:
    here = Organisation.make(new_vhost)
    others = [Organisation.make(new_vhost) for _ in range(10)]
    logins = [other.allow(f"{here.vhost.user}-at-{other.vhost.user}") for other in others]
    for number, (other, login) in enumerate(zip(others, logins, strict=True)):
        other.take_in()
        here.publish(login.address.queue, *(b"%d %d" % (number, index) for index in range(5)))
    shovels = shovels_of(here, *logins)
    assert shovels.step() == 10
    for number, other in enumerate(others):
        other.receive([b"%d %d" % (number, index) for index in range(5)])
    assert eventually(lambda: states(shovels), lambda seen: set(seen.values()) == {"running"}).keys() == {
        login.address.queue for login in logins
    }
    assert shovels.step() == 0, "what is as it should be is left alone"
    for login in logins:
        here.api("DELETE", f"users/{login.user}")


@pytest.mark.slow
def test_message_goes_on_with_its_properties_once_confirmed(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    shovels = shovels_of(here, login)
    here.publish(login.address.queue, b"before the shovel")
    shovels.step()
    there.receive([b"before the shovel"])
    eventually(lambda: here.count(login.address.queue), lambda count: count == 0)
    here.publish(login.address.queue, b"while it runs")
    there.receive([b"while it runs"])


@pytest.mark.slow
def test_messages_wait_without_login_and_go_when_there_is_one(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    here.publish(login.address.queue, b"1")
    without = shovels_of(here)
    assert without.step() == 0
    assert states(without) == {login.address.queue: NO_LOGIN}
    assert not without.status()[0].is_well
    assert here.management().shovels() == {}
    shovels_of(here, login).step()
    there.receive([b"1"])
    assert shovels_of(here).step() == 1, "a login that was withdrawn takes its shovel along"
    assert here.management().shovels() == {}


@pytest.mark.slow
def test_shovel_with_wrong_password_is_told_of_and_renewed_with_the_right_one(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    wrong = Login.parse(login.url().replace("secret", "wrong"))
    here.publish(login.address.queue, b"1")
    shovels = shovels_of(here, wrong)
    shovels.step()
    (status,) = eventually(shovels.status, lambda seen: seen[0].state != MISSING)
    assert status.state in ("starting", "terminated")
    assert (status.is_well, status.destination) == (False, there.uri)
    renewed = shovels_of(here, login, clock=system_clock)
    assert renewed.step() == 1
    assert list(here.management().shovels()) == [login.address.queue]
    there.receive([b"1"], renewed.step)


@pytest.mark.slow
def test_shovel_of_an_unused_destination_is_removed_and_comes_back(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    clock = Clock()
    shovels = shovels_of(here, login, clock=clock)
    here.publish(login.address.queue, b"1")
    shovels.step()
    there.receive([b"1"])
    name = login.address.queue
    facts = [QueueFacts(name=name, messages=0, published=1)]
    eventually(lambda: list(here.management().queues("peer-")), lambda seen: seen == facts)
    shovels.step()
    clock.now += DAY_MS - 1
    shovels.step()
    assert list(here.management().shovels()) == [name]
    clock.now += 1
    shovels.step()
    assert here.management().shovels() == {}
    assert shovels.status() == [ShovelStatus(queue=name, destination=there.uri, state=UNUSED, waiting=0)]
    here.publish(name, b"2")
    eventually(lambda: shovels.step() and list(here.management().shovels()), lambda seen: seen == [name])
    there.receive([b"2"])


@pytest.mark.slow
def test_shovel_that_somebody_changed_is_made_again_and_others_are_left_alone(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    here.publish(login.address.queue)
    shovels, management = shovels_of(here, login), here.management()
    right = definition(login, here.vhost.name)
    management.put_shovel(login.address.queue, right | {"dest-exchange": "amq.fanout"})
    management.put_shovel("somebody-elses", right | {"src-queue": "other", "src-queue-args": {}})
    assert shovels.step() == 1
    assert management.shovels()[login.address.queue] == right
    assert "somebody-elses" in management.shovels()


@pytest.mark.slow
def test_new_queue_has_its_shovel_at_once(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    shovels, stop = shovels_of(here, login), threading.Event()
    thread = threading.Thread(target=shovels.run, args=(stop,))
    thread.start()
    try:
        here.publish(login.address.queue, b"1")
        shovels.notice(login.address.queue)
        there.receive([b"1"])
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_shovel_survives_the_death_of_the_broker(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    shovels = shovels_of(here, login)
    here.publish(login.address.queue, b"1")
    shovels.step()
    there.receive([b"1"])
    # RabbitMQ 3.10 forgets a queue that was made in the last half second before it is killed.
    eventually(lambda: next(iter(here.management().queues("peer-"))).messages is not None)
    server = here.vhost.server
    server.kill()
    with pytest.raises(ManagementUnavailableError):
        shovels.step()
    server.start()
    here.publish(login.address.queue, b"2")
    there.receive([b"2"])
    assert shovels.step() == 0, "the broker kept the definition"


@pytest.mark.slow
def test_full_destination_lets_messages_wait(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    there.management().put_policy("full", f"^{INBOUND}$", {"max-length": 1, "overflow": "reject-publish"})
    login = there.allow(there.vhost.user + "-peer")
    sent = [b"%d" % number for number in range(20)]
    here.publish(login.address.queue, *sent)
    shovels_of(here, login).step()
    there.receive(sent)


@pytest.mark.slow
def test_shovel_that_hangs_is_told_of_and_made_anew(new_vhost: NewVhost) -> None:
    """RabbitMQ 3.10.8 takes no notice when a destination without the exchange closes the channel."""
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    login = there.allow(there.vhost.user + "-peer")
    name, clock = login.address.queue, Clock()
    here.publish(name, b"1", b"2")
    shovels, other_copy = shovels_of(here, login, clock=clock), shovels_of(here, login, clock=clock)
    shovels.step()
    eventually(lambda: states(shovels), lambda seen: seen == {name: UNCONFIRMED})
    assert states(shovels_of(here, login)) == {name: UNCONFIRMED}, "whoever asks is told"
    assert (shovels.step(), other_copy.step()) == (0, 0), "a copy looks on for a while first"
    there.take_in()
    assert there.count(INBOUND) == 0, "it does not move by itself"
    clock.now += PATIENCE_SECONDS * 1000
    assert shovels.step() == 1
    there.receive([b"1", b"2"])
    assert other_copy.step() == 0, "what one copy made anew is left alone by the others"
    eventually(lambda: states(shovels), lambda seen: seen == {name: "running"})


@pytest.mark.slow
def test_shovel_that_does_not_get_to_run_is_made_anew_with_pauses_that_double(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    login = there.allow(there.vhost.user + "-peer")
    wrong, clock = Login.parse(login.url().replace("secret", "wrong")), Clock()
    here.publish(login.address.queue, b"1")
    shovels = shovels_of(here, wrong, clock=clock)
    other_copy = shovels_of(here, login, clock=system_clock)
    assert (shovels.step(), shovels.step()) == (1, 0)
    made = []
    for second in range(20 * PATIENCE_SECONDS):
        clock.now += 1000
        if second % 5 == 4 and shovels.step():
            made.append(second + 1)
    assert made == [10, 30, 70, 150]
    there.take_in()
    assert other_copy.step() == 1, "a login that changed does not wait for that"
    there.receive([b"1"], other_copy.step)


@pytest.mark.slow
def test_shovel_to_a_full_destination_is_told_of_and_left_alone(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    there.management().put_policy("full", f"^{INBOUND}$", {"max-length": 1, "overflow": "reject-publish"})
    login = there.allow(there.vhost.user + "-peer")
    clock = Clock()
    here.publish(login.address.queue, b"1", b"2")
    shovels = shovels_of(here, login, clock=clock)
    shovels.step()
    eventually(lambda: there.count(INBOUND))
    here.publish(login.address.queue, b"a quorum queue says that it is full after it took the first ones")
    eventually(lambda: states(shovels), lambda seen: seen == {login.address.queue: UNCONFIRMED})
    shovels.step()
    clock.now += PATIENCE_SECONDS * 1000
    assert shovels.step() == 0


@pytest.mark.slow
def test_inbound_exchange_and_its_bounds_are_made_once_the_queue_is_there(new_vhost: NewVhost) -> None:
    here = Organisation.make(new_vhost)
    shovels = Shovels(here.management(), Logins(), Clock(), takes_in=True)
    shovels.step()
    assert here.api("GET", f"policies/{here.vhost.path}") == []
    # What is published to an exchange that knows no queue is lost, and confirmed: there must be none.
    assert INBOUND not in {item["name"] for item in here.api("GET", f"exchanges/{here.vhost.path}")}
    here.publish(INBOUND)
    shovels.step()
    policies = {item["pattern"]: item["definition"] for item in here.api("GET", f"policies/{here.vhost.path}")}
    assert policies["^inbound$"]["overflow"] == "reject-publish"
    assert policies[r"^inbound\.dead$"]["overflow"] == "drop-head"
    channel = here.channel()
    channel.basic_publish(INBOUND, "any key", b"1", mandatory=True)
    channel.connection.close()
    assert here.bodies() == [b"1"]
    here.api("DELETE", f"queues/{here.vhost.path}/inbound")
    here.publish(INBOUND)
    shovels.step()
    assert here.api("GET", f"exchanges/{here.vhost.path}/inbound/bindings/source"), "a new queue is bound again"


@pytest.mark.slow
def test_exchange_made_otherwise_is_told_of_and_keeps_nothing_from_leaving(new_vhost: NewVhost) -> None:
    here, there = Organisation.make(new_vhost), Organisation.make(new_vhost)
    there.take_in()
    login = there.allow(there.vhost.user + "-peer")
    channel = here.channel()
    channel.exchange_declare(INBOUND, "fanout", durable=True)
    channel.connection.close()
    here.publish(INBOUND)
    here.publish(login.address.queue, b"1")
    shovels = Shovels(here.management(), Logins([login]), Clock(), takes_in=True)
    with pytest.raises(InvalidError, match="alternate-exchange") as caught:
        shovels.step()
    assert caught.value.hint is not None
    assert "delete it" in caught.value.hint
    there.receive([b"1"])
    here.api("DELETE", f"exchanges/{here.vhost.path}/{INBOUND}")
    shovels.step()
    made = here.api("GET", f"exchanges/{here.vhost.path}/{INBOUND}")
    assert made["arguments"] == {"alternate-exchange": "inbound.fallback"}


@pytest.mark.slow
def test_exchange_loses_nothing_in_the_moment_before_it_is_bound(new_vhost: NewVhost) -> None:
    here = Organisation.make(new_vhost)
    here.take_in()
    here.api("DELETE", f"bindings/{here.vhost.path}/e/{INBOUND}/q/{INBOUND}/~")
    channel = here.channel()
    channel.basic_publish(INBOUND, "", b"1", mandatory=True)
    channel.connection.close()
    assert here.bodies() == [b"1"]


# --- The management API -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_refusals_of_the_management_api_come_in_our_families(new_vhost: NewVhost) -> None:
    here = Organisation.make(new_vhost)
    management = here.management()
    assert management.overview()["rabbitmq_version"]
    with pytest.raises(ManagementRefusedError, match="administrator"):
        management.users()
    with pytest.raises(InvalidError):
        management.put_shovel("peer-x", {"src-uri": "nonsense"})
    with pytest.raises(NotFoundError):
        management.bind("inbound", "no such queue")
    with pytest.raises(NotFoundError):
        here.management(as_administrator=True).delete_user("nobody")
    management.delete_shovel("not there")
    wrong = Management(here.vhost.server.api_url, user=here.vhost.user, password="wrong", vhost=here.vhost.name)
    with pytest.raises(ManagementRefusedError) as caught:
        wrong.shovels()
    assert "wrong" not in json.dumps(str(caught.value)).replace("wrong password", "")


@pytest.mark.slow
def test_uri_that_the_broker_refuses_is_repeated_without_its_login(new_vhost: NewVhost) -> None:
    management = Organisation.make(new_vhost).management()
    source = {"src-protocol": "amqp091", "src-uri": "amqp://", "src-queue": "a"}
    target = {"dest-protocol": "amqp091", "dest-uri": "amqp://us:hunter2@h:port/x", "dest-queue": "b"}
    with pytest.raises(InvalidError) as caught:
        management.put_shovel("peer-x", source | target)
    assert "amqp://***" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_api_that_is_away_is_unavailable() -> None:
    away = Management("http://127.0.0.1:9", user="user", password="secret", vhost="/")
    with pytest.raises(ManagementUnavailableError) as caught:
        away.overview()
    assert "secret" not in str(caught.value)


class Impatient(threading.Event):
    """Set after it was waited for so often; nobody waits."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.rounds -= 1
        if not self.rounds:
            self.set()
        return self.is_set()


def test_api_that_stays_away_is_asked_at_the_usual_pace_and_told_of_ever_more_rarely() -> None:
    away = Management("http://127.0.0.1:9", user="user", password="secret", vhost="/")
    with capture_logs() as logs:
        Shovels(away, Logins(), lambda: 0, takes_in=True).run(Impatient(20 * 10))
    levels = [entry["log_level"] for entry in logs]
    assert len(levels) == 10
    assert [number for number, level in enumerate(levels, start=1) if level == "warning"] == [1, 2, 4, 8]
    assert "does not answer: the connection was refused. Is the plugin rabbitmq_management enabled" in logs[0]["reason"]


def test_api_without_the_plugin_for_shovels_is_explained() -> None:
    error = _refusal(400, b"", "shovels/acme?page=1")
    assert str(error).startswith("RabbitMQ refuses shovels/acme. Are the plugins rabbitmq_shovel and")
    assert _refusal(400, b'{"reason":"no"}', "users/a").hint is None
