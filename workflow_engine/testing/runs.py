"""Runs as tests: JSON of `{ title: { "state", "responses" } }`, as the library keeps them beside its scenarios.

The responses are those of `livecontract scenario simulate`. A run passes when each of them is accepted and the process
is in the state then. The scenario is named like the file.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine import simulate
from workflow_engine.errors import quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.testing.errors import InvalidFeatureError, TestTimeOverError, UnmetError
from workflow_engine.testing.running import Failure, IsOver, Result, Test, never, said_by
from workflow_engine.testing.world import history, possible, shown_state

MAX_RUNS = 1_000


def are_runs(document: Any) -> bool:
    """Tell whether a document has the form of runs."""
    return (
        isinstance(document, dict)
        and bool(document)
        and all(isinstance(item, dict) and "responses" in item and "state" in item for item in document.values())
    )


def read_runs(document: Any, file: str) -> dict[str, tuple[str, Sequence[Any]]]:
    """Return the state and the responses of each run, by title.

    Raises:
        InvalidFeatureError: These are no runs.
    """
    if not are_runs(document) or len(document) > MAX_RUNS:
        raise InvalidFeatureError(
            "These are no runs.", file=file, hint='Runs are {"title": {"state": "…", "responses": […]}, …}.'
        )
    for title, run in document.items():
        if not isinstance(run["state"], str) or not isinstance(run["responses"], list):
            raise InvalidFeatureError(
                f"The run {quote(title)} should have a state (text) and responses (a list).", file=file
            )
    return {title: (run["state"], run["responses"]) for title, run in document.items()}


def runs_as_tests(document: Any, file: str, scenario: str, is_over: IsOver = never) -> tuple[Test, ...]:
    """Return the tests of a file with runs.

    Args:
        document: Its JSON.
        file: Its name, for messages.
        scenario: Name of the scenario they are runs of.
        is_over: Whether the time for all tests is over; running one then raises TestTimeOverError.

    Raises:
        InvalidFeatureError: These are no runs.
    """
    return tuple(
        _test(title, state, responses, file, scenario, is_over)
        for title, (state, responses) in read_runs(document, file).items()
    )


def _test(title: str, state: str, responses: Sequence[Any], file: str, scenario: str, is_over: IsOver) -> Test:
    def run(scenario_of: Callable[[str], Scenario]) -> Result:
        trace: list[Process] = []
        step, failure = "The scenario is found", None
        try:
            given = simulate.spelled_out(scenario_of(scenario), responses)
            stages = simulate.stages(scenario_of(scenario), given)
            for number in range(len(given) + 1):
                if is_over():
                    raise TestTimeOverError
                step = _said(given[number - 1], number) if number else "The process starts"
                trace.append(next(stages))
            step = f"The process is in the state {quote(state)}"
            _expect(trace[-1], state)
        except TestTimeOverError:
            raise
        except LiveContractError as error:
            failure = _failure(file, step, error, trace)
        return Result(file=file, line=None, name=title, failure=failure, traces=[trace])

    return Test(file=file, line=None, name=title, run=run)


def _said(response: Any, number: int) -> str:
    if not isinstance(response, Mapping):
        return f"Response {number}"
    return f"Response {number}: {str(response.get('action'))[:64]} by {str(response.get('actor'))[:64]}"


def _expect(process: Process, state: str) -> None:
    if process.current.key != state:
        raise UnmetError(f"the process to be in the state {quote(state)}", f"it is in {shown_state(process)}")


def _failure(file: str, step: str, error: LiveContractError, trace: Sequence[Process]) -> Failure:
    expected, actual = said_by(error)
    return Failure(
        file=file,
        line=None,
        step=step,
        expected=expected,
        actual=actual,
        hint=error.hint,
        possible=[possible(process) for process in trace[-1:]],
        so_far=history(trace[-1]) if trace else (),
    )
