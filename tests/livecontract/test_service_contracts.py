"""A service and its client with the routes between them do the same: one suite for both ends."""

from collections.abc import Iterator

import pytest

import eventchain.routes_internal
import workflow_engine.routes_internal
from eventchain.access import ChainAccess
from eventchain.client import EventChainClient
from livecontract.internal import guard
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


class TestEngineElsewhere(EngineAccessContract):
    @pytest.fixture
    def engine(self, stage: Stage) -> Iterator[EngineAccess]:
        with serving(guard(workflow_engine.routes_internal.create_blueprint(stage.node("buyer").engine))) as http:
            yield EngineClient(http.call)
