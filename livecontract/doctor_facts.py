"""Collecting what `livecontract.doctor` judges: from a running node over its API, or from its configuration and files.

A node that does not answer is looked at from its files, read only as far as that changes nothing.
"""

import email.utils
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import urllib3
from cryptography import x509

from dispatcher.address import AmqpAddress, is_amqp
from dispatcher.errors import InvalidDestinationError
from eventchain.archive import Archive
from eventchain.core import strict_json
from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import ForbiddenError, InvalidError, LiveContractError, UnavailableError
from eventchain.core.keys import KeyPair
from eventchain.core.unreachable import reason_of
from eventchain.store import sqlite_schema
from eventchain.store.group_commit import translated_errors
from livecontract import bootstrap, key_store
from livecontract.client import NodeClient, part
from livecontract.config import Config
from livecontract.errors import InvalidKeyFileError
from livecontract.examination import look
from livecontract.facts import Aged, Facts, Repair
from livecontract.guarded_transport import Guard
from livecontract.peering import read_logins

TIMEOUT = urllib3.Timeout(connect=3, read=5)
_MAX_ANSWER = 64 * 1024
_POLL_SECONDS = 0.5
_QUIET_SECONDS = 2.0
"""How long nothing may change until nothing more is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined.

    Attributes:
        url: Where the node is reached.
        key: Signs as its operator; None where its key file cannot be used.
        config: Its configuration, where it is at hand.
        key_error: Why its key file cannot be used.
    """

    url: str
    key: KeyPair | None
    config: Config | None = None
    key_error: str | None = None


def of_config(config: Config) -> Patient:
    """Return the node of a configuration; the node's own key is one of its operators."""
    place, key, error = config.key_place, None, None
    try:
        if place.exists():
            key = key_store.load(place, config.passphrase)
        else:
            error = f"there is no key file {place}"
    except InvalidKeyFileError as caught:
        error = str(caught)
    return Patient(url=config.public_url, key=key, config=config, key_error=error)


