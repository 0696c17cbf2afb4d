"""How an error reads in a log, where sentence and advice stand in one line."""

import pytest

from eventchain.core.errors import InvalidError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (InvalidError("the key is wrong"), "the key is wrong"),
        (InvalidError("the key is wrong", path="$.key"), "the key is wrong (at $.key)"),
        (InvalidError("the key is wrong", hint="Make a new one."), "the key is wrong. Make a new one."),
        (InvalidError("The key is wrong.", hint="Make a new one."), "The key is wrong. Make a new one."),
        (
            InvalidError("The key is wrong.", path="$.key", hint="Make a new one."),
            "The key is wrong. (at $.key) Make a new one.",
        ),
    ],
)
def test_an_error_reads_as_sentences(error: InvalidError, text: str) -> None:
    assert str(error) == text
