"""What is wrong with a node, and what to do: pure checks over facts that were collected before.

`Facts` is what `livecontract.doctor_facts` could learn, of a running node or of its configuration and files alone.
What could not be learned is None, and nothing is said of it. Each check looks at some of it and yields findings. One
of severity `problem` wants somebody to act; a `notice` wants to be known.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from livecontract.facts import Facts

PROBLEM, NOTICE = "problem", "notice"

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CLOCK_NOTICE, CLOCK_PROBLEM = 5 * SECOND, 20 * SECOND
"""Milliseconds that clocks may differ: signatures of requests are refused from 30 seconds on."""

STANDSTILL_BLOCKS = 30
"""Block times after which a public chain without a new block stands still."""

LONG_QUEUE = 1_000
"""Waiting messages of one queue that a node works off within a minute or so."""

EFFECTS_AGE = 5 * MINUTE
"""Milliseconds after which effects that are still to do are stuck: they are taken up again every few seconds."""

UNANCHORED_AGE = HOUR
EARLY_AGE = HOUR
CERTIFICATE_NOTICE = 21 * DAY
DISK_PROBLEM, DISK_NOTICE = 256 * 1024**2, 2 * 1024**3
"""Bytes free on the disk of the data directory."""

SHOWN = 5
"""Ids shown of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something an operator should know.

    Attributes:
        check: What was looked at.
        severity: `problem` or `notice`.
        what: What was found, in a sentence.
        meaning: Why it matters.
        todo: What to do; a command where there is one.
    """

    check: str
    severity: str
    what: str
    meaning: str
    todo: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return asdict(self)


def diagnose(facts: Facts) -> list[Finding]:
    """Return what is found, problems first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: finding.severity != PROBLEM)


def _check_node(facts: Facts) -> Iterator[Finding]:
    if facts.unreachable:
        yield _problem(
            "node",
            f"the node does not answer at {facts.url}: {facts.unreachable}",
            "Nobody can use it, and other nodes' events wait at theirs.",
            "Start it with: livecontract run. If it runs, look at url, host and port, and at what stands before it.",
        )
    for name in facts.not_ready:
        yield _problem(
            name,
            f"the node says that its {name} does not work",
            "It takes no events in; what waits, waits.",
            "The reason stands in its log; what it needs has to run and to be reachable.",
        )
    for path, reason in () if facts.not_ready else facts.unanswered.items():
        yield _problem(
            "node",
            f"the node could not answer {path}: {reason}",
            "What it would have told is not known.",
            "Look into its log, and try again.",
        )


def _check_services(facts: Facts) -> Iterator[Finding]:
    for name, reason in facts.silent_services.items():
        yield _problem(
            "services",
            f"the service {name} does not work: {reason}",
            "What the others ask it fails, and is tried again.",
            f"Start it (livecontract run --service {name}), or look into its log and at the setting {name}.",
        )


def _check_key(facts: Facts) -> Iterator[Finding]:
    if facts.key_error:
        yield _problem(
            "key",
            facts.key_error,
            "The key is the node's identity: without it nothing can be signed; known to others, they can sign.",
            "Close the file with chmod 600, or restore it: livecontract restore. A new key is another identity.",
        )
    if facts.expected_key and facts.told_key and facts.expected_key != facts.told_key:
        yield _problem(
            "key",
            f"the node at {facts.url} has the key {facts.told_key}, and the key file holds {facts.expected_key}",
            "It is another node, or runs with another key than its contracts know.",
            "Compare url and key_file with what the node was started with.",
        )


def _check_store(facts: Facts) -> Iterator[Finding]:
    if facts.store_error:
        yield _problem(
            "store",
            f"the store cannot be opened: {facts.store_error}",
            "The node cannot start on it.",
            "Run the version that wrote it, or upgrade; see docs/operations.md.",
        )
    if facts.upgrade:
        yield _notice(
            "store",
            "the store was written by an older version",
            "The next start of the node changes it, after it has made a copy beside it.",
            "See that the disk has room for the copy, and that no older version is to open it again.",
        )


