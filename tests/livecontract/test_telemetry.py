"""Traces: what stands in a span, how traces of several services join, and what happens without the packages."""

import builtins
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dispatcher.message import Message
from eventchain.core.errors import UnavailableError
from livecontract import web_server
from livecontract.config import load
from livecontract.errors import InvalidConfigError
from livecontract.observation import observe
from livecontract.stages import Stages
from livecontract.telemetry import Tracing, open_tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Traced:
    """A web application whose requests are traced, and what came of them."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracing = Tracing(self.exporter, service="all", node="Acme")
        self.stages = Stages([self.tracing])
        self.carried: dict[str, str] = {}
        routes = Blueprint("routes", __name__)
        routes.get("/things/<name>", endpoint="thing")(web_server.public(lambda name: self.view(name)))
        about = web_server.About(name="", url="", network="T", system_key="")
        self.app: Flask = web_server.create_app(
            [routes],
            about=about,
            authenticate=lambda _: None,  # type: ignore[arg-type, return-value]  # nothing here is signed
            observers=[self.tracing],
        )

    def view(self, name: str) -> dict[str, Any]:
        if name == "broken":
            raise RuntimeError("a mistake")
        self.stages.begin()
        self.stages.step("verify", "private-chain")
        self.carried = self.tracing.headers()
        return {}

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracing.close()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Traced:
    return Traced()


def test_a_request_and_the_steps_in_it_are_one_trace(traced: Traced) -> None:
    traced.app.test_client().get("/things/private-name")
    spans = traced.spans()
    request, step = spans["GET /things/<name>"], spans["verify"]
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert step.parent is not None
    assert step.parent.span_id == request.context.span_id
    assert step.end_time is not None
    assert request.start_time is not None
    assert request.start_time <= step.end_time
    for span in spans.values():
        assert "private" not in span.to_json()


def test_a_trace_goes_on_from_service_to_service(traced: Traced) -> None:
    traced.app.test_client().get("/things/x", headers={"traceparent": PARENT})
    span = traced.spans()["GET /things/<name>"]
    assert format(span.context.trace_id, "032x") in PARENT
    assert traced.carried["traceparent"].split("-")[1] in PARENT
    assert traced.carried["traceparent"].split("-")[2] == format(span.context.span_id, "016x")


@pytest.mark.parametrize("parent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 10_000])
def test_a_broken_parent_begins_a_trace_of_its_own(traced: Traced, parent: str) -> None:
    assert traced.app.test_client().get("/things/x", headers={"traceparent": parent}).status_code == 200
    assert traced.spans()["GET /things/<name>"].parent is None


def test_a_mistake_is_seen_and_the_next_request_begins_anew(traced: Traced) -> None:
    client = traced.app.test_client()
    assert client.get("/things/broken").status_code == 500
    assert client.get("/nothing-here").status_code == 404
    assert traced.tracing.headers() == {}
    spans = traced.spans()
    assert not spans["GET /things/<name>"].status.is_ok
    assert spans["GET unknown"].parent is None


def test_messages_that_are_handled_make_a_span_with_their_steps_in_it(traced: Traced) -> None:
    def handler(_messages: Any) -> Any:
        traced.stages.step("verify", "private-chain")
        return [None, UnavailableError("later")]

    messages = [Message(queue="events", id=str(number), group="private-chain", body=b"{}") for number in range(2)]
    traced.stages.watched("events", handler)(messages)
    spans = traced.spans()
    dispatch = spans["dispatch events"]
    assert dispatch.attributes is not None
    assert dict(dispatch.attributes) == {
        "messaging.destination.name": "events",
        "messaging.batch.message_count": 2,
        "livecontract.failed": 1,
    }
    assert spans["verify"].parent == dispatch.context
    assert "private" not in dispatch.to_json()


class _Receiver(BaseHTTPRequestHandler):
    """Takes traces as a collector does."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        document = ExportTraceServiceRequest()
        document.ParseFromString(body)
        self.received.append(document)
        assert self.path == "/v1/traces"
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    _Receiver.received = []
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_arrive_at_a_collector(collector: HTTPServer) -> None:
    tracing = open_tracing(f"http://127.0.0.1:{collector.server_port}", service="web", node="Acme")
    Stages([tracing]).step("verify", "c")
    tracing.close()
    (document,) = _Receiver.received
    (resource,) = document.resource_spans
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert names["service.name"] == "livecontract-web"
    assert names["service.namespace"] == "Acme"
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["verify"]


def without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make every import of OpenTelemetry fail as where it is not installed; return those that were tried."""
    tried: list[str] = []
    real = builtins.__import__

    def guarded(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "opentelemetry":
            tried.append(name)
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", guarded)
    return tried


def settings(**given: Any) -> Any:
    return load(given, environment={}, default_file=Path("none.toml"))


def test_who_asks_for_traces_without_the_packages_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without_opentelemetry(monkeypatch)
    with pytest.raises(InvalidConfigError, match=r"livecontract\[telemetry\]") as caught:
        observe(settings(traces="http://127.0.0.1:1"))
    assert caught.value.path == "traces"


def test_without_the_setting_nothing_of_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = without_opentelemetry(monkeypatch)
    observation = observe(settings())
    observation.stages.step("verify", "c")
    observation.close()
    assert observation.tracing is None
    assert tried == []
