"""The people of a simulation: they sign with keys of their own and use one node each."""

import json
from collections.abc import Mapping
from typing import Any

from eventchain import event as events
from eventchain.chain import EventChain, Stub
from eventchain.core import base58, canonical_json, strict_json
from eventchain.core.errors import NotFoundError
from eventchain.core.ids import ChainId, nonce_from_text
from eventchain.core.keys import KeyPair
from eventchain.identity import IDENTITY_SCHEMA, SYSTEM_KEY
from eventchain.tip import Tip
from livecontract.invitation_mail import Invitation
from livecontract.invitations import identity_body, read_invitation
from livecontract.node import Node
from livecontract.simulation import Simulation

PROCESS_SCHEMA = "urn:livecontract:process:1"
RESPONSE_SCHEMA = "urn:livecontract:response:1"


class Party:
    """A person and the node of its organisation.

    Attributes:
        name: Of both, and of the identity.
        key: The user key.
    """

    def __init__(self, simulation: Simulation, name: str) -> None:
        self._simulation = simulation
        self.name = name
        self.key = KeyPair.from_seed_phrase(f"{name} user")

    @property
    def node(self) -> Node:
        """The node, while it runs."""
        return self._simulation.nodes[self.name]

    @property
    def identity(self) -> dict[str, Any]:
        """The body of the event that adds this party to a chain."""
        system = KeyPair.from_seed_phrase(f"{self.name} node")
        return {
            "$schema": IDENTITY_SCHEMA,
            "id": self.name,
            "node": f"http://{self.name}",
            "signkeys": {"user": str(self.key.public_key), SYSTEM_KEY: str(system.public_key)},
            "encryptkey": base58.encode(self.key.encrypt_key),
        }

    def sign(self, chain: str, body: Mapping[str, Any], *, tip: Tip | None = None) -> dict[str, Any]:
        """Sign an event at the present end of a chain, or at another place, and return it as a partial chain."""
        after = tip or self._simulation.at(self.name, lambda node: node.eventchain.tip(chain))
        return _signed(after, body, self.key, self._simulation.clock())

    def send(self, document: Mapping[str, Any], *, to: str | None = None, key: KeyPair | None = None) -> EventChain:
        """Post a chain document to a node and return its answer.

        Raises:
            LiveContractError: It was refused, or the node does not answer: sending it again does no harm.
        """
        received = strict_json.parse(json.dumps(document))
        sender = str((key or self.key).public_key)
        return self._simulation.at(to or self.name, lambda node: node.eventchain.add(received, sender))

    def post(self, chain: str, body: Mapping[str, Any]) -> EventChain:
        """Sign an event at the present end of a chain, and post it to the own node."""
        return self.send(self.sign(chain, body))

    def create_chain(self, nonce: str) -> str:
        """Start a chain with the own identity, and return its id."""
        id_ = ChainId.create(self.key.public_key, nonce_from_text(nonce))
        self.send(self.sign(str(id_), self.identity, tip=Tip.empty(id_)))
        return str(id_)

    def start_process(self, chain: str, process: str, scenario: str, actors: Mapping[str, str]) -> EventChain:
        """Start a process; `actors` are identities by the actor they play."""
        bound = {actor: {"identity": identity} for actor, identity in actors.items()}
        return self.post(chain, {"$schema": PROCESS_SCHEMA, "id": process, "scenario": scenario, "actors": bound})

    def respond(self, chain: str, process: str, action: str, data: object = None) -> EventChain:
        """Answer an action of a process."""
        return self.post(chain, response(process, action, data))

    def invite(self, chain: str, name: str, title: str = "A contract") -> None:
        """Let the own node invite somebody by mail, who is then known under this name."""
        request = {"identity": name, "name": name, "email": f"{name}@example.com", "title": title}
        self._simulation.at(self.name, lambda node: node.invitations.invite(chain, self.name, request))

    def read_invitation(self) -> Invitation:
        """Return the newest invitation in the own mailbox.

        Raises:
            NotFoundError: There is none.
        """
        for mail in reversed(self._simulation.world.mails):
            if mail.to == f"{self.name}@example.com":
                return read_invitation(strict_json.parse(mail.attachments[0].data))
        raise NotFoundError(f"no invitation has come for {self.name}")

    def take_invitation(self, invitation: Invitation | None = None) -> str:
        """Replace the one-time key of an invitation by own keys, at the node that invites; return the chain's id."""
        taken = invitation or self.read_invitation()
        host = taken.node.removeprefix("http://")
        tip = self._simulation.at(host, lambda node: node.eventchain.tip(taken.chain))
        body = identity_body(
            taken,
            user=self.key.public_key,
            system=str(KeyPair.from_seed_phrase(f"{self.name} node").public_key),
            encrypt_key=self.key.encrypt_key,
            node=f"http://{self.name}",
        )
        document = _signed(tip, body, taken.key, self._simulation.clock())
        self.send(document, to=host)  # with the new key, which may still ask when the one-time key no longer may
        return taken.chain


def response(process: str, action: str, data: object = None, key: str = "ok") -> dict[str, Any]:
    """Return the body of a response."""
    body = {"$schema": RESPONSE_SCHEMA, "process": process, "action": action, "key": key}
    return body if data is None else {**body, "data": data}


def _signed(tip: Tip, body: Mapping[str, Any], key: KeyPair, now: int) -> dict[str, Any]:
    event = events.sign(previous=tip.hash, key=key, timestamp=now, data=canonical_json.encode(dict(body)))
    return EventChain(tip.chain, (event,), Stub(tip.hash, tip.state) if tip.height else None).to_dict()
