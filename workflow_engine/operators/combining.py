"""Operators that put values together: `<merge> <tpl> <math> <sum> <enrich> <join>`."""

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import arithmetic, form, paths, template, values
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Scope

JOIN = Form("<join>", {"input": form.items, "glue": form.text}, required=("input",))

_MATCH = Form('the "match" of <enrich>', {"extra": paths.parse, "source": paths.parse}, given=("extra", "source"))


def _check_match(value: Any) -> None:
    if isinstance(value, str):
        paths.parse(value)
    else:
        _MATCH.read(value)


ENRICH = Form(
    "<enrich>", {"input": None, "extra": form.items, "match": _check_match}, required=("extra",), given=("match",)
)


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


def enrich(argument: Any, content: Any, scope: Scope) -> Any:
    """`<enrich>`: each object of `input` (or of the rest of the node) with the members of the first `extra` that fits.

    `match` is the dot path at which both have the same text, number, true or false, or `{extra, source}`, the paths in
    either. Where both have a member, that of the extra counts. What nothing fits stays as it is.
    """
    given = ENRICH.read(argument)
    source = given["input"] if given.get("input") is not None else content
    extras, wanted = given["extra"] or [], given["match"]
    if source is None:
        return None
    of_extra, of_source = (wanted, wanted) if isinstance(wanted, str) else (wanted["extra"], wanted["source"])
    known: dict[tuple[str, Any], Mapping[str, Any]] = {}
    for extra in extras:
        scope.budget.spend()
        key = _key(extra, of_extra)
        if key is not None:
            known.setdefault(key, extra)
    if isinstance(source, dict):
        return {name: _enriched(source[name], of_source, known, scope.budget) for name in source}
    if isinstance(source, list):
        return [_enriched(item, of_source, known, scope.budget) for item in source]
    raise InvalidInstructionError("<enrich> takes a list or an object whose items are objects")


def _key(item: Any, path: str) -> tuple[str, Any] | None:
    """Return what an object is found by: the kind of the value at a path, and the value; None where nothing is."""
    value = paths.find(path, item) if isinstance(item, dict) else None
    if value is None or isinstance(value, (list, dict)):
        return None
    return "number" if values.is_number(value) else type(value).__name__, value


def _enriched(item: Any, path: str, known: Mapping[tuple[str, Any], Mapping[str, Any]], budget: Budget) -> Any:
    budget.spend()
    key = _key(item, path)
    extra = None if key is None else known.get(key)
    if extra is None:
        return item
    budget.grow(len(item) + len(extra))
    return {**item, **extra}


def join(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<join>`: the texts and numbers of `input` with `glue` between them; nulls are skipped."""
    given = JOIN.read(argument)
    glue = given.get("glue") or ""
    items = [_text(item, scope.budget) for item in _list("<join>", given["input"]) if item is not None]
    scope.budget.grow(len(glue) * len(items))
    return glue.join(items)


def _list(name: str, argument: Any) -> list[Any]:
    if not isinstance(argument, list):
        raise InvalidInstructionError(f"{name} takes a list")
    return argument


def _text(value: Any, budget: Budget) -> str:
    text = values.text_of(value)
    budget.grow(len(text))
    return text
