"""Features of scenarios that talk to another chain: what is said there is for a step to say."""

from typing import Any

import pytest

from tests.node.crossing import hearing, telling
from workflow_engine.simulate import CHAIN
from workflow_engine.testing import nodes, passing
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.world import World

from .features import Found


def world(document: dict[str, Any]) -> World:
    made = World(Found({"it": document}))
    made.create("carrier", "main", "it")
    draft = made.draft("main")
    assert draft is not None
    draft.actors.update({key: {"identity": key} for key in document["actors"]})
    for person in document["actors"]:
        made.join(person)
    return made


def test_what_comes_from_another_chain_is_given_by_a_step() -> None:
    accepts = {"chain": CHAIN, "process": "p", "verbatim": True}
    process = world(hearing(accepts)).respond("carrier", "main", "hear", None, {"words": "Yes"})
    assert (process.assets["heard"], process.assets["origin"]["process"]) == ({"words": "Yes"}, "p")


def test_what_goes_to_another_chain_is_not_run_but_said() -> None:
    made = world(telling({"chain": CHAIN, "body": {"process": "p", "action": "hear"}}))
    process = made.respond("asker", "main", "say", None, {"words": "Yes"})
    passing.let_pass(made, "PT1H")
    assert made.processes["main"] is process
    with pytest.raises(InvalidFeatureError) as caught:
        nodes.run(made, process, "tell", "carrier")
    assert 'giving an "ok" response' in str(caught.value.hint)
    told = {"chain": CHAIN, "events": ["e"]}
    assert made.respond("carrier", "main", "tell", "ok", told).current.key == ":success"
