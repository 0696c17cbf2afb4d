"""The sentences: what each does, what it says when it is not so, and that slips of the pen never pass."""

from pathlib import Path

import pytest

from tests.workflow_engine.samples import ORDER
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import Step
from workflow_engine.testing.vocabulary import SENTENCES, bind, shown

from .features import fails, passes, results, run

GUIDE = Path(__file__).parents[3] / "docs" / "testing-scenarios.md"
ORDERED = """
When "Ann" runs the "order" action with:
  | price | 12 |
"""
OFFER = {
    "$schema": "urn:livecontract:scenario:1",
    "actors": {"buyer": {}, "seller": {}},
    "assets": {"list": {"type": "array"}},
    "actions": {
        "call": {
            "$schema": "urn:livecontract:action:http",
            "actor": "buyer",
            "url": "https://example.com/a",
            "method": "POST",
            "data": {"n": 1},
            "responses": {"ok": {"update": "assets.list"}, "error": {}, "404": {}},
        },
        "both": {
            "$schema": "urn:livecontract:action:http",
            "actor": "buyer",
            "requests": {"a": {"url": "https://example.com/a"}, "b": {"url": "https://example.com/b"}},
            "responses": {"ok": {}, "error": {}},
        },
        "tell": {
            "$schema": "urn:livecontract:action:event",
            "actor": "buyer",
            "body": [
                {"id": "Ines", "signkeys": {}},
                {"id": "second", "scenario": "order", "actors": {"buyer": "Ann", "seller": "Ines"}},
                {"process": "second", "action": "order", "data": {"price": 3}},
            ],
            "responses": {"ok": {}, "error": {}},
        },
    },
    "states": {
        "initial": {"actions": ["call"], "transitions": [{"action": "call", "response": "ok", "transition": "two"}]},
        "two": {"actions": ["both"], "transitions": [{"action": "both", "response": "ok", "transition": "three"}]},
        "three": {"actions": ["tell"], "transitions": [{"action": "tell", "response": "ok", "transition": ":success"}]},
    },
}

ORDER_BY_NODE = {**ORDER, "actions": {**ORDER["actions"], "order": {**ORDER["actions"]["order"], "system": True}}}
"""What a node tells by an event has to be an action that a node may do."""

BEGIN_OFFER = """
Given "Ann" creates the "main" process using the "offer" scenario
And "Ann" is the "buyer" actor
And "Bob" is the "seller" actor
"""


def test_words_of_the_reference_play_a_process_to_its_end() -> None:
    passes(
        """
        And the "main" process is started
        When "Ann" runs the "add_line" action of the "main" process with:
          | what | chair |
        And "Ann" runs the "order" action of the "main" process giving an "ok" response with:
          | price | 12 |
        Then the "main" process is in the "signing" state
        And the "main" process has asset "order"
        And the "main" process has the asset "order" with:
          | price        | 12    |
          | lines.0.what | chair |
        And "Buyer ordered for 12" is in the history of the "main" process
        And "Seller ordered" is not in the history
        When "Bob" runs the "sign" action
        Then the "seller" actor in the "main" process has:
          | signed | true |
        When "Ann" runs the "sign" action
        And "Bob" runs the "notify" action of the "main" process
        Then the "main" process is completed
        And the process has:
          | previous.4.data | 12 |
        And no action is possible
        And "Bob" is present
        """
    )


def test_sentence_of_the_issue_with_its_article_is_known() -> None:
    passes("Then the process is in the \"initial\" state", begin="""
        Given "Ann" creates the "main" process using the "order" scenario
        And "Ann" is the "buyer" actor
        And the "Bob" is the "seller" actor
        And the "Bob" is also the "seller" actor of the "main" process
    """)  # fmt: skip


def test_actors_and_assets_begin_with_what_is_given() -> None:
    passes(
        """
        And the "main" process has asset "order" with:
          | price | 5 |
        And "Ann" is the "buyer" actor with:
          | signed | false |
        Then the process has asset "order" with:
          | price    | 5   |
          | currency | EUR |
        And "Ann" is the "buyer" actor with:
          | signed | false |
        """
    )


