"""Dynamic shovels: RabbitMQ itself carries the messages of a local queue to another node's broker (paper 22).

```
our queue peer-acme-…  ── shovel peer-acme-…, on-confirm ──►  exchange inbound of their virtual host ─► queue inbound
```

One queue and one shovel for each destination, both named after it. Publishing needs no shovel: messages wait in the
durable queue, and the shovel follows. What should be is computed from three things, of which none is kept here: the
queues there are, the logins this node has, and whether anything was sent lately. So any number of copies may watch.

| queue of a destination | login | then |
|------------------------|-------|------|
| exists, in use         | yes   | a shovel as `definition` says; made again where it differs |
| exists                 | no    | no shovel; messages wait and `status` says `no login` |
| empty and unused a day | yes   | no shovel; the next message brings it back |

A message leaves its queue when the other broker has confirmed it. A destination that is full or away lets messages
wait; a cut connection may deliver some twice. A shovel that says it runs and moves nothing is made anew, see
`dispatcher.progress`. The queue itself is never deleted: RabbitMQ cannot delete a quorum queue on the condition that it
is empty.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog

from dispatcher.address import PEER_PREFIX, Login, Logins
from dispatcher.management import Management, QueueFacts, ShovelFacts
from dispatcher.progress import PATIENCE_SECONDS, QueueHistory, hangs, pause_seconds, unconfirmed_seconds
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, NotFoundError

INBOUND = "inbound"
"""Name of the exchange other nodes publish to, and of the queue behind it."""

PREFETCH = 500
"""Messages a shovel has on their way at once; what it costs is memory of the broker."""

RECONNECT_SECONDS = 2
HEARTBEAT_SECONDS = 10
CONNECT_MS = 10_000

SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian and its images keep the authorities they trust; a login may name another file."""

CHAIN_DEPTH = 3
"""Certificates between the other broker's and an authority's."""

DAY_MS = 24 * 60 * 60 * 1000

WATCH_SECONDS = 5.0
_TICK_SECONDS = 0.25

MAX_INBOUND = 100_000
MAX_INBOUND_BYTES = 1024 * 1024 * 1024
"""Of messages that wait to be taken in; beyond, senders keep theirs."""

MAX_REFUSED = 10_000
MAX_REFUSED_BYTES = 256 * 1024 * 1024
"""Of dead letters, which strangers may cause; beyond, the oldest go."""

NO_LOGIN = "no login"
UNUSED = "unused"
MISSING = "missing"
RUNNING = "running"
UNCONFIRMED = "unconfirmed"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShovelStatus:
    """How messages to one destination fare.

    Attributes:
        queue: The local queue, and the shovel.
        destination: Node URI, where a login names it.
        state: `running`, `unconfirmed` (it runs, messages wait, and the other broker confirms none), `starting` (not
            connected: the broker's log says why), `terminated`, `missing` (about to be made), `unused` (nothing was
            sent lately) or `no login`.
        waiting: Messages in the queue; None while the broker has not counted them yet.
    """

    queue: str
    destination: str | None
    state: str
    waiting: int | None

    @property
    def is_well(self) -> bool:
        """Whether messages go, or none wait."""
        return self.state in (RUNNING, UNUSED)


def definition(login: Login, vhost: str) -> dict[str, Any]:
    """Return the shovel that takes messages to where a login leads.

    The source is the broker itself, without a password. The destination's password stands in the definition, readable
    by the local broker's administrators and policymakers.

    Args:
        login: For the destination.
        vhost: The local virtual host.
    """
    parameters: dict[str, str | int] = {"heartbeat": HEARTBEAT_SECONDS, "connection_timeout": CONNECT_MS}
    if login.address.scheme == "amqps":
        parameters |= {"verify": "verify_peer", "server_name_indication": login.address.host, "depth": CHAIN_DEPTH}
        parameters |= {"cacertfile": SYSTEM_CA, **login.options}
    return {
        "src-protocol": "amqp091",
        "src-uri": f"amqp:///{quote(vhost, safe='')}",
        "src-queue": login.address.queue,
        "src-prefetch-count": PREFETCH,
        "src-delete-after": "never",
        "dest-protocol": "amqp091",
        "dest-uri": login.url(**parameters),
        "dest-exchange": INBOUND,
        "ack-mode": "on-confirm",
        "reconnect-delay": RECONNECT_SECONDS,
    }


