"""A node tells another chain what happened on one (paper section 13.1), and no scenario makes it sign more than that."""

from tests.node.crossing import ASKER_KEY, HERE, THERE, Crossing, hearing, telling
from tests.node.stage import check_equal

WORDS = {"words": "Is it true?"}


def test_response_goes_to_another_chain_with_the_signed_event_it_comes_from() -> None:
    chains = Crossing.begin(telling(), hearing())
    chains.say(WORDS)
    assert chains.here.state("asker") == ":success"
    origin = chains.assets(chains.there, "answerer")["origin"]
    assert origin == {
        "chain": chains.here.chain,
        "process": "process",
        "action": "say",
        "event": chains.said["event"],
        "timestamp": chains.said["timestamp"],
        "signer": ASKER_KEY,
    }
    assert chains.assets(chains.there, "answerer")["heard"] == WORDS
    told = chains.assets(chains.here, "asker")["told"]
    last = chains.there.node("answerer").workflow.process("process", chains.there.chain).previous[-1]
    assert told == {"chain": chains.there.chain, "events": [last["event"]]}
    check_equal(chains.here, HERE)
    check_equal(chains.there, THERE)
