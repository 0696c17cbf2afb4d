"""What a node counts of itself, in the form of Prometheus. Each node has a registry of its own.

No name of a chain, process, party or address is a label: they are private, and there is no end to them. What is asked
of store and queue (depths, ages, forks) is asked when somebody reads the metrics. docs/operations.md lists them all.
"""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import structlog
from flask import Blueprint, Request, Response, request
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

import livecontract
from dispatcher.broker import Broker
from dispatcher.dispatch import Outcome
from dispatcher.shovels import ShovelStatus
from eventchain.archive import CONFLICTS, EARLY, EVENTS
from eventchain.core.clock import Clock
from eventchain.core.errors import ForbiddenError, LiveContractError, UnavailableError
from eventchain.store.document_store import DocumentStore
from livecontract.gates import is_local
from livecontract.web_server import public

STEPS = ("verify", "skip known", "resolve", "apply", "save", "anchor", "trigger", "forward")

COUNTED, EARLY_COUNTED = 1_000, 100
"""How far waiting events and forks, and messages that are kept, are counted: beyond, the figure stays there."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Seconds: a step takes some tens of microseconds, a commit a millisecond."""

_SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_LOG = structlog.get_logger(__name__)

Gauges = Callable[[], Iterable[Metric]]
"""Asks for what is counted only when somebody reads it."""


class Metrics:
    """Counts requests, steps and messages; reads gauges. Observes requests and stages."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self._gauges: list[Gauges] = []
        self._requests = Histogram(
            "livecontract_http_request_duration_seconds",
            "Requests answered, by route; of streams the time until they begin.",
            ("method", "route", "status"),
            buckets=_SLOW,
            registry=registry,
        )
        steps = Histogram(
            "livecontract_event_step_duration_seconds",
            "Steps of events through the node.",
            ("step",),
            buckets=_FAST,
            registry=registry,
        )
        self._steps = {step: steps.labels(step) for step in STEPS}
        self._batches = Histogram(
            "livecontract_queue_handling_duration_seconds",
            "Messages handled together, by queue.",
            ("queue",),
            buckets=_SLOW,
            registry=registry,
        )
        self._outcomes = Counter(
            "livecontract_queue_messages_handled", "Messages by outcome.", ("queue", "outcome"), registry=registry
        )
        Info("livecontract_build", "The version that runs.", registry=registry).info(
            {"version": livecontract.__version__}
        )
        ProcessCollector(namespace="livecontract", registry=registry)
        registry.register(_Collector(self._gauges))

    def add(self, gauges: Gauges) -> None:
        """Ask for these as well whenever the metrics are read."""
        self._gauges.append(gauges)

    def render(self) -> bytes:
        """Return everything as text."""
        return generate_latest(self.registry)

    def started(self, _request: Request) -> None:
        """See `web_server.RequestObserver`."""

    def finished(self, request: Request, status: int, seconds: float) -> None:
        """See `web_server.RequestObserver`."""
        method = request.method if request.method in _METHODS else "other"
        route = str(request.url_rule) if request.url_rule else "unknown"
        self._requests.labels(method, route, str(status)).observe(seconds)

    def step(self, step: str, seconds: float) -> None:
        """See `stages.StageObserver`."""
        if counted := self._steps.get(step):
            counted.observe(seconds)

    def handling(self, _queue: str) -> AbstractContextManager[object]:
        """See `stages.StageObserver`."""
        return nullcontext()

    def handled(self, queue: str, outcomes: Sequence[Outcome], seconds: float) -> None:
        """See `stages.StageObserver`."""
        self._batches.labels(queue).observe(seconds)
        for outcome in outcomes:
            self._outcomes.labels(queue, _name(outcome)).inc()


class _Collector:
    def __init__(self, gauges: Sequence[Gauges]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Ask all gauges; one that cannot be read takes no other with it."""
        for gauges in self._gauges:
            try:
                yield from gauges()
            except LiveContractError as error:
                _LOG.warning("metrics are missing", reason=error.message)


