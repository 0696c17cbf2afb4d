"""The errors of tests for scenarios.

```
InvalidError
└── InvalidFeatureError     a feature or a run cannot be read, or says what makes no sense; with file and line
LiveContractError
└── UnmetError              what a step expects is not so
```
"""

from eventchain.core.errors import InvalidError, LiveContractError


class InvalidFeatureError(InvalidError):
    """A feature or a run cannot be used as a test.

    Attributes:
        file: Its name as it was given, or None where it is not known (yet).
        line: Counted from 1, or None.
        reason: What is wrong, without the place.
    """

    def __init__(self, reason: str, *, file: str | None = None, line: int | None = None, hint: str | None = None):
        place = "" if file is None else f"{file}: " if line is None else f"{file}, line {line}: "
        super().__init__(f"{place}{reason}", hint=hint)
        self.reason, self.file, self.line = reason, file, line


class TestTimeOverError(InvalidError):
    """The time that somebody gave for running tests is over; what is left was not run."""

    __test__ = False
    """pytest takes nothing called so for a test of its own."""

    def __init__(self) -> None:
        super().__init__(
            "The time for the tests is over; not all of them were run.",
            hint="Give more with --seconds, name fewer files, or look at what in the scenario takes so long.",
        )


class UnmetError(LiveContractError):
    """What a step expects is not so.

    Attributes:
        expected: In words.
        actual: In words.
    """

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"Expected {expected}, but {actual}")
        self.expected, self.actual = expected, actual
