"""The operators, one pure function each, in the one table that fixes their order.

A function takes the operator's argument (its own instructions already evaluated), the node it stands in, and the scope,
and returns the node's new value. Argument and value are JSON.
"""

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import arithmetic, paths, proof, query, template, values
from workflow_engine.operators.budget import Budget


@dataclass(frozen=True, slots=True)
class Scope:
    """What an instruction sees.

    Attributes:
        context: The process as a JSON object; never changed.
        budget: Shared by the whole evaluation.
    """

    context: Mapping[str, Any]
    budget: Budget


class StopNode(Exception):  # noqa: N818  # no error: `<ifset>` ends the work on a node
    """Nothing else on this node runs; it is null."""


def ref(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<ref>`: the value at a dot path, or null."""
    return paths.find(argument, scope.context)


def eval_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<eval>`: a JMESPath expression on the process."""
    return query.search(argument, scope.context, scope.budget)


def apply(argument: Any, content: Any, scope: Scope) -> Any:
    """`<apply>`: a JMESPath expression on `input`, or, given as text, on the rest of the node."""
    if isinstance(argument, str):
        return query.search(argument, content, scope.budget)
    form = _members("<apply>", argument, {"input", "query"}, required={"query"})
    return query.search(form["query"], form.get("input"), scope.budget)


def if_(argument: Any, content: Any, _scope: Scope) -> Any:
    """`<if>`: `then` (or the rest of the node) when `condition` is true, else `else` (or null)."""
    form = _members("<if>", argument, {"condition", "then", "else"})
    if values.is_truthy(form.get("condition")):
        return form.get("then", content)
    return form.get("else")


def ifset(argument: Any, content: Any, scope: Scope) -> Any:
    """`<ifset>`: null when nothing stands at a dot path, and then no other operator of the node runs."""
    if paths.find(argument, scope.context) is None:
        raise StopNode
    return content


def switch(argument: Any, content: Any, scope: Scope) -> Any:
    """`<switch>`: the option named by `on`, else `default`; with a dot path, the rest of the node are the options."""
    if isinstance(argument, str):
        options, chosen, default = content, paths.find(argument, scope.context), None
    else:
        form = _members("<switch>", argument, {"on", "options", "default"}, required={"options"})
        options, chosen, default = form["options"], form.get("on"), form.get("default")
    if isinstance(chosen, (list, dict)) or chosen is None:
        return default
    if not isinstance(options, dict):
        raise InvalidInstructionError("the options of <switch> should be an object")
    return options.get(values.text_of(chosen), default)


def merge(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<merge>`: objects merged (later members win), lists or texts put together; nulls are skipped."""
    items = [item for item in _list("<merge>", argument) if item is not None]
    scope.budget.spend(sum(len(item) if isinstance(item, (list, dict)) else 1 for item in items))
    if not items:
        return None
    if all(isinstance(item, dict) for item in items):
        return {key: value for item in items for key, value in item.items()}
    if all(isinstance(item, list) for item in items):
        return [value for item in items for value in item]
    if any(isinstance(item, (list, dict)) for item in items):
        raise InvalidInstructionError("<merge> takes only objects, only lists or only texts and numbers")
    return "".join(_text(item, scope.budget) for item in items)


def tpl(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<tpl>`: fills a template; in lists and objects, every text and every key."""
    scope.budget.spend()
    if isinstance(argument, str):
        return template.render(argument, scope.context, scope.budget)
    if isinstance(argument, list):
        return [tpl(item, None, scope) for item in argument]
    if isinstance(argument, dict):
        return {
            template.render(key, scope.context, scope.budget): tpl(argument[key], None, scope)
            for key in sorted(argument)
        }
    return argument


def math(argument: Any, content: Any, scope: Scope) -> Any:
    """`<math>`: calculates; the rest of the node gives the values of the names."""
    return arithmetic.calculate(argument, content if isinstance(content, dict) else {}, scope.budget)


def sum_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<sum>`: the sum of a list of numbers; nulls are skipped."""
    items = [item for item in _list("<sum>", argument) if item is not None]
    return values.from_decimal(values.add(items, scope.budget))


def equal(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<equal>`: whether two values are the same JSON value (1 is 1.0; true is not 1)."""
    items = _list("<equal>", argument)
    if len(items) != 2:
        raise InvalidInstructionError(f"<equal> takes two values, not {len(items)}")
    return values.is_equal(items[0], items[1], scope.budget)


def match(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<match>`: whether `input` contains the text `find` or fits the RE2 pattern `regex` somewhere; null does not."""
    form = _members("<match>", argument, {"input", "find", "regex", "flags"}, required={"input"})
    text = form["input"]
    if text is None:
        return False
    if not isinstance(text, str):
        text = values.text_of(text)
    scope.budget.spend(1 + len(text) // 64)
    wanted, pattern = form.get("find"), form.get("regex")
    if isinstance(wanted, str) and pattern is None:
        return wanted in text
    if isinstance(pattern, str) and wanted is None:
        scope.budget.spend(len(text) * _weight(pattern) // _CHARACTERS_PER_STEP)
        return pattern_of(pattern, form.get("flags") or "").search(text) is not None
    raise InvalidInstructionError('<match> takes either "find" or "regex", a text')


def join(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<join>`: the texts and numbers of `input` with `glue` between them; nulls are skipped."""
    form = _members("<join>", argument, {"input", "glue"}, required={"input"})
    glue = form.get("glue")
    if not isinstance(glue, str | None):
        raise InvalidInstructionError('the "glue" of <join> should be text')
    items = [_text(item, scope.budget) for item in _list("<join>", form["input"]) if item is not None]
    scope.budget.grow(len(glue or "") * len(items))
    return (glue or "").join(items)


def proof_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<proof>`: whether a zero-knowledge proof holds."""
    return proof.judge(argument, scope.budget)


Operator = Callable[[Any, Any, Scope], Any]

OPERATORS: Mapping[str, Operator] = {
    "<ifset>": ifset,
    "<ref>": ref,
    "<eval>": eval_,
    "<switch>": switch,
    "<merge>": merge,
    "<tpl>": tpl,
    "<apply>": apply,
    "<math>": math,
    "<sum>": sum_,
    "<equal>": equal,
    "<match>": match,
    "<if>": if_,
    "<join>": join,
    "<proof>": proof_,
}
"""In the order in which they run on one node (that of LTO's engine, then ours)."""

MAX_PATTERN_LENGTH = 1024

_CHARACTERS_PER_STEP = 1024
"""How many characters of text times characters of pattern make one step."""

_REPETITION = re.compile(r"\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}", re.ASCII)


def _weight(pattern: str) -> int:
    """Return a bound of the work that a pattern is per character: its length times its largest repetition.

    Counted on its text, as the size of a compiled pattern depends on the library's version.
    """
    numbers = [int(number) for pair in _REPETITION.findall(pattern) for number in pair if number]
    return len(pattern) * max([1, *numbers])


@lru_cache(maxsize=256)
def pattern_of(text: str, flags: str = "") -> Any:
    """Compile an RE2 pattern; the flags are i (any case), m (`^` and `$` at lines) and s (`.` fits newlines).

    Raises:
        InvalidInstructionError: RE2 cannot read it (there is no look-around, no back reference), or a flag is unknown.
    """
    if len(text) > MAX_PATTERN_LENGTH:
        raise InvalidInstructionError(f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
    if not isinstance(flags, str) or not set(flags) <= set("ims"):
        raise InvalidInstructionError("the flags of a pattern are i, m and s")
    options = re2.Options()
    options.log_errors = False
    prefix = f"(?{''.join(sorted(set(flags)))})" if flags else ""
    try:
        return re2.compile(prefix + text, options)
    except re2.error as error:
        raise InvalidInstructionError(f"the pattern is not understood: {str(error)[:80]}") from None


def _members(name: str, argument: Any, known: Set[str], *, required: Set[str] = frozenset()) -> Mapping[str, Any]:
    if not isinstance(argument, dict):
        raise InvalidInstructionError(f"{name} takes an object with {', '.join(sorted(known))}")
    unknown, missing = sorted(argument.keys() - known), sorted(required - argument.keys())
    if unknown or missing:
        what = f'has no member "{unknown[0][:64]}"' if unknown else f'needs "{missing[0]}"'
        raise InvalidInstructionError(f"{name} {what}")
    return argument


def _list(name: str, argument: Any) -> list[Any]:
    if not isinstance(argument, list):
        raise InvalidInstructionError(f"{name} takes a list")
    return argument


def _text(value: Any, budget: Budget) -> str:
    text = values.text_of(value)
    budget.grow(len(text))
    return text
