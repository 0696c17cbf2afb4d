"""Triggers run system actions: one per kind, in a registry (paper section 7.3).

A trigger gets the instantiated action and says what came of it, as an outcome key and data; None means that an outside
party has taken it on and answers by itself. It decides nothing about the process: its outcome becomes a response like
any other, which every node validates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core import canonical_json
from eventchain.core.errors import LiveContractError
from workflow_engine.errors import InvalidDataError, InvalidInstructionError, TriggerError, quote
from workflow_engine.history import plain
from workflow_engine.operators import search
from workflow_engine.process import LTO_RESPONSE, Process, context_of

MAX_DATA = 49_152
"""Bytes of an outcome's data as JSON: with the rest of the response it fits the 65,535 bytes of an event."""

OK = "ok"
ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One system action to run.

    Attributes:
        process: The process it belongs to.
        action: Its key.
        actor: Key of the actor on whose behalf it is run.
        idempotency_key: The same whenever this action is run for the same cause.
        step: The step of a sequence that is run, or None.
        place: Which one it is, from 0.
        previous: What the step before it came to, `{ key, data }`, or None.
        may_defer: Whether an outside party may answer it later.
    """

    process: Process
    action: str
    actor: str
    idempotency_key: str
    step: Mapping[str, Any] | None = None
    place: int = 0
    previous: Mapping[str, Any] | None = None
    may_defer: bool = True

    @property
    def key(self) -> str:
        """The idempotency key of what is run: of the action, or of this step of it."""
        return self.idempotency_key if self.step is None else f"{self.idempotency_key}-step-{self.place}"

    @property
    def instance(self) -> Mapping[str, Any]:
        """The instantiated action."""
        return self.process.current.actions[self.action]

    def properties(self) -> Mapping[str, Any]:
        """Return what the trigger works from: the instantiated action (or step of a sequence), or its `projection`.

        The projection is a JMESPath expression on the action, which also has `process` and `actor` as members, and in a
        step `previous_response`.

        Raises:
            InvalidInstructionError: The projection cannot be evaluated, or gives no object.
        """
        given = self.instance if self.step is None else self.step
        projection = given.get("projection")
        if projection is None:
            return given
        context = plain(context_of(self.process, actor=self.actor))
        seen = {**given, "process": context, "actor": self.process.actors[self.actor]}
        if self.step is not None:
            seen["previous_response"] = self.previous
        projected = search(projection, seen)
        if not isinstance(projected, dict):
            raise InvalidInstructionError("the projection of a system action should give an object")
        return projected


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a system action.

    Attributes:
        key: Key of the response.
        data: Its data, JSON; None when there is none.
    """

    key: str
    data: Any = None


DONE = Outcome(key=":done")
"""What comes of an action whose event is its response: nothing is left to say."""

Trigger = Callable[[Call], Outcome | None]


class Triggers:
    """The triggers of a node, by kind of action.

    Args:
        by_kind: `http`, `nop`, `event`, `sequence`, `invite`, …; a kind that is missing is not run by this node.
    """

    def __init__(self, by_kind: Mapping[str, Trigger]) -> None:
        self._by_kind = dict(by_kind)

    def run(self, call: Call) -> dict[str, Any] | None:
        """Run an action and return the body of the response to sign, or None when somebody else answers.

        The body is empty where the action added an event that is the response.

        A system action of a kind that is run by no trigger (`system: true` on a manual action) is answered by a program
        of the organisation, through the API, with the system key.

        Raises:
            TriggerError: The action has no response for what came of it.
        """
        kind = call.process.scenario.actions[call.action].kind
        trigger = self._by_kind.get(kind)
        if trigger is None:
            return None
        try:
            outcome = trigger(call)
        except InvalidInstructionError as error:
            outcome = Outcome(key=ERROR, data={"message": error.message})
        if outcome is None or outcome is DONE:
            return None if outcome is None else {}
        outcome = _fitting(call, outcome)
        return response_body(call.process, call.action, call.actor, outcome.key, outcome.data)


def response_body(process: Process, action: str, actor: str, key: str, data: Any) -> dict[str, Any]:
    """Return the body of a response event."""
    body = {"$schema": LTO_RESPONSE, "process": process.id, "action": action, "key": key, "actor": actor}
    return body if data is None else {**body, "data": data}


def _fitting(call: Call, outcome: Outcome) -> Outcome:
    """Return the outcome, or an error in its place when the process would refuse it."""
    responses = call.process.scenario.actions[call.action].responses
    reason = misfit(call, outcome)
    if reason is None:
        return outcome
    fallback = Outcome(key=ERROR, data={"message": reason})
    if misfit(call, fallback) is None:
        return fallback
    if misfit(call, Outcome(key=ERROR)) is None:
        return Outcome(key=ERROR)
    known = ", ".join(quote(key) for key in sorted(responses))
    raise TriggerError(
        f"The system action {quote(call.action)} ended in a way that its scenario does not provide for: {reason}",
        hint=f"It has the responses {known}; a system action needs one called error.",
    )


def misfit(call: Call, outcome: Outcome) -> str | None:
    """Return why a process would refuse an outcome, or None."""
    response = call.process.scenario.actions[call.action].responses.get(outcome.key)
    if response is None:
        return f"There is no response {quote(outcome.key)}."
    try:
        if len(canonical_json.encode(outcome.data)) > MAX_DATA:
            return f"The data is larger than {MAX_DATA} bytes."
        if response.schema is not None:
            response.schema.validate(outcome.data, "$.data")
    except InvalidDataError as error:
        return f"The data does not fit: {error.message}"
    except LiveContractError as error:
        return f"The data cannot be kept: {error.message}"
    return None
