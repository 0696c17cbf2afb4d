"""System actions that make a document from a template of the scenario: the response carries its hash."""

from workflow_engine.documents import action
from workflow_engine.triggers import Call, Outcome


def document(call: Call) -> Outcome:
    """Make the document; a template or data that does not do is the outcome `error`, with the reason."""
    made = action.make(call.process, call.action)
    return Outcome(key=made.key, data=dict(made.data))
