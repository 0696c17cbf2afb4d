"""Runs as tests: JSON of `{ title: { "state", "responses" } }`, as the library keeps them beside its scenarios.

The responses are those of `livecontract scenario simulate`. A run passes when each of them is accepted and the process
is in the state then. The scenario is named like the file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eventchain.core.errors import LiveContractError
from workflow_engine import simulate, simulate_talk
from workflow_engine.errors import quote
from workflow_engine.playing import Family
from workflow_engine.testing.errors import InvalidFeatureError, TestTimeOverError, UnmetError
from workflow_engine.testing.running import Failure, IsOver, Result, Test, never, said_by
from workflow_engine.testing.showing import history, possible, shown_state
from workflow_engine.testing.world import Finder

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
    def run(find: Finder) -> Result:
        family: Family | None = None
        step, failure = "The scenario is found", None
        try:
            given = simulate.spelled_out(find(scenario), [_with_proposal(item, find) for item in responses])
            stages = simulate.families(find(scenario), given, keeps_traces=True)
            for number in range(len(given) + 1):
                if is_over():
                    raise TestTimeOverError
                step = _said(given[number - 1], number) if number else "The process starts"
                family = next(stages)
            step = f"The process is in the state {quote(state)}"
            _expect(family, state)
        except TestTimeOverError:
            raise
        except LiveContractError as error:
            failure = _failure(file, step, error, family)
        traces = [] if family is None else list(family.traces.values())
        return Result(file=file, line=None, name=title, failure=failure, traces=traces)

    return Test(file=file, line=None, name=title, run=run)


def _with_proposal(item: Any, find: Finder) -> Any:
    """Return an item in which the proposal stands, and the scenario beside it, that it names as a feature does."""
    if not isinstance(item, Mapping) or "propose" not in item:
        return item
    found = dict(item)
    if isinstance(item["propose"], str):
        found["propose"] = find.proposal(item["propose"])
    if isinstance(item.get("scenario"), str):
        found["scenario"] = find(item["scenario"]).normal_form
    return found


def _said(response: Any, number: int) -> str:
    if not isinstance(response, Mapping):
        return f"Response {number}"
    within = "" if response.get("in") is None else f" in {str(response['in'])[:64]}"
    done = simulate_talk.kind_of(response) or str(response.get("action"))
    return f"Response {number}: {done[:64]} by {str(response.get('actor'))[:64]}{within}"


def _expect(family: Family | None, state: str) -> None:
    if family is not None and family.root.current.key != state:
        raise UnmetError(f"the process to be in the state {quote(state)}", f"it is in {shown_state(family.root)}")


def _failure(file: str, step: str, error: LiveContractError, family: Family | None) -> Failure:
    expected, actual = said_by(error)
    return Failure(
        file=file,
        line=None,
        step=step,
        expected=expected,
        actual=actual,
        hint=error.hint,
        possible=[] if family is None else [possible(process) for process in family.processes.values()],
        so_far=() if family is None else history(family.root),
    )
