"""Comments, deviations and updates in features: what comes of them, and what slips of the pen come to."""

import pytest

from tests.workflow_engine.deviating import HAGGLE, RENTAL, TO_RENTAL
from tests.workflow_engine.samples import ORDER
from workflow_engine.testing.coverage import Coverage
from workflow_engine.testing.running import Failure, Result

from . import features

ORDERED = """
When "Ann" runs the "order" action with:
  | price | 12 |
"""
PROPOSED = ORDERED + 'And "Bob" proposes the deviation "haggle"\n'
IN_FORCE = PROPOSED + 'And "Ann" agrees\n'
DOCUMENTS = {"order": ORDER, "rental": RENTAL, "haggle": HAGGLE, "rent": TO_RENTAL}


def passes(steps: str) -> Result:
    return features.passes(steps, **DOCUMENTS)


def fails(steps: str) -> Failure:
    return features.fails(steps, **DOCUMENTS)


def test_deviation_is_in_force_once_all_have_agreed_and_ends_where_it_says() -> None:
    passes(
        PROPOSED
        + """
        Then the deviation is "open"
        And the deviation "Haggle about the price" waits for "Ann"
        And the process is in the "signing" state
        When "Ann" agrees to the deviation "haggle"
        Then the deviation "haggle.json" is "in force"
        And the process is in the "haggling" state
        And "Haggle about the price" is in the history
        And the possible actions are:
          | lower   | seller |
          | give_up | buyer  |
        When "Bob" runs the "lower" action with:
          | price | 11 |
        And "Ann" runs the "give_up" action
        Then the deviation is "over"
        And the process is in the "signing" state
        And the process has asset "order" with:
          | price | 11 |
        """
    )


def test_time_of_a_deviation_runs_as_any_other() -> None:
    passes(IN_FORCE + 'When 2 days pass\nThen the process is in the "signing" state\nAnd the deviation is "over"')


@pytest.mark.parametrize(
    ("steps", "standing"),
    [
        ('When "Ann" refuses because "It is too late."', "refused"),
        ('When "Ann" refuses the deviation "haggle"', "refused"),
        ('When "Bob" withdraws the deviation', "withdrawn"),
        ('When "Ann" runs the "cancel" action', "lapsed"),
        ("When 7 days pass", "lapsed"),
    ],
)
def test_deviation_that_is_not_agreed_to_leaves_the_process_as_it_was(steps: str, standing: str) -> None:
    passes(f'{PROPOSED}{steps}\nThen the deviation is "{standing}"\nAnd "Ann" cannot agree')


def test_deviation_lapses_by_its_deadline() -> None:
    begin = ORDERED + 'And "Bob" proposes the deviation "haggle" with:\n| deadline | 2020-01-02T00:00:00Z |\n'
    passes(begin + 'When 1 day passes\nThen the deviation is "lapsed"\nAnd "Ann" cannot agree')
    passes(begin + 'When 10 hours pass\nAnd "Ann" agrees\nThen the deviation is "in force"')


def test_changed_data_asks_everybody_anew() -> None:
    passes(PROPOSED + 'When "Ann" runs the "sign" action\nThen the deviation waits for "Ann, Bob"\n'
           'When "Bob" agrees\nAnd "Ann" agrees\nThen the deviation is "in force"')  # fmt: skip


def test_who_may_propose_and_agree_is_as_on_a_node() -> None:
    passes(PROPOSED + 'Then "Bob" cannot agree\nAnd "Eve" is present\n'.replace('And "Eve"', 'Given "Eve"')
           + 'Then "Eve" cannot agree\nAnd "Eve" cannot propose the deviation "haggle"')  # fmt: skip
    passes(IN_FORCE + 'Then "Ann" cannot propose the deviation "haggle"')
    passes('Then "Ann" cannot propose the deviation "haggle"')


def test_proposal_may_stand_in_the_feature_itself() -> None:
    passes(
        ORDERED
        + """
        And "Ann" proposes this deviation:
          | $schema | urn:livecontract:deviation:1 |
          | title   | Forget it                    |
          | from    | signing                      |
          | to      | :cancelled                   |
        And "Bob" agrees
        Then the process is cancelled
        """
    )


