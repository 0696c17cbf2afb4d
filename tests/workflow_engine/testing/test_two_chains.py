"""Features of scenarios that talk to another chain: what is said there is for a step to say."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from tests.node.crossing import hearing, telling
from workflow_engine.compiling import load
from workflow_engine.scenario import Scenario
from workflow_engine.simulate import CHAIN
from workflow_engine.testing import nodes
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.world import World


class Only:
    """Finds one scenario, whatever it is called."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def __call__(self, name: str) -> Scenario:
        del name
        return load(copy.deepcopy(self.document))

    def proposal(self, name: str) -> Mapping[str, Any]:
        raise AssertionError(name)


def world(document: dict[str, Any]) -> World:
    made = World(Only(document))
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
    with pytest.raises(InvalidFeatureError) as caught:
        nodes.run(made, process, "tell", "carrier")
    assert 'giving an "ok" response' in str(caught.value.hint)
    told = {"chain": CHAIN, "events": ["e"]}
    assert made.respond("carrier", "main", "tell", "ok", told).current.key == ":success"
