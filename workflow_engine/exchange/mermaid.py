"""A scenario as a Mermaid state diagram (`stateDiagram-v2`).

States have numbers for names, so no key can be a word of the language. In texts everything but letters, digits, `_` and
spaces is written as an entity of Mermaid (`#58;`), so none can end a line, a label or the diagram.
"""

from collections.abc import Iterator

from workflow_engine.exchange.moves import label_of, moves_of, reachable_states, text_of
from workflow_engine.exchange.names import plain
from workflow_engine.scenario import INITIAL_STATE, Scenario


def scenario_to_mermaid(scenario: Scenario) -> str:
    """Return the diagram: states that can be reached, and their transitions with actors, actions and conditions."""
    return "\n".join(_lines(scenario)) + "\n"


def _lines(scenario: Scenario) -> Iterator[str]:
    names = {key: f"s{number}" for number, key in enumerate(reachable_states(scenario))}
    yield "stateDiagram-v2"
    for key, name in names.items():
        yield f'  state "{_escaped(text_of(scenario.states[key].title, key))}" as {name}'
    yield f"  [*] --> {names[INITIAL_STATE]}"
    for key, name in names.items():
        for move in moves_of(scenario, scenario.states[key]):
            if move.target is not None:
                yield f"  {name} --> {names[move.target]} : {_escaped(label_of(scenario, move))}"
            elif not move.is_timeout:
                yield f"  {name} --> {name} : {_escaped(label_of(scenario, move) + ' (stays)')}"
        if scenario.states[key].is_final:
            yield f"  {name} --> [*]"


def _escaped(text: str) -> str:
    return "".join(c if c.isalnum() or c in " _" else f"#{ord(c)};" for c in plain(text))