def queue_gauges(broker: Broker, queues: Sequence[str], clock: Clock) -> Gauges:
    """Return how many messages wait, are in hand or dead; and since when the oldest waits, where the broker knows."""
    oldest_due: Callable[[str], int | None] | None = getattr(broker, "oldest_due", None)

    def read() -> Iterator[Metric]:
        messages = GaugeMetricFamily(
            "livecontract_queue_messages", "Messages in a queue, by state.", labels=("queue", "state")
        )
        ages = GaugeMetricFamily(
            "livecontract_queue_oldest_age_seconds",
            "Since when the oldest message could be handled.",
            labels=("queue",),
        )
        for queue in queues:
            depth = broker.depth(queue)
            for state, count in (("waiting", depth.waiting), ("leased", depth.leased), ("dead", depth.dead)):
                messages.add_metric((queue, state), count)
            if oldest_due:
                ages.add_metric((queue,), _age(oldest_due(queue), clock))
        yield messages
        if oldest_due:
            yield ages

    return read


def chain_gauges(store: DocumentStore, clock: Clock) -> Gauges:
    """Return what is still to be done for events that are saved, and the forks."""

    def read() -> Iterator[Metric]:
        for name, field, text in (
            ("effects", "outbox", "to be anchored, triggered or forwarded"),
            ("receipts", "awaiting", "whose anchor receipt is awaited"),
        ):
            waiting = store.find(EVENTS, order_by=field, limit=COUNTED)
            received = [item["received"] for item in waiting if isinstance(item["received"], int)]
            yield GaugeMetricFamily(
                f"livecontract_{name}_awaited", f"Events {text}, counted up to {COUNTED}.", len(waiting)
            )
            yield GaugeMetricFamily(
                f"livecontract_{name}_oldest_age_seconds",
                f"Age of the oldest event {text}.",
                _age(min(received, default=None), clock),
            )
        early = store.find(EARLY, order_by="received", limit=EARLY_COUNTED)
        text = "whose events follow one that is not here"
        yield GaugeMetricFamily(
            "livecontract_early_messages", f"Messages {text}, counted up to {EARLY_COUNTED}.", len(early)
        )
        oldest = early[0]["received"] if early else None
        yield GaugeMetricFamily(
            "livecontract_early_oldest_age_seconds",
            f"Age of the oldest message {text}.",
            _age(oldest if isinstance(oldest, int) else None, clock),
        )
        forks = len(store.find(CONFLICTS, limit=COUNTED))
        yield GaugeMetricFamily("livecontract_forks", f"Branches beside the chains, counted up to {COUNTED}.", forks)

    return read


def gauge(name: str, text: str, read: Callable[[], float]) -> Gauges:
    """Return one figure, such as the height of the public chain."""
    return lambda: [GaugeMetricFamily(f"livecontract_{name}", text, read())]


def shovel_gauges(status: Callable[[], Sequence[ShovelStatus]]) -> Gauges:
    """Return how many shovels to other nodes are in which state, and how much waits for them."""

    def read() -> Iterator[Metric]:
        found = status()
        family = GaugeMetricFamily("livecontract_shovels", "Shovels to other nodes, by state.", labels=("state",))
        for state, count in Counts(item.state for item in found).items():
            family.add_metric((state,), count)
        yield family
        waiting = sum(item.waiting or 0 for item in found)
        yield GaugeMetricFamily("livecontract_shovel_messages", "Messages that wait for a shovel.", waiting)

    return read


def create_blueprint(metrics: Metrics, *, everybody: bool = False) -> Blueprint:
    """Return the route `/metrics`: for this machine alone, or for everybody who reaches it."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics")
    @public
    def read() -> Response:
        """Return the metrics as text."""
        if not everybody and not is_local(request):
            raise ForbiddenError(
                "metrics are for the machine the node runs on", hint="Set metrics_port to read them from elsewhere."
            )
        return Response(metrics.render(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return blueprint


def _age(since: int | None, clock: Clock) -> float:
    return 0.0 if since is None else max(clock() - since, 0) / 1000


def _name(outcome: Outcome) -> str:
    if outcome is None:
        return "done"
    if isinstance(outcome, UnavailableError):
        return "again"
    return "refused" if isinstance(outcome, LiveContractError) else "mistake"
