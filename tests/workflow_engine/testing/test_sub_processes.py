"""Features that act in sub-processes."""

from tests.workflow_engine.nesting import PURCHASE
from workflow_engine.compiling import load
from workflow_engine.testing.coverage import Coverage
from workflow_engine.testing.feature import read_feature
from workflow_engine.testing.running import Result, as_tests
from workflow_engine.testing.writing import Run, feature_text

from .features import Found

BACKGROUND = """
Feature: Purchase

  Background:
    Given a chain is created by "Ann"
    And "Ann" creates the "main" process using the "purchase" scenario
    And "Ann" is the "buyer" actor
    And "Bob" is the "seller" actor
    When "Bob" runs the "offer" action with:
      | address | Mill Lane 1 |
      | price   | 100         |

  Scenario: It
"""

SCENARIO = load(PURCHASE)
FOUND = Found({"purchase": PURCHASE})


def results(*steps: str) -> list[Result]:
    text = BACKGROUND + "".join(f"    {step}\n" for step in steps)
    return [test.run(FOUND) for test in as_tests(read_feature(text.encode(), "it.feature"))]


def passes(*steps: str) -> None:
    (result,) = results(*steps)
    assert result.failure is None, result.failure


def expected(*steps: str) -> tuple[str, str]:
    (result,) = results(*steps)
    assert result.failure is not None
    return result.failure.expected, result.failure.actual


def test_people_act_in_two_sub_processes_which_are_answered_by_themselves() -> None:
    passes(
        'Then the "inspect" sub-process is in the "initial" state',
        'And the "inspect" sub-process has:',
        "  | assets.object | Mill Lane 1 |",
        'And "Bob" may run the "report" action in the "inspect" sub-process',
        'And "Ann" cannot run the "report" action in the "inspect" sub-process of the "main" process',
        'When "Bob" runs the "report" action in the "inspect" sub-process with:',
        "  | grade | 7 |",
        'Then the "inspect" sub-process is completed',
        'And the "inspect/measure" sub-process is abandoned',
        'And no action in the "inspect" sub-process is possible',
        'When "Ann" runs the "decline" action in the "finance" sub-process',
        'Then the "finance" sub-process has failed',
        "And the process is completed",
        "And the process has:",
        "  | assets.inspection.result.grade | 7       |",
        "  | assets.financing.state         | :failed |",
    )


def test_time_of_a_sub_process_runs_out() -> None:
    passes(
        'When the time of the state in the "inspect" sub-process is over',
        'Then the "inspect" sub-process has failed',
        'And the "finance" sub-process is in the "initial" state',
        "When P14D passes",
        'Then the "finance" sub-process is abandoned',
        "And the process has failed",
    )


def test_end_of_a_sub_process_may_simply_be_said() -> None:
    passes(
        'When "Bob" runs the "inspect" action giving an "unsound" response',
        "Then the process has failed",
    )


def test_misspelt_or_missing_sub_process_is_told() -> None:
    assert expected('Then the "inspekt" sub-process is completed')[1].startswith("The scenario has no action")
    assert expected('Then the "remark" sub-process is completed') == (
        'the sub-process "remark" to be there',
        'there is "inspect", "finance"',
    )
    assert expected('Then the "inspect" sub-process is abandoned')[1] == "it still goes on"


def test_coverage_counts_the_scenarios_of_sub_processes() -> None:
    coverage = Coverage()
    for result in results('When "Ann" runs the "decline" action in the "finance" sub-process'):
        coverage.add(result.traces)
    found = {item["scenario"]: item for item in coverage.report({})}
    assert found.keys() == {"purchase", "Inspection", "Laboratory", "Financing"}
    assert found["Financing"]["states"] == [2, 3]
    assert found["Financing"]["transitions"] == [1, 2]
    assert found["Laboratory"]["transitions"] == [0, 1]


def test_run_with_sub_processes_is_written_as_a_feature_that_passes() -> None:
    responses = [
        {"actor": "seller", "action": "offer", "data": {"address": "Mill Lane 1", "price": 100}},
        {"wait": "P8D"},
        {"in": "finance", "actor": "buyer", "action": "lend", "after": "P1D"},
    ]
    measured = [responses[0], {"in": ["inspect", "measure"], "actor": "inspector", "action": "measure"}]
    runs = [Run(title="Late", responses=responses), Run(title="Measured", responses=measured)]
    text = feature_text("purchase", SCENARIO, runs)
    assert 'When the time of the state in the "inspect" sub-process is over' in text
    assert 'runs the "measure" action in the "inspect/measure" sub-process' in text
    for test in as_tests(read_feature(text.encode(), "it.feature")):
        assert test.run(FOUND).failure is None


def test_what_is_said_in_a_sub_process_is_written_as_a_feature_that_passes() -> None:
    stop = {"$schema": "urn:livecontract:deviation:1", "title": "Stop", "from": "initial", "to": ":cancelled"}
    responses = [
        {"actor": "seller", "action": "offer", "data": {"address": "Mill Lane 1", "price": 100}},
        {"in": "inspect", "actor": "client", "comment": "Mind the dog."},
        {"in": "inspect", "actor": "client", "propose": stop},
        {"in": "inspect", "actor": "inspector", "answer": "agree"},
    ]
    text = feature_text("purchase", SCENARIO, [Run(title="Stopped", responses=responses)])
    for test in as_tests(read_feature(text.encode(), "it.feature")):
        result = test.run(FOUND)
        assert result.failure is None, result.failure
        assert ":cancelled" in [trace[-1].current.key for trace in result.traces]


def test_nobody_deviates_in_a_sub_process_without_a_party_of_the_parent() -> None:
    assert (
        "all parties of the process above"
        in expected(
            'When "Ann" proposes this deviation in the "finance" sub-process:',
            "  | title | Stop       |",
            "  | from  | initial    |",
            "  | to    | :cancelled |",
        )[1]
    )


def test_node_that_is_down_answers_for_no_sub_process_until_it_is_up_again() -> None:
    passes(
        'Given the node of "Bob" is down',
        'When "Bob" runs the "report" action in the "inspect" sub-process with:',
        "  | grade | 7 |",
        'Then the "inspect" sub-process is completed',
        "And the process has:",
        "  | assets.inspection.result | null |",
        "When 1 hour passes",
        "Then the process has:",
        "  | assets.inspection.result | null |",
        'When the node of "Bob" is up again',
        "And the nodes do what waits",
        "Then the process has:",
        "  | assets.inspection.result.grade | 7 |",
    )
