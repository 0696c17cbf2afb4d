"""Arguments that are objects: which members an operator takes, and what each of them has to be.

One declaration serves twice. `Form.read` refuses a wrong argument when it is evaluated; the check of a scenario asks
`Form.faults` while it is written, where members that are instructions are not known yet.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import InvalidInstructionError, quote

Check = Callable[[Any], object]
"""Raises InvalidInstructionError for a value that a member cannot have."""

Fault = tuple[str | None, InvalidInstructionError]
"""The member that is wrong (None for the argument as a whole), and why."""


@dataclass(frozen=True, slots=True)
class Form:
    """The members of one operator's argument.

    Attributes:
        operator: Its name, for messages.
        members: Check of each member; None where any value will do.
        required: Members that have to be there, even if they are null.
        given: Members that have to be there and not null.
        either: Of these members exactly one is there, even if it is null.
        one_of: Of these members exactly one is there and not null.
    """

    operator: str
    members: Mapping[str, Check | None]
    required: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def read(self, argument: Any) -> Mapping[str, Any]:
        """Return the members of an argument; the checks hold for all that are not null.

        Raises:
            InvalidInstructionError: It is not of this form.
        """
        for _, error in self.faults(argument, lambda _value: True):
            raise error
        return argument  # type: ignore[no-any-return]  # faults yields for everything but an object

    def faults(self, argument: Any, is_known: Callable[[Any], bool]) -> Iterator[Fault]:
        """Yield what is wrong with an argument; the checks are for the members whose value is known."""
        if not isinstance(argument, dict):
            yield None, self._error(f"takes an object with {', '.join(self.members)}")
            return
        for name in sorted(argument.keys() - self.members.keys()):
            yield name, self._error(f"has no member {quote(name)}, only {', '.join(self.members)}")
        for name in (*self.required, *self.given):
            if name not in argument or (name in self.given and argument[name] is None):
                yield None, self._error(f'needs "{name}"')
        for names, count in (
            (self.either, sum(name in argument for name in self.either)),
            (self.one_of, sum(argument.get(name) is not None for name in self.one_of)),
        ):
            if names and count != 1:
                yield None, self._error("takes either " + " or ".join(f'"{name}"' for name in names))
        for name, check in self.members.items():
            value = argument.get(name)
            if check is not None and value is not None and is_known(value):
                try:
                    check(value)
                except InvalidInstructionError as error:
                    yield name, type(error)(f"the {quote(name)} of {self.operator}: {error.message}", hint=error.hint)

    def _error(self, message: str) -> InvalidInstructionError:
        return InvalidInstructionError(f"{self.operator} {message}")


def text(value: Any) -> None:
    """Check that a value is text."""
    if not isinstance(value, str):
        raise InvalidInstructionError("this should be text")


def some_text(value: Any) -> None:
    """Check that a value is text that is not empty."""
    text(value)
    if not value:
        raise InvalidInstructionError("this should not be empty")


def scalar(value: Any) -> None:
    """Check that a value is text, a number, true or false: what can be written as text."""
    if isinstance(value, (list, dict)):
        raise InvalidInstructionError("this should be text or a number, not a list or an object")


def items(value: Any) -> None:
    """Check that a value is a list."""
    if not isinstance(value, list):
        raise InvalidInstructionError("this should be a list")


def choice(known: Collection[str]) -> Check:
    """Return the check that a value is one of these texts."""

    def check(value: Any) -> None:
        if not isinstance(value, str) or value not in known:
            shown = f"{quote(value)} is not known" if isinstance(value, str) else "this should be text"
            raise InvalidInstructionError(f"{shown}; there are {', '.join(known)}")

    return check


def whole(least: int, most: int) -> Check:
    """Return the check that a value is a whole number between two others."""

    def check(value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
            raise InvalidInstructionError(f"this should be a whole number from {least} to {most}")
        if not least <= value <= most:
            raise InvalidInstructionError(f"this should be a whole number from {least} to {most}")

    return check


def refused(reason: str, hint: str | None = None) -> Check:
    """Return the check of a member that is never taken, which says why."""

    def check(_value: Any) -> None:
        raise InvalidInstructionError(reason, hint=hint)

    return check
