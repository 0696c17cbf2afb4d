"""Decisions that hang on a digest or a proof. Nobody can make up data that fits one, so what they let in is not seen.

Where such a decision can be met, whatever the explorer saw is not all there is: the state counts as not explored to
its end, as if a bound had been reached there.
"""

from typing import Any

from workflow_engine.scenario import Scenario

OPERATORS = frozenset({"<hash>", "<proof>", "<id>", "<transformation>"})
"""Operators whose results nobody can aim at (`<transformation>` has the digests of PHP among its functions)."""

SENTENCE = "What hangs on a digest or a proof was not followed, because no data can be made up that fits one."


def hidden_states(scenario: Scenario) -> frozenset[str]:
    """Return the states in which an action or a transition hangs on a digest or a proof."""
    form = scenario.normal_form
    actions = {key for key in scenario.actions if _has_one(form["actions"][key])}
    return frozenset(
        key
        for key, state in scenario.states.items()
        if not state.is_final
        and (actions & set(scenario.action_keys(key)) or _has_one(form["states"][key]["transitions"]))
    )


def _has_one(value: Any) -> bool:
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if not OPERATORS.isdisjoint(part):
                return True
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return False
