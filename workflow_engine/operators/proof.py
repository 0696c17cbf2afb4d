"""`<proof>`: whether a zero-knowledge proof between parties holds (paper section 12.3, `workflow_engine.proofs`).

What parties submitted is judged, never refused: an answer that is missing, malformed or wrong gives false, on every
node alike, so that a scenario can say what follows. Only an argument that no data could make right is an error.
"""

from typing import Any

from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Scope
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.sigma import verify
from workflow_engine.proofs.statement import count_targets

MEMBERS = ("statement", "announcement", "challenge", "answer")

FORM = Form("<proof>", {"statement": None, "announcement": None, "challenge": None, "answer": None}, required=MEMBERS)
"""Nothing is asked of the members: they hold what parties submitted."""

STEPS_PER_TARGET = 100
"""One target takes about half a millisecond, as long as a hundred steps of other work. Part of the format."""


def proof(argument: Any, _content: Any, scope: Scope) -> bool:
    """`<proof>`: whether the answer to the challenge shows the statement."""
    given = FORM.read(argument)
    scope.budget.spend(STEPS_PER_TARGET * count_targets(given["statement"]))
    try:
        verify(*(given[name] for name in MEMBERS))
    except InvalidProofError:
        return False
    return True
