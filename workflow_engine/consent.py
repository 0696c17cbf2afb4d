"""Proposing to deviate, and agreeing to it: what parties decide about their scenario together (paper 8.2 and 8.3).

```
{ "$schema": "urn:livecontract:consent:1", "id"?, "deviation": hash of the event that proposed it,
  "answer": "agree" | "refuse" | "withdraw", "reason"?: text }
```

- *Who proposes.* An identity that is bound to an actor of the process, with a person's key. That is its agreement, too.
- *Who is asked.* Every identity that is bound to an actor and holds sign keys on the chain, as of each answer: who
  joins meanwhile is asked as well, who has left is not waited for. Several roles of one identity are one signature; an
  actor without identity has nobody to ask.
- *In force* at the first `agree` after which nobody is missing. Who has agreed may agree again only if that brings it
  into force: because somebody who was missing has left.
- *On the data as it is.* A response that changes an actor or asset and leaves the process in its state leaves proposals
  open, and everybody has to agree anew, the author included: what was agreed to was agreed to on other data.
- *Only from where the process stands.* A proposal is made in the state it starts from. It lapses when the process
  leaves that state, even to enter it again, when another deviation comes into force, and at its deadline. Moments are
  timestamps on the chain; the latest one known counts, so that an answer dated back is not in time.
- One deviation at a time. While one is in force, only what has no states of its own may be proposed: it ends that
  early.
- One `refuse` of who is asked ends it; its author may `withdraw` it. What has ended is never answered again.

Pure and consensus-critical, like the machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidEncodingError
from workflow_engine import deviation as deviations
from workflow_engine.acting import SYSTEM_KEY
from workflow_engine.durations import add_duration, to_iso
from workflow_engine.errors import (
    ActorNotAllowedError,
    DeviationNotOpenError,
    InvalidDeviationError,
    json_path,
    quote,
)
from workflow_engine.machine import by_scenario, recorded_actor
from workflow_engine.operators import Budget
from workflow_engine.process import Process, identity_of
from workflow_engine.process_parts import Deviation, OpenProposal
from workflow_engine.proposal import MAX_REASON, Proposal, validate_proposal
from workflow_engine.scenario import Scenario
from workflow_engine.state_entry import enter

OWN_CONSENT = "urn:livecontract:consent:1"

AGREE, REFUSE, WITHDRAW = "agree", "refuse", "withdraw"
ANSWERS = (AGREE, REFUSE, WITHDRAW)

PRIORITY = 0
"""Rank of proposals and answers when two events were added at the same time: that of an action that gives none."""

MAX_OPEN = 8
"""Proposals that may be open in a process at once: each is shown to people, and kept in the state of the process."""

DEFAULT_TIME = "P30D"
"""How long a proposal is open that does not say it."""

DEVIATION = ":deviation"
"""The action that the history shows where a deviation came into force."""

_MEMBERS = frozenset({"$schema", "id", "deviation", "answer", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody says to a proposal.

    Attributes:
        deviation: Hash of the event that made the proposal, base58.
        answer: One of `ANSWERS`.
        reason: Why, or None.
    """

    deviation: str
    answer: str
    reason: str | None


def read_answer(body: Mapping[str, Any]) -> Answer:
    """Read the body of an answer.

    Raises:
        InvalidDeviationError: It is malformed.
    """
    for name in sorted(body):
        if name not in _MEMBERS and not name.startswith("x-"):
            raise InvalidDeviationError(f"An answer has no member {quote(name)}.", path=json_path((name,)))
    answer, reason = body.get("answer"), body.get("reason")
    if answer not in ANSWERS:
        raise InvalidDeviationError(f"The answer should be one of {', '.join(ANSWERS)}.", path="$.answer")
    if reason is not None and not (isinstance(reason, str) and 0 < len(reason) <= MAX_REASON):
        raise InvalidDeviationError(f"A reason is text of 1 to {MAX_REASON} characters.", path="$.reason")
    try:
        base58.decode(body.get("deviation"), length=32, name="deviation")
    except InvalidEncodingError:
        raise InvalidDeviationError(
            "An answer names the event that made the proposal, by its hash.", path="$.deviation"
        ) from None
    return Answer(deviation=body["deviation"], answer=answer, reason=reason)


def asked(process: Process, members: frozenset[str]) -> tuple[str, ...]:
    """Return the ids of the identities without whose agreement a process does not deviate, sorted."""
    bound = {identity for actor in process.actors.values() if (identity := identity_of(actor)) is not None}
    return tuple(sorted(bound & members))


def latest_moment(process: Process) -> int:
    """Return the latest moment that the chain knows of, as far as it concerns a process, in milliseconds since 1970."""
    last = process.previous[-1]["timestamp"] if process.previous else 0
    return max(0, process.current.timestamp, int(last), *(item.timestamp for item in process.proposals))


def propose(process: Process, entry: Entry, proposal: Proposal, successor: Scenario | None) -> Process:
    """Return a process with one more open proposal.

    Args:
        process: Stays as it is.
        entry: The event that makes the proposal.
        proposal: As it was read.
        successor: The scenario that the proposal names, or None.

    Raises:
        DeviationNotOpenError: The process does not stand where the deviation starts, or too much is open already.
        ActorNotAllowedError: The signer is no party of the process, or a node.
        InvalidDeviationError: It has problems; the error carries all of them.
    """
    _check_party(process, entry)
    _check_place(process, proposal)
    moment = _moment(process, entry)
    deadline = add_duration(moment, DEFAULT_TIME) if proposal.deadline is None else proposal.deadline
    if deadline <= moment:
        raise InvalidDeviationError("The deadline should lie after the proposal.", path="$.deadline")
    still_open = tuple(item for item in process.proposals if item.deadline >= moment)
    if len(still_open) >= MAX_OPEN:
        raise DeviationNotOpenError(
            f"There are {len(still_open)} open proposals already.", hint="Answer or withdraw one of them first."
        )
    validate_proposal(proposal, process.base, successor, present=process.scenario)
    added = OpenProposal(
        event=entry.hash,
        author=entry.identity,
        title=proposal.title,
        deadline=deadline,
        timestamp=moment,
        agreed=(entry.identity,),
    )
    return replace(process, proposals=(*still_open, added), changed=entry.hash)


