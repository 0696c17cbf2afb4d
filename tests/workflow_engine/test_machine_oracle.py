"""The machine against the `transitions` library, on random scenarios, where the two mean the same.

Both try the transitions of a state in their order, take the first whose condition holds, and stay where none does.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import Machine

from workflow_engine import machine
from workflow_engine.compiling import compile_scenario
from workflow_engine.errors import ActionNotAvailableError
from workflow_engine.normalise import normalise

from .samples import OWN, Chain

STATES = ["initial", "one", "two", ":success"]
ACTIONS = ["a", "b", "c"]
RESPONSES = ["ok", "no"]

TRANSITIONS = st.fixed_dictionaries(
    {
        "action": st.sampled_from([*ACTIONS, None]),
        "response": st.sampled_from([*RESPONSES, None]),
        "wanted": st.sampled_from([True, False, None]),
        "transition": st.sampled_from(STATES),
    }
)
SCENARIOS = st.fixed_dictionaries(
    {
        state: st.fixed_dictionaries(
            {
                "actions": st.lists(st.sampled_from(ACTIONS), unique=True, min_size=1),
                "transitions": st.lists(TRANSITIONS, max_size=4),
            }
        )
        for state in STATES[:-1]
    }
)
STEPS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(RESPONSES), st.booleans()), max_size=12)


class Model:
    """What the oracle moves; its flag stands for the data that the last response wrote."""

    def __init__(self) -> None:
        self.flag = False

    def is_set(self) -> bool:
        return self.flag

    def is_clear(self) -> bool:
        return not self.flag


def oracle_of(states: dict[str, Any]) -> tuple[Any, Machine]:
    model = Model()
    table = [
        {
            "trigger": f"do_{action}_{response}",
            "source": source,
            "dest": transition["transition"],
            "conditions": {True: ["is_set"], False: ["is_clear"], None: []}[transition["wanted"]],
        }
        for source, state in states.items()
        for transition in state["transitions"]
        for action in ([transition["action"]] if transition["action"] else ACTIONS)
        for response in ([transition["response"]] if transition["response"] else RESPONSES)
    ]
    triggers = {item["trigger"] for item in table}
    idle = [f"do_{action}_{response}" for action in ACTIONS for response in RESPONSES]
    table += [{"trigger": name, "source": ":success", "dest": None} for name in idle if name not in triggers]
    built = Machine(
        model, STATES, transitions=table, initial="initial", ignore_invalid_triggers=True, auto_transitions=False
    )
    return model, built


def scenario_of(states: dict[str, Any]) -> dict[str, Any]:
    def condition(wanted: bool | None) -> Any:
        return True if wanted is None else {"<equal>": [{"<ref>": "assets.data.flag"}, wanted]}

    update = {"select": "assets.data.flag", "patch": False}
    return {
        "$schema": OWN,
        "actors": {"buyer": {}},
        "assets": {"data": {"properties": {"flag": {"default": False}}}},
        "actions": {
            key: {"actor": "buyer", "responses": {name: {"update": update} for name in RESPONSES}} for key in ACTIONS
        },
        "states": {
            key: {
                "actions": state["actions"],
                "transitions": [
                    {name: item[name] for name in ("action", "response", "transition") if item[name] is not None}
                    | {"condition": condition(item["wanted"])}
                    for item in state["transitions"]
                ],
            }
            for key, state in states.items()
        },
    }


@given(SCENARIOS, STEPS)
def test_machine_moves_as_the_library_does(states: dict[str, Any], steps: list[tuple[str, str, bool]]) -> None:
    model, _ = oracle_of(states)
    chain = Chain()
    scenario = compile_scenario(normalise(scenario_of(states)))
    process = machine.start(scenario, chain.process(actors={"buyer": "acme"}))
    for action, response, flag in steps:
        entry = chain.response(action, key=response, data=flag)
        if process.is_finished or action not in states[process.current.key]["actions"]:
            with pytest.raises(ActionNotAvailableError):
                machine.step(process, entry)
            continue
        process = machine.step(process, entry)
        model.flag = flag
        getattr(model, f"do_{action}_{response}")()
        assert process.current.key == model.state
        assert process.assets["data"]["flag"] is flag
