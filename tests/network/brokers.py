"""A RabbitMQ in a namespace: the node uses it over loopback, the other organisation's broker over the link."""

import time
from pathlib import Path
from typing import Any

from dispatcher.shovels import INBOUND
from eventchain.core.errors import UnavailableError
from livecontract.demo.rabbitmq_server import RabbitServer
from livecontract.peer_accounts import RIGHTS
from tests.network.namespaces import Namespace
from tests.servers import rabbitmq

PORT = 5672
VHOST = "contracts"
NODE = "node"
PEER = "peer"
PATIENCE = 60.0
_PASSWORDS = {NODE: "of-the-node", PEER: "of-the-peer"}


class Broker:
    """A broker with an account for its node, and one for the other organisation's, which may publish and no more."""

    def __init__(self, space: Namespace, address: str, folder: Path) -> None:
        """Start it."""
        self._space = space
        self._address = address
        with space.inside():
            self._server = RabbitServer(folder)
            with (folder / "rabbitmq.conf").open("a") as file:
                file.write(f"listeners.tcp.2 = {address}:{PORT}\n")
            self._server.start()
            self._server.add_vhost(VHOST)
            self._server.add_user(NODE, _PASSWORDS[NODE], "administrator")
            self._server.permit(VHOST, NODE)
            self._server.add_user(PEER, _PASSWORDS[PEER])
            configure, write, read = RIGHTS
            self._server.permit(VHOST, PEER, configure=configure, write=write, read=read)

    @property
    def login(self) -> str:
        """How the other organisation logs in here."""
        return f"amqp://{PEER}:{_PASSWORDS[PEER]}@{self._address}:{PORT}/{VHOST}"

    def settings(self, other: "Broker") -> dict[str, str]:
        """Return the settings of the node that this broker belongs to."""
        return {
            "broker": self._server.url(VHOST, NODE),
            "broker_password": _PASSWORDS[NODE],
            "broker_api": self._server.api_url,
            "node_uri": f"amqp://{self._address}:{PORT}/{VHOST}",
            "peers": other.login,
        }

    def wait_until_open(self) -> None:
        """Wait until the node has made what others publish to.

        A shovel of RabbitMQ 3.10 that is told there is no such exchange stays as it is, with what it has taken.
        """
        end = time.monotonic() + PATIENCE
        while not self._bindings():
            assert time.monotonic() < end, "the node does not take in what others send"
            time.sleep(0.1)

    def _bindings(self) -> Any:
        with self._space.inside():
            try:
                return self._server.api("GET", f"exchanges/{VHOST}/{INBOUND}/bindings/source")
            except UnavailableError:  # there is none yet
                return None

    def stop(self) -> None:
        """End it; what it holds is not needed any more."""
        self._server.kill()
        self._server.stop()


def require() -> None:
    """End a test, with the reason, where there is no RabbitMQ."""
    rabbitmq.install()
