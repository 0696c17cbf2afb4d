"""What the end of a sub-process means for its parent: one response, which every node works out by itself.

| the sub-process | response of the parent's action | data |
|---|---|---|
| ended in a state that the action has a response for | that one, without a colon | `{ process, state, result }` |
| ended in `:success` | `ok` | the same |
| ended in any other state | `error` | the same |
| cannot be started | `error` | `{ message }` |

`result` is what the JMESPath expression of the action makes of the finished process, by default its assets. Where it
cannot be evaluated, is too large or does not fit the schema of the response, the response is `error` with
`{ process, state, message }`, or without data where the schema of `error` does not have that either. A finished process
never changes, so it makes no difference when this is looked at.

Nodes compare the data, so a `message` is one of few sentences of this module. What libraries say of a value may depend
on their version, and on the order of members, which a process read from the store has lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidError
from workflow_engine.body import ResponseBody
from workflow_engine.errors import ActionNotAvailableError, InvalidInstructionError, InvalidResponseError, quote
from workflow_engine.operators import Budget, search
from workflow_engine.process import Process, context_of
from workflow_engine.scenario import Action
from workflow_engine.sub_processes.beginning import why_not
from workflow_engine.sub_processes.naming import ERROR, response_key
from workflow_engine.sub_processes.relation import Find, believed, called_by, id_of

MAX_RESULT = 49_152
"""Bytes of a response's data as JSON: with the rest of the response it fits the 65,535 bytes of an event."""

_MAX_MESSAGE = 1_024
"""Characters of the reason why a sub-process could not be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a sub-process comes to.

    Attributes:
        key: Key of the response of the parent's action.
        data: Its data; None when there is none.
    """

    key: str
    data: Any


def ending_of(action: Action, child: Process) -> Ending:
    """Return what a finished sub-process comes to."""
    told = {"process": child.id, "state": child.current.key}
    try:
        ending = Ending(
            key=response_key(action.responses, child.current.key), data={**told, "result": _result(action, child)}
        )
        reason = _misfit(action, ending)
    except InvalidInstructionError:
        reason = "The result cannot be made."
    if reason is None:
        return ending
    failed = Ending(key=ERROR, data={**told, "message": reason})
    return failed if _misfit(action, failed) is None else Ending(key=ERROR, data=None)


def not_started(action: Action, reason: str) -> Ending:
    """Return what it comes to that a sub-process cannot be started."""
    failed = Ending(key=ERROR, data={"message": reason[:_MAX_MESSAGE]})
    return failed if _misfit(action, failed) is None else Ending(key=ERROR, data=None)


def check_response(process: Process, action: Action, given: ResponseBody, entry: Entry, find: Find) -> None:
    """Check that a response to a sub-process action says what became of the sub-process.

    Args:
        process: The parent, before the response.
        action: An action of the kind sub-process that is available.
        given: The response.
        entry: Its event.
        find: Knows the processes of the chain; `believed` where nothing is compared.

    Raises:
        ActionNotAvailableError: The action has been answered, or the sub-process has not ended.
        InvalidResponseError: It came to something else.
    """
    called = called_by(process, action.key)
    if called is None:
        raise ActionNotAvailableError(f"The action {quote(action.key)} has been answered.", path="$.action")
    if find is believed:
        return
    key = given.key or action.default_response
    child = find(id_of(called))
    if child is None:
        _check_failed_start(process, action, key, given.data, entry)
        return
    if not child.is_finished:
        raise ActionNotAvailableError(
            f"The sub-process of {quote(action.key)} has not ended.",
            path="$.action",
            hint=f"It stands in {quote(child.current.key)}; its id is {quote(child.id)}.",
        )
    ending = ending_of(action, child)
    if key != ending.key:
        raise InvalidResponseError(
            f"The sub-process ended in {quote(child.current.key)}: the response is {quote(ending.key)}, "
            f"not {quote(key)}.",
            path="$.key",
        )
    if canonical_json.encode(given.data) != canonical_json.encode(ending.data):
        raise InvalidResponseError(
            f"The data is not what the sub-process of {quote(action.key)} came to.",
            path="$.data",
            hint=f"It follows from the process {quote(child.id)}; the node of the actor gives it by itself.",
        )


def _check_failed_start(process: Process, action: Action, key: str, data: Any, entry: Entry) -> None:
    """Try to start the sub-process, and accept that it failed only where it fails here too."""
    if key != ERROR or why_not(process, action.key, entry) is None:
        raise ActionNotAvailableError(
            f"The sub-process of {quote(action.key)} has not been started.",
            path="$.action",
            hint="The node of the actor starts it, and answers when it has ended.",
        )
    reason = data.get("message") if isinstance(data, Mapping) and data.keys() == {"message"} else None
    if data is not None and not (isinstance(reason, str) and len(reason) <= _MAX_MESSAGE):
        raise InvalidResponseError(
            f"That a sub-process cannot be started is told with a message of at most {_MAX_MESSAGE} characters.",
            path="$.data",
        )


def _result(action: Action, child: Process) -> Any:
    expression = action.properties.get("result")
    if expression is None:
        return dict(child.assets)
    return search(expression, context_of(child), Budget(), f"$.actions.{action.key}.result")


def _misfit(action: Action, ending: Ending) -> str | None:
    """Return why a parent would not take this, or None. Every node says it alike."""
    response = action.responses.get(ending.key)
    if response is None:
        return f"There is no response {quote(ending.key)}."
    try:
        if len(canonical_json.encode(ending.data)) > MAX_RESULT:
            return f"The result is larger than {MAX_RESULT} bytes."
        if response.schema is not None:
            response.schema.validate(ending.data, "$.data")
    except InvalidError:
        return f"The result does not fit the schema of the response {quote(ending.key)}."
    return None