@pytest.mark.parametrize(
    "steps",
    [
        'When P6D pass\nThen the process is in the "signing" state\nWhen P1D passes',
        "When the time of the state is over",
        'When it is "2020-02-01"',
        'When "Bob" runs the ":timeout" action at "2020-01-09"',
    ],
)
def test_time_passes_and_nodes_notice_what_is_over(steps: str) -> None:
    passes(f"{ORDERED}{steps}\nThen the process has failed")


def test_time_starts_where_the_feature_says() -> None:
    passes('Given it is "2026-03-01T12:00:00Z"\nWhen the process is started\nThen the process has:\n'
           "  | current.entered.timestamp | 1772366400000 |\n  | title | Order |")  # fmt: skip


def test_what_is_filled_in_keeps_its_kind() -> None:
    passes(
        ORDERED + "Then the process has:\n  | assets.order.price | ${main.assets.order.price} |\n"
        'When "Ann" runs the "cancel" action with:\n  | day | ${today} |\n  | note | ${main.title} of ${today} |\n'
        "Then the process has:\n  | previous.1.data.day | 2020-01-01 |\n"
        "  | previous.1.data.note | Order of 2020-01-01 |"
    )


@pytest.mark.parametrize(
    ("steps", "expected", "actual"),
    [
        ('Then the process is in the "signing" state', 'in the state "signing"', 'it is in "initial"'),
        ("Then the process is completed", 'the state ":success"', 'it is in "initial"'),
        ("Then the process is cancelled", 'the state ":cancelled"', 'it is in "initial"'),
        ("Then the process has failed", 'the state ":failed"', 'it is in "initial"'),
        ('Then "Sold" is in the history', '"Sold" to be in the history', "there is: nothing"),
        ('Then "Bob" may run the "order" action', '"Bob" to be able to do "order"', '"initial"'),
        ('Then "Ann" cannot run the "add_line" action', "to be refused", "it is possible"),
        ('Then "Ann" cannot run the "order" action with:\n|price|1|', "to be refused", "accepted with this data"),
        ("Then no action is possible", "no action to be possible", "add_line (buyer); order (buyer)"),
        ("Then the possible actions are:\n|order|buyer|", "order (buyer)", "add_line (buyer); order (buyer)"),
        ('Then the "buyer" actor has:\n|signed|true|', "signed of the actor", "it is absent"),
        ('Then the process has asset "order" with:\n|currency|USD|', 'to be "USD"', 'it is "EUR"'),
        ('Then the process has asset "order" with:\n"""\n{}\n"""', "to be {}", "EUR"),
        ('Then "Bob" is the "buyer" actor', '"Bob" to be the actor "buyer"', 'that is "Ann"'),
        ('Then "Eve" is present', '"Eve" to be on the chain', '"Ann", "Bob"'),
        ('Then "Ann" is present with:\n|node|https://a|', "node of the identity", "absent"),
        ("When the time of the state is over", "to have a timeout", "no transition"),
        ('When "Bob" runs the "order" action with:\n|price|1|', "to be accepted", "may not do"),
        ('When "Ann" runs the "order" action with:\n|price|"1"|', "to be accepted", "$.data.price"),
        ('Then a "GET" request has been sent to "https://a"', "a GET request", "no request waits"),
    ],
)  # fmt: skip
def test_failure_says_what_was_expected_and_what_is(steps: str, expected: str, actual: str) -> None:
    failure = fails(steps)
    assert expected in failure.expected
    assert actual in failure.actual
    assert (failure.file, failure.line) == ("test.feature", 9)


def test_failure_says_who_could_have_done_what_and_what_was_done() -> None:
    failure = fails(ORDERED + "Then the process is completed")
    assert list(failure.possible) == [
        {"process": "main", "state": "signing", "actions": {
            "sign": ["Ann (buyer)", "Bob (seller)"], "cancel": ["Ann (buyer)", "Bob (seller)"]}}
    ]  # fmt: skip
    assert list(failure.so_far) == ["order.ok by Ann"]