def test_process_goes_on_by_another_scenario_whose_states_are_covered() -> None:
    result = passes(
        ORDERED
        + """
        And "Ann" proposes the deviation "rent"
        And "Bob" agrees
        Then the process is in the "renting" state
        And "Ann" is the "customer" actor
        When "Ann" runs the "pay" action with:
          | price | 3 |
        And "Bob" runs the "end" action
        Then the process is completed
        """
    )
    coverage = Coverage()
    coverage.add(result.traces)
    counts = {item["scenario"]: item["states"] for item in coverage.report({})}
    assert counts == {"order": [2, 6], "rental": [2, 4]}


def test_deviation_counts_for_no_transition_of_the_scenario() -> None:
    coverage = Coverage()
    coverage.add(passes(IN_FORCE + 'When "Ann" runs the "give_up" action').traces)
    (report,) = coverage.report({})
    assert report["transitions"][0] == 1


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('Then the deviation is "open"', "Nothing is proposed yet"),
        (f'{PROPOSED}Then the deviation is "in force"', 'it is open, and waits for "Ann"'),
        (f'{PROPOSED}Then the deviation is "agreed"', 'never "agreed"'),
        (f'{PROPOSED}Then the deviation waits for "Bob"', "it waits for Ann"),
        (f'{PROPOSED}Then the deviation "hagle" is "open"', 'Nobody has proposed "hagle"'),
        (f'{PROPOSED}Then "Ann" cannot agree', "it is possible"),
        (f'{PROPOSED}Then "Ann" cannot agree to the deviation "hagle"', 'Nobody has proposed "hagle"'),
        (f'{ORDERED}Then "Ann" cannot propose the deviation "haggle"', "it can be"),
        (f'{ORDERED}Then "Ann" cannot propose the deviation "haggle" with:\n| to | nowhere |', "itself is wrong"),
        (f'{ORDERED}When "Ann" proposes the deviation "hagle"', "There is no proposal"),
        ('When "Ann" proposes the deviation "haggle"', 'stands in "initial", not in "signing"'),
        (f'{PROPOSED}When "Bob" agrees', "agreed already"),
        (f'{PROPOSED}When "Eve" agrees', "Nobody here is called"),
        (f'{PROPOSED}And "Bob" proposes the deviation "rent"\nWhen "Ann" agrees', "Several things are proposed"),
        ('Then "Ann" has commented "Hello"', "no comment"),
        ('When "Ann" comments "Hello" in reply to "Good day"', "Nobody has commented"),
        ('When "Eve" comments "Hello"', "Nobody here is called"),
        ('When "Ann" comments with:\n| content | x |\n| url | https://a.example |', "either content, or the hash"),
    ],
)
def test_what_is_not_so_is_told_in_words(steps: str, said: str) -> None:
    assert said in fails(steps).actual


def test_failure_names_what_is_open() -> None:
    failure = fails(f"{PROPOSED}Then the process is completed")
    assert 'the deviation "Haggle about the price" is open, and waits for "Ann"' in failure.now
    assert "deviating" in " ".join(fails(f"{IN_FORCE}Then the process is completed").now)
    assert (
        'deviation "Haggle about the price", by the agreement of Ann'
        in fails(f"{IN_FORCE}Then the process is completed").so_far
    )


def test_comments_move_nothing_and_stay_possible_at_the_end() -> None:
    passes(
        ORDERED
        + """
        And "Bob" comments "The crate is open."
        And "Ann" comments "It was so before." on the "main" process in reply to "The crate is open."
        And "Ann" runs the "cancel" action
        And "Ann" comments with:
          | title              | photo.png                                    |
          | content_media_type | image/png                                    |
          | hash               | 11111111111111111111111111111111             |
        Then "Bob" has commented "The crate is open." in the "signing" state
        And "Ann" has commented "It was so before."
        And "Ann" has commented "photo.png" on the "main" process in the ":cancelled" state
        And the process is cancelled
        """
    )
    assert (
        "it was made in"
        in fails(f'{ORDERED}And "Bob" comments "Hello"\nThen "Bob" has commented "Hello" in the "initial" state').actual
    )
