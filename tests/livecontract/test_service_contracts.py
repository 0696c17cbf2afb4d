"""A service and its client with the routes between them do the same: one suite for both ends."""

from collections.abc import Iterator
from typing import Any

import pytest

import eventchain.routes_internal
import workflow_engine.routes_internal
from eventchain.access import ChainAccess
from eventchain.chain import EventChain, Stub
from eventchain.client import EventChainClient
from eventchain.core import base58
from eventchain.core.canonical_json import encode
from eventchain.event import sign
from eventchain.intake import Parcel
from eventchain.service import EventChainService
from livecontract.internal import guard
from livecontract.plugs import QueuePlug
from livecontract.simulation import Simulation
from tests.contracts.chain_access import ChainAccessContract
from tests.contracts.engine_access import EngineAccessContract
from tests.livecontract.apart import serving
from tests.node.stage import Stage, silence
from workflow_engine.client import EngineClient
from workflow_engine.engine import EngineAccess


@pytest.fixture
def stage() -> Iterator[Stage]:
    with silence():
        yield Stage.of(Simulation(1, names=("buyer", "seller"))).found().start_quotation()


class TestOwnChains(ChainAccessContract):
    @pytest.fixture
    def chains(self, stage: Stage) -> ChainAccess:
        return stage.node("buyer").chains


class TestChainsElsewhere(ChainAccessContract):
    @pytest.fixture
    def chains(self, stage: Stage) -> Iterator[ChainAccess]:
        with serving(guard(eventchain.routes_internal.create_blueprint(stage.node("buyer").chains))) as http:
            yield EventChainClient(http.call)


class TestOwnEngine(EngineAccessContract):
    @pytest.fixture
    def engine(self, stage: Stage) -> EngineAccess:
        return stage.node("buyer").engine


def test_entries_that_are_told_ahead_cross_in_one_request(stage: Stage) -> None:
    paths: list[str] = []
    seller = stage["seller"]
    with serving(guard(workflow_engine.routes_internal.create_blueprint(stage.node("buyer").engine))) as http:

        def call(path: str, document: Any) -> Any:
            paths.append(path)
            return http.call(path, document)

        parts = stage.node("buyer").parts
        service = EventChainService(
            store=parts.store,
            engine=EngineClient(call),
            queue=QueuePlug(parts.broker),
            key=parts.key,
            clock=parts.clock,
        )
        tip, documents = stage.canonical("buyer"), []
        for _ in range(5):
            event = sign(previous=tip.latest_hash, key=seller.key, timestamp=parts.clock(), data=encode(stage.note()))
            documents.append(EventChain(tip.id, (event,), Stub(tip.latest_hash, None)))
            tip = EventChain(tip.id, (*tip.events, event))
        late = sign(previous=tip.latest_hash, key=seller.key, timestamp=parts.clock() + 10**9, data=b"{}")
        documents.append(EventChain(tip.id, (late,), Stub(tip.latest_hash, None)))
        outcomes = service.add_all([Parcel(item.to_dict(), str(seller.key.public_key)) for item in documents])
    assert [outcome and outcome.code for outcome in outcomes] == [None] * 5 + ["FutureEvent"]
    assert paths.count("/internal/engine/apply") == 1
    assert "/internal/engine/head" not in paths
    assert stage.projection("buyer")["head"] == base58.encode(tip.latest_hash)
    assert stage.canonical("buyer").latest_hash == tip.latest_hash


class TestEngineElsewhere(EngineAccessContract):
    @pytest.fixture
    def engine(self, stage: Stage) -> Iterator[EngineAccess]:
        with serving(guard(workflow_engine.routes_internal.create_blueprint(stage.node("buyer").engine))) as http:
            yield EngineClient(http.call)
