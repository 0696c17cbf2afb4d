"""What became of a proposal to deviate, from the answers to it: a fixed life cycle (paper section 8.2).

```
        agree                 come_into_force             end
open ─────────► open   open ─────────────────► in force ───────► over
open ── refuse ─► refused     open ── withdraw ─► withdrawn     open ── lapse ─► lapsed
```

Shown to people, and not what decides: that is `workflow_engine.consent`, which knows open proposals alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from transitions import Machine

from workflow_engine.consent import latest_moment
from workflow_engine.process import Process

OPEN, IN_FORCE, OVER, REFUSED, WITHDRAWN, LAPSED = "open", "in force", "over", "refused", "withdrawn", "lapsed"

STATES = (OPEN, IN_FORCE, OVER, REFUSED, WITHDRAWN, LAPSED)

_TRANSITIONS = (
    ("agree", OPEN, OPEN),
    ("come_into_force", OPEN, IN_FORCE),
    ("end", IN_FORCE, OVER),
    ("refuse", OPEN, REFUSED),
    ("withdraw", OPEN, WITHDRAWN),
    ("lapse", OPEN, LAPSED),
)


class LifeCycle:
    """The states of a proposal."""

    state: str
    trigger: Callable[[str], bool]

    def __init__(self) -> None:
        machine = Machine(self, states=list(STATES), initial=OPEN, auto_transitions=False)
        for trigger, source, target in _TRANSITIONS:
            machine.add_transition(trigger, source, target)


def state_of(event: str, answers: Iterable[Mapping[str, Any]], process: Process) -> str:
    """Return what became of a proposal.

    Args:
        event: Hash of the event that made it.
        answers: What was answered, in the order of the chain; `{ answer }` each, and `come_into_force` for the last.
        process: The process as it stands now.
    """
    life = LifeCycle()
    for answer in answers:
        life.trigger(answer["answer"])
    if life.state == IN_FORCE and (process.deviation is None or process.deviation.event != event):
        life.trigger("end")
    open_till = {item.event: item.deadline for item in process.proposals}
    if life.state == OPEN and open_till.get(event, -1) < latest_moment(process):
        life.trigger("lapse")
    return life.state
