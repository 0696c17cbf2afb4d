"""What is wrong with a node is found, each fault by its finding, and a healthy node has none."""

from dataclasses import replace
from typing import Any

import pytest

from livecontract import doctor
from livecontract.doctor import DAY, HOUR, MINUTE, NOTICE, PROBLEM, SECOND, Finding, diagnose
from livecontract.facts import Aged, Facts, Repair

NOW = 1_700_000_000_000

HEALTHY = Facts(
    now=NOW,
    url="https://acme.example",
    expected_key="key",
    told_key="key",
    queues={"events": {"waiting": 3, "leased": 1, "dead": 0}},
    clock=300,
    peer_clocks={"https://a.example": 900, "https://b.example": -400},
    last_block=NOW - 20 * SECOND,
    block_time=10 * SECOND,
    unanchored=Aged(count=2, oldest=NOW - 10 * MINUTE),
    pending=Aged(count=0, oldest=None),
    early=Aged(count=1, oldest=NOW - 10 * MINUTE),
    disk_free=100 * 1024**3,
    shovels={"amqps://b.example/b": "running"},
    certificates={"broker.pem": NOW + 100 * DAY},
    repair=Repair(asked=4, chains=(), unanswered=0),
)


def letter(number: int, reason: str = "broken") -> dict[str, Any]:
    return {"id": f"events.{number}", "queue": "events", "reason": reason}


def test_healthy_node_has_no_findings() -> None:
    assert diagnose(HEALTHY) == []


def test_of_what_is_not_known_nothing_is_said() -> None:
    assert diagnose(Facts(now=NOW, url="https://acme.example")) == []


@pytest.mark.parametrize(
    ("fault", "check", "severity", "words"),
    [
        ({"unreachable": "the connection was refused"}, "node", PROBLEM, "livecontract run"),
        ({"not_ready": ["queue"]}, "queue", PROBLEM, "does not work"),
        ({"unanswered": {"/queue": "the broker is away"}}, "node", PROBLEM, "could not answer /queue"),
        ({"silent_services": {"workflow": "x"}}, "services", PROBLEM, "livecontract run --service workflow"),
        ({"no_login": ["amqps://b.example/b"]}, "peers", PROBLEM, "livecontract peer allow"),
        ({"key_error": "system.json is open to other users of this machine"}, "key", PROBLEM, "chmod 600"),
        ({"told_key": "other"}, "key", PROBLEM, "holds key"),
        ({"upgrade": True}, "store", NOTICE, "older version"),
        ({"store_error": "the store has layout 9"}, "store", PROBLEM, "layout 9"),
        ({"queues": {"relay": {"waiting": 5_000, "leased": 0, "dead": 0}}}, "queue", NOTICE, "5000 messages"),
        ({"letters": [letter(1)]}, "dead letters", PROBLEM, "doctor --requeue events.1 (or --discard events.1"),
        ({"clock": 7 * SECOND, "peer_clocks": {}}, "clock", NOTICE, "7 s ahead of this machine's"),
        ({"clock": -60 * SECOND, "peer_clocks": {}, "last_block": None}, "clock", PROBLEM, "60 s behind"),
        ({"peer_clocks": {"a": 40_000, "b": 41_000, "c": 0}}, "clock", PROBLEM, "40 s ahead of the node's"),
        ({"last_block": NOW + 90 * SECOND}, "clock", PROBLEM, "last block"),
        ({"last_block": NOW - HOUR}, "public chain", PROBLEM, "60 minutes old"),
        ({"unanchored": Aged(count=7, oldest=NOW - 3 * HOUR)}, "anchors", PROBLEM, "7 events have no receipt"),
        ({"pending": Aged(count=2, oldest=NOW - HOUR)}, "effects", PROBLEM, "2 events have effects"),
        ({"early": Aged(count=3, oldest=NOW - 2 * HOUR)}, "early events", NOTICE, "3 messages wait for missing events"),
        ({"forks": ["one", "two"]}, "forks", NOTICE, "one, two"),
        ({"disk_free": 1024**3}, "disk", NOTICE, "1024 MB"),
        ({"disk_free": 100 * 1024**2}, "disk", PROBLEM, "100 MB"),
        ({"silent_peers": {"https://a.example": "it did not answer in time"}}, "peers", NOTICE, "a.example"),
        ({"shovels": {"amqps://b.example/b": "terminated"}}, "shovels", PROBLEM, "do not go: terminated"),
        ({"certificates": {"broker.pem": NOW + 3 * DAY}}, "certificates", NOTICE, "expires in 3 days"),
        ({"certificates": {"broker.pem": NOW - 3 * DAY}}, "certificates", PROBLEM, "expired 3 days ago"),
        ({"repair": Repair(asked=4, chains=("one",), unanswered=0)}, "missing events", NOTICE, "1 chains have grown"),
        ({"repair": Repair(asked=4, chains=(), unanswered=2)}, "missing events", NOTICE, "2 messages still wait"),
    ],
)
def test_fault_is_found(fault: dict[str, Any], check: str, severity: str, words: str) -> None:
    (finding,) = diagnose(replace(HEALTHY, **fault))
    assert (finding.check, finding.severity) == (check, severity)
    assert words in " ".join(finding.to_dict().values())


def test_problems_come_first_and_each_says_what_it_means_and_what_to_do() -> None:
    facts = replace(HEALTHY, forks=["one"], letters=[letter(1)], disk_free=0)
    found = diagnose(facts)
    assert [finding.severity for finding in found] == [PROBLEM, PROBLEM, NOTICE]
    assert all(all(finding.to_dict().values()) for finding in found)


def test_dead_letters_with_one_reason_are_one_finding() -> None:
    letters = [letter(number, "wrong hash" if number % 2 else "no signature") for number in range(9)]
    found = diagnose(replace(HEALTHY, letters=letters))
    assert [finding.what for finding in found] == [
        "events: no signature (events.0, and 4 more)",
        "events: wrong hash (events.1, and 3 more)",
    ]


def test_one_clock_that_is_wrong_among_others_is_not_ours() -> None:
    assert diagnose(replace(HEALTHY, peer_clocks={"a": HOUR, "b": 100, "c": -100})) == []


def test_every_check_can_find_something() -> None:
    found: list[Finding] = []
    everything = Facts(
        now=NOW,
        url="x",
        unreachable="x",
        key_error="x",
        store_error="x",
        letters=[letter(1)],
        clock=HOUR,
        last_block=0,
        block_time=1,
        forks=["x"],
        disk_free=0,
        silent_peers={"x": "x"},
        silent_services={"x": "x"},
        certificates={"x": 0},
        repair=Repair(asked=1, chains=("x",), unanswered=1),
    )
    for check in doctor.CHECKS:
        mine = list(check(everything))
        assert mine, check
        found += mine
    assert len(found) == len(diagnose(everything))
