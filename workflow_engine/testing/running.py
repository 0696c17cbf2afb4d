"""Running a case: its steps one after the other, and what is told of the first that fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine.process import Process
from workflow_engine.testing.errors import InvalidFeatureError, TestTimeOverError, UnmetError
from workflow_engine.testing.feature import Case, Feature
from workflow_engine.testing.hints import hint_of
from workflow_engine.testing.said import Said
from workflow_engine.testing.showing import history, possible
from workflow_engine.testing.telling import standing
from workflow_engine.testing.vocabulary import Bound, bind
from workflow_engine.testing.world import Finder, World

_KEYWORDS = {"given": "Given", "when": "When", "then": "Then"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a test failed, as far as people need it.

    Attributes:
        file: Name of the file.
        line: Where the step stands, or None (in a run).
        step: The sentence.
        expected: In words.
        actual: In words.
        hint: What to do about it, or None.
        now: Where the processes stand then, and what they wait for: a sentence each.
        possible: What may be done then, for each process: `{ process, state, actions: { key: [person …] } }`.
        so_far: What was done before: `action.response by person`, in order.
    """

    file: str
    line: int | None
    step: str
    expected: str
    actual: str
    hint: str | None = None
    now: Sequence[str] = ()
    possible: Sequence[Mapping[str, Any]] = ()
    so_far: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the attributes under their names."""
        return {
            "file": self.file,
            "line": self.line,
            "step": self.step,
            "expected": self.expected,
            "actual": self.actual,
            "hint": self.hint,
            "now": list(self.now),
            "possible": list(self.possible),
            "so_far": list(self.so_far),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a test.

    Attributes:
        file: Name of the file.
        line: Where the test stands, or None.
        name: Of the test.
        failure: None when it passed.
        traces: The processes of the test, each as it was after its start and after every response.
    """

    file: str
    line: int | None
    name: str
    failure: Failure | None
    traces: Sequence[Sequence[Process]] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the traces."""
        failure = None if self.failure is None else self.failure.to_dict()
        return {
            "file": self.file, "line": self.line, "name": self.name, "passed": failure is None, "failure": failure
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """Something that is run against scenarios.

    Attributes:
        file: Name of the file it comes from.
        line: Where it stands there, or None.
        name: What it is called.
        run: Runs it, with what finds the scenarios that it names.
    """

    __test__ = False
    """pytest takes nothing called so for a test of its own."""

    file: str
    line: int | None
    name: str
    run: Callable[[Finder], Result]


IsOver = Callable[[], bool]
"""Asked before each step of a test whether the time for all tests is over."""


def never() -> bool:
    """Say that there is still time."""
    return False


def as_tests(feature: Feature, is_over: IsOver = never) -> tuple[Test, ...]:
    """Return the tests of a feature, every sentence of it known. Running one may raise TestTimeOverError.

    Raises:
        InvalidFeatureError: A sentence is not.
    """
    return tuple(_test(feature.file, case, is_over) for case in feature.cases)


def _test(file: str, case: Case, is_over: IsOver) -> Test:
    try:
        steps = tuple(bind(step) for step in case.steps)
    except InvalidFeatureError as error:
        raise InvalidFeatureError(error.reason, file=file, line=error.line, hint=error.hint) from None

    def run(find: Finder) -> Result:
        return _run(file, case, steps, find, is_over)

    return Test(file=file, line=case.line, name=case.name, run=run)


def _run(file: str, case: Case, steps: Sequence[Bound], find: Finder, is_over: IsOver) -> Result:
    world = World(find)
    failure = None
    for step, sentence, words in steps:
        if is_over():
            raise TestTimeOverError
        said = Said(world=world, step=step, words=words)
        try:
            sentence.run(said)
        except LiveContractError as error:
            failure = _failure(file, said, error)
            break
    traces = [list(trace) for trace in world.traces.values()]
    return Result(file=file, line=case.line, name=case.name, failure=failure, traces=traces)


def _failure(file: str, said: Said, error: LiveContractError) -> Failure:
    step, world = said.step, said.world
    expected, actual = said_by(error)
    name_of = world.invitations.name_of
    return Failure(
        file=file,
        line=step.line,
        step=f"{_KEYWORDS[step.kind]} {step.text}",
        expected=expected,
        actual=actual,
        hint=hint_of(said, error),
        now=standing(world),
        possible=tuple(possible(process, name_of) for process in world.processes.values()),
        so_far=tuple(line for process in world.processes.values() for line in history(process, name_of)),
    )


def said_by(error: LiveContractError) -> tuple[str, str]:
    """Return what was expected and what is, in words, where an error ended a test."""
    if isinstance(error, UnmetError):
        return error.expected, error.actual
    if isinstance(error, InvalidFeatureError):
        return "a step that can be run", error.message  # with the file, where it is another one than the test's
    place = f" (at {error.path})" if error.path else ""
    return "this to be accepted", f"it was refused: {error.message}{place}"
