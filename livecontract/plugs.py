"""One service plugged into another: each class fits a service to a port another one declares."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dispatcher.broker import Broker
from dispatcher.message import KIND, RELAY, Message
from eventchain import event_json
from eventchain.access import ChainAccess
from eventchain.core.errors import ForbiddenError
from eventchain.core.keys import PublicKey
from eventchain.ports import Outgoing
from livecontract.peering import Peering
from workflow_engine.engine import EngineAccess
from workflow_engine.ports import Answering, Courier, HttpClient, Inviter
from workflow_engine.triggers import Trigger, Triggers
from workflow_engine.triggers.document import document
from workflow_engine.triggers.event import EventTrigger
from workflow_engine.triggers.http import HttpTrigger
from workflow_engine.triggers.identity import IdentityTrigger
from workflow_engine.triggers.invite import InviteTrigger
from workflow_engine.triggers.nop import nop
from workflow_engine.triggers.sequence import SequenceTrigger


def make_triggers(
    http: HttpClient, submitter: "SubmitterPlug", answering: Answering, inviter: Inviter, courier: Courier
) -> Triggers:
    """Return the triggers of a node, those that are steps of a sequence included."""
    invite = InviteTrigger(inviter)
    steps: dict[str, Trigger] = {
        "nop": nop,
        "http": HttpTrigger(http, answering),
        "event": EventTrigger(submitter, courier),
        "invite": invite,
    }
    whole: dict[str, Trigger] = {
        "document": document,
        "sequence": SequenceTrigger(steps),
        "identity": IdentityTrigger(submitter),
        "reinvite": invite.again,
    }
    return Triggers(steps | whole)


class InviterPlug:
    """The invitations of a node, as system actions of kind invite see them; they are made when they are first used."""

    def __init__(self, invitations: Callable[[], Inviter]) -> None:
        self._invitations = invitations

    def invite_once(
        self,
        chain: str,
        inviter: str,
        request: Mapping[str, Any],
        idempotency_key: str,
        doing: tuple[str, str] | None = None,
    ) -> dict[str, Any]:
        """See `workflow_engine.ports.Inviter`."""
        return self._invitations().invite_once(chain, inviter, request, idempotency_key, doing)


class SubmitterPlug:
    """The event chain service, as system actions of kind event see it."""

    def __init__(self, chains: Callable[[], ChainAccess]) -> None:
        self._chains = chains

    def submit(self, chain: str, bodies: Sequence[Mapping[str, Any]], idempotency_key: str) -> list[dict[str, Any]]:
        """See `workflow_engine.ports.Submitter`."""
        chains = self._chains()
        return [
            event_json.to_dict(chains.submit(chain, body, f"{idempotency_key}/{index}"))
            for index, body in enumerate(bodies)
        ]


class PreparerPlug:
    """Event chain and workflow engine, as who prepares events for people to sign sees them.

    The engine is asked from here and not by the event chain: where both run apart, a service that answers never waits
    for the one that asked it.
    """

    def __init__(self, chains: ChainAccess, engine: EngineAccess) -> None:
        self._chains = chains
        self._engine = engine

    def prepare(self, chain: str, body: Mapping[str, Any], key: PublicKey) -> dict[str, Any]:
        """See `workflow_engine.ports.Preparer`."""
        document, entry = self._chains.draft(chain, body, key)
        self._engine.check(entry)
        return document


class QueuePlug:
    """The broker, as the event chain sees it."""

    def __init__(self, broker: Broker, peering: Peering | None = None) -> None:
        """Plug in a broker.

        Args:
            broker: Holds the messages.
            peering: Decides which way messages to other nodes take; None where all are posted.
        """
        self._broker = broker
        self._peering = peering

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """See `eventchain.ports.Queue`."""
        published = [self._message(item) for item in messages]
        self._broker.publish(published)
        if self._peering:
            self._peering.notice({message.queue for message in published})

    def _message(self, item: Outgoing) -> Message:
        if self._peering and item.queue == RELAY:
            return self._peering.outward.message(item.group, item.id, item.kind, item.body)
        headers = {} if item.kind == "chain" else {KIND: item.kind}
        return Message(queue=item.queue, id=item.id, group=item.group, body=item.body, headers=headers)


class DoorPlug:
    """The event chain's door, as queue and mailbox see it; operators are the configured ones and the node itself."""

    def __init__(self, chains: ChainAccess, operators: frozenset[str]) -> None:
        self._chains = chains
        self._operators = operators

    def admit(self, caller: PublicKey, document: Mapping[str, Any]) -> None:
        """See `dispatcher.ports.Doorkeeper`."""
        self._chains.admit(caller, document)

    def hears(self, caller: PublicKey, document: Mapping[str, Any]) -> bool:
        """See `dispatcher.ports.Doorkeeper`."""
        return self._chains.hears(document, str(caller))

    def check_operator(self, caller: PublicKey) -> None:
        """See `dispatcher.ports.Doorkeeper`."""
        if str(caller) not in self._operators:
            raise ForbiddenError(
                "only an operator of this node may do this", hint="See operators in the configuration."
            )
