"""Metrics: every stage of an event's way is counted, nothing private is a label, and not everybody may read them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from dispatcher.broker import Broker, MemoryBroker
from dispatcher.message import Message
from dispatcher.shovels import ShovelStatus
from dispatcher.sqlite_broker import SqliteBroker
from eventchain.archive import CONFLICTS, EARLY, EVENTS
from eventchain.core.errors import InvalidError, UnavailableError
from eventchain.store.memory import MemoryStore
from livecontract import metrics as metrics_module
from livecontract import web_server
from livecontract.free_ports import free_port
from livecontract.metrics import STEPS, Metrics, chain_gauges, gauge, queue_gauges, shovel_gauges
from livecontract.stages import Stages
from tests.livecontract.running import Caller, World, running

NOW = 1_700_000_000_000


def clock() -> int:
    return NOW


def figures(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return figures(metrics).get((f"livecontract_{name}", frozenset(labels.items())))


def app_with(metrics: Metrics, *, everybody: bool = False) -> Flask:
    about = web_server.About(name="", url="", network="T", system_key="")
    return web_server.create_app(
        [metrics_module.create_blueprint(metrics, everybody=everybody)],
        about=about,
        authenticate=lambda _: None,  # type: ignore[arg-type, return-value]  # nothing here is signed
        observers=[metrics],
    )


def test_every_step_of_an_event_is_counted_with_its_time() -> None:
    metrics = Metrics()
    stages = Stages([metrics])
    stages.begin()
    for step in STEPS:
        stages.step(step, "chain-1")
    stages.step("unheard of", "chain-1")
    for step in STEPS:
        assert figure(metrics, "event_step_duration_seconds_count", step=step) == 1
    assert "chain-1" not in metrics.render().decode()
    assert "unheard" not in metrics.render().decode()


def test_messages_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    outcomes = [None, UnavailableError("x"), InvalidError("x"), RuntimeError("x"), None]
    handler = Stages([metrics]).watched("events", lambda _messages: outcomes)
    assert handler([]) == outcomes
    for outcome, count in (("done", 2), ("again", 1), ("refused", 1), ("mistake", 1)):
        assert figure(metrics, "queue_messages_handled_total", queue="events", outcome=outcome) == count
    assert figure(metrics, "queue_handling_duration_seconds_count", queue="events") == 1


def test_a_handler_that_raises_is_not_changed_by_being_watched() -> None:
    def raises(_messages: Any) -> Any:
        raise UnavailableError("away")

    with pytest.raises(UnavailableError, match="away"):
        Stages([Metrics()]).watched("events", raises)([])


def test_requests_are_counted_by_route_and_status_and_by_nothing_that_senders_choose() -> None:
    metrics = Metrics()
    client = app_with(metrics).test_client()
    client.get("/healthz")
    client.get("/secret-path-of-somebody")
    client.open("/healthz", method="BREW-secret")
    name = "http_request_duration_seconds_count"
    assert figure(metrics, name, method="GET", route="/healthz", status="200") == 1
    assert figure(metrics, name, method="GET", route="unknown", status="404") == 1
    assert "secret" not in metrics.render().decode().lower()


@pytest.mark.parametrize("make", [lambda path: MemoryBroker(clock), lambda path: SqliteBroker(path / "q.db", clock)])
def test_queues_show_their_depths_and_the_age_of_the_oldest_message(
    make: Callable[[Path], Broker], tmp_path: Path
) -> None:
    broker = make(tmp_path)
    later = NOW + 5_000
    metrics = Metrics()
    metrics.add(queue_gauges(broker, ["events", "relay"], lambda: later))
    broker.publish([Message(queue="events", id=str(number), group=str(number), body=b"{}") for number in range(4)])
    assert figure(metrics, "queue_oldest_age_seconds", queue="events") == 5
    first, second = broker.receive("events", 2)
    broker.reject(first, "never")
    depths = {state: figure(metrics, "queue_messages", queue="events", state=state) for state in ("waiting", "leased")}
    assert depths == {"waiting": 2, "leased": 1}
    assert figure(metrics, "queue_messages", queue="events", state="dead") == 1
    assert figure(metrics, "queue_messages", queue="relay", state="waiting") == 0
    assert figure(metrics, "queue_oldest_age_seconds", queue="relay") == 0
    broker.ack([second])
    for delivery in broker.receive("events", 10):
        broker.retry(delivery, "later", 60_000)
    assert figure(metrics, "queue_oldest_age_seconds", queue="events") == 0
    broker.close()


def test_lag_is_the_age_of_what_is_not_done() -> None:
    store = MemoryStore([EVENTS, CONFLICTS, EARLY])
    metrics = Metrics()
    metrics.add(chain_gauges(store, clock))
    assert figure(metrics, "effects_oldest_age_seconds") == 0
    assert figure(metrics, "forks") == 0
    for number, (outbox, awaiting) in enumerate([(None, None), (1, NOW - 9_000), (None, NOW - 1_000)]):
        document = dict.fromkeys(EVENTS.fields) | {
            "chain": "c",
            "hash": str(number),
            "position": number,
            "received": NOW - (3 - number) * 10_000,
            "outbox": outbox,
            "awaiting": awaiting,
        }
        store.insert(EVENTS, [document])
    store.insert(CONFLICTS, [dict.fromkeys(CONFLICTS.fields) | {"chain": "c", "root": "r"}])
    assert figure(metrics, "effects_awaited") == 1
    assert figure(metrics, "effects_oldest_age_seconds") == 20
    assert figure(metrics, "receipts_awaited") == 2
    assert figure(metrics, "receipts_oldest_age_seconds") == 20
    assert figure(metrics, "forks") == 1


def test_messages_that_came_early_are_counted() -> None:
    store, metrics = MemoryStore([EVENTS, CONFLICTS, EARLY]), Metrics()
    metrics.add(chain_gauges(store, clock))
    assert figure(metrics, "early_messages") == figure(metrics, "early_oldest_age_seconds") == 0
    for number in range(2):
        key = {"chain": "c", "sender": "s", "hash": str(number)}
        store.insert(EARLY, [dict.fromkeys(EARLY.fields) | key | {"received": NOW - 7_000 + number}])
    assert figure(metrics, "early_messages") == 2
    assert figure(metrics, "early_oldest_age_seconds") == 7


def test_what_cannot_be_asked_takes_nothing_else_with_it() -> None:
    metrics = Metrics()

    def away() -> Any:
        raise UnavailableError("the store is away")

    metrics.add(away)
    metrics.add(gauge("public_chain_height", "Height.", lambda: 12))
    assert figure(metrics, "public_chain_height") == 12


def test_shovels_are_counted_by_state_and_what_waits_for_them_together() -> None:
    metrics = Metrics()
    states = [("running", 2), ("running", None), ("terminated", 5)]
    found = [ShovelStatus(queue="q", destination="amqps://b", state=state, waiting=count) for state, count in states]
    metrics.add(shovel_gauges(lambda: found))
    assert figure(metrics, "shovels", state="running") == 2
    assert figure(metrics, "shovels", state="terminated") == 1
    assert figure(metrics, "shovel_messages") == 7
    assert "amqps" not in metrics.render().decode()


def test_two_nodes_in_one_process_count_each_for_itself() -> None:
    one, two = Metrics(), Metrics()
    Stages([one]).step("verify", "c")
    assert figure(one, "event_step_duration_seconds_count", step="verify") == 1
    assert figure(two, "event_step_duration_seconds_count", step="verify") == 0


@pytest.mark.parametrize(
    ("address", "headers", "everybody", "status"),
    [
        ("127.0.0.1", {}, False, 200),
        ("::1", {}, False, 200),
        ("10.0.0.1", {}, False, 403),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, False, 403),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}, False, 403),
        ("10.0.0.1", {}, True, 200),
    ],
)
def test_metrics_are_for_this_machine_unless_they_have_a_port_of_their_own(
    address: str, headers: dict[str, str], everybody: bool, status: int
) -> None:
    client = app_with(Metrics(), everybody=everybody).test_client()
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status


OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def documented() -> set[str]:
    return set(re.findall(r"`(livecontract_[a-z_]+)`", OPERATIONS.read_text("utf-8")))


@pytest.mark.slow
def test_a_running_node_shows_what_the_operations_guide_lists(tmp_path: Path) -> None:
    with running(tmp_path, block_time_ms=200, metrics_port=0) as node:
        world = World(node)
        found = world.caller().get("/metrics")
        assert found.status == 200
        families = {family.name: family for family in text_string_to_metric_families(found.data.decode())}
        assert documented() - families.keys() - {"livecontract_shovels", "livecontract_shovel_messages"} == set()
        own = {name for name in families if not re.search("^livecontract_process_|_created$", name)}
        assert own - documented() == set()
        steps = {
            sample.labels["step"]: sample.value
            for sample in families["livecontract_event_step_duration_seconds"].samples
            if sample.name.endswith("_count")
        }
        assert set(steps) == set(STEPS)
        assert all(steps.values())
        for private in (world.chain, str(node.key.public_key), "owner"):
            assert private not in found.data.decode()


@pytest.mark.slow
def test_metrics_have_a_port_of_their_own_where_one_is_given(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    with running(tmp_path, metrics_port=port) as node:
        own = Caller(f"http://127.0.0.1:{port}")
        answer = own.get("/metrics")
        assert answer.status == 200
        assert b"livecontract_event_step_duration_seconds" in answer.data
        assert own.get("/event-chains").status == 404
        assert Caller(node.url).get("/metrics").status == 200
