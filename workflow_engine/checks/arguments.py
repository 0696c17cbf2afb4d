"""What each data operator takes, as far as it can be told without running it.

An argument that is itself an instruction is not known before the process runs, and passes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jmespath.functions import Functions

from workflow_engine.errors import InvalidInstructionError, Path, quote
from workflow_engine.operators import paths, proof, query, template
from workflow_engine.operators.table import pattern_of
from workflow_engine.proofs.statement import FORMS_SHOWN, has_form
from workflow_engine.reading import describe, is_instruction

Fault = tuple[Path, str]
"""Where in the argument, and what is wrong with it."""


def faults(operator: str, argument: Any) -> Iterator[Fault]:
    """Yield what is wrong with the argument of an operator; nothing for an operator that does not exist."""
    check = _CHECKS.get(operator)
    if check is not None and argument is not None and not is_instruction(argument):
        yield from check(argument)


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


def _members(argument: Any, known: tuple[str, ...], required: tuple[str, ...] = ()) -> Iterator[Fault]:
    if not isinstance(argument, dict):
        yield (), f"This should be an object with {', '.join(known)}, not {describe(argument)}."
        return
    for name in argument:
        if name not in known:
            yield (name,), f"There is no {quote(name)} here, only {', '.join(known)}."
    for name in required:
        if name not in argument:
            yield (), f'"{name}" is missing.'


def _if(argument: Any) -> Iterator[Fault]:
    yield from _members(argument, ("condition", "then", "else"), ("condition",))


def _apply(argument: Any) -> Iterator[Fault]:
    if isinstance(argument, str):
        yield from expression_faults(argument)
        return
    yield from _members(argument, ("input", "query"), ("query",))
    if isinstance(argument, dict):
        yield from ((("query", *place), message) for place, message in expression_faults(argument.get("query")))


def _switch(argument: Any) -> Iterator[Fault]:
    if isinstance(argument, str):
        yield from _path(argument)
        return
    yield from _members(argument, ("on", "options", "default"), ("options",))


def _match(argument: Any) -> Iterator[Fault]:
    yield from _members(argument, ("input", "find", "regex", "flags"), ("input",))
    if isinstance(argument, dict):
        if (argument.get("find") is None) == (argument.get("regex") is None):
            yield (), 'Give either "find" (a text) or "regex" (a pattern).'
        flags = argument.get("flags")
        if flags is None or isinstance(flags, str):
            yield from _read(lambda text: pattern_of(text, flags or ""), argument.get("regex"), ("regex",))


def _join(argument: Any) -> Iterator[Fault]:
    yield from _members(argument, ("input", "glue"), ("input",))


def _list(argument: Any) -> Iterator[Fault]:
    if not isinstance(argument, list):
        yield (), f"This should be a list, not {describe(argument)}."


def _pair(argument: Any) -> Iterator[Fault]:
    yield from _list(argument)
    if isinstance(argument, list) and len(argument) != 2:
        yield (), f"Two values are compared, not {len(argument)}."


def _text(argument: Any) -> Iterator[Fault]:
    if not isinstance(argument, str):
        yield (), f"This should be text, not {describe(argument)}."


def _proof(argument: Any) -> Iterator[Fault]:
    yield from _members(argument, proof.MEMBERS, proof.MEMBERS)
    statement = argument.get("statement") if isinstance(argument, dict) else None
    if statement is not None and not is_instruction(statement) and not has_form(statement):
        yield ("statement",), f"This is not a statement that can be proven. Give {FORMS_SHOWN}."


_CHECKS: Mapping[str, Callable[[Any], Iterator[Fault]]] = {
    "<ifset>": _path,
    "<ref>": _path,
    "<eval>": expression_faults,
    "<switch>": _switch,
    "<merge>": _list,
    "<tpl>": _template,
    "<apply>": _apply,
    "<math>": _text,
    "<sum>": _list,
    "<equal>": _pair,
    "<match>": _match,
    "<if>": _if,
    "<join>": _join,
    "<proof>": _proof,
}
