"""The broker in RabbitMQ keeps the contract of every broker, on a real server."""

import os
from collections.abc import Iterator

import pytest

from dispatcher.broker import Broker
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from eventchain.core.clock import Clock
from tests.contracts.broker import BrokerContract, NewBroker
from tests.servers.rabbitmq import NewVhost

pytestmark = pytest.mark.slow


class TestRabbitBroker(BrokerContract):
    drops_duplicates = False
    uses_our_clock = False
    counts_leases = False

    @pytest.fixture
    def new_broker(self, new_vhost: NewVhost) -> Iterator[NewBroker]:
        vhost = new_vhost()
        opened: list[RabbitBroker] = []

        def new_broker(clock: Clock) -> Broker:
            settings = RabbitSettings(url=vhost.url, password=vhost.password)
            opened.append(RabbitBroker(settings, clock, os.urandom, queues=("events", "relay")))
            return opened[-1]

        yield new_broker
        for broker in opened:
            broker.close()