def _check_queues(facts: Facts) -> Iterator[Finding]:
    for name, depth in (facts.queues or {}).items():
        if depth.get("waiting", 0) > LONG_QUEUE:
            yield _notice(
                "queue",
                f"{depth['waiting']} messages wait in {name}",
                "Their effects come late: events of others, anchors, or what other nodes are to get.",
                "If it does not shrink within minutes: is who takes them running? For relay: is another node away?",
            )
    reasons = Counter((str(letter.get("queue")), str(letter.get("reason"))) for letter in facts.letters)
    for (queue, reason), count in reasons.most_common(SHOWN):
        id_ = next(
            letter["id"] for letter in facts.letters if (letter.get("queue"), letter.get("reason")) == (queue, reason)
        )
        more = "" if count == 1 else f", and {count - 1} more"
        yield _problem(
            "dead letters",
            f"{queue}: {reason} ({id_}{more})",
            "The message was given up: an event was not taken in, or somebody did not get it.",
            f"Remove the cause, then: livecontract doctor --requeue {id_} (or --discard {id_} to forget it)",
        )


def _check_clock(facts: Facts) -> Iterator[Finding]:
    if facts.clock is not None and (severity := _clock_severity(facts.clock)):
        yield Finding(
            check="clock",
            severity=severity,
            what=f"the node's clock is {_seconds(facts.clock)} this machine's",
            meaning="Requests with wrong times are refused, and events of the future wait.",
            todo="Synchronise the clocks (NTP).",
        )
    own = facts.clock or 0
    off = sorted(difference - own for difference in facts.peer_clocks.values())
    if off and (severity := _clock_severity(off[len(off) // 2])):
        yield Finding(
            check="clock",
            severity=severity,
            what=f"the clocks of most other nodes are {_seconds(off[len(off) // 2])} the node's",
            meaning="If they agree with each other, it is this node's clock that is wrong.",
            todo="Synchronise the clock of this node's machine (NTP).",
        )
    node_time = facts.now + own
    if facts.last_block is not None and facts.last_block - node_time > CLOCK_PROBLEM:
        yield _problem(
            "clock",
            f"the public chain's last block is dated {_seconds(facts.last_block - node_time)} the node's clock",
            "Blocks are dated by others: this node's clock is behind.",
            "Synchronise the clock of this node's machine (NTP).",
        )


def _check_public_chain(facts: Facts) -> Iterator[Finding]:
    if facts.last_block is None or facts.block_time is None:
        return
    age = facts.now + (facts.clock or 0) - facts.last_block
    if age > STANDSTILL_BLOCKS * facts.block_time:
        yield _problem(
            "public chain",
            f"the last block of the public chain is {_span(age)} old",
            "Nothing is anchored meanwhile; contracts go on.",
            "See whether the anchor service runs, and whether it forges or follows others that do.",
        )


def _check_events(facts: Facts) -> Iterator[Finding]:
    if (aged := facts.unanchored) and aged.oldest is not None and facts.now - aged.oldest > UNANCHORED_AGE:
        yield _problem(
            "anchors",
            f"{aged.count} events have no receipt, the first of them since {_span(facts.now - aged.oldest)}",
            "That they existed, and in which order, cannot be proven to others yet.",
            "See whether the anchor service answers and can pay, and for dead letters of the queue anchor.",
        )
    if (aged := facts.pending) and aged.oldest is not None and facts.now - aged.oldest > EFFECTS_AGE:
        yield _problem(
            "effects",
            f"{aged.count} events have effects still to do, the first of them since {_span(facts.now - aged.oldest)}",
            "They are saved, but not anchored, not acted upon or not sent on yet.",
            "See whether the queue can be written to; the node takes them up again by itself.",
        )
    if (aged := facts.early) and aged.oldest is not None and facts.now - aged.oldest > EARLY_AGE:
        yield _notice(
            "early events",
            f"{aged.count} messages wait for missing events, the first of them since {_span(facts.now - aged.oldest)}",
            "Their events follow one that has not arrived. Other nodes are asked for it; after a week this ends.",
            "See whether the other nodes answer. If one of them lost events: livecontract doctor --repair there.",
        )
    if facts.forks:
        shown = ", ".join(facts.forks[:SHOWN]) + (", …" if len(facts.forks) > SHOWN else "")
        yield _notice(
            "forks",
            f"{len(facts.forks)} chains have branches beside them: {shown}",
            "Parties acted at the same time; nodes may show different branches.",
            "Look at /event-chains/<id>/conflicts; who wants to act anyway signs a new event on the present end.",
        )


def _check_disk(facts: Facts) -> Iterator[Finding]:
    if facts.disk_free is not None and facts.disk_free < DISK_NOTICE:
        yield Finding(
            check="disk",
            severity=PROBLEM if facts.disk_free < DISK_PROBLEM else NOTICE,
            what=f"{facts.disk_free // 1024**2} MB are free on the disk of the data directory",
            meaning="A full disk stops the node; nothing that was acknowledged is lost.",
            todo="Make room, or move the data directory.",
        )


def _check_peers(facts: Facts) -> Iterator[Finding]:
    for uri, reason in sorted(facts.silent_peers.items()):
        yield _notice(
            "peers",
            f"{uri} does not answer: {reason}",
            "What it is to get waits here for about a week.",
            "Tell its operator if it lasts.",
        )
    for uri in sorted(facts.no_login):
        yield _problem(
            "peers",
            f"there is no login for {uri}",
            "What it is to get waits here for about a week.",
            "Ask its operator for one (livecontract peer allow), add it to the setting peers, and restart the node.",
        )
    for destination, state in sorted(facts.shovels.items()):
        if state != "running":
            yield _problem(
                "shovels",
                f"messages to {destination} do not go: {state}",
                "Events for that node wait in our queue.",
                "Look at the login for it in the setting peers, and whether its broker answers and has room.",
            )


def _check_certificates(facts: Facts) -> Iterator[Finding]:
    for file, expires in sorted(facts.certificates.items()):
        left = expires - facts.now
        if left < CERTIFICATE_NOTICE:
            what = f"expired {_span(-left)} ago" if left < 0 else f"expires in {_span(left)}"
            yield Finding(
                check="certificates",
                severity=PROBLEM if left < 0 else NOTICE,
                what=f"the certificate in {file} {what}",
                meaning="Connections to brokers over TLS are refused with an expired certificate.",
                todo="Renew it, and restart what reads it.",
            )


def _check_repair(facts: Facts) -> Iterator[Finding]:
    repair = facts.repair
    if repair is None:
        return
    if repair.chains:
        shown = ", ".join(repair.chains[:SHOWN]) + (", …" if len(repair.chains) > SHOWN else "")
        yield _notice(
            "missing events",
            f"after {repair.asked} asks {len(repair.chains)} chains have grown: {shown}",
            "Events that had not arrived were fetched from other nodes, or came just now anyway.",
            "Nothing; ask why they had not arrived if it happens again.",
        )
    if repair.unanswered:
        yield _notice(
            "missing events",
            f"{repair.unanswered} messages still wait to be sent to other nodes",
            "Nodes that are away are asked when they are back.",
            "Run it again later.",
        )


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _check_node,
    _check_services,
    _check_key,
    _check_store,
    _check_queues,
    _check_clock,
    _check_public_chain,
    _check_events,
    _check_disk,
    _check_peers,
    _check_certificates,
    _check_repair,
)


def _problem(check: str, what: str, meaning: str, todo: str) -> Finding:
    return Finding(check=check, severity=PROBLEM, what=what, meaning=meaning, todo=todo)


def _notice(check: str, what: str, meaning: str, todo: str) -> Finding:
    return Finding(check=check, severity=NOTICE, what=what, meaning=meaning, todo=todo)


def _clock_severity(difference: int) -> str | None:
    if abs(difference) <= CLOCK_NOTICE:
        return None
    return PROBLEM if abs(difference) > CLOCK_PROBLEM else NOTICE


def _seconds(difference: int) -> str:
    return f"{abs(difference) / SECOND:.0f} s {'ahead of' if difference > 0 else 'behind'}"


def _span(milliseconds: int) -> str:
    for length, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if milliseconds >= 2 * length:
            return f"{milliseconds // length} {name}"
    return f"{milliseconds // SECOND} seconds"
