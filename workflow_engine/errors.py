"""The errors of the workflow engine.

```
InvalidError
├── InvalidScenarioError        a scenario has problems; all of them are listed
├── InvalidSchemaError          a JSON Schema is not one this node accepts
├── InvalidDataError            a value does not fit its JSON Schema
├── InvalidInstructionError     a data instruction cannot be evaluated
│   └── BudgetExceededError     its evaluation takes too many steps, or its result is too large
├── InvalidProcessError         a process cannot be started like this
├── InvalidResponseError        a response is wrong in itself (unknown action, response key or process)
├── InvalidCommentError         a comment is malformed, or replies to nothing
└── InvalidDeviationError       a proposal to deviate, or an answer to one, is wrong in itself; all problems are listed
ForbiddenError
├── ActorNotAllowedError        the signer is not an actor who may do this, or signed with the wrong key
└── NotCarriedError             a response cannot go to another chain
ConflictError
├── ActionNotAvailableError     the action exists, but not now
├── DeviationNotOpenError       a deviation cannot be proposed or answered now
└── AlreadyExistsError          another document has this id
NotFoundError
├── ScenarioNotFoundError
├── ProcessNotFoundError
├── CommentNotFoundError
└── DeviationNotFoundError
UnavailableError
├── OutOfStepError              the entry does not follow the last one applied
├── NotDeferredYetError         an answer came before it was noted down that it is awaited
└── TriggerError                a system action could not be run now
```
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from eventchain.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

Severity = Literal["error", "warning", "info"]

Path = tuple[str | int, ...]
"""Where a value stands: the keys and indexes that lead to it from the root."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*", re.ASCII)
_MAX_SHOWN = 64


def json_path(path: Iterable[str | int]) -> str:
    """Write a path as people read it: ``$.states.initial.transitions[0]``, ``$.states[":success"]``.

    Keys longer than 64 characters are cut: the text is for people, and strangers choose the keys.
    """
    parts = ["$"]
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        elif len(key) <= _MAX_SHOWN and _PLAIN_KEY.fullmatch(key):
            parts.append(f".{key}")
        else:
            parts.append(f"[{quote(key)}]")
    return "".join(parts)


def written(place: str | Path) -> str:
    """Return a place as people read it; what is a text already stays as it is.

    Whoever may have to name a place in an error hands it on as a `Path`, which costs nothing while nothing is wrong.
    """
    return place if isinstance(place, str) else json_path(place)


def quote(text: str) -> str:
    """Return text for a message: quoted, one line, printable, at most 64 characters of it."""
    shown = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
    shown = "".join(c if c.isprintable() else "�" for c in shown)
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding in a document.

    Attributes:
        rule: Name of the rule that found it (`unknown-action`).
        severity: `error` (refused), `warning` (allowed; somebody should look) or `info`.
        path: JSON path into the document as it was given.
        message: A sentence a person who does not program understands.
    """

    rule: str
    severity: Severity
    path: str
    message: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"rule": self.rule, "severity": self.severity, "path": self.path, "message": self.message}


class InvalidScenarioError(InvalidError):
    """A scenario has problems.

    Attributes:
        problems: Every finding of severity `error`; the first one gives the message and the path.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        more = len(self.problems) - 1
        hint = f"({more} more: run `livecontract scenario check`.)" if more else None
        super().__init__(first.message, path=first.path, hint=hint)


class InvalidSchemaError(InvalidError):
    """A JSON Schema is malformed, refers outside itself, or uses what this node does not evaluate.

    Attributes:
        place: Where, from the root of the schema; `path` is the same, written out.
    """

    def __init__(self, message: str, *, place: Path = (), hint: str | None = None) -> None:
        super().__init__(message, path=json_path(place), hint=hint)
        self.place = place


class InvalidDataError(InvalidError):
    """A value does not fit its JSON Schema.

    Attributes:
        problems: JSON path and sentence of each deviation, in a fixed order; the first gives message and path.
    """

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        path, message = self.problems[0]
        super().__init__(message, path=path)


class InvalidInstructionError(InvalidError):
    """A data instruction cannot be evaluated."""


class BudgetExceededError(InvalidInstructionError):
    """An evaluation takes too many steps, nests too deeply, or gives too large a result."""


class InvalidProcessError(InvalidError):
    """A process cannot be started like this."""


class InvalidResponseError(InvalidError):
    """A response is wrong in itself."""


class InvalidCommentError(InvalidError):
    """A comment is malformed, or replies to what is no comment."""


class InvalidDeviationError(InvalidError):
    """A proposal to deviate from a scenario, or an answer to one, is wrong in itself.

    Attributes:
        problems: Every finding in what is proposed; empty where the body itself is malformed.
    """

    def __init__(
        self, message: str, *, path: str | None = None, hint: str | None = None, problems: Iterable[Problem] = ()
    ) -> None:
        super().__init__(message, path=path, hint=hint)
        self.problems = tuple(problems)


class ActorNotAllowedError(ForbiddenError):
    """The signer is not an actor who may do this, or signed with the wrong key."""


class NotCarriedError(ForbiddenError):
    """A response cannot go to another chain. The message may be shown on the chain it comes from.

    Attributes:
        reason: One of `REASONS`.
    """

    REASONS = ("invalid", "not-a-member", "refused")

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ActionNotAvailableError(ConflictError):
    """The action exists in the scenario, but cannot be done in the present state."""


class DeviationNotOpenError(ConflictError):
    """A deviation cannot be proposed, or a proposal cannot be answered, as the process stands now."""


class AlreadyExistsError(ConflictError):
    """Another document has this id."""


class OutOfStepError(UnavailableError):
    """The entry does not follow the last one applied: another copy was faster, or the chain has to be replayed."""


class ScenarioNotFoundError(NotFoundError):
    """There is no such scenario."""


class ProcessNotFoundError(NotFoundError):
    """There is no such process."""


class CommentNotFoundError(NotFoundError):
    """There is no such comment."""


class DeviationNotFoundError(NotFoundError):
    """There is no such proposal to deviate."""


class TriggerError(UnavailableError):
    """A system action could not be run now."""


class NotDeferredYetError(UnavailableError):
    """An answer came before this node has noted down that it is awaited."""
