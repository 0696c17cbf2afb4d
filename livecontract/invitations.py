"""Inviting a party whose keys are not known yet (paper section 6.1).

The inviting node makes a one-time key pair, adds the new identity with that key to the chain, and sends the private
half by e-mail. The invitee replaces the key by its own user and system keys and names its own node; the whole chain is
then forwarded there. An invitation goes through these states, so that a node killed in between goes on where it was:

    requested ──add──► added ──send──► sent
        └─────────────────┴──────────► failed       it can never be done

The private key is kept sealed to the node's own key until the mail is handed over, and then forgotten.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, cast

from nacl.public import PrivateKey, SealedBox
from transitions import Machine

from dispatcher.message import Message
from eventchain.core import base58
from eventchain.core.clock import Clock
from eventchain.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnavailableError
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair, PublicKey, Random
from eventchain.event import Event
from eventchain.identity import IDENTITY_SCHEMA, ONE_TIME_KEY, SYSTEM_KEY
from eventchain.pace import Pace
from eventchain.store.document_store import Collection, Document, DocumentStore, DuplicateError
from livecontract.invitation_mail import SCHEMA, Invitation, invitation_mail
from livecontract.mail import Mailer, validate_address

QUEUE = "invitations"

INVITATIONS = Collection(
    name="invitations",
    fields={
        "id": str,
        "chain": str,
        "identity": str,
        "name": str,
        "email": str,
        "title": str,
        "inviter": str,
        "public_key": str,
        "sealed": bytes,
        "state": str,
        "created": int,
        "process": str,  # with the action: whose doing it is that the keys of an identity are replaced
        "action": str,
    },
    key=("id",),
    indexes=(("chain",), ("state",)),
)

_STATES = ("requested", "added", "sent")
FAILED = "failed"
"""State of an invitation that is refused for good, as when somebody else has got its id on the chain meanwhile."""

WAKE_MS, LONGEST_WAKE_MS = 5_000, 60 * 60 * 1000
"""Milliseconds after which the same invitation is woken again, at first and at most."""

MAX_ON_CHAIN = 256
"""Invitations to one chain that a scenario can make this node send: it came from somebody else."""

_MAX_TEXT = 200


class Chains(Protocol):
    """What inviting needs of the event chain service."""

    def identities(self, chain: str) -> frozenset[str]:
        """Return the ids of all identities of a chain this node keeps."""

    def submit(self, chain: str, body: Mapping[str, Any], submission: str | None = None) -> Event:
        """Add an event signed with the node's system key, once for each submission."""


class LifeCycle:
    """The states of an invitation, one after the other."""

    state: str
    next_state: Callable[[], bool]

    def __init__(self, state: str) -> None:
        machine = Machine(self, states=list(_STATES), initial=state, auto_transitions=False)
        machine.add_ordered_transitions(loop=False)


def read_invitation(document: object) -> Invitation:
    """Read the file that came with an invitation's mail.

    Raises:
        InvalidError: It is something else, or damaged.
    """
    hint = "Use the file attached to the mail, unchanged."
    if not isinstance(document, Mapping) or document.get("$schema") != SCHEMA:
        raise InvalidError("this is not an invitation", hint=hint)
    texts = ("chain", "identity", "node", "inviter", "title")
    for name in texts:
        if not isinstance(document.get(name), str):
            raise InvalidError(f"the invitation lacks {name}", path=f"$.{name}", hint=hint)
    key = document.get("one_time_key")
    if not isinstance(key, Mapping) or not isinstance(key.get("private_key"), str):
        raise InvalidError("the invitation lacks its key", path="$.one_time_key", hint=hint)
    one_time_key = KeyPair.from_private_key(key["private_key"])
    return Invitation(**{name: document[name] for name in texts}, key=one_time_key)


