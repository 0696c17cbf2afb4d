"""Mistakes that people make in features: each is told with what is wrong, and what to do about it."""

import pytest

import scenarios

from .features import BEGIN, fails, passes

SIGNING = """
Given "Ann" creates the "main" process using the "signing" scenario
And "Ann" is the "sender" actor
And "Bob" is the "recipient" actor
"""
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PRESENTED = f"""
When "Ann" runs the "present" action with:
  | title  | Lease    |
  | sha256 | {SHA256} |
And the nodes do what waits
"""


@pytest.mark.parametrize(
    ("steps", "actual", "hint"),
    [
        ('When "An" runs the "withdraw" action', 'called "An"', 'Did you mean "Ann"?'),
        ('When "Ann" runs the "withdrawn" action', 'no action "withdrawn"', 'Did you mean "withdraw"?'),
        ('When the node of "Ann" runs the "presnt" action', 'no action "presnt"', 'Did you mean "present"?'),
        ('When "Ann" runs the "withdraw" action giving an "okay" response', 'no response "okay"', 'It has "ok"'),
        ('Then the process is in the "singing" state', 'no state "singing"', 'Did you mean "signing"?'),
        ('Then the process has asset "documents"', 'no asset "documents"', 'Did you mean "document"?'),
        ('Then the "receiver" actor has:\n| signed | true |', 'no actor "receiver"', '"recipient", "sender"'),
        ("Then the process has:\n| asset.document | null |", 'no "asset"', 'Did you mean "assets"?'),
        ("Then the process has:\n| assets.documnt.title | null |", 'no asset "documnt"', 'Did you mean "document"?'),
        ('When "Ann" runs the "present" action', "should be an object", "The action takes data"),
        ('When "Ann" runs the "present" action with:\n| title | a |\n| sha256 | 9F86 |', "form", 'stands "9F86"'),
        (f'When "Ann" runs the "present" action with:\n| titel | a |\n| title | a |\n| sha256 | {SHA256} |',
         "not foreseen", 'Did you mean "title"? The form has media_type, sha256, size, title.'),
        ('Given "Eve" is present\nWhen "Eve" runs the "present" action', "bound to no actor",
         '"Eve" plays no actor. In "main", recipient is Bob, sender is Ann.'),
        (f'{PRESENTED}When "Ann" runs the "refuse" action', "may not do", 'It is up to "recipient".'),
        ('When "Ann" runs the "withdraw" action\nAnd "Ann" runs the "present" action', "not available",
         "The process has ended."),
        (f'{PRESENTED}When "Bob" runs the "sign" action\nThen the process is completed', 'it is in "signing"',
         'sign.ok left it in "signing": the condition of the transition to ":success" is not met.'),
    ],
)  # fmt: skip
def test_mistake_is_told_with_what_to_do(steps: str, actual: str, hint: str) -> None:
    failure = fails(steps, SIGNING, signing=scenarios.load("signing"))
    assert actual in failure.actual
    assert hint in str(failure.hint)


def test_response_that_no_transition_waits_for_is_named() -> None:
    failure = fails('When "Ann" runs the "add_line" action\nThen the process is completed', BEGIN)
    assert failure.hint == 'add_line.ok left it in "initial", where no transition waits for that.'


def test_failure_says_where_everything_stands() -> None:
    steps = f'{PRESENTED}When "Bob" runs the "sign" action\nThen the process is completed'
    failure = fails(steps, SIGNING, signing=scenarios.load("signing"))
    assert failure.now == (
        "it is 2020-01-01T00:00:03Z",
        '"main" is in "signing" (Signing) until 2020-01-31T00:00:01Z',
    )
    later = f"{PRESENTED}When 30 days pass\nThen the process is completed"
    failure = fails(later, SIGNING, signing=scenarios.load("signing"))
    assert 'has ended in ":cancelled"' in failure.now[1]


def test_members_that_are_rarely_there_may_be_looked_at() -> None:
    passes("Then the process has:\n| deviation | null |\n| $schema | urn:livecontract:process:1 |\n| changed | null |")
