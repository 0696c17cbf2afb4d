"""Scenario updates: a running process goes on by another scenario, with its actors, assets and history."""

from typing import Any

import pytest

from workflow_engine.compiling import load
from workflow_engine.errors import (
    InvalidDataError,
    InvalidDeviationError,
)
from workflow_engine.proposal import OWN_DEVIATION

from .deviating import RENTAL, TIMED, TO_RENTAL, Play
from .samples import DAY


def test_update_that_its_data_keeps_from_arriving_is_left_again_by_consent() -> None:
    body = {
        **TO_RENTAL,
        "states": {"moving": {"title": "Wait", "timeout": "P1D", "transitions": [TIMED]}},
    }
    play = Play(price=500)
    play.answer(play.propose(body=body, at=6_000), at=7_000)
    with pytest.raises(InvalidDataError) as caught:
        play.respond(":timeout", at=2 * DAY, signed_with="system")
    assert "cannot go on by the new scenario" in str(caught.value.hint)
    back = {"$schema": OWN_DEVIATION, "process": "p", "title": "Back", "from": "moving", "to": "signing"}
    play.answer(play.propose(body=back, at=2 * DAY), at=2 * DAY)
    assert (play.process.current.key, play.process.base.name) == ("signing", "order")
    play.check_replays()


def test_process_goes_on_by_another_scenario_with_its_actors_and_assets() -> None:
    play = Play()
    play.respond("sign")
    before = play.process
    agreed = play.answer(play.propose(body=TO_RENTAL), at=40_000)
    process = play.process
    assert (process.base.name, process.scenario.name, process.deviation) == ("rental", "rental", None)
    assert (process.current.key, process.current.title) == ("renting", "Renting for 12.5")
    assert (process.current.event, process.current.due_date) == (agreed, 40_000 + 30 * DAY)
    assert process.actors == {
        "customer": {"key": "customer", "title": "Customer", "signed": True, "identity": {"id": "acme"}},
        "seller": {"key": "seller", "title": "Lessor", "identity": {"id": "beta"}},
    }
    assert process.assets["contract"]["price"] == 12.5
    assert process.previous[:-1] == before.previous
    assert process.state()["scenario"] == load(RENTAL).id
    play.check_replays()
    play.respond("pay", data={"price": 3})
    play.respond("end", "beta")
    assert play.process.is_finished
    play.check_replays()


def test_update_may_lead_through_states_of_its_own() -> None:
    play = Play()
    body = {
        **TO_RENTAL,
        "states": {"moving": {"action": "move", "transition": "renting"}},
        "actions": {"move": {"actor": "seller", "update": "assets.order.price"}},
    }
    play.answer(play.propose(body=body))
    process = play.process
    assert (process.current.key, process.base.name) == ("moving", "order")
    assert process.state()["deviation"]["scenario"] == load(RENTAL).id
    with pytest.raises(InvalidDataError):
        play.respond("move", "beta", data=1000)
    assert play.process.current.key == "moving"
    play.respond("move", "beta", data=50)
    assert (play.process.current.key, play.process.base.name) == ("renting", "rental")
    assert play.process.current.actor == "seller"
    play.check_replays()


def test_update_whose_data_does_not_fit_the_new_scenario_does_not_come_into_force() -> None:
    play = Play(price=500)
    proposed = play.propose(body=TO_RENTAL)
    with pytest.raises(InvalidDataError):
        play.answer(proposed)
    assert (play.process.current.key, len(play.process.proposals)) == ("signing", 1)


def test_update_to_the_state_of_the_same_name() -> None:
    play = Play()
    body = {**TO_RENTAL, "to": "initial", "states": {"moving": {"action": "sign", "transition": "initial"}}}
    play.answer(play.propose(body=body))
    assert play.process.current.key == "moving"
    play.respond("sign")
    assert (play.process.current.key, play.process.base.name) == ("initial", "rental")
    play.check_replays()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"to": "signing"}, "$.to"),
        ({"map": {"actors": {"tenant": "buyer"}}}, "$.map.actors.tenant"),
        ({"map": {"actors": {"customer": "tenant"}}}, "$.map.actors.customer"),
        ({"map": {"assets": {"order": None}}}, "$.map.assets.order"),
        ({"map": {"assets": {"contract": "contract"}}}, "$.map.assets.contract"),
        ({"map": {"states": {}}}, "$.map.states"),
        ({"map": {"actors": {"customer": 3}}}, "$.map.actors.customer"),
        ({"map": []}, "$.map"),
        ({"scenario": 3}, "$.scenario"),
        ({"scenario": "nothing"}, "$.scenario"),
    ],
)
def test_update_that_maps_what_is_not_there_is_refused(changes: dict[str, Any], path: str) -> None:
    play = Play()
    with pytest.raises(InvalidDeviationError) as caught:
        play.propose(body={**TO_RENTAL, **changes})
    assert caught.value.path == path


def test_process_that_goes_on_by_another_scenario_can_deviate_from_that() -> None:
    play = Play()
    play.answer(play.propose(body=TO_RENTAL))
    back = {
        "$schema": OWN_DEVIATION,
        "process": "p",
        "title": "Buy after all",
        "from": "renting",
        "to": "signing",
        "scenario": "order",
        "map": {"actors": {"buyer": "customer"}},
    }
    play.answer(play.propose("beta", back), "acme")
    assert (play.process.base.name, play.process.current.key) == ("order", "signing")
    assert play.process.actors["buyer"]["identity"] == {"id": "acme"}
    assert play.process.assets["order"] == {"currency": "EUR", "lines": []}
    play.check_replays()
