"""System actions that are several, one after the other, with one response at the end (reference: the sequence trigger).

```
"steps": [ { "$schema": kind, … members of that kind … }, … ]
```

A step's `projection` sees what the step before it came to as `previous_response` (`{ key, data }`). The first step that
comes to anything but `ok` ends the sequence: its key is the outcome, and the data says which step it was. Otherwise the
outcome is that of the last step, which alone may be answered later by an outside party (HTTP 202).

A sequence that is broken off by the end of its node is run again from its first step; each step has an idempotency key
of its own, so that who was asked before can tell.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workflow_engine.action_kinds import action_kind
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.triggers import OK, Call, Outcome, Trigger


class SequenceTrigger:
    """Runs actions of kind sequence.

    Args:
        by_kind: The triggers that steps may use.
    """

    def __init__(self, by_kind: Mapping[str, Trigger]) -> None:
        self._by_kind = by_kind

    def __call__(self, call: Call) -> Outcome | None:
        """Run the steps.

        Raises:
            InvalidInstructionError: A step is none.
            UnavailableError: A step could not be run now.
        """
        steps = call.instance.get("steps")
        if not isinstance(steps, list) or not steps:
            raise InvalidInstructionError("a sequence needs steps")
        outcome: Outcome | None = None
        for place, step in enumerate(steps):
            previous = None if outcome is None else {"key": outcome.key, "data": outcome.data}
            outcome = self._trigger_of(step)(
                replace(call, step=step, place=place, previous=previous, may_defer=place == len(steps) - 1)
            )
            if outcome is not None and outcome.key != OK:
                return Outcome(key=outcome.key, data={"step": place, "data": outcome.data})
        return outcome

    def _trigger_of(self, step: Any) -> Trigger:
        schema = step.get("$schema") if isinstance(step, dict) else None
        trigger = self._by_kind.get(action_kind(schema)) if isinstance(schema, str) else None
        if trigger is None:
            raise InvalidInstructionError("a step of a sequence is of no kind that this node runs")
        return trigger