@pytest.mark.parametrize(
    "steps",
    [
        'Then "Ann" cannot run the "ordre" action',
        'Then "Ann" cannot run the "order" action giving a "no" response with:\n|price|1|',
        'Then "Eve" cannot run the "order" action',
        'Then "Ann" cannot run the "order" action',
        'Then the process is in the "singing" state',
        'Then the "byer" actor has:\n|signed|true|',
        'Then the process has asset "odrer"',
        'Then the possible actions are:\n|ordre|buyer|',
        'Then the possible actions are:\n|order|byer|',
        'Then the process has:\n|a..b|1|',
        'Then the process has:\n|${nothing}|1|',
        'Then the "second" process is completed',
        'When "Eve" runs the "order" action',
        'When "Ann" runs the "nothing" action',
        'When "Ann" runs the "order" action with:\n"""\n{\n"""',
        'When "Ann" runs the "order" action with:\n|a|1|\n|a.b|2|',
        'When "Ann" runs the "order" action with:\n|a.1|1|',
        'When "Ann" runs the "order" action with:\n|a|1|2|',
        'When that request received a "200" response',
        'When P7 pass',
        'When it is "tomorrow"',
        'When the node of "Ann" runs the "order" action',
        'Given "Ann" creates the "main" process using the "order" scenario',
        'Given "Ann" creates the "second" process using the "nothing" scenario',
        'Given "Bob" is the "byer" actor',
        'Given the process has asset "odrer"',
    ],
)  # fmt: skip
def test_slip_of_the_pen_is_told_and_never_passes(steps: str) -> None:
    failure = fails(steps)
    assert failure.expected in ("a step that can be run", "this to be accepted")
    assert failure.actual


def test_actor_changes_by_actions_alone_once_the_process_has_started() -> None:
    failure = fails('When the process is started\nGiven "Eve" is the "buyer" actor')
    assert "has started" in failure.actual


def test_time_does_not_go_back() -> None:
    assert "does not go back" in fails('When the process is started\nGiven it is "2019-01-01"').actual


def test_person_signs_with_the_key_that_is_said() -> None:
    failure = fails('Given "Ann" signs with the "system" key\nWhen "Ann" runs the "add_line" action')
    assert "person's key" in failure.actual
    passes('Given "Ann" signs with "user"\nWhen "Ann" runs the "add_line" action')


def test_several_processes_stand_on_one_chain_and_have_to_be_named() -> None:
    second = """
        And "Bob" creates the "second" process using the "order" scenario
        And "Bob" is the "buyer" actor of the "second" process
        And "Ann" is the "seller" actor of the "second" process
        When "Bob" runs the "order" action of the "second" process with:
          | price | 3 |
        And "Ann" runs the "order" action of the "main" process with:
          | price | ${second.assets.order.price} |
        Then the "second" process is in the "signing" state
        And the "main" process has asset "order" with:
          | price | 3 |
    """
    passes(second)
    assert "several processes" in fails(second + "Then the process is completed").actual


def test_requests_of_system_actions_are_seen_and_answered_without_a_network() -> None:
    passes(
        """
        When the process is started
        Then a "POST" request has been send to "https://example.com/a" with:
          | n | 1 |
        When that request received a "404" response
        Then the process is in the "initial" state
        And the process has:
          | previous.0.key | 404 |
        """.replace("| 404 |", '| "404" |'),
        BEGIN_OFFER, offer=OFFER,
    )  # fmt: skip


def test_action_with_several_requests_goes_on_with_the_last_answer() -> None:
    text = """
        When the process is started
        And a POST request to "https://example.com/a" received a 200 response with:
          | x | 1 |
        Then the process is in the "two" state
        And the process has asset "list" with:
          | 0.x | 1 |
        When a "GET" request to "https://example.com/a" received a "200" response with:
          \"\"\"text
          hello
          \"\"\"
        Then the process is in the "two" state
        And a "GET" request was sent to "https://example.com/b"
    """
    passes(
        text + 'When that request receives a "200" response\nThen the process is in the "three" state',
        BEGIN_OFFER, offer=OFFER,
    )  # fmt: skip
    passes(
        text + "When that request failed\nThen the process is in the \"two\" state\nAnd the process has:\n"
        "| previous.1.key | error |\n| previous.1.data.a | hello |",
        BEGIN_OFFER, offer=OFFER,
    )  # fmt: skip


