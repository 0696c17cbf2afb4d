"""What goes wrong: each fault ends what it began, and says in a word what it was."""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

import pika

from eventchain.core.errors import LiveContractError, UnavailableError
from livecontract.demo.rabbitmq_server import RabbitServer
from tests.chaos.world import World

AWAY_SECONDS = 0.5


class Faults:
    """Brings faults about in a world, drawn under a seed.

    Attributes:
        kills: How many processes were killed.
        happened: What happened, in order.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.kills = 0
        self.happened: list[str] = []
        self._world = world
        self._random = random.Random(seed)
        self._poison = 0

    @property
    def poison(self) -> int:
        """How many messages were sent that nothing can be made of."""
        return self._poison

    def happen(self) -> None:
        """Draw one and bring it about."""
        kinds: Sequence[tuple[Callable[[], None], int]] = [
            (self.kill_node, 8),
            (self.kill_public_chain, 1),
            (self.send_again, 3),
            *([(self.kill_mongodb, 2)] if self._world.servers.mongodb else []),
            *(
                [(self.kill_rabbitmq, 2), (self.cut_connections, 3), (self.fill_queue, 2), (self.send_poison, 2)]
                if self._world.servers.rabbitmq
                else []
            ),
        ]
        (fault,) = self._random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        self.happened.append(fault.__name__)
        fault()

    def kill_node(self) -> None:
        """Kill a node with SIGKILL, wherever it stands; its supervisor starts it again."""
        node = self._random.choice(self._world.organisations).node
        self._kill(node.pid, node.is_running)

    def kill_public_chain(self) -> None:
        """Kill the public chain: anchoring waits, contracts go on."""
        self._kill(self._world.public_chain.pid, self._world.public_chain.is_running)

    def kill_rabbitmq(self) -> None:
        """Kill the broker, and start it again over what it had written."""
        server = self._rabbitmq()
        server.kill()
        self.kills += 1
        time.sleep(self._random.random() * AWAY_SECONDS)
        server.start()

    def kill_mongodb(self) -> None:
        """Kill the database, and start it again over what it had written."""
        server = self._world.servers.mongodb
        assert server is not None
        server.kill()
        self.kills += 1
        time.sleep(self._random.random() * AWAY_SECONDS)
        server.start()

    def cut_connections(self) -> None:
        """Cut every connection to the broker, those of shovels too."""
        server = self._rabbitmq()
        for connection in server.api("GET", "connections"):
            try:
                server.api("DELETE", f"connections/{quote(connection['name'], safe='')}")
            except UnavailableError:
                continue  # it ended by itself

    def fill_queue(self) -> None:
        """Let the queues of one organisation be full for a while: they refuse what comes."""
        server, vhost = self._rabbitmq(), self._random.choice(self._world.organisations).role
        policy = {"pattern": ".*", "definition": {"max-length": 1, "overflow": "reject-publish"}, "priority": 100}
        server.api("PUT", f"policies/{vhost}/full", {**policy, "apply-to": "queues"})
        time.sleep(self._random.random() * 4 * AWAY_SECONDS)
        server.api("DELETE", f"policies/{vhost}/full")

    def send_poison(self) -> None:
        """Publish to the inbound queue of an organisation, by an account that may, what no node can read."""
        sender, receiver = self._random.sample(self._world.organisations, 2)
        login = next(
            login
            for login in self._world.servers.settings(sender.role, [item.role for item in self._world.organisations])[
                "peers"
            ].split(",")
            if login.endswith(f"/{receiver.role}")
        )
        body = self._random.choice([b"", b"{", b'{"id": 1}', os.urandom(200), b"[" * 5000])
        try:
            with pika.BlockingConnection(pika.URLParameters(login)) as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                channel.basic_publish("inbound", "", body, mandatory=True)
        except pika.exceptions.AMQPError:
            return  # the queue is full or the broker away: then there is none
        self._poison += 1

    def send_again(self) -> None:
        """Send an old event again, to any organisation's node."""
        contract = self._random.choice(self._world.contracts)
        event = self._random.choice(contract.acknowledged)
        try:
            contract.owner.client.post("/queue", contract.part(event))
        except LiveContractError:
            return  # that node is away: somebody's second try is allowed to fail

    def _kill(self, pid: int, is_running: bool) -> None:
        if is_running:
            os.kill(pid, signal.SIGKILL)
            self.kills += 1

    def _rabbitmq(self) -> RabbitServer:
        server = self._world.servers.rabbitmq
        assert server is not None
        return server
