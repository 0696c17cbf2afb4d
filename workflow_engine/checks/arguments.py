"""What each data operator takes, as far as it can be told without running it.

An argument that is itself an instruction is not known before the process runs, and passes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jmespath.functions import Functions

from workflow_engine.errors import InvalidInstructionError, Path, quote
from workflow_engine.operators import arithmetic, digests, paths, query, template, transformation
from workflow_engine.operators.form import some_text
from workflow_engine.operators.patterns import check_replacement
from workflow_engine.operators.table import FORMS
from workflow_engine.proofs.statement import FORMS_SHOWN, has_form
from workflow_engine.reading import describe, is_instruction

Fault = tuple[Path, str]
"""Where in the argument, and what is wrong with it."""

Check = Callable[[Any], Iterator[Fault]]
"""From an argument that is not null and no instruction to what is wrong with it."""


_DELIMITED = re.compile(r"([/#~]).*\1[a-zA-Z]*", re.DOTALL)
"""A pattern as PHP writes it."""


def faults(operator: str, argument: Any) -> Iterator[Fault]:
    """Yield what is wrong with the argument of an operator; nothing for an operator that does not exist."""
    check = _CHECKS.get(operator)
    if check is not None and argument is not None and not is_instruction(argument):
        yield from check(argument)


def doubts(operator: str, argument: Any) -> Iterator[Fault]:
    """Yield what is allowed in an argument, and probably not what was meant."""
    if operator in ("<match>", "<replace>") and isinstance(argument, dict):
        pattern = argument.get("regex")
        if isinstance(pattern, str) and _DELIMITED.fullmatch(pattern):
            yield (
                ("regex",),
                f'Patterns have no delimiters: this looks for "{pattern[0]}" as well. Flags go into "flags".',
            )
    algorithm = argument.get("algo") if operator == "<hash>" and isinstance(argument, dict) else None
    if operator == "<transformation>" and isinstance(argument, str):
        algorithm = argument.partition(":")[2]
    if isinstance(algorithm, str) and algorithm in digests.ALGORITHMS and algorithm not in digests.BINDING:
        yield (
            ("algo",) if operator == "<hash>" else (),
            f"{algorithm} binds nobody: whoever chooses a value can make another one with the same digest. Use sha256.",
        )


def expression_faults(text: Any) -> Iterator[Fault]:
    """Yield what is wrong with a JMESPath expression: its syntax, or a function it calls."""
    if not isinstance(text, str):
        if text is not None and not is_instruction(text):
            yield (), f"An expression should be text, not {describe(text)}."
        return
    try:
        tree = query.parse(text)
    except InvalidInstructionError as error:
        yield (), _unreadable(error)
    else:
        yield from (((), message) for message in _function_faults(tree))


def _unreadable(error: InvalidInstructionError) -> str:
    return f"This cannot be read: {error.message}. {error.hint or ''}".rstrip()


def sentence(error: InvalidInstructionError) -> str:
    """Return what is wrong as sentences."""
    message = error.message[0].upper() + error.message[1:]
    return f"{message}. {error.hint or ''}".rstrip()


def _function_faults(tree: query.Query) -> Iterator[str]:
    todo = [tree]
    while todo:
        node = todo.pop()
        children = [child for child in node.get("children", ()) if isinstance(child, dict)]
        todo.extend(children)
        if node["type"] != "function_expression":
            continue
        known = Functions.FUNCTION_TABLE.get(node["value"])
        if known is None:
            yield f"Expressions have no function {quote(node['value'])}."
            continue
        signature = known["signature"]
        variadic = bool(signature) and bool(signature[-1].get("variadic"))
        if len(children) < len(signature) or (len(children) > len(signature) and not variadic):
            least = "at least " if variadic else ""
            yield f"The function {quote(node['value'])} takes {least}{len(signature)} argument(s), not {len(children)}."


def _read(read: Callable[[str], Any], text: Any, place: Path = ()) -> Iterator[Fault]:
    if is_instruction(text) or text is None:
        return
    if not isinstance(text, str):
        yield place, f"This should be text, not {describe(text)}."
        return
    try:
        read(text)
    except InvalidInstructionError as error:
        yield place, _unreadable(error)


def _path(argument: Any) -> Iterator[Fault]:
    yield from _read(paths.parse, argument)


def _template(argument: Any) -> Iterator[Fault]:
    todo: list[tuple[Path, Any]] = [((), argument)]
    while todo:
        place, part = todo.pop()
        if is_instruction(part):
            continue
        if isinstance(part, list):
            todo.extend(((*place, index), item) for index, item in enumerate(part))
        elif isinstance(part, dict):
            todo.extend(((*place, key), item) for key, item in part.items())
        elif isinstance(part, str):
            yield from _read(template.parse, part, place)


def _list(argument: Any) -> Iterator[Fault]:
    if not isinstance(argument, list):
        yield (), f"This should be a list, not {describe(argument)}."


def _pair(argument: Any) -> Iterator[Fault]:
    yield from _list(argument)
    if isinstance(argument, list) and len(argument) != 2:
        yield (), f"Two values are compared, not {len(argument)}."


def _seed(argument: Any) -> Iterator[Fault]:
    yield from _read(some_text, argument)


def _math(argument: Any) -> Iterator[Fault]:
    yield from _read(arithmetic.parse, argument)


def _members(operator: str) -> Check:
    """Return the check of an argument that is an object: the members it may have, and those that are written down."""

    def check(argument: Any) -> Iterator[Fault]:
        for name, error in FORMS[operator].faults(argument, lambda value: not is_instruction(value)):
            yield () if name is None else (name,), sentence(error)

    return check


def _text_or_members(operator: str, check_text: Check) -> Check:
    """Return the check of an argument that has a short form, which is text."""
    check_members = _members(operator)
    return lambda argument: check_text(argument) if isinstance(argument, str) else check_members(argument)


def _query(argument: Any) -> Iterator[Fault]:
    found = list(_members("<apply>")(argument))
    yield from found
    if not found:
        yield from ((("query", *place), message) for place, message in expression_faults(argument["query"]))


def _text_or_query(argument: Any) -> Iterator[Fault]:
    yield from expression_faults(argument) if isinstance(argument, str) else _query(argument)


def _replace(argument: Any) -> Iterator[Fault]:
    found = list(_members("<replace>")(argument))
    yield from found
    if not found and isinstance(argument.get("regex"), str):
        pattern = argument["regex"]
        yield from _read(lambda text: check_replacement(text, pattern), argument["replacement"], ("replacement",))


def _transformation(argument: Any) -> Iterator[Fault]:
    place: Path = ()
    if isinstance(argument, list) and len(argument) == 1:
        place, argument = (0,), argument[0]
    if is_instruction(argument):
        return
    if isinstance(argument, dict):
        found = list(_members("<transformation>")(argument))
        yield from (((*place, *part), message) for part, message in found)
        if found or is_instruction(argument["function"]) or is_instruction(argument["args"]):
            return
    try:
        if isinstance(argument, dict):
            transformation.check_args(argument["function"], argument["args"], lambda value: not is_instruction(value))
        else:
            transformation.check(argument)
    except InvalidInstructionError as error:
        yield place, sentence(error)


def _proof(argument: Any) -> Iterator[Fault]:
    yield from _members("<proof>")(argument)
    statement = argument.get("statement") if isinstance(argument, dict) else None
    if statement is not None and not is_instruction(statement) and not has_form(statement):
        yield ("statement",), f"This is not a statement that can be proven. Give {FORMS_SHOWN}."


_CHECKS: Mapping[str, Check] = {
    **{operator: _members(operator) for operator in FORMS},
    "<ifset>": _path,
    "<ref>": _path,
    "<eval>": expression_faults,
    "<switch>": _text_or_members("<switch>", _path),
    "<merge>": _list,
    "<tpl>": _template,
    "<jmespath>": _text_or_query,
    "<apply>": _text_or_query,
    "<transformation>": _transformation,
    "<math>": _math,
    "<sum>": _list,
    "<equal>": _pair,
    "<replace>": _replace,
    "<proof>": _proof,
    "<id>": _text_or_members("<id>", _seed),
}
