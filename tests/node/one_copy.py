"""A process for a test to kill: one of several copies of a node's event chain service and engine over one MongoDB.

Every note that was acknowledged is printed, so that the test knows what must not be lost.
"""

import itertools
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from dispatcher.sqlite_broker import SqliteBroker
from eventchain.chain import EventChain, Stub
from eventchain.core import canonical_json
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.event import sign
from eventchain.identity import IDENTITY_SCHEMA
from eventchain.service import EventChainService
from eventchain.store.mongo import MongoStore
from eventchain.tip import Tip
from livecontract.node import COLLECTIONS
from livecontract.plugs import QueuePlug
from tests.node.stage import NOTE, silence
from workflow_engine.engine import OwnEngine
from workflow_engine.service import WorkflowService
from workflow_engine.triggers import Triggers

USER = KeyPair.from_seed_phrase("user")
SYSTEM = KeyPair.from_seed_phrase("system")
CHAINS = 3
LEASE_MS = 1_500


@dataclass
class Copy:
    """One copy of the services."""

    store: MongoStore
    broker: SqliteBroker
    workflow: WorkflowService
    chains: EventChainService

    @classmethod
    def open(cls, url: str, queue: Path) -> "Copy":
        store = MongoStore(url, None, COLLECTIONS)
        broker = SqliteBroker(queue, system_clock)
        workflow = WorkflowService(store, system_clock, Triggers({}))
        chains = EventChainService(
            store=store,
            engine=OwnEngine(workflow, system_clock),
            queue=QueuePlug(broker),
            key=SYSTEM,
            clock=system_clock,
            node_uri="http://node",
            lease_ms=LEASE_MS,
        )
        return cls(store, broker, workflow, chains)

    def close(self) -> None:
        self.broker.close()
        self.store.close()


def chain_id(number: int) -> ChainId:
    return ChainId.create(USER.public_key, nonce_from_text(str(number)))


def found(service: EventChainService) -> None:
    """Start the chains; their one member is the user of this node."""
    for number in range(CHAINS):
        tip = Tip.empty(chain_id(number))
        keys = {"user": str(USER.public_key), "system": str(SYSTEM.public_key)}
        body = {"$schema": IDENTITY_SCHEMA, "id": "user", "node": "http://node", "signkeys": keys}
        event = sign(previous=tip.hash, key=USER, timestamp=system_clock(), data=canonical_json.encode(body))
        service.add(EventChain(tip.chain, (event,), Stub(tip.hash, tip.state)).to_dict())


def main() -> None:
    """Add notes until killed: `python -m tests.node.one_copy URL FOLDER NAME`."""
    url, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with silence(50):
        copy, drawn = Copy.open(url, folder / f"{name}.db"), random.Random(name)
        for number in itertools.count():
            chain, text = drawn.randrange(CHAINS), f"{name}.{number}"
            body = {"$schema": NOTE, "text": text}
            while True:
                try:
                    copy.chains.submit(str(chain_id(chain)), body, text)
                except UnavailableError:
                    copy.chains.resume()
                else:
                    break
            sys.stdout.write(json.dumps([chain, text]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
