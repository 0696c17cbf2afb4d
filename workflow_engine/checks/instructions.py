"""Data instructions and expressions: known operators, and arguments that can be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.checks.arguments import expression_faults, faults
from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import OLD_OPERATORS, View
from workflow_engine.errors import Path, quote
from workflow_engine.operators import OPERATORS
from workflow_engine.reading import is_operator

_SOURCES = ("<src>", "_src")

_LATER = frozenset(
    {
        "<jmespath>", "<transformation>", "<enrich>", "<dateformat>", "<numberformat>", "<replace>", "<encode>",
        "<decode>", "<serialize>", "<unserialize>", "<hash>", "<id>",
    }
)  # fmt: skip
"""Operators of LTO that this engine does not evaluate."""


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
    known = ", ".join(OPERATORS)
    if key in _LATER:
        return f"The operator {quote(key)} of LTO is not evaluated here. There are {known}."
    return f"There is no operator {quote(key)}. There are {known}."


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
    """An argument that its operator cannot take: an expression, path, pattern or template that cannot be read."""
    for place, instruction in view.instructions:
        for operator, argument in instruction.items():
            for part, message in faults(operator, argument):
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