def respond(process: Process, entry: Entry, answer: Answer, proposal: Proposal, successor: Scenario | None) -> Process:
    """Return a process after an answer to a proposal: with the deviation in force if it was the last one needed.

    Args:
        process: Stays as it is.
        entry: The event with the answer.
        answer: As it was read.
        proposal: What it answers, as it was made.
        successor: The scenario that the proposal names, or None.

    Raises:
        DeviationNotOpenError: The proposal is not open any more, or the signer has agreed already.
        ActorNotAllowedError: The signer is not asked, or a node, or withdraws what somebody else proposed.
        InvalidDataError: What the process takes with it does not fit the scenario by which it should go on.
        InvalidInstructionError: The first state of the deviation cannot be evaluated.
    """
    found = _open(process, entry, answer)
    _check_key(entry)
    if answer.answer == WITHDRAW:
        if entry.identity != found.author:
            raise ActorNotAllowedError(
                "Only its author can withdraw a proposal.", path="$.answer", hint='Others answer "refuse".'
            )
        return _without(process, found, entry)
    _check_party(process, entry)
    if answer.answer == REFUSE:
        return _without(process, found, entry)
    needed = asked(process, entry.members)
    missing = [identity for identity in needed if identity not in (*found.agreed, entry.identity)]
    if not missing:
        return _into_force(
            process, entry, answer, found, deviations.made_of(proposal, found.event, process.base, successor)
        )
    if entry.identity in found.agreed:
        raise DeviationNotOpenError(
            "You have agreed already.", path="$.answer", hint=f"Missing: {', '.join(quote(name) for name in missing)}."
        )
    agreed = replace(found, agreed=(*found.agreed, entry.identity), timestamp=_moment(process, entry))
    kept = tuple(agreed if item is found else item for item in process.proposals)
    return replace(process, proposals=kept, changed=entry.hash)


def _open(process: Process, entry: Entry, answer: Answer) -> OpenProposal:
    """Return the proposal that is answered, which is still open."""
    found = next((item for item in process.proposals if item.event == answer.deviation), None)
    if found is None:
        raise DeviationNotOpenError(
            "The proposal is not open any more.",
            path="$.deviation",
            hint="It was refused or withdrawn, came into force, or lapsed as the process went on.",
        )
    if _moment(process, entry) > found.deadline:
        raise DeviationNotOpenError(f"The proposal lapsed at {to_iso(found.deadline)}.", path="$.deviation")
    return found


def _into_force(process: Process, entry: Entry, answer: Answer, found: OpenProposal, deviation: Deviation) -> Process:
    """Return the process in the first state of the deviation, or where it leads to without states of its own."""
    actor = process.actors_of(entry.identity)[0]
    recorded = {
        "action": {"key": DEVIATION, "title": found.title},
        "key": "ok",
        "title": found.title,
        "display": "always",
        "actor": recorded_actor(process.actors[actor]),
        "timestamp": entry.timestamp,
        "event": entry.hash,
        "deviation": found.event,
        **({} if answer.reason is None else {"reason": answer.reason}),
    }
    agreed = asked(process, entry.members) if deviation.changes_identities else ()
    process = replace(process, previous=process.previous.extended(recorded), changed=None, signatories=agreed)
    target = deviation.target if deviation.start is None else deviation.start
    arrived, acting = deviations.arrive(deviations.begin(process, deviation), target, actor)
    return by_scenario(lambda: enter(arrived, target, entry, acting, Budget()))


def _without(process: Process, found: OpenProposal, entry: Entry) -> Process:
    kept = tuple(item for item in process.proposals if item is not found)
    return replace(process, proposals=kept, changed=entry.hash)


def _check_place(process: Process, proposal: Proposal) -> None:
    if process.deviation is not None and proposal.parts["states"]:
        raise DeviationNotOpenError(
            f"The process deviates already: {quote(process.deviation.title)}.",
            hint=f"Propose again when it is in {quote(process.deviation.target)}, or lead there without own states.",
        )
    if process.is_finished:
        raise DeviationNotOpenError("The process has ended.", hint="Start a new process on the same chain.")
    if process.current.key != proposal.source:
        raise DeviationNotOpenError(
            f"The process stands in {quote(process.current.key)}, not in {quote(proposal.source)}.", path="$.from"
        )


def _check_party(process: Process, entry: Entry) -> None:
    if not process.actors_of(entry.identity):
        raise ActorNotAllowedError(
            f"The signer's identity {quote(entry.identity)} is bound to no actor of this process."
        )
    _check_key(entry)


def _check_key(entry: Entry) -> None:
    """Check that a person signed: agreeing binds (paper section 2.4)."""
    if not entry.key_names - {SYSTEM_KEY}:
        raise ActorNotAllowedError("What parties agree on is signed with a person's key, not with the node's.")


def _moment(process: Process, entry: Entry) -> int:
    return max(entry.timestamp, latest_moment(process))
