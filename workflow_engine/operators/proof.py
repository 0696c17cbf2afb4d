"""`<proof>`: whether a zero-knowledge proof between parties holds (paper section 12.3, `workflow_engine.proofs`).

What parties submitted is judged, never refused: an answer that is missing, malformed or wrong gives false, on every
node alike, so that a scenario can say what follows. Only an argument that no data could make right is an error.
"""

from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators.budget import Budget
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.sigma import verify
from workflow_engine.proofs.statement import count_targets

MEMBERS = ("statement", "announcement", "challenge", "answer")

STEPS_PER_TARGET = 100
"""One target takes about half a millisecond, as long as a hundred steps of other work. Part of the format."""


def judge(argument: Any, budget: Budget) -> bool:
    """Tell whether the answer to the challenge shows the statement.

    Args:
        argument: `{ statement, announcement, challenge, answer }`, as `workflow_engine.proofs` writes them.
        budget: Pays for each target of the statement.

    Raises:
        InvalidInstructionError: It is no object with these four members.
        BudgetExceededError: There are too many targets in one evaluation.
    """
    if not isinstance(argument, dict) or set(argument) != set(MEMBERS):
        raise InvalidInstructionError(f"<proof> takes an object with {', '.join(MEMBERS)}")
    budget.spend(STEPS_PER_TARGET * count_targets(argument["statement"]))
    try:
        verify(*(argument[name] for name in MEMBERS))
    except InvalidProofError:
        return False
    return True
