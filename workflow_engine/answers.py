"""Answers of outside parties to system actions that they have taken on (HTTP 202; reference: the http trigger).

An answer is believed for its token, which only the outside party was given, and is held to what the process allows. It
becomes a response like any other: signed by this node, on the chain soon after.
"""

from typing import Any

from eventchain.core.errors import ForbiddenError, InvalidError
from eventchain.store.document_store import DocumentStore
from workflow_engine import deferrals
from workflow_engine.due import DueAction
from workflow_engine.errors import (
    ActionNotAvailableError,
    AlreadyExistsError,
    InvalidResponseError,
    NotDeferredYetError,
)
from workflow_engine.ports import Answering
from workflow_engine.service import WorkflowService
from workflow_engine.triggers import OK, Call, Outcome, misfit, response_body

_MEMBERS = frozenset({"key", "data"})


class Answers:
    """Takes the answers to deferred system actions.

    Args:
        service: Knows what is awaited.
        store: The store of the service.
        answering: Knows the tokens.
    """

    def __init__(self, service: WorkflowService, store: DocumentStore, answering: Answering) -> None:
        self._service = service
        self._store = store
        self._answering = answering

    def take(self, id_: str, token: str, document: Any) -> DueAction:
        """Take an answer: `{ key?, data? }`. The same answer again changes nothing.

        Args:
            id_: Idempotency key of the system action.
            token: Whatever came as its token.
            document: JSON value.

        Returns:
            The system action.

        Raises:
            ForbiddenError: The token is not that of this action; whether there is one is not told.
            NotDeferredYetError: This node is still noting down that the action is deferred.
            ActionNotAvailableError: The process waits no longer for it.
            InvalidResponseError: The process would refuse the answer.
            AlreadyExistsError: There is another answer.
        """
        if not self._answering.is_token(id_, token):
            raise ForbiddenError(
                "this is not the token of this action", hint="Send the one that came with the request."
            )
        due = deferrals.find(self._store, id_)
        if due is None:
            raise NotDeferredYetError("the action is not deferred, or not yet", hint="Try again in a moment.")
        outcome = _read(document)
        if not self._service.is_due(due):
            raise ActionNotAvailableError("The process waits no longer for this answer.")
        process = self._service.process(due.process, due.chain)
        reason = misfit(Call(process=process, action=due.action, actor=due.actor, idempotency_key=id_), outcome)
        if reason is not None:
            raise InvalidResponseError(reason, path="$")
        if not deferrals.give(
            self._store, id_, response_body(process, due.action, due.actor, outcome.key, outcome.data)
        ):
            raise AlreadyExistsError("This action has been answered, and in another way.")
        return due


def _read(document: Any) -> Outcome:
    if not isinstance(document, dict) or not document.keys() <= _MEMBERS:
        raise InvalidError('an answer is an object with "key" and "data", or one of them', path="$")
    key = document.get("key", OK)
    if not isinstance(key, str):
        raise InvalidError("key should be the key of a response", path="$.key")
    return Outcome(key=key, data=document.get("data"))
