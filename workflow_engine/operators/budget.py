"""How much one evaluation may cost.

The numbers are part of the format: an instruction that one node evaluates and another refuses would split the chain.
They are far above what the scenarios of people need, and low enough that the worst instruction ends within a second
or two.
"""

from workflow_engine.errors import BudgetExceededError

MAX_STEPS = 200_000
"""Visited nodes of instructions, expressions, templates and results together."""

MAX_SIZE = 1_048_576
"""Characters and JSON values made together: sixteen times what an event can carry."""

MAX_DEPTH = 32
"""Nesting of instructions and of results; half of what the strict JSON reader allows, as results are stored deeper."""


class Budget:
    """What is left of the steps and the size of one evaluation. Made per evaluation, shared by its parts."""

    __slots__ = ("_size", "_steps")

    def __init__(self, steps: int = MAX_STEPS, size: int = MAX_SIZE) -> None:
        self._steps = steps
        self._size = size

    @property
    def size(self) -> int:
        """Characters and values that are left."""
        return self._size

    def spend(self, steps: int = 1) -> None:
        """Take steps off.

        Raises:
            BudgetExceededError: There are none left.
        """
        self._steps -= steps
        if self._steps < 0:
            raise BudgetExceededError(
                "the evaluation takes too many steps",
                hint=f"At most {MAX_STEPS} are allowed; simplify the instruction.",
            )

    def take(self, steps: int, size: int) -> bool:
        """Take steps and size off if there is enough of both; else take nothing, and tell."""
        if steps > self._steps or size > self._size:
            return False
        self._steps -= steps
        self._size -= size
        return True

    def grow(self, size: int) -> None:
        """Take characters or values that are about to be made off.

        Raises:
            BudgetExceededError: The result would be too large.
        """
        self._size -= size
        if self._size < 0:
            raise BudgetExceededError(
                "the result of the evaluation is too large",
                hint=f"At most {MAX_SIZE} characters and values are allowed.",
            )
