"""What nodes do in a feature: what follows from the process they do, what others answer is said by steps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from tests.workflow_engine.documents.templates import text_in
from workflow_engine.documents import fill
from workflow_engine.testing.papers import text_of
from workflow_engine.testing.running import Failure
from workflow_engine.testing.services import Services, http_response

from . import features
from .outside import BEGIN_OUTSIDE, JUDGING, OUTSIDE, POLLING, SERVICES


def passes(steps: str) -> None:
    features.passes(steps, BEGIN_OUTSIDE, outside=OUTSIDE)


def fails(steps: str) -> Failure:
    return features.fails(steps, BEGIN_OUTSIDE, outside=OUTSIDE)


def test_nodes_go_on_by_themselves_until_a_person_is_asked() -> None:
    passes(
        JUDGING
        + """
        Then the process is in the "judging" state
        And the process has:
          | assets.order.id         | 7                                       |
          | assets.paper.media_type | application/vnd.oasis.opendocument.text |
        And "clerk" is present
        And a "PUT" request has been sent to "https://erp.example/orders" with:
          | number | 118 |
        And an invitation was sent to "ines@example.com" with:
          | name     | Ines Inspector |
          | identity | main-inspector |
          | contract | A contract     |
          | accepted | false          |
        """
    )


def test_document_is_made_from_its_template_and_can_be_read() -> None:
    written = f'{SERVICES}When the node of "Bob" runs the "register" action\nAnd "Bob" runs the "write" action'
    for words in (written, f'{written} giving an "ok" response'):
        passes(f'{words}\nThen the document "paper" says "These duties last 1 year from"\n'
               'And the document "paper" does not say "Penalty"')  # fmt: skip
    assert "ends in" in fails(f'{written} giving an "error" response').actual
    assert "it says:" in fails(f'{written}\nThen the document "paper" says "Penalty"').actual
    assert "it says: …" in fails(f'{written}\nThen the document "paper" does not say "These duties"').actual
    assert "no document" in fails(f'{written}\nThen the document "report" says "x"').actual
    assert "no asset" in fails(f'{written}\nThen the document "papers" says "x"').actual


def test_text_of_a_document_is_what_another_library_reads() -> None:
    terms = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}
    for name, data in (
        ("nda", {"assets": {"terms": {**terms, "penalty": 10_000}}}),
        ("nda", {"assets": {"terms": terms}}),
    ):
        document = fill(scenarios.template(name), data)
        assert "".join(text_of(document).split()) == "".join(text_in(document).split())


def test_sequence_waits_for_each_answer_and_does_nothing_twice() -> None:
    passes(
        """
        When the process is started
        Then a "POST" request has been sent to "https://registry.example/numbers"
        When that request received a "200" response with:
          | number | 5 |
        Then the process is in the "initial" state
        And a "PUT" request has been sent to "https://erp.example/orders" with:
          | number | 5 |
        When that request received a "400" response with:
          | why | closed |
        Then the process has failed
        And the process has asset "order" with:
          | step     | 2      |
          | data.why | closed |
        And "clerk" is present
        """
    )


def test_action_is_run_by_the_node_of_its_actor_alone() -> None:
    passes(f'{SERVICES}When the node of "Bob" runs the "register" action\nThen the process is in the "writing" state')
    assert "may not do" in fails('When the node of "Ann" runs the "register" action').actual


def test_action_whose_answer_is_missing_names_what_is_asked() -> None:
    failure = fails('When "Bob" runs the "register" action')
    assert "POST https://registry.example/numbers" in failure.actual
    assert "answers 200 with:" in str(failure.hint)
    assert "a POST request to https://registry.example/numbers waits for an answer" in failure.now


def test_nodes_that_have_nothing_to_do_say_what_is_missing() -> None:
    failure = fails("When the nodes do what waits")
    assert "an answer is missing: POST https://registry.example/numbers" in failure.actual
    assert "no system action waits" in fails(f"{JUDGING}When the nodes do what waits").actual


def test_service_that_does_not_answer_makes_its_action_fail() -> None:
    passes(
        'Given the service "https://registry.example/numbers" does not answer\nWhen the nodes do what waits\n'
        'Then the process has failed\nAnd the process has asset "order" with:\n| step | 1 |'
    )


def test_service_takes_something_on_and_answers_later() -> None:
    taken_on = SERVICES + 'Given the service "https://erp.example/orders" answers 202\nWhen the nodes do what waits\n'
    passes(
        taken_on
        + """
        Then the process is in the "initial" state
        When P3D pass
        Then the process is in the "initial" state
        When the service "https://erp.example/orders" answers later with:
          | id | 9 |
        Then the process is in the "writing" state
        And the process has asset "order" with:
          | id | 9 |
        """
    )
    passes(f'{taken_on}When the service "https://erp.example/orders" answers later giving an "error" response\n'
           "Then the process has failed")  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('When the service "https://erp.example/orders" answers later giving a "no" response', "There is no response"),
        ('When the service "https://erp.example/other" answers later', "https://erp.example/orders"),
        ('When P30D pass\nAnd the service "https://erp.example/orders" answers later', "waits no longer"),
    ],
)
def test_later_answer_is_held_to_what_the_process_allows(steps: str, said: str) -> None:
    begin = SERVICES + 'Given the service "https://erp.example/orders" answers 202\nWhen the nodes do what waits\n'
    assert said in fails(begin + steps).actual


def test_invited_person_acts_once_they_have_accepted() -> None:
    passes(POLLING + 'Then the process is in the "polling" state\nAnd "Ines" is the "inspector" actor\n'
           'And "main-inspector" is present with:\n| name | Ines Inspector |')  # fmt: skip
    assert "not accepted" in fails(f'{JUDGING}Then "main-inspector" may run the "judge" action').actual
    passes(f'{JUDGING}Then "main-inspector" cannot run the "judge" action')
    failure = fails(f'{JUDGING}When "main-inspector" runs the "judge" action')
    assert "has no keys of their own yet" in failure.actual
    assert "the invitation to ines@example.com waits" in failure.now
    passes(f'{JUDGING}When "main-inspector" accepts the invitation\nAnd "main-inspector" runs the "judge" action\n'
           'Then the process is in the "polling" state')  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ('When "Ines" accepts the invitation sent to "eve@example.com"', "ines@example.com (as main-inspector)"),
        ('When "Ines" accepts the invitation', "ines@example.com"),
        ('When "Ann" accepts the invitation sent to "ines@example.com"', "is on the chain already"),
        ('Then an invitation was sent to "eve@example.com"', "they went to: ines@example.com"),
    ],
)
def test_invitation_that_there_is_not_is_told_with_those_there_are(steps: str, said: str) -> None:
    assert said in fails(JUDGING + steps).actual


def test_invitation_that_no_node_would_send_is_the_outcome_error() -> None:
    wrong = {**OUTSIDE, "actions": {**OUTSIDE["actions"], "invite": {**OUTSIDE["actions"]["invite"], "email": "Ines"}}}
    features.passes(f"{JUDGING}Then the process has failed", BEGIN_OUTSIDE, outside=wrong)


def test_failure_calls_people_as_the_feature_does() -> None:
    failure = fails(POLLING + "Then the process is completed")
    assert "judge.ok by Ines" in failure.so_far
    assert "deviation" not in " ".join(failure.now)


def test_what_a_program_of_the_organisation_does_is_said_by_a_step() -> None:
    passes(f'{POLLING}When "Ann" runs the "wait" action\nThen the process is in the "polling" state')
    assert "not one that a node runs" in fails(f'{POLLING}When the node of "Ann" runs the "wait" action').actual


def test_answer_goes_to_the_action_that_asked() -> None:
    both = {
        **OUTSIDE,
        "states": {**OUTSIDE["states"], "initial": {**OUTSIDE["states"]["initial"], "actions": ["register", "poll"]}},
    }
    features.passes(
        """
        When P2D pass
        And a "GET" request to "https://registry.example/entries" received a "404" response
        Then the process has:
          | previous.0.key | "404" |
        And a "POST" request has been sent to "https://registry.example/numbers"
        """,
        BEGIN_OUTSIDE, outside=both,
    )  # fmt: skip


def test_longest_address_that_fits_answers() -> None:
    services = Services()
    for url, status in (
        ("https://a.example/*", "500"),
        ("https://a.example/b/*", "200"),
        ("https://a.example/b/c", "404"),
    ):
        services.let_answer(url, http_response(status, None))
    urls = ("https://a.example/b/c", "https://a.example/b/d", "https://a.example/x", "https://b.example/")
    answers = [services.response_to(("p", "GET", url, "k")) for url in urls]
    assert [None if found is None else found.status for _, found in answers] == [404, 200, 500, None]
    assert [is_known for is_known, _ in answers] == [True, True, True, False]


# --- Time -------------------------------------------------------------------------------------------------------------


def test_scheduled_actions_are_run_when_they_are_due_and_as_often_as_they_say() -> None:
    passes(
        POLLING
        + """
        Given the service "https://registry.example/entries" answers 404
        When PT23H pass
        Then the process has:
          | previous.4.action.key | tick |
          | previous.5            | null |
        When 2 hours pass
        Then the process has:
          | previous.5.key        | "404" |
          | previous.6.action.key | tick |
          | previous.7            | null |
        When 6 hours pass
        Then the process has:
          | previous.7.key | "404" |
          | previous.8     | null |
        When 7 days pass
        Then the process has:
          | previous.10.action.key | poll |
          | previous.11.action.key | tick |
          | previous.12            | null |
        When the deadline passes
        Then the process is cancelled
        """
    )


def test_polling_ends_with_the_answer_that_was_waited_for() -> None:
    passes(
        POLLING
        + """
        Given the service "https://registry.example/entries" answers 404
        And P1D passes
        When the service "https://registry.example/entries" answers 200
        And PT6H pass
        Then the process is completed
        """
    )


def test_scheduled_action_is_not_run_before_it_is_due() -> None:
    failure = fails(f'{POLLING}When the node of "Bob" runs the "poll" action')
    assert "not due yet" in failure.actual


def test_request_of_a_scheduled_action_waits_for_its_answer() -> None:
    passes(
        f'{POLLING}When P2D pass\nThen a "GET" request has been sent to "https://registry.example/entries"\n'
        "When that request received a 200 response\nThen the process is completed"
    )


def test_node_that_is_down_does_nothing_and_others_tell_of_the_timeout() -> None:
    passes(
        SERVICES
        + """
        Given the node of "Bob" is down
        And the node of "Ann" is down
        When P40D pass
        Then the process is in the "initial" state
        When the node of "Ann" is up again
        And the nodes do what waits
        Then the process is cancelled
        And the process has:
          | previous.0.actor.key | buyer |
        """
    )
    passes(
        SERVICES
        + """
        Given the node of "Ann" is down
        And the node of "Bob" is down
        And P29D pass
        And the node of "Bob" is up again
        When the nodes do what waits
        Then the process is in the "inviting" state
        """
    )


def test_turn_of_the_next_node_comes_ten_minutes_later() -> None:
    begin = 'Given the node of "Ann" is down\nWhen the process is started\n'
    passes(f'{begin}When P30D pass\nThen the process is in the "initial" state\nWhen 10 minutes pass\n'
           "Then the process is cancelled")  # fmt: skip
    passes(f"{begin}When the deadline passes\nThen the process has:\n| previous.0.actor.key | seller |")
    down = f'{begin}Given the node of "Bob" is down\n'
    assert "all of them are down" in fails(f"{down}When the deadline passes").actual
    assert "is down" in fails(f'{down}When the node of "Bob" runs the "register" action').actual


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ('Given the service "registry" answers 200', "no address of a service"),
        ('Given the service "https://a.example" answers 999', "no status of HTTP"),
        ('Given the node of "Eve" is down', "Nobody here is called"),
        ('Given the node of "Ann" is up again', "is not down"),
        ("When many days pass", "is no time"),
        ("When 7 moons pass", "is no time"),
        ("When 99999 years pass", "beyond the year 9999"),
    ],
)
def test_slip_of_the_pen_is_told(step: str, said: str) -> None:
    failure = fails(step)
    assert said in failure.actual


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 120), min_size=1, max_size=4), st.sampled_from(["200", "404", "500", "202"]), st.booleans()
)
def test_time_that_passes_in_parts_comes_to_what_it_comes_to_at_once(hours: list[int], status: str, down: bool) -> None:
    begin = f'{POLLING}Given the service "https://registry.example/entries" answers {status}\n'
    begin += 'Given the node of "Ann" is down\n' if down else ""
    parts = "".join(f"When PT{count}H passes\n" for count in hours)
    came = [
        features.passes(begin + steps, BEGIN_OUTSIDE, outside=OUTSIDE).traces[0][-1]
        for steps in (parts, f"When PT{sum(hours)}H passes\n")
    ]
    assert came[0].current.key == came[1].current.key
    assert came[0].previous == came[1].previous
