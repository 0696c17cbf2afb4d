"""A small client of RabbitMQ's management HTTP API, for one virtual host: what a node does with its own broker.

Only what this project uses. The broker is ours, and still an answer is bounded in size and time, redirects are not
followed, and errors come back in our families:

| answer           | error |
|------------------|-------|
| 400              | InvalidError: what was asked for is wrong |
| 401, 403         | ManagementRefusedError: wrong password, or the user lacks a tag |
| 404              | NotFoundError |
| others, network  | ManagementUnavailableError |

Tags of RabbitMQ users: shovels and policies take `policymaker`, their state `monitoring`, accounts `administrator`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import urllib3

from dispatcher.errors import ManagementRefusedError, ManagementUnavailableError
from dispatcher.message import printable
from dispatcher.progress import SAMPLE_SECONDS, SAMPLES, QueueHistory
from eventchain.core import strict_json
from eventchain.core.errors import InvalidError, LiveContractError, NotFoundError
from eventchain.core.unreachable import reason_of

CONNECT_SECONDS = 5
READ_SECONDS = 20

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes; a page of queues is far smaller."""

PAGE = 100
MAX_PAGES = 100

_LOGIN = re.compile(r"//\S*@.*", re.DOTALL)
"""A URL with a password, as RabbitMQ repeats it when a shovel's is wrong, and whatever follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What the broker says of a queue; its counts are some seconds old.

    Attributes:
        name: Of the queue.
        messages: In it, on lease or not; None while it is not counted yet.
        published: How many were ever published to it, as long as the broker remembers.
        is_moving: Whether any was acknowledged within the last seconds.
    """

    name: str
    messages: int | None
    published: int
    is_moving: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShovelFacts:
    """What the broker says of a shovel.

    Attributes:
        state: `running`, `starting` or `terminated`.
        since: When that began, as the broker writes it: to be compared with nothing but itself.
    """

    state: str
    since: str