def test_answer_that_comes_later_is_given_by_its_actor() -> None:
    passes(
        """
        When the process is started
        And a "POST" request to "https://example.com/a" received a "202" response
        Then the process is in the "initial" state
        When "Ann" runs the "call" action giving an "ok" response
        Then the process is in the "two" state
        """,
        BEGIN_OFFER, offer=OFFER,
    )  # fmt: skip


def test_events_of_system_actions_start_processes_and_bring_identities() -> None:
    passes(
        """
        When "Ann" runs the "call" action giving an "ok" response
        And "Ann" runs the "both" action giving an "ok" response
        And the node of "Ann" runs the "tell" action
        Then the "main" process is completed
        And "Ines" is present
        And the "second" process is in the "signing" state
        And "Ines" is the "seller" actor of the "second" process
        """,
        BEGIN_OFFER, offer=OFFER, order=ORDER_BY_NODE,
    )  # fmt: skip


def test_events_that_are_refused_make_the_action_fail() -> None:
    body = [{"process": "nowhere", "action": "order"}]
    document = {**OFFER, "actions": {**OFFER["actions"], "tell": {**OFFER["actions"]["tell"], "body": body}}}  # type: ignore[dict-item,index]
    passes(
        """
        When "Ann" runs the "call" action giving an "ok" response
        And "Ann" runs the "both" action giving an "ok" response
        And "Ann" runs the "tell" action
        Then the process is in the "three" state
        And the process has:
          | previous.2.key | error |
        """,
        BEGIN_OFFER, offer=document,
    )  # fmt: skip


def test_node_of_somebody_else_is_refused() -> None:
    failure = fails(
        ORDERED + 'When "Ann" runs the "sign" action\nAnd "Bob" runs the "sign" action\n'
        'And the node of "Ann" runs the "notify" action'
    )
    assert "may not do" in failure.actual


# --- The table itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ('"Bob" run the "offer" action giving an "ok" response', '"person" runs the "action" action'),
        ("the process is finished", 'the[ "process"] process is started'),
        ('the process should be in the "a" state', 'the[ "process"] process is in the "state" state'),
        ("Bob is the seller actor", '[the ]"person" is[ also] the "actor" actor'),
        ("\u202e\u202e\u202e", "docs/testing-scenarios.md"),
    ],
)
def test_unknown_sentence_is_refused_with_the_nearest_one(text: str, nearest: str) -> None:
    with pytest.raises(InvalidFeatureError) as caught:
        results(f'Feature: F\nScenario: S\nGiven a chain is created by "Ann"\nWhen {text}')
    assert (caught.value.file, caught.value.line) == ("test.feature", 4)
    assert nearest in str(caught.value.hint)


@pytest.mark.parametrize(
    "step",
    [
        Step(kind="when", text='"Ann" runs the "order" action with:', line=1),
        Step(kind="when", text='"Ann" runs the "order" action', line=1, table=(("a", "1"),)),
        Step(kind="when", text="the process is started", line=1, doc="a"),
    ],
)
def test_data_and_colon_belong_together(step: Step) -> None:
    with pytest.raises(InvalidFeatureError):
        bind(step)


def test_names_may_hold_escaped_quotes() -> None:
    _, _, words = bind(Step(kind="given", text=r'a chain is created by "A \"B\" \\"', line=1))
    assert words == {"person": 'A "B" \\'}


def test_guide_lists_every_sentence_and_no_other() -> None:
    text = GUIDE.read_text("utf-8")
    table = text.split("<!-- sentences -->")[1]
    assert [line.strip("|").split("|")[0].strip().strip("`") for line in table.strip().splitlines()[2:]] == [
        shown(sentence.text) for sentence in SENTENCES
    ]


def test_process_has_to_be_created_first() -> None:
    assert "no process yet" in fails("When the process is started", 'Given "Ann" is present').actual


def test_process_without_its_creator_among_the_actors_does_not_start() -> None:
    result = run("When the process is started", 'Given "Ann" creates the "main" process using the "order" scenario')
    assert result.failure is not None
    assert "Only who is an actor" in result.failure.actual
