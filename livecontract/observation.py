"""What watches a process of a node: metrics always, traces where they are configured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from flask import Request

from eventchain.core.errors import UnauthenticatedError
from eventchain.core.keys import PublicKey
from livecontract import metrics
from livecontract.config import Config
from livecontract.metrics import Metrics
from livecontract.serving import WebServer
from livecontract.stages import StageObserver, Stages
from livecontract.telemetry import Tracing, open_tracing
from livecontract.web_server import About, RequestObserver, create_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the services and the web server of a process tell of themselves.

    Attributes:
        metrics: Counts.
        stages: Is told of the steps of events.
        tracing: Sends traces, or None.
    """

    metrics: Metrics
    stages: Stages
    tracing: Tracing | None

    @property
    def of_requests(self) -> Sequence[RequestObserver]:
        """What is told of every request; the first step of what it brings begins with it."""
        traced = [self.tracing] if self.tracing else []
        return [_Beginning(self.stages), self.metrics, *traced]

    def carried(self) -> Mapping[str, str]:
        """Return the headers by which another service's logs and traces are joined to those of the present request."""
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        named = {"X-Request-Id": str(request_id)} if request_id else {}
        return named | (self.tracing.headers() if self.tracing else {})

    def close(self) -> None:
        """Send what waits to be sent."""
        if self.tracing:
            self.tracing.close()


def observe(config: Config) -> Observation:
    """Return what watches a process with this configuration.

    Raises:
        InvalidConfigError: Traces are configured, and what sends them is not installed.
    """
    counted = Metrics()
    tracing = open_tracing(config.traces, service=config.service, node=config.name) if config.traces else None
    observers: list[StageObserver] = [counted, tracing] if tracing else [counted]
    return Observation(metrics=counted, stages=Stages(observers), tracing=tracing)


def open_metrics_server(config: Config, counted: Metrics) -> WebServer | None:
    """Return what serves the metrics on a port of their own, if one is configured; nothing else is answered there.

    Raises:
        OSError: The port is in use.
    """
    if not config.metrics_port:
        return None
    app = create_app(
        [metrics.create_blueprint(counted, everybody=True)],
        about=About(name=config.name, url=config.public_url, network=config.network, system_key=""),
        authenticate=_refuse,
    )
    return WebServer(app, host=config.host, port=config.metrics_port, threads=1, max_request_bytes=1024)


def _refuse(_request: Request) -> PublicKey:
    raise UnauthenticatedError("there is nothing for signed requests here")


class _Beginning:
    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def started(self, _request: Request) -> None:
        """See `web_server.RequestObserver`."""
        self._stages.begin()

    def finished(self, _request: Request, _status: int, _seconds: float) -> None:
        """See `web_server.RequestObserver`."""
