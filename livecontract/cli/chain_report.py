"""What `livecontract chain verify` says of a document."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from eventchain import citation
from eventchain.chain import EventChain, Problem, check_data, find_problems, read_chain
from eventchain.core import base58
from eventchain.core.entry import OTHER
from eventchain.core.errors import InvalidError, InvalidIdError, LiveContractError
from eventchain.core.ids import Generation
from eventchain.errors import InvalidChainError, InvalidEventError
from eventchain.privilege import find_member_problems
from eventchain.tip import entries_of

_PLACE = re.compile(r"\$\.events\[(\d+)\]")


def verify_document(document: Any) -> dict[str, Any]:
    """Return the report: valid, format, id, events, partial, latest_hash, state, errors, not_checked.

    What has the form of a chain and a value that cannot be read is a chain that does not verify.

    Raises:
        InvalidError: The document is no chain at all.
    """
    try:
        chain = read_chain(document)
    except InvalidError as error:
        if _looks_like_evidence(document):
            raise InvalidChainError(
                "this is an evidence file, which holds a chain", hint="Verify it with: livecontract verify FILE"
            ) from None
        if not _looks_like_chain(document):
            raise
        return _unreadable(document, error)
    problems = [*find_problems(chain, threads=os.cpu_count() or 1), *check_data(chain)]
    if not problems:
        problems += [*find_member_problems(chain), *citation.find_problems(chain)]
    return {
        "valid": not problems,
        **describe(chain),
        "errors": [problem.to_dict() for problem in problems],
        "not_checked": [] if problems else list(_not_checked(chain)),
    }


def _not_checked(chain: EventChain) -> Iterator[str]:
    """Yield what a chain without its contract cannot tell."""
    if chain.is_partial or chain.id.generation is not Generation.V2:
        return
    try:
        changed = sum(entry.identity_change == OTHER for _, entry in entries_of(chain))
    except LiveContractError:  # it is no contract, and has no members
        return
    if changed:
        yield (
            f"{changed} of the events change the identity of somebody else by an action of a process. Whether that "
            "action was to be done, the contract tells: livecontract verify, with an evidence file."
        )


def describe(chain: EventChain) -> dict[str, Any]:
    """Return the facts of a chain: format, id, events, partial, latest_hash, state."""
    state = chain.state
    return {
        "format": chain.id.generation.name,
        "id": str(chain.id),
        "events": len(chain.events),
        "partial": chain.is_partial,
        "latest_hash": base58.encode(chain.latest_hash),
        "state": None if state is None else base58.encode(state),
    }


def _looks_like_chain(document: Any) -> bool:
    return (
        isinstance(document, Mapping)
        and isinstance(document.get("id"), str)
        and isinstance(document.get("events"), list)
    )


def _looks_like_evidence(document: Any) -> bool:
    version = document.get("version") if isinstance(document, Mapping) else None
    return isinstance(version, str) and version.startswith("urn:livecontract:evidence:")


def _unreadable(document: Mapping[str, Any], error: InvalidError) -> dict[str, Any]:
    check = error.check if isinstance(error, InvalidEventError) else "form"
    check = "id" if isinstance(error, InvalidIdError) else check
    problem = Problem(_event_at(document, error.path), check, str(error))
    return {
        "valid": False,
        "format": None,
        "id": document["id"],
        "events": len(document["events"]),
        "partial": None,
        "latest_hash": None,
        "state": None,
        "errors": [problem.to_dict()],
        "not_checked": [],
    }


def _event_at(document: Mapping[str, Any], path: str | None) -> str | None:
    """Return the hash that the event at a path claims to have."""
    match = _PLACE.match(path or "")
    event = document["events"][int(match[1])] if match else None
    claimed = event.get("hash") if isinstance(event, Mapping) else None
    return claimed if isinstance(claimed, str) else None
