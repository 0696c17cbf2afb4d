"""A process for a test to kill: one of several copies of the anchor service, which forges and submits.

It submits one hash for each line that it reads, and prints what was acknowledged: the test knows what must not be lost,
and there is never more of it than the test asked for.
"""

import sys
import threading
from pathlib import Path

from anchor.index import COLLECTIONS
from anchor.parameters import development
from anchor.service import AnchorService
from eventchain.core.clock import system_clock
from eventchain.store.document_store import DocumentStore
from eventchain.store.mongo import MongoStore
from eventchain.store.sqlite import SqliteStore
from tests.anchor.world import ACCOUNT, hash_of

PARAMETERS = development(block_time=150, period=4)


def open_place(place: str) -> DocumentStore:
    """Open the store at a URL or in a file."""
    return MongoStore(place, None, COLLECTIONS) if "://" in place else SqliteStore(Path(place), COLLECTIONS)


def main() -> None:
    """Submit what is asked for until killed: `python -m tests.anchor.one_copy PLACE NAME`."""
    place, name = sys.argv[1:]
    service = AnchorService(open_place(place), ACCOUNT, PARAMETERS, clock=system_clock)
    threading.Thread(target=service.run, args=(threading.Event(),), daemon=True).start()
    for number, _ in enumerate(sys.stdin):
        text = hash_of(f"{name} {number}")
        service.submit([text])
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