class Examiner:
    """Collects facts about one node."""

    def __init__(
        self,
        patient: Patient,
        *,
        clock: Clock = system_clock,
        pause: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patient = patient
        self._clock = clock
        self._pause = pause
        self._elapsed = elapsed
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def collect(self) -> Facts:
        """Return what can be learned.

        Raises:
            LiveContractError: The node answers, and does not let this key look.
        """
        patient = self._patient
        facts = Facts(
            now=self._clock(), url=patient.url, key_error=patient.key_error, certificates=self._certificates()
        )
        if patient.config and patient.key:
            facts = replace(facts, expected_key=str(patient.key.public_key))
        try:
            about = self._fetch(f"{patient.url}/")
        except UnavailableError as error:
            return self._from_files(replace(facts, unreachable=error.message))
        facts = replace(
            facts,
            told_key=_text(about.document.get("signkey")),
            clock=about.clock,
            not_ready=self._not_ready(patient.url),
            silent_services=self._services(),
        )
        if patient.key is None:
            return self._public_chain(facts)
        try:
            return self._public_chain(self._from_node(facts))
        except ForbiddenError:
            if facts.expected_key in (None, facts.told_key):
                raise
            return facts  # another node: that is what there is to say

    def repair(self, facts: Facts, seconds: float) -> Facts:
        """Let the node ask all other nodes, wait for what comes, and return the facts with it.

        Args:
            facts: Collected before.
            seconds: How long to wait at most.

        Raises:
            LiveContractError: The node does not do it.
        """
        client = self._client()
        before = client.get("/doctor/chains")["chains"]
        asked = int(client.post("/doctor/asks", {})["asked"])
        end, quiet_since, last = self._elapsed() + seconds, self._elapsed(), None
        while True:
            depths = client.get("/queue")
            busy = {name: depth["waiting"] + depth["leased"] for name, depth in depths.items()}
            now = (client.get("/doctor/chains")["chains"], busy)
            if now != last:
                last, quiet_since = now, self._elapsed()
            is_quiet = self._elapsed() - quiet_since >= _QUIET_SECONDS
            if is_quiet or self._elapsed() >= end:
                break
            self._pause(_POLL_SECONDS)
        grown = tuple(chain for chain, size in now[0].items() if before.get(chain) != size)
        waiting = busy.get("relay", 0)
        return replace(facts, repair=Repair(asked=asked, chains=grown, unanswered=waiting))

    def requeue(self, letters: list[str], discarded: list[str]) -> None:
        """Put dead letters back into their queues, or forget them.

        Raises:
            LiveContractError: There is no such letter, or the node does not let this key do it.
        """
        client = self._client()
        for letter in letters:
            client.post(f"/queue/dead-letters/{part(letter)}/requeue", None)
        for letter in discarded:
            client.delete(f"/queue/dead-letters/{part(letter)}")

    def _client(self) -> NodeClient:
        if self._patient.key is None:
            raise InvalidError(self._patient.key_error or "a key is needed to ask the node")
        return NodeClient(self._patient.url, self._patient.key, clock=self._clock)

    # A running node

    def _from_node(self, facts: Facts) -> Facts:
        """Add what the node tells its operator; what it cannot answer now is named."""
        client, unanswered = self._client(), {}

        def ask(path: str, get: Callable[[str], Any], otherwise: Any) -> Any:
            try:
                return get(path)
            except UnavailableError as error:
                unanswered[path] = error.message
                return otherwise

        told = ask("/doctor", client.get, None)
        facts = replace(
            facts,
            queues=ask("/queue", client.get, None),
            letters=ask("/queue/dead-letters", client.get_all, []),
            unanswered=unanswered,
        )
        return self._with_peers(_told(facts, told), told["peers"]) if told else facts

    def _with_peers(self, facts: Facts, uris: Sequence[str]) -> Facts:
        config = self._patient.config
        guard = Guard(self._patient.url, config.http_allow if config else ())
        clocks: dict[str, int] = {}
        silent: dict[str, str] = {}
        for uri in uris:
            if not uri.startswith(("http://", "https://")):
                continue
            try:
                guard.check(uri)  # parties choose where their nodes are
                answer = self._fetch(f"{uri}/healthz")
            except (UnavailableError, InvalidDestinationError) as error:
                silent[uri] = error.message
            else:
                if answer.clock is not None:
                    clocks[uri] = answer.clock
        return replace(facts, peer_clocks=clocks, silent_peers=silent, no_login=self._without_login(uris))

    def _without_login(self, uris: Sequence[str]) -> list[str]:
        """Return the brokers of other nodes for which the setting `peers` has no login, where it is known."""
        config = self._patient.config
        if config is None or config.service not in ("all", "eventchain", "dispatcher"):
            return []
        logins = read_logins(config)
        missing = []
        for uri in filter(is_amqp, uris):
            with suppress(InvalidDestinationError):  # parties choose what they write there
                if logins.find(AmqpAddress.parse(uri)) is None:
                    missing.append(uri)
        return missing

    def _services(self) -> dict[str, str]:
        """Return why services that run apart do not work; those of a whole node are not asked one by one."""
        config, silent = self._patient.config, {}
        if config is None or (config.service == "all" and config.eventchain is None):
            return {}
        for name in ("eventchain", "workflow", "dispatcher", "anchor"):
            url = getattr(config, name)
            if url is None or url == "embedded":
                continue
            try:
                self._fetch(f"{url}/readyz")
            except UnavailableError as error:
                silent[name] = f"{url} does not answer: {error.message}"
            else:
                if failed := self._not_ready(url):
                    silent[name] = f"its {' and '.join(failed)} failed"
        return silent

    def _not_ready(self, url: str) -> list[str]:
        try:
            checks = self._fetch(f"{url}/readyz").document.get("checks", {})
        except UnavailableError:
            return []
        return [name for name, state in checks.items() if state != "ok"]

    def _public_chain(self, facts: Facts) -> Facts:
        config = self._patient.config
        where = config.anchor if config and config.anchor != "embedded" else self._patient.url
        try:
            last = self._fetch(f"{where}/blocks/headers/last").document.get("timestamp")
            rules = self._fetch(f"{where}/node/parameters").document
        except UnavailableError:
            return facts
        block_time = rules.get("block_time")
        return replace(
            facts,
            last_block=last if isinstance(last, int) else None,
            block_time=int(block_time) if isinstance(block_time, str) and block_time.isdigit() else None,
        )

    # Files alone

    def _from_files(self, facts: Facts) -> Facts:
        config = self._patient.config
        if config is None or not config.data.exists():
            return facts
        return replace(facts, **look_into(config, self._clock))

    def _certificates(self) -> dict[str, int]:
        config = self._patient.config
        files = [file for file in (config.broker_ca, config.broker_certificate) if file] if config else []
        return {str(file): expires for file in files if (expires := expiry(file)) is not None}

    def _fetch(self, url: str) -> "_Answer":
        """Return an open document, whatever its status.

        Raises:
            UnavailableError: There is no sensible answer.
        """
        started = self._clock()
        try:
            response = self._pool.request("GET", url, redirect=False, preload_content=False)
            data = response.read(_MAX_ANSWER)
            response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(reason_of(error)) from None
        try:
            document = strict_json.parse(data)
        except InvalidError:
            document = None
        if not isinstance(document, dict):
            raise UnavailableError(f"it answered {response.status} without a JSON object")
        return _Answer(document, _difference(response.headers.get("Date"), (started + self._clock()) // 2))


@dataclass(frozen=True, slots=True)
class _Answer:
    document: Mapping[str, Any]
    clock: int | None


def look_into(config: Config, clock: Clock) -> dict[str, Any]:
    """Return the facts that the store of a node that does not run tells, as members of `Facts`. Nothing is changed."""
    if config.store == "memory:":
        return {}
    try:
        if config.store.startswith("sqlite:"):
            place = config.data / config.store.removeprefix("sqlite:")
            if not place.exists():
                return {}
            if _is_older(place):
                return {"upgrade": True}
        store = bootstrap.open_store(config, bootstrap.ALL_COLLECTIONS)
        try:
            facts = look(Archive(store), clock(), config.data)
        finally:
            store.close()
    except LiveContractError as error:
        return {"store_error": error.message}
    return _waiting(facts)


def _waiting(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return members of `Facts` from what `livecontract.examination.look` found."""
    return {
        "unanchored": Aged(**told["unanchored"]),
        "pending": Aged(**told["pending"]),
        "early": Aged(**told["early"]),
        "forks": told["forks"],
        "disk_free": told["disk_free"],
    }


def _told(facts: Facts, told: Mapping[str, Any]) -> Facts:
    return replace(facts, **_waiting(told), shovels=told["shovels"])


def _is_older(place: Path) -> bool:
    """Whether a SQLite file would be changed if the node opened it.

    Raises:
        StoreUnavailableError: It cannot be read.
        IncompatibleStoreError: A newer version wrote it.
    """
    with (
        translated_errors(place.name),
        closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)) as file,
    ):
        return bool(sqlite_schema.plan(file, bootstrap.ALL_COLLECTIONS).statements)


def expiry(file: Path) -> int | None:
    """Return when the first certificate in a PEM file that expires does so, in milliseconds since 1970."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return None
    return min(int(certificate.not_valid_after_utc.timestamp() * 1000) for certificate in found)


def _difference(date: str | None, now: int) -> int | None:
    """Return how far a Date header, which has whole seconds, is ahead of a time."""
    try:
        told = email.utils.parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return int(told.timestamp() * 1000) + 500 - now


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
