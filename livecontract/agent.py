"""What a person's own software does: keep the key, look at what is to be signed, sign it, and hand it to the node.

A node never holds a person's key (paper section 7.2). An agent trusts no node either: it verifies the chain it is given
before it takes an invitation.
"""

import os
from collections.abc import Mapping
from typing import Any

from eventchain import event as events
from eventchain.chain import EventChain, Stub, read_chain, verify
from eventchain.core import base58, canonical_json
from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import ConflictError, InvalidError
from eventchain.core.ids import NONCE_LENGTH, ChainId
from eventchain.core.keys import KeyPair, Random
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA, ONE_TIME_KEY, SYSTEM_KEY
from livecontract.client import NodeClient, part
from livecontract.invitation_mail import Invitation
from livecontract.invitations import FAILED, identity_body

PROCESS_SCHEMA = "https://specs.livecontracts.io/v0.2.0/process/schema.json#"
RESPONSE_SCHEMA = "https://specs.livecontracts.io/v0.2.0/response/schema.json#"

PATIENCE = 20.0
"""Seconds an agent goes on trying while its node is away; what it sends is known by its hash, so once is enough."""


class Agent:
    """Acts for one person at one node.

    Attributes:
        identity: Id of the person's or organisation's identity.
        key: The person's key.
        client: Signed requests to the person's node.
    """

    def __init__(
        self,
        identity: str,
        key: KeyPair,
        node: str,
        *,
        clock: Clock = system_clock,
        random: Random = os.urandom,
        patience: float = PATIENCE,
    ) -> None:
        """Act at the node with this URL."""
        self.identity = identity
        self.key = key
        self.client = NodeClient(node, key, clock=clock, random=random)
        self._clock = clock
        self._random = random
        self._patience = patience

    def create_chain(self, info: Mapping[str, Any], network: str = "T") -> str:
        """Start a chain with the person's own identity, and return the chain's id.

        Args:
            info: More members of the identity, such as a name.
            network: Letter of the public network.
        """
        chain = ChainId.create(self.key.public_key, self._random(NONCE_LENGTH), network=network)
        about = self.about_node()
        body = {
            **info,
            "$schema": IDENTITY_SCHEMA,
            "id": self.identity,
            "node": about["node"],
            "signkeys": {"user": str(self.key.public_key), SYSTEM_KEY: about["signkey"]},
            "encryptkey": base58.encode(self.key.encrypt_key),
        }
        self._post(self.client, EventChain(chain, (self._sign(chain.initial_hash, body, self.key),)))
        return str(chain)

    def add(self, chain: str, body: Mapping[str, Any]) -> Event:
        """Sign an event with this body at the end of a chain, and add it.

        Raises:
            ConflictError: Somebody else added one in the same moment.
            LiveContractError: It was refused.
        """
        tip = self.tip(chain)
        event = self._sign(tip.hash, body, self.key)
        self._post(self.client, EventChain(ChainId.parse(chain), (event,), tip))
        return event

    def respond(self, chain: str, process: str, action: str, data: Any = None, key: str = "ok") -> Event:
        """Give a response to an action."""
        body = {"$schema": RESPONSE_SCHEMA, "process": process, "action": action, "key": key}
        return self.add(chain, body if data is None else {**body, "data": data})

    def start(self, chain: str, process: str, scenario: str, actors: Mapping[str, Mapping[str, Any]]) -> Event:
        """Start a process: `actors` binds actors of the scenario to identities (`{identity, …}`)."""
        return self.add(chain, {"$schema": PROCESS_SCHEMA, "id": process, "scenario": scenario, "actors": dict(actors)})

    def invite(self, chain: str, *, identity: str, email: str, name: str, title: str) -> dict[str, Any]:
        """Let the node invite somebody by mail; an invitation it knows already is not sent again.

        Raises:
            ConflictError: The identity is on the chain without an invitation of this node.
        """
        request = {"chain": chain, "identity": identity, "email": email, "name": name, "title": title}
        try:
            answer: dict[str, Any] = self.client.post("/invitations", request, wait=self._patience)
        except ConflictError:
            known = self.client.get("/invitations", {"chain": chain}, wait=self._patience)
            found = [item for item in known if item["identity"] == identity and item["state"] != FAILED]
            if not found:
                raise
            answer = found[0]
        return answer

    def take(self, invitation: Invitation, info: Mapping[str, Any]) -> EventChain:
        """Take an invitation: verify the chain at the inviting node, and put own keys in place of the one-time key.

        Args:
            invitation: As received.
            info: More members of the identity, such as a name.

        Returns:
            The chain as the inviting node showed it.

        Raises:
            InvalidError: The chain does not verify, or the invitation is not on it.
        """
        inviting = NodeClient(invitation.node, invitation.key, clock=self._clock, random=self._random)
        chain = read_chain(inviting.get(f"/event-chains/{part(invitation.chain)}", wait=self._patience))
        if str(chain.id) != invitation.chain or chain.is_partial:
            raise InvalidError("the inviting node shows another chain than the invitation names")
        verify(chain)
        if not _invites(chain, invitation):
            raise InvalidError("the chain does not hold this invitation", hint="It may have been taken already.")
        about = self.about_node()
        body = identity_body(
            invitation,
            user=self.key.public_key,
            system=about["signkey"],
            encrypt_key=self.key.encrypt_key,
            node=about["node"],
        )
        event = self._sign(chain.latest_hash, {**info, **body}, invitation.key)
        # Sent with the own key: once the event is added the one-time key opens nothing, and an answer may be lost.
        joining = NodeClient(invitation.node, self.key, clock=self._clock, random=self._random)
        self._post(joining, EventChain(chain.id, (event,), Stub(chain.latest_hash, chain.state)))
        return chain

    def tip(self, chain: str) -> Stub:
        """Return the end of a chain as the node has it.

        Raises:
            InvalidError: The person takes no part in it.
        """
        for summary in self.client.get_all("/event-chains", wait=self._patience):
            if summary["id"] == chain:
                return Stub(base58.decode(summary["latest_hash"]), base58.decode(summary["state"]))
        raise InvalidError("the node has no such chain, or you take no part in it")

    def chain(self, chain: str) -> dict[str, Any]:
        """Return the JSON of a chain as the node has it."""
        document: dict[str, Any] = self.client.get(f"/event-chains/{part(chain)}", wait=self._patience)
        return document

    def receipts(self, chain: str) -> dict[str, Any]:
        """Return the receipts of a chain's events by hash; null for those still awaited."""
        document: dict[str, Any] = self.client.get(f"/event-chains/{part(chain)}/receipts", wait=self._patience)
        return document

    def process(self, process: str) -> dict[str, Any]:
        """Return a process as the node has it."""
        document: dict[str, Any] = self.client.get(f"/processes/{part(process)}", wait=self._patience)
        return document

    def about_node(self) -> Mapping[str, str]:
        """Return what the node says of itself, its node URI and its system key among that."""
        about: Mapping[str, str] = self.client.get("/", wait=self._patience)
        return about

    def _sign(self, previous: bytes, body: Mapping[str, Any], key: KeyPair) -> Event:
        return events.sign(previous=previous, key=key, timestamp=self._clock(), data=canonical_json.encode(dict(body)))

    def _post(self, client: NodeClient, chain: EventChain) -> None:
        client.post("/event-chains", chain.to_dict(), wait=self._patience)


def _invites(chain: EventChain, invitation: Invitation) -> bool:
    """Whether an event of the chain adds the invited identity with the one-time key."""
    key = str(invitation.key.public_key)
    for event in chain.events:
        body = event.body()
        keys = body.get("signkeys")
        if body.get("id") == invitation.identity and isinstance(keys, Mapping) and keys.get(ONE_TIME_KEY) == key:
            return True
    return False