class Shovels:
    """Makes, watches, renews and removes the shovels of a node. A worker: one thread calls `step`."""

    name = "shovels"

    def __init__(
        self,
        management: Management,
        logins: Logins,
        clock: Clock,
        *,
        takes_in: bool,
        patience: int = PATIENCE_SECONDS,
    ) -> None:
        """Watch over a broker.

        Args:
            management: Of the node's own broker and virtual host.
            logins: Where this node may publish.
            clock: For how long a destination was unused.
            takes_in: Whether other nodes send to this virtual host, so that the exchange `inbound` is needed.
            patience: Seconds messages may wait without a confirm before a shovel is suspected.
        """
        self._management = management
        self._logins = {login.address.queue: login for login in logins.all()}
        self._definitions = {queue: definition(login, management.vhost) for queue, login in self._logins.items()}
        self._clock = clock
        self._takes_in = takes_in
        self._patience = patience
        self._is_prepared = not takes_in
        self._wake_up = threading.Event()
        self._noticed: set[str] = set()
        self._used: dict[str, tuple[int, int]] = {}
        self._standing: dict[str, tuple[str, int]] = {}
        self._tries: dict[str, int] = {}
        self._states: dict[str, str] = {}

    def notice(self, queue: str) -> None:
        """Be told that a message was published to a queue: a new one gets its shovel at once."""
        if queue not in self._noticed:
            self._noticed.add(queue)
            self._wake_up.set()

    def step(self) -> int:
        """Bring the shovels to what they should be, and return how many were changed.

        Raises:
            ManagementUnavailableError: The broker's API is away.
            ManagementRefusedError: It does not let this node's user do that.
        """
        queues = {item.name: item for item in self._management.queues(PEER_PREFIX)}
        found = {name: item for name, item in self._management.shovels().items() if name.startswith(PEER_PREFIX)}
        wanted = {
            name: self._definitions[name]
            for name, item in queues.items()
            if name in self._definitions and not self._is_unused(item)
        }
        changed = {name: item for name, item in wanted.items() if found.get(name) != item}
        for name, item in changed.items():
            self._put(name, item, is_there=name in found)
            self._standing.pop(name, None)
            self._tries.pop(name, None)
            log.info("shovel renewed" if name in found else "shovel made", shovel=name, to=self._destination(name))
        gone = found.keys() - wanted.keys()
        for name in gone:
            self._management.delete_shovel(name)
            log.info("shovel removed", shovel=name, to=self._destination(name))
        states = self._management.shovel_states()
        histories = self._histories(queues, states)
        hanging = [name for name in wanted if self._hangs(name, states.get(name), histories)]
        for name in hanging:
            self._put(name, wanted[name], is_there=True)
            log.warning("shovel moved nothing, made anew", shovel=name, to=self._destination(name))
        self._tell(self._status(queues, states, histories))
        self._prepare_inbound()  # last: what is wrong with it keeps nothing from leaving
        return len(changed) + len(gone) + len(hanging)

    def _put(self, name: str, item: Mapping[str, Any], *, is_there: bool) -> None:
        """Make a shovel; one that is there is ended first.

        To put the same over it would change nothing, and to put another over one that cannot connect changes
        RabbitMQ's parameter and sometimes not its worker, which goes on trying with the old password (3.10.8, seen in
        its log).
        """
        if is_there:
            self._management.delete_shovel(name)
        self._management.put_shovel(name, item)

    def status(self) -> list[ShovelStatus]:
        """Ask the broker how messages to each destination fare.

        Raises:
            LiveContractError: See `step`.
        """
        queues = {item.name: item for item in self._management.queues(PEER_PREFIX)}
        states = self._management.shovel_states()
        return self._status(queues, states, self._histories(queues, states))

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop` is set: every few seconds, and as soon as a queue comes into use."""
        failures = 0
        while not stop.is_set():
            try:
                self.step()
                failures = 0
            except LiveContractError as error:
                failures += 1
                is_news = failures & (failures - 1) == 0  # the 1st, 2nd, 4th, 8th …: it may last for days
                (log.warning if is_news else log.debug)("shovels are not watched", reason=str(error))
            except Exception:  # a mistake in one round must not end the loop
                failures += 1
                log.exception("unexpected", worker=self.name)
            self._pause(stop, _TICK_SECONDS if not self._is_prepared and not failures else WATCH_SECONDS)

    def _pause(self, stop: threading.Event, seconds: float) -> None:
        for _ in range(int(seconds / _TICK_SECONDS)):
            if stop.wait(_TICK_SECONDS):
                return
            if self._wake_up.is_set():
                self._wake_up.clear()
                return

    def _prepare_inbound(self) -> None:
        """Make the exchange that other nodes publish to, and bound what they may leave here.

        Each time: a queue that somebody deleted comes back without its binding, and RabbitMQ confirms to a shovel what
        an exchange without queues drops.
        """
        if not self._takes_in:
            return
        try:
            self._management.bind(INBOUND, INBOUND)
        except NotFoundError:
            self._is_prepared = False  # the queue is not there yet
            return
        if self._is_prepared:
            return
        self._management.put_policy(
            "livecontract-inbound",
            f"^{INBOUND}$",
            {"max-length": MAX_INBOUND, "max-length-bytes": MAX_INBOUND_BYTES, "overflow": "reject-publish"},
        )
        self._management.put_policy(
            "livecontract-inbound-dead",
            rf"^{INBOUND}\.dead$",
            {"max-length": MAX_REFUSED, "max-length-bytes": MAX_REFUSED_BYTES, "overflow": "drop-head"},
        )
        self._is_prepared = True

    def _is_unused(self, queue: QueueFacts) -> bool:
        """Whether a queue is empty and nothing was published to it for a day, by any process."""
        now = self._clock()
        published, since = self._used.get(queue.name, (queue.published, now))
        if published != queue.published or queue.messages != 0:
            since = now
        self._used[queue.name] = queue.published, since
        return now - since >= DAY_MS

    def _histories(
        self, queues: Mapping[str, QueueFacts], states: Mapping[str, ShovelFacts]
    ) -> dict[str, QueueHistory]:
        """Return how those queues fared lately that hold messages, have a shovel that runs, and do not move now."""
        found = {}
        for name, item in queues.items():
            if name in states and states[name].state == RUNNING and item.messages and not item.is_moving:
                try:
                    found[name] = self._management.history(name)
                except NotFoundError:
                    continue  # deleted meanwhile
        return found

    def _hangs(self, name: str, found: ShovelFacts | None, histories: Mapping[str, QueueHistory]) -> bool:
        """Whether a shovel, made by whatever copy, should be made anew.

        One that runs is judged by the broker's counts, once it has run so long that they are about it. One that does
        not run should get there by itself. RabbitMQ says `starting` of all that cannot connect, also of one that tries
        with a login which was changed since, so only time tells. It starts anew with each asking that says yes, and
        the pauses double.
        """
        mark = found.since if found and found.state == RUNNING else ""
        before, seen = self._standing.get(name, (None, 0))
        if before != mark:
            seen = self._clock()
            self._standing[name] = mark, seen
        stands = self._clock() - seen
        if mark:
            self._tries.pop(name, None)
            return stands >= self._patience * 1000 and name in histories and hangs(histories[name], self._patience)
        tries = self._tries.get(name, 0)
        if stands < pause_seconds(tries, self._patience) * 1000:
            return False
        self._tries[name] = tries + 1
        self._standing[name] = mark, self._clock()
        return True

    def _status(
        self,
        queues: Mapping[str, QueueFacts],
        states: Mapping[str, ShovelFacts],
        histories: Mapping[str, QueueHistory],
    ) -> list[ShovelStatus]:
        result = []
        for name, item in sorted(queues.items()):
            state = NO_LOGIN
            if name in self._logins:
                state = states[name].state if name in states else MISSING if item.messages else UNUSED
                if name in histories and unconfirmed_seconds(histories[name]) >= self._patience:
                    state = UNCONFIRMED
            result.append(
                ShovelStatus(queue=name, destination=self._destination(name), state=state, waiting=item.messages)
            )
        return result

    def _tell(self, status: list[ShovelStatus]) -> None:
        """Log what changed since the last time."""
        for item in status:
            if self._states.get(item.queue) != item.state:
                tell = log.info if item.is_well or item.state in (MISSING, "starting") else log.warning
                tell("shovel", shovel=item.queue, to=item.destination, state=item.state, waiting=item.waiting)
        self._states = {item.queue: item.state for item in status}

    def _destination(self, queue: str) -> str | None:
        login = self._logins.get(queue)
        return login.address.uri if login else None
