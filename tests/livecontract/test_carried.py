"""Logs and traces of a node's services are joined by what their requests carry."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Blueprint, request
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from eventchain.core.clock import system_clock
from eventchain.core.keys import KeyPair
from livecontract import web_server
from livecontract.config import load
from livecontract.observation import Observation, observe
from livecontract.service_http import ServiceHttp
from livecontract.serving import WebServer
from livecontract.stages import Stages
from livecontract.telemetry import Tracing

KEY = KeyPair.from_seed(b"k" * 32)


@pytest.fixture
def seen() -> dict[str, Any]:
    return {}


@pytest.fixture
def url(seen: dict[str, Any]) -> Iterator[str]:
    routes = Blueprint("routes", __name__)

    @routes.post("/internal/thing")
    @web_server.public
    def thing() -> dict[str, Any]:
        seen.update(headers=dict(request.headers), bound=structlog.contextvars.get_contextvars())
        return {}

    about = web_server.About(name="", url="", network="T", system_key="")
    app = web_server.create_app([routes], about=about, authenticate=lambda _: KEY.public_key)
    server = WebServer(app, host="127.0.0.1", port=0, threads=1, max_request_bytes=1000)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def call(url: str, observation: Observation) -> None:
    service = ServiceHttp(url, "tested", KEY, system_clock, os.urandom, observation.carried)
    service.call("/internal/thing", {})


def observation(tracing: Tracing | None = None) -> Observation:
    made = observe(load({}, environment={}, default_file=Path("none.toml")))
    return Observation(metrics=made.metrics, stages=Stages([]), tracing=tracing)


def test_the_id_of_a_request_goes_along_to_the_service_that_is_asked(url: str, seen: dict[str, Any]) -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-1"):
        call(url, observation())
    assert seen["bound"] == {"request_id": "request-1"}


def test_outside_of_a_request_the_service_makes_an_id_of_its_own(url: str, seen: dict[str, Any]) -> None:
    call(url, observation())
    assert "X-Request-Id" not in seen["headers"]
    assert seen["bound"]["request_id"]


def test_a_trace_goes_along_too(url: str, seen: dict[str, Any]) -> None:
    tracing = Tracing(InMemorySpanExporter(), service="web", node="Acme")
    with tracing.handling("events"):
        call(url, observation(tracing))
        expected = tracing.headers()["traceparent"]
    assert seen["headers"]["Traceparent"] == expected
    tracing.close()