class Management:
    """Asks the management API about one virtual host. Safe to use from many threads."""

    def __init__(
        self, api: str, *, user: str, password: str, vhost: str, pool: urllib3.PoolManager | None = None
    ) -> None:
        """Make a client; nothing is asked yet.

        Args:
            api: URL of the API, without `/api`.
            user: Of the broker.
            password: Of the user.
            vhost: The virtual host.
            pool: With other certificates than those the system trusts.
        """
        self._api = api.rstrip("/")
        self._headers = urllib3.make_headers(basic_auth=f"{user}:{password}") | {"Accept-Encoding": "identity"}
        self._vhost = quote(vhost, safe="")
        self._pool = pool or urllib3.PoolManager(cert_reqs="CERT_REQUIRED", maxsize=2)
        self.vhost = vhost

    def overview(self) -> Mapping[str, Any]:
        """Return what the broker says of itself, its version among that."""
        return cast("dict[str, Any]", self._ask("GET", "overview"))

    # Shovels

    def shovels(self) -> dict[str, Mapping[str, Any]]:
        """Return the definitions of the dynamic shovels of the virtual host, by name; they hold passwords."""
        found = self._ask("GET", f"parameters/shovel/{self._vhost}")
        return {str(item["name"]): item["value"] for item in found}

    def put_shovel(self, name: str, definition: Mapping[str, Any]) -> None:
        """Make a shovel, or start it again under another definition."""
        self._ask("PUT", f"parameters/shovel/{self._vhost}/{quote(name, safe='')}", {"value": dict(definition)})

    def delete_shovel(self, name: str) -> None:
        """End a shovel. What it holds returns to its queue."""
        self._delete(f"parameters/shovel/{self._vhost}/{quote(name, safe='')}")

    def shovel_states(self) -> dict[str, ShovelFacts]:
        """Return the state of each shovel that the broker knows of."""
        found = self._ask("GET", f"shovels/{self._vhost}")
        return {
            str(item["name"]): ShovelFacts(state=str(item.get("state")), since=str(item.get("timestamp")))
            for item in found
        }

    # Queues, exchanges and policies

    def queues(self, prefix: str) -> Iterator[QueueFacts]:
        """Yield the queues whose names begin so: plain letters, digits and hyphens."""
        query = {"name": f"^{prefix}", "use_regex": "true", "page_size": PAGE}
        for page in range(1, MAX_PAGES + 1):
            found = self._ask("GET", f"queues/{self._vhost}?{urlencode(query | {'page': page})}")
            yield from (_queue_facts(item) for item in found["items"])
            if page >= found["page_count"]:
                return

    def history(self, queue: str) -> QueueHistory:
        """Return how a queue fared lately, as the broker sampled it.

        Raises:
            NotFoundError: There is no such queue.
        """
        reach = {"age": SAMPLE_SECONDS * SAMPLES, "incr": SAMPLE_SECONDS}
        query = {f"{kind}_{name}": value for kind in ("lengths", "msg_rates") for name, value in reach.items()}
        found = self._ask("GET", f"queues/{self._vhost}/{quote(queue, safe='')}?{urlencode(query)}")
        counts = found.get("message_stats", {})
        return QueueHistory(
            messages=_samples(found, "messages"),
            acknowledged=_samples(counts, "ack"),
            delivered=_samples(counts, "deliver"),
        )

    def bind(self, exchange: str, queue: str) -> None:
        """Make a durable exchange that hands every message to a queue, which exists.

        A broker drops a message for which an exchange knows no queue, and confirms it nevertheless. So there is no
        moment in which this exchange knows none: what it falls back on is bound to the queue before it is made.

        Raises:
            NotFoundError: There is no such queue; then there is no such exchange either.
        """
        fallback = f"{exchange}.fallback"
        self._put_exchange(fallback, {})
        self._put_binding(fallback, queue)
        self._put_exchange(exchange, {"alternate-exchange": fallback})
        self._put_binding(exchange, queue)

    def _put_exchange(self, name: str, arguments: Mapping[str, Any]) -> None:
        definition = {"type": "fanout", "durable": True, "arguments": dict(arguments)}
        self._ask("PUT", f"exchanges/{self._vhost}/{quote(name, safe='')}", definition)

    def _put_binding(self, exchange: str, queue: str) -> None:
        source, target = quote(exchange, safe=""), quote(queue, safe="")
        self._ask("POST", f"bindings/{self._vhost}/e/{source}/q/{target}", {"routing_key": "", "arguments": {}})

    def put_policy(self, name: str, pattern: str, definition: Mapping[str, Any]) -> None:
        """Limit the queues whose names fit a pattern."""
        policy = {"pattern": pattern, "definition": dict(definition), "apply-to": "queues", "priority": 1}
        self._ask("PUT", f"policies/{self._vhost}/{quote(name, safe='')}", policy)

    # Accounts

    def users(self) -> list[str]:
        """Return the names of all accounts of the broker."""
        return [str(item["name"]) for item in self._ask("GET", "users")]

    def permissions(self) -> dict[str, tuple[str, str, str]]:
        """Return who may configure, write and read what in the virtual host, by user."""
        found = self._ask("GET", f"vhosts/{self._vhost}/permissions")
        return {str(item["user"]): (item["configure"], item["write"], item["read"]) for item in found}

    def put_user(self, name: str, password: str) -> None:
        """Make an account without tags, or change its password: it may log in to AMQP and nothing else."""
        self._ask("PUT", f"users/{quote(name, safe='')}", {"password": password, "tags": ""})

    def permit(self, name: str, *, configure: str, write: str, read: str) -> None:
        """Let an account into the virtual host; patterns say which resources it may configure, write to and read."""
        permissions = {"configure": configure, "write": write, "read": read}
        self._ask("PUT", f"permissions/{self._vhost}/{quote(name, safe='')}", permissions)

    def limit_user(self, name: str, limit: str, value: int) -> None:
        """Limit an account: `max-connections` or `max-channels`."""
        self._ask("PUT", f"user-limits/{quote(name, safe='')}/{limit}", {"value": value})

    def delete_user(self, name: str) -> None:
        """Forget an account.

        Raises:
            NotFoundError: There is none of this name.
        """
        self._ask("DELETE", f"users/{quote(name, safe='')}")

    def close_connections(self, user: str) -> int:
        """Close the connections of an account, and return how many there were; an account that is gone keeps them."""
        found = self._ask("GET", f"vhosts/{self._vhost}/connections")
        names = [str(item["name"]) for item in found if item.get("user") == user]
        for name in names:
            self._delete(f"connections/{quote(name, safe='')}")
        return len(names)

    def _delete(self, path: str) -> None:
        """Delete what may be gone already."""
        try:
            self._ask("DELETE", path)
        except NotFoundError:
            return

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            response = self._pool.request(
                method,
                f"{self._api}/api/{path}",
                body=None if body is None else json.dumps(body).encode("utf-8"),
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer = _read(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ManagementUnavailableError(
                f"RabbitMQ's management API does not answer: {reason_of(error)}",
                hint="Is the plugin rabbitmq_management enabled, and does broker_api name its address?",
            ) from None
        if not 200 <= response.status < 300:
            raise _refusal(response.status, answer, path)
        return _parse(answer) if answer else None


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        answer = response.read(MAX_ANSWER + 1, decode_content=False)
    except BaseException:
        response.close()
        raise
    if len(answer) > MAX_ANSWER:
        response.close()
        raise ManagementUnavailableError(f"RabbitMQ's management API answers more than {MAX_ANSWER} bytes")
    response.release_conn()
    return answer


def _parse(answer: bytes) -> Any:
    try:
        return strict_json.parse(answer)
    except InvalidError:
        raise ManagementUnavailableError("RabbitMQ's management API answers no JSON") from None


def _refusal(status: int, answer: bytes, path: str) -> LiveContractError:
    try:
        document = strict_json.parse(answer)
    except InvalidError:
        document = None
    said = printable(_LOGIN.sub("//***", str(document.get("reason", "")))) if isinstance(document, dict) else ""
    reason = f": {said}" if said else ""
    if status in (401, 403):
        return ManagementRefusedError(
            f"RabbitMQ's management API refuses the user{reason}",
            hint="Check its password (the node's: broker_password) and tags: policymaker, monitoring. "
            "Accounts of peers take an administrator: --administrator USER --password-file FILE.",
        )
    if status == 404:
        return NotFoundError(f"RabbitMQ knows nothing of that name{reason}")
    if status == 400:
        asked = path.partition("?")[0]
        hint = "Are the plugins rabbitmq_shovel and rabbitmq_shovel_management enabled?" if "shovel" in asked else None
        if "inequivalent arg" in said:
            hint = "It exists with other arguments: delete it, and it is made again."
        return InvalidError(f"RabbitMQ refuses {asked}{reason}", hint=hint)
    return ManagementUnavailableError(f"RabbitMQ's management API answers {status}{reason}")


def _samples(found: Mapping[str, Any], what: str) -> tuple[int, ...]:
    """Return how a count went, the newest first; nothing where the broker did not count it."""
    return tuple(int(item["sample"]) for item in found.get(f"{what}_details", {}).get("samples", ()))


def _queue_facts(item: Mapping[str, Any]) -> QueueFacts:
    messages = item.get("messages")
    counts = item.get("message_stats", {})
    published = counts.get("publish", 0)
    return QueueFacts(
        name=str(item["name"]),
        messages=messages if isinstance(messages, int) else None,
        published=published if isinstance(published, int) else 0,
        is_moving=counts.get("ack_details", {}).get("rate", 0) > 0,
    )
