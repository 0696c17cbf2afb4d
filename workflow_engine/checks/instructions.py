"""Data instructions and expressions: known operators, and arguments that can be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.advice import nearest
from workflow_engine.checks.arguments import doubts, expression_faults, faults, sentence
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import View
from workflow_engine.errors import BudgetExceededError, InvalidInstructionError, Path, quote
from workflow_engine.old_spellings import OLD_OPERATORS
from workflow_engine.operators import OPERATORS, Budget, arithmetic, evaluate
from workflow_engine.reading import is_instruction, is_operator

_SOURCES = ("<src>", "_src")

_READING = frozenset({"<ifset>", "<ref>", "<eval>", "<switch>", "<tpl>", "<id>"})
"""Operators that may read the process."""

_CONSTANT_STEPS, _CONSTANT_SIZE = 5_000, 50_000
"""What evaluating the constant instructions of one scenario may cost: a document can hold hundreds of scenarios."""

_WRITTEN: Mapping[str, str] = {"<dateFormat>": "<dateformat>", "<transform>": "<transformation>"}
"""How operators are written that documents of LTO name otherwise than its engine."""

_OUTSIDE = frozenset(
    {"<now>", "<today>", "<date>", "<time>", "<timestamp>", "<random>", "<rand>", "<uuid>", "<env>", "<http>"}
)
"""Names that people try for what no instruction can read."""


def unknown_operator(view: View) -> Iterator[Finding]:
    """An operator that this engine does not evaluate."""
    for place, instruction in view.instructions:
        for key in instruction:
            if key in OLD_OPERATORS and key not in _SOURCES:
                yield (
                    (*place, key),
                    f"{quote(key)} is the old way to write {quote(f'<{key[1:]}>')}; write that instead.",
                )
            elif is_operator(key) and key not in OPERATORS and key not in _SOURCES:
                yield (*place, key), _unknown(key)


def _unknown(key: str) -> str:
    if key in _OUTSIDE:
        return (
            f"There is no operator {quote(key)}: instructions read no clock, network or chance, so that every node "
            "comes to the same. Let an action bring such a value, or read the timestamps of the process."
        )
    close = _WRITTEN.get(key) or nearest(key, OPERATORS)
    advice = "" if close is None else f" Did you mean {quote(close)}?"
    return f"There is no operator {quote(key)}.{advice} There are {', '.join(OPERATORS)}."


def source_operator(view: View) -> Iterator[Finding]:
    """`<src>` would fetch something while evaluating: two nodes could see two different things."""
    for place, instruction in view.instructions:
        for key in _SOURCES:
            if key in instruction:
                yield (
                    (*place, key),
                    (
                        f"{quote(key)} fetches from the network while the contract is evaluated: two parties could see "
                        "two different things. Fetch it in a system action of kind http and use its response."
                    ),
                )


def bad_argument(view: View) -> Iterator[Finding]:
    """An argument that its operator cannot take: it cannot be read, or it is written in full and has no result."""
    budget = Budget(_CONSTANT_STEPS, _CONSTANT_SIZE)
    for place, instruction in view.instructions:
        found = [*_arguments(instruction), *_without_value(instruction)]
        for part, message in found or _without_result(instruction, budget):
            yield (*place, *part), message


def _arguments(instruction: Mapping[str, Any]) -> Iterator[Finding]:
    for operator, argument in instruction.items():
        for part, message in faults(operator, argument):
            yield (operator, *part), message


def _without_result(instruction: Mapping[str, Any], budget: Budget) -> Iterator[Finding]:
    """Evaluate an instruction that depends on nothing, and yield why it has no result; not when that gets costly."""
    operators = [key for key in instruction if is_operator(key)]
    if not all(key in OPERATORS and key not in _READING for key in operators) or _holds_instruction(instruction):
        return
    try:
        evaluate(instruction, {}, budget)
    except BudgetExceededError:
        return
    except InvalidInstructionError as error:
        where = (operators[0],) if len(operators) == 1 else ()
        yield where, sentence(error)


def _holds_instruction(instruction: Mapping[str, Any]) -> bool:
    todo = list(instruction.values())
    while todo:
        part = todo.pop()
        if is_instruction(part):
            return True
        if isinstance(part, (dict, list)):
            todo.extend(part.values() if isinstance(part, dict) else part)
    return False


def _without_value(instruction: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the names of a calculation that nothing gives a value, where no other operator could."""
    text = instruction.get("<math>")
    if not isinstance(text, str) or any(is_operator(key) and key not in ("<math>", "<ifset>") for key in instruction):
        return
    try:
        names = arithmetic.parse(text).names
    except InvalidInstructionError:
        return
    for name in sorted(names - instruction.keys()):
        yield ("<math>",), f'The calculation uses {quote(name)}, which has no value. Give it beside "<math>".'


def doubtful_argument(view: View) -> Iterator[Finding]:
    """An argument that can be read and probably does not mean what was meant."""
    for place, instruction in view.instructions:
        for operator, argument in instruction.items():
            for part, message in doubts(operator, argument):
                yield (*place, operator, *part), message


def bad_projection(view: View) -> Iterator[Finding]:
    """A projection of an update, or of a system action, that cannot be read."""
    for key, action in view.actions.items():
        of_steps = [(("steps", place, "projection"), step.get("projection")) for place, step, _ in view.steps_of(key)]
        for place, projection in (*_projections(action), *of_steps):
            for _, message in expression_faults(projection):
                yield ("actions", key, *place), message


def _projections(action: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    yield ("projection",), action.get("projection")
    for name, response in action["responses"].items():
        for index, update in enumerate(response["update"]):
            yield ("responses", name, "update", index, "projection"), update["projection"]
