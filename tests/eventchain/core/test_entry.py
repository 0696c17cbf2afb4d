"""What the services tell each other about an event."""

import json
from typing import Any

import pytest

from eventchain.core.clock import system_clock
from eventchain.core.entry import Entry


def entry(body: dict[str, Any]) -> Entry:
    return Entry(
        chain="c",
        hash="h",
        previous="p",
        timestamp=1,
        body=body,
        signer="s",
        identity="i",
        key_names=frozenset({"user"}),
        members=frozenset({"i"}),
    )


@pytest.mark.parametrize(
    ("body", "schema"),
    [({"$schema": "https://x"}, "https://x"), ({}, None), ({"$schema": 1}, None), ({"$schema": None}, None)],
)
def test_schema_is_the_bodys_or_none(body: dict[str, Any], schema: str | None) -> None:
    assert entry(body).schema == schema


def test_system_clock_counts_milliseconds() -> None:
    assert 1_700_000_000_000 < system_clock() < 100_000_000_000_000


def test_entry_crosses_json() -> None:
    sent = entry({"$schema": "https://x", "data": [1, {"a": None}]})
    form = json.loads(json.dumps(sent.to_dict()))
    assert form["members"] == ["i"]
    assert Entry.from_dict(form) == sent
    with pytest.raises(KeyError):
        Entry.from_dict({"chain": "c"})
