"""JMESPath for `<eval>`, `<apply>` and projections, with its differences between machines taken out.

The language is JMESPath with LTO's additions (`operators.dialect`), read by the `jmespath` package and applied by
`operators.expression`. Pinned on top of it:

- `*`, `keys()` and `values()` go by sorted keys, as the order of object members means nothing;
- `==`, `!=` and `contains()` compare strictly, at any depth (`true` is not `1`); ordering compares two numbers or two
  texts, anything else gives null;
- `+ - * / %` calculate in decimal, with 34 digits from the first sign to the last; with a null in it there is null;
- `sum()` and `avg()` calculate in decimal; `to_number()` reads JSON numbers only; `to_string()` writes canonical JSON;
- literals in back-quotes are strict JSON.

Length, nesting, steps and the size of what is made are limited; every failure is an `InvalidInstructionError`.
"""

import re
from collections.abc import Mapping
from typing import Any

from jmespath import exceptions

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.history import plain
from workflow_engine.kept import kept
from workflow_engine.operators import dialect, values
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.expression import Compiled, compile_tree
from workflow_engine.operators.nodes import Evaluation

MAX_LENGTH = 4096
"""Characters of an expression."""

SHORT = 256
"""Characters of an expression as people write them; what is longer is rare."""

_CHARACTERS_PER_STEP = 2
"""How many characters are read for one step. Paid each time, as what is kept must not change prices."""

MAX_NESTING = 40
"""Depth of brackets, and of the parsed expression."""

Query = Mapping[str, Any]
"""The parsed expression: the syntax tree of the `jmespath` package."""

_SELECTING = ("subexpression", "index_expression", "projection", "filter_projection", "value_projection", "flatten")
"""Nodes of the syntax tree that select from their first child."""

_QUOTED_OR_BRACKET = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[()\[\]{}]|[!&]+""", re.DOTALL
)


_DECIMAL_POINT = re.compile(r"(?<![\w`])[0-9]+\.[0-9]", re.ASCII)


@kept(short=SHORT, many=256)
def parse(text: str) -> Query:
    """Parse an expression.

    Raises:
        InvalidInstructionError: It has a syntax error, or is too long or too deeply nested.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInstructionError(f"an expression has at most {MAX_LENGTH} characters, not {len(text)}")
    _check_tokens(text)
    try:
        tree = dialect.parse(text)
    except exceptions.JMESPathError as error:
        raise InvalidInstructionError(
            f"the expression {_show(text)} has a syntax error: {_one_line(error)}",
            hint="Write numbers with a decimal point in back-quotes." if _DECIMAL_POINT.search(text) else None,
        ) from None
    except (RecursionError, ValueError):
        raise InvalidInstructionError("the expression is nested too deeply or holds a number too large") from None
    _check_tree(tree)
    return tree


@kept(short=SHORT, many=1024)
def _compiled(text: str) -> Compiled:
    """Compile an expression. A long one takes up to 3 MiB: 200 MiB are kept at most, and 150 MiB of short ones."""
    return compile_tree(parse(text))


def check_expression(text: Any) -> None:
    """Check that a value is an expression. Raises InvalidInstructionError where it is not."""
    if not isinstance(text, str):
        raise InvalidInstructionError("an expression should be text")
    parse(text)


def search(text: Any, value: Any, budget: Budget) -> Any:
    """Evaluate an expression on a JSON value, which is not changed and may share parts with the result.

    Raises:
        InvalidInstructionError: The expression is malformed, or a function got what it does not take.
        BudgetExceededError: It takes too long or makes too much.
    """
    if not isinstance(text, str):
        raise InvalidInstructionError("an expression should be text")
    budget.spend(len(text) // _CHARACTERS_PER_STEP)
    compiled = _compiled(text)
    seen = plain(value) if compiled.sees_whole else value
    try:
        result = compiled.run(seen, Evaluation(budget, seen))
    except exceptions.JMESPathError as error:
        raise InvalidInstructionError(f"the expression {_show(text)} fails: {_one_line(error)}") from None
    except (TypeError, ValueError, OverflowError):  # a stack that ends is an error of the node, and no verdict
        raise InvalidInstructionError(f"the expression {_show(text)} cannot be evaluated on this data") from None
    values.measure(result, budget)
    return result


def _check_tokens(text: str) -> None:
    """Refuse nesting before the parser recurses into it, and literals that are not strict JSON."""
    depth = 0
    for token in _QUOTED_OR_BRACKET.finditer(text):
        first, whole = token.group()[0], token.group()
        if first == "`":
            try:
                strict_json.parse(whole[1:-1].replace("\\`", "`"), max_depth=MAX_NESTING)
            except InvalidError:
                raise InvalidInstructionError(f"{_show(whole)} is not JSON", hint="Write texts as 'text'.") from None
        elif first in "([{":
            depth += 1
        elif first in ")]}":
            depth -= 1
        if depth > MAX_NESTING or (first in "!&" and len(whole) > MAX_NESTING):
            raise InvalidInstructionError(f"the expression is nested deeper than {MAX_NESTING} levels")


def _check_tree(tree: Query) -> None:
    """Refuse what nests too deeply, and `!a.b`, which the language reads as `(!a).b` and nobody means."""
    level: list[Query] = [tree]
    for _ in range(MAX_NESTING):
        for node in level:
            children = node.get("children", ())
            if node["type"] in _SELECTING and children[0]["type"] == "not_expression":
                raise InvalidInstructionError("an expression like !a.b means (!a).b", hint="Write !(a.b).")
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return
    raise InvalidInstructionError(f"the expression is nested deeper than {MAX_NESTING} levels")


def _show(text: str) -> str:
    return f'"{text if len(text) <= 64 else text[:63] + "…"}"'


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
