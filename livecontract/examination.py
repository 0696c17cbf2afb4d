"""What a node tells its operator of itself, and does for it: the node's part of `livecontract doctor`.

```
GET  /doctor         {"time", "unanchored", "pending", "early", "forks", "peers", "disk_free", "shovels"}
POST /doctor/asks    asks every other node about every chain → {"asked"}
GET  /doctor/chains  {"chains": {id: [events, branches]}}
```

`unanchored`, `pending` and `early` are `{"count", "oldest"}`: counts are of what was looked at, `AT_ONCE` at most;
`early` are messages whose events follow one that is not here, `EARLY_AT_ONCE` at most.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, g

from eventchain.archive import Archive
from eventchain.asking import Asking
from eventchain.core.clock import Clock
from eventchain.core.errors import LiveContractError, UnauthenticatedError
from eventchain.core.ids import ChainId
from eventchain.core.keys import PublicKey
from eventchain.store.document_store import Document

AT_ONCE = 1_000
EARLY_AT_ONCE = 100
"""Events looked at for each question."""

SETTLING = 60_000
"""Milliseconds an event may be here before it counts as waiting."""

ShovelStates = Callable[[], Mapping[str, str]]
"""Returns `running`, or what it is instead, by destination."""


class Examination:
    """Looks at what a node keeps."""

    def __init__(
        self,
        *,
        archive: Archive,
        asking: Asking,
        system_key: str,
        clock: Clock,
        data: Path | None = None,
        shovels: ShovelStates | None = None,
    ) -> None:
        """Look at a node.

        Args:
            archive: Its events.
            asking: Asks other nodes.
            system_key: Its public key, base58.
            clock: Milliseconds since 1970.
            data: Its data directory, if it has one.
            shovels: The states of its shovels, if it has any.
        """
        self._archive = archive
        self._asking = asking
        self._system_key = system_key
        self._clock = clock
        self._data = data
        self._shovels = shovels

    def facts(self) -> dict[str, Any]:
        """Return what `GET /doctor` answers."""
        return {
            **look(self._archive, self._clock(), self._data),
            "peers": self._asking.peers(),
            "shovels": self._shovel_states(),
        }

    def _shovel_states(self) -> dict[str, str]:
        """Return the states of the shovels, or why they cannot be asked for."""
        try:
            return dict(self._shovels()) if self._shovels else {}
        except LiveContractError as error:
            return {"other brokers": error.message}

    def ask(self) -> int:
        """Ask every other node about every chain; return how many asks that were.

        Raises:
            UnavailableError: The queue cannot take them.
        """
        return len(self._asking.ask_all())

    def chains(self) -> dict[str, list[int]]:
        """Return for each chain how many events, and how many branches, there are."""
        return {
            chain: [self._archive.height(chain), len(self._archive.conflicts(ChainId.parse(chain)))]
            for chain in self._archive.chains_of(self._system_key)
        }


def look(archive: Archive, now: int, data: Path | None) -> dict[str, Any]:
    """Return what store and disk alone tell, as members of what `GET /doctor` answers."""
    return {
        "time": now,
        "unanchored": _aged(archive.awaiting(AT_ONCE), now),
        "pending": _aged(archive.pending(AT_ONCE), now),
        "early": _aged(archive.early(EARLY_AT_ONCE), now),
        "forks": archive.forked(),
        "disk_free": shutil.disk_usage(data).free if data and data.exists() else None,
    }


def create_blueprint(examination: Examination, check_operator: Callable[[PublicKey], None]) -> Blueprint:
    """Return the routes `/doctor`, for operators."""
    blueprint = Blueprint("doctor", __name__, url_prefix="/doctor")

    @blueprint.before_request
    def check() -> None:
        caller = g.get("caller")
        if not isinstance(caller, PublicKey):
            raise UnauthenticatedError("the request is not signed")
        check_operator(caller)

    @blueprint.get("")
    def facts() -> dict[str, Any]:
        """Return what waits, and for how long."""
        return examination.facts()

    @blueprint.post("/asks")
    def ask() -> tuple[dict[str, Any], int]:
        """Ask every other node for events that are missing here."""
        return {"asked": examination.ask()}, 202

    @blueprint.get("/chains")
    def chains() -> dict[str, Any]:
        """Return how long each chain is."""
        return {"chains": examination.chains()}

    return blueprint


def _aged(documents: Sequence[Document], now: int) -> dict[str, int | None]:
    times = [received for item in documents if isinstance(received := item["received"], int)]
    waiting = [received for received in times if now - received > SETTLING]
    return {"count": len(waiting), "oldest": min(waiting, default=None)}
