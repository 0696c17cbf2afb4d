"""Missing events are asked for and answered over RabbitMQ as over HTTP, in every combination of the two."""

import contextlib
from pathlib import Path

import pytest

from eventchain import event as events
from eventchain.chain import EventChain, Stub
from eventchain.core import canonical_json
from eventchain.core.clock import system_clock
from tests.livecontract.running import OWNER, PARTNER, running
from tests.livecontract.test_peering import Party, agree, bindings, note, settings_of, together
from tests.servers.organisations import Organisation, eventually
from tests.servers.rabbitmq import NewVhost

pytestmark = pytest.mark.slow


def add_silently(party: Party, other: Party, chain: str) -> None:
    """Add an event that the party's node does not send on, as if it had died before."""
    service = party.node.node.eventchain
    tip = service.tip(chain)
    event = events.sign(previous=tip.hash, key=party.key, timestamp=system_clock(), data=canonical_json.encode(note(0)))
    part = EventChain(tip.chain, (event,), Stub(tip.hash, tip.state))
    service.add(part.to_dict(), sender=str(other.node.key.public_key))


@pytest.mark.parametrize("kinds", [("rabbitmq", "rabbitmq"), ("rabbitmq", "sqlite"), ("sqlite", "rabbitmq")])
def test_lost_event_is_asked_for_whichever_way_leads_there(
    kinds: tuple[str, str], tmp_path: Path, new_vhost: NewVhost
) -> None:
    with contextlib.ExitStack() as stack:
        first, second = _meet(stack, kinds, tmp_path, new_vhost)
        chain = together(first, second)
        add_silently(first, second, chain)
        assert len(second.hashes(chain)) == len(first.hashes(chain)) - 1
        first.agent.add(chain, note(1))
        assert len(agree(chain, first, second)) == 4
        add_silently(second, first, chain)
        first.node.node.eventchain.asking.ask_all()
        assert len(agree(chain, second, first)) == 5
        for party in (first, second):
            assert party.node.node.parts.broker.dead_letters() == []


def _meet(
    stack: contextlib.ExitStack, kinds: tuple[str, str], directory: Path, new_vhost: NewVhost
) -> tuple[Party, Party]:
    """Run the nodes of two parties that may log in at each other's broker, where they have one."""
    one, other = (Organisation.make(new_vhost) if kind == "rabbitmq" else None for kind in kinds)
    found = []
    for name, key, own, peer in (("one", OWNER, one, other), ("other", PARTNER, other, one)):
        node = stack.enter_context(running(directory / name, **settings_of(own, peer)))
        found.append(Party(name, key, node, own))
    for organisation in (one, other):
        if organisation:
            eventually(lambda organisation=organisation: bindings(organisation))  # type: ignore[misc]  # default of a lambda
    return found[0], found[1]
