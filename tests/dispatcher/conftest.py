"""What tests of the broker in RabbitMQ share."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from tests.contracts.broker import FakeClock
from tests.servers.rabbitmq import NewVhost, Vhost

Connect = Callable[..., RabbitBroker]


@pytest.fixture
def vhost(new_vhost: NewVhost) -> Vhost:
    return new_vhost()


@pytest.fixture
def connect(vhost: Vhost) -> Iterator[Connect]:
    opened: list[RabbitBroker] = []

    def connect(password: str = vhost.password, **options: Any) -> RabbitBroker:
        settings = RabbitSettings(url=vhost.url, password=password)
        opened.append(RabbitBroker(settings, FakeClock(), os.urandom, **options))
        return opened[-1]

    yield connect
    for broker in opened:
        broker.close()
