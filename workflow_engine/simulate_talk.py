"""What is said and proposed in a simulation, beside the responses: proposals, answers, comments (paper section 8).

```
{ "in"?, "actor", "propose": proposal, "scenario"?: scenario to go on by, at? | after? }
{ "in"?, "actor", "answer": "agree" | "refuse" | "withdraw", "deviation"?: title, "reason"?, at? | after? }
{ "in"?, "actor", "comment": text | comment, "reply_to"?: content or title of another one, at? | after? }
```

`process` in a proposal or comment means nothing here: `in` says which process is meant. The scenario of an update is
given whole.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eventchain.core.entry import Entry
from eventchain.core.errors import LiveContractError
from workflow_engine import conversation
from workflow_engine.compiling import load
from workflow_engine.conversation import Conversation
from workflow_engine.errors import InvalidResponseError, quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario
from workflow_engine.sub_processes.relation import Find, nobody

KINDS = ("propose", "answer", "comment")
"""Members of which one makes an item of a simulation something that is said."""

_MEMBERS: Mapping[str, frozenset[str]] = {
    "propose": frozenset({"scenario"}),
    "answer": frozenset({"deviation", "reason"}),
    "comment": frozenset({"reply_to"}),
}
_ALWAYS = frozenset({"in", "actor", "at", "after"})


def kind_of(item: Mapping[str, Any]) -> str | None:
    """Return which of `KINDS` an item of a simulation is, or None where it is none of them."""
    return next((kind for kind in KINDS if kind in item), None)


def say(
    process: Process, before: Conversation, item: Mapping[str, Any], entry: Entry, find: Find = nobody
) -> tuple[Process, Conversation]:
    """Return process and conversation after something that an actor says.

    Args:
        process: Stays as it is.
        before: Likewise.
        item: As the module describes it.
        entry: The event, still without its body.
        find: Knows the other processes.

    Raises:
        LiveContractError: It is refused; the path leads into the item.
    """
    kind = kind_of(item) or ""
    for name in sorted(item):
        if name not in _ALWAYS | _MEMBERS[kind] | {kind}:
            raise InvalidResponseError(f"Beside {quote(kind)} there is no member {quote(name)}.", path=f"$.{name}")
    if kind == "propose":
        return _propose(process, before, item, entry, find)
    if kind == "answer":
        body = {name: item[name] for name in ("answer", "reason") if name in item}
        return conversation.answer(process, before, replace(entry, body=body), _name(item, "deviation"), find)
    try:
        said = item["comment"]
        given = {"content": said} if isinstance(said, str) else _object(said, "comment")
        body = {name: value for name, value in given.items() if name not in ("process", "reply_to")}
        after = conversation.comment(process, before, replace(entry, body=body), reply_to=_name(item, "reply_to"))
    except LiveContractError as error:
        raise _placed(error, "comment", own=("$.reply_to", "$.comment")) from None
    return process, after


def told(process: Process, said: Conversation, moment: int, members: frozenset[str]) -> dict[str, Any]:
    """Return what there is to know beside a process: `{ deviation?, proposals?, comments? }`.

    Args:
        process: As it stands.
        said: What was said and proposed beside it.
        moment: When that is, in milliseconds since 1970.
        members: Identities on the chain.
    """
    proposals = [
        {
            "title": made.proposal.title,
            "author": made.author,
            "state": conversation.state_of(made, process, moment),
            "missing": list(conversation.missing_of(made, process, members)),
        }
        for made in said.proposals
    ]
    found = {
        "deviation": process.deviation and process.deviation.title,
        "proposals": proposals,
        "comments": [dict(item) for item in said.comments],
    }
    return {name: value for name, value in found.items() if value}


def _propose(
    process: Process, before: Conversation, item: Mapping[str, Any], entry: Entry, find: Find
) -> tuple[Process, Conversation]:
    body = {**_object(item["propose"], "propose"), "process": process.id}
    successor: Scenario | None = None
    if "scenario" in item:
        try:
            successor = load(item["scenario"])
        except LiveContractError as error:
            raise _placed(error, "scenario") from None
        body["scenario"] = successor.id
    elif body.get("scenario") is not None:
        raise InvalidResponseError(
            "The proposal goes on by another scenario, which is not here.",
            path="$.scenario",
            hint='Give the whole scenario beside the proposal: {"actor", "propose", "scenario": {…}}.',
        )
    try:
        return conversation.propose(process, before, replace(entry, body=body), successor=successor, find=find)
    except LiveContractError as error:
        raise _placed(error, "propose") from None


def _placed(error: LiveContractError, member: str, own: tuple[str, ...] = ()) -> LiveContractError:
    """Let the path of an error lead into a member of the item, unless it is that of an own member."""
    if error.path is not None and error.path not in own:
        error.path = f"$.{member}{error.path.removeprefix('$')}"
    return error


def _object(value: Any, member: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidResponseError("This should be an object.", path=f"$.{member}")
    return value


def _name(item: Mapping[str, Any], member: str) -> str | None:
    value = item.get(member)
    if value is not None and not isinstance(value, str):
        raise InvalidResponseError("This should be text.", path=f"$.{member}")
    return value