def identity_body(
    invitation: Invitation, *, user: PublicKey, system: str, encrypt_key: bytes, node: str
) -> dict[str, Any]:
    """Return the body of the event by which an invitee takes part: own keys in place of the one-time key.

    Args:
        invitation: As received.
        user: The person's public key.
        system: Public key of the invitee's node, base58.
        encrypt_key: X25519 public key of the person, 32 bytes.
        node: URI of the invitee's node.
    """
    return {
        "$schema": IDENTITY_SCHEMA,
        "id": invitation.identity,
        "node": node,
        "signkeys": {"user": str(user), SYSTEM_KEY: system},
        "encryptkey": base58.encode(encrypt_key),
    }


class Invitations:
    """Invites parties by mail."""

    def __init__(
        self,
        *,
        store: DocumentStore,
        chains: Chains,
        publish: Callable[[Message], None],
        mailer: Mailer,
        key: KeyPair,
        name: str,
        node_uri: str,
        clock: Clock,
        random: Random,
    ) -> None:
        """Plug the service together.

        Args:
            store: Where invitations are kept.
            chains: The event chain service.
            publish: Puts a message into the queue, durably.
            mailer: Sends the mail.
            key: The node's system key.
            name: Of the inviting organisation.
            node_uri: How the invitee reaches this node.
            clock: Milliseconds since 1970.
            random: Where one-time keys come from.
        """
        self._store = store
        self._chains = chains
        self._publish = publish
        self._mailer = mailer
        self._key = key
        self._name = name
        self._node_uri = node_uri
        self._clock = clock
        self._random = random
        self._box = PrivateKey(key.decrypt_key)
        self._woken = Pace(WAKE_MS, LONGEST_WAKE_MS)

    def invite(self, chain: str, inviter: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Take in the wish to invite somebody; the mail is sent soon after.

        Args:
            chain: Where to.
            inviter: Id of the inviting identity.
            request: `identity` (the id the invitee gets), `email`, `name`, and `title` of the contract.

        Returns:
            The invitation as `describe` shows it.

        Raises:
            InvalidError: A member of the request is missing or malformed.
            ConflictError: The chain has an identity with that id already.
        """
        document = self._new(base58.encode(self._random(16)), chain, inviter, request)
        self._store.insert(INVITATIONS, [document])
        self._wake(document)
        return describe(document)

    def invite_once(
        self,
        chain: str,
        inviter: str,
        request: Mapping[str, Any],
        idempotency_key: str,
        doing: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """Invite somebody in a system action; see `workflow_engine.ports.Inviter`.

        The identity is on the chain when the call returns; the mail is sent soon after, here or by the service that
        has the queue.

        Raises:
            ConflictError: See `invite`; or the chain has as many of these invitations as it may have.
            ForbiddenError: The inviting identity may not add others.
            InvalidError: See `invite`.
        """
        id_ = base58.encode(sha256(f"invitation {idempotency_key}".encode())[:16])
        document = self._store.get(INVITATIONS, {"id": id_})
        if document is None:
            if len(self._store.find(INVITATIONS, {"chain": chain}, limit=MAX_ON_CHAIN)) == MAX_ON_CHAIN:
                raise ConflictError(f"this node has sent {MAX_ON_CHAIN} invitations to this chain")
            document = self._new(id_, chain, inviter, request, doing)
            try:
                self._store.insert(INVITATIONS, [document])
            except DuplicateError:  # the same action is run beside this one, and that key counts
                document = self._store.get(INVITATIONS, {"id": id_}) or document
        if document["state"] == FAILED:
            raise ConflictError("this invitation is refused", hint="Invite under another id.")
        if document["state"] == "requested":
            self._bring_on(document, self._add)
        with suppress(UnavailableError):  # a service without a queue: `resume`, at the one that has it, wakes it
            self._wake(document)
        return describe(document)

    def _new(
        self,
        id_: str,
        chain: str,
        inviter: str,
        request: Mapping[str, Any],
        doing: tuple[str, str] | None = None,
    ) -> Document:
        texts = {name: _text(request, name) for name in ("identity", "email", "name", "title")}
        validate_address(texts["email"], path="$.email")
        is_known = texts["identity"] in self._chains.identities(chain)
        if doing and not is_known:
            raise NotFoundError(f"the chain has no identity {texts['identity']} to be invited again")
        if is_known and not doing:
            raise ConflictError(
                f"the chain has an identity {texts['identity']} already", path="$.identity", hint="Choose another id."
            )
        one_time_key = KeyPair.generate(self._random)
        return {
            "id": id_,
            "chain": chain,
            **texts,
            "inviter": inviter,
            "public_key": str(one_time_key.public_key),
            "sealed": SealedBox(self._box.public_key).encrypt(one_time_key.seed),
            "state": "requested",
            "created": self._clock(),
            "process": doing and doing[0],
            "action": doing and doing[1],
        }

    def find(self, chain: str) -> list[dict[str, Any]]:
        """Return the invitations to a chain that this node sent or is sending."""
        return [describe(item) for item in self._store.find(INVITATIONS, {"chain": chain})]

    def resume(self) -> None:
        """Wake the invitations a killed node left on their way.

        Each is woken at growing intervals: its message may well wait in the queue, as while the mail server is away,
        and a queue that keeps every message would fill up with them.
        """
        now = self._clock()
        for state in _STATES[:-1]:
            for document in self._store.find(INVITATIONS, {"state": state}):
                if self._woken.allows(document["id"], now):
                    self._wake(document)

    def handle(self, message: Message) -> None:
        """Bring one invitation all the way; what was done already is not done again.

        Raises:
            LiveContractError: A step failed.
        """
        id_ = message.body.decode("ascii")
        document = self._store.get(INVITATIONS, {"id": id_})
        if document is None:
            raise NotFoundError("there is no such invitation")
        if document["state"] == FAILED:
            return
        cycle = LifeCycle(str(document["state"]))
        steps = {"requested": self._add, "added": self._mail}
        while cycle.state in steps:
            if not self._bring_on({**document, "state": cycle.state}, steps[cycle.state]):
                return  # another copy brought it further, and the key is not to come back
            cycle.next_state()

    def _bring_on(self, document: Document, step: Callable[[Document], None]) -> bool:
        """Do the step of an invitation's state, and write down that it is done; return whether nobody else had."""
        key, before = {"id": document["id"]}, {"state": document["state"]}
        try:
            step(document)
        except (InvalidError, ForbiddenError, ConflictError) as error:
            if isinstance(error, ConflictError) and document["action"] is None:
                raise
            self._store.update(INVITATIONS, key, {"state": FAILED, "sealed": None}, expected=before)
            raise
        cycle = LifeCycle(str(document["state"]))
        cycle.next_state()
        changes: Document = {"state": cycle.state, "sealed": None if cycle.state == "sent" else document["sealed"]}
        return self._store.update(INVITATIONS, key, changes, expected=before)

    def _wake(self, document: Document) -> None:
        id_ = str(document["id"])
        self._publish(Message(queue=QUEUE, id=id_, group=str(document["chain"]), body=id_.encode("ascii")))

    def _add(self, document: Document) -> None:
        body = {
            "$schema": IDENTITY_SCHEMA,
            "id": document["identity"],
            "name": document["name"],
            "node": None,
            "signkeys": {ONE_TIME_KEY: document["public_key"]},
        }
        if document["action"] is not None:
            body |= {"encryptkey": None, "process": document["process"], "action": document["action"]}
        self._chains.submit(str(document["chain"]), body, f"invitation {document['id']!s}")

    def _mail(self, document: Document) -> None:
        seed = SealedBox(self._box).decrypt(cast("bytes", document["sealed"]))
        invitation = Invitation(
            chain=str(document["chain"]),
            identity=str(document["identity"]),
            node=self._node_uri,
            key=KeyPair.from_seed(seed),
            inviter=self._name,
            title=str(document["title"]),
        )
        self._mailer.send(invitation_mail(invitation, str(document["email"])))


def describe(document: Document) -> dict[str, Any]:
    """Return what may be shown of an invitation: everything but its key."""
    shown = ("id", "chain", "identity", "name", "email", "title", "inviter", "state", "created")
    return {name: document[name] for name in shown}


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
        raise InvalidError(f"{name} should be a text of 1 to {_MAX_TEXT} characters", path=f"$.{name}")
    return value
