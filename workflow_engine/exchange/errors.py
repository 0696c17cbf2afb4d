"""The errors of exchanging scenarios with other notations.

```
InvalidError
├── InvalidBpmnError      a BPMN file cannot be translated; all that is in the way is listed
└── NotExportableError    a scenario has a part that the other notation cannot carry at all
```
"""

from collections.abc import Iterable

from eventchain.core.errors import InvalidError
from workflow_engine.errors import Problem

_SHOWN = 8


class InvalidBpmnError(InvalidError):
    """A BPMN file cannot be read, or holds what a scenario cannot do.

    Attributes:
        problems: Every finding; the path of each is the line that its element starts at (`line 31`).
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first, *others = self.problems
        listed = [f"{problem.message} (at {problem.path})" for problem in others[:_SHOWN]]
        if len(others) > _SHOWN:
            listed.append(f"And {len(others) - _SHOWN} more.")
        hint = "\n".join(["It is not alone:", *listed]) if listed else None
        super().__init__(first.message, path=first.path, hint=hint)


class NotExportableError(InvalidError):
    """A scenario cannot be written in the other notation."""


def bpmn_error(message: str, line: int) -> InvalidBpmnError:
    """Return the error of a single finding."""
    return InvalidBpmnError([refused(message, line)])


def refused(message: str, line: int) -> Problem:
    """Return a finding about what starts at a line of the file."""
    return Problem(rule="bpmn", severity="error", path=f"line {line}", message=message)
