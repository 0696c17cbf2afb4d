"""What a template asks for, and whether a scenario has it.

The fields of a template are compared with the JSON Schemas of the data that it would be filled with, before there is
any data: a field that can never have a value, one that stands outside the part that is repeated for its list, and data
that the template does not use.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from workflow_engine.documents import conditions
from workflow_engine.documents.admission import CONTENT, STYLES, Template, admit
from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.documents.filling import is_repeated
from workflow_engine.documents.markup import Element
from workflow_engine.documents.names import split
from workflow_engine.documents.structure import FIELDS
from workflow_engine.errors import Problem, Severity, quote
from workflow_engine.operators import paths
from workflow_engine.reading import is_instruction

MAX_FIELDS = 1_000
"""Names in a template: more than the fields of the longest forms."""

Use = Literal["field", "condition"]
Shape = Any
"""A JSON Schema, read for its `properties` and `items` alone; True where nothing is known."""

_ENGINE_MEMBERS = ("key", "title", "identity")
"""What the engine itself keeps of an actor (`workflow_engine.process.ACTOR_MEMBERS`, which imports the checks)."""

_ANYTHING: Shape = True
_COMBINING = ("$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties")


@dataclass(frozen=True, slots=True)
class Field:
    """A name that a template reads.

    Attributes:
        name: The dot path.
        use: Whether its value is shown, or a condition reads it.
        repeated: Whether it stands in a part that can be repeated.
        part: `content.xml` or `styles.xml`.
    """

    name: str
    use: Use
    repeated: bool
    part: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "use": self.use, "repeated": self.repeated, "part": self.part}


def fields_of(template: Template) -> tuple[Field, ...]:
    """Return what a template reads, in the order of the document, each once.

    Raises:
        InvalidTemplateError: A condition or name cannot be read, or there are too many.
    """
    roots = ((CONTENT, template.content), (STYLES, template.styles))
    found: dict[Field, None] = {}
    for part, root in roots:
        for field in _fields(root, part, repeated=False) if root is not None else ():
            found[field] = None
            if len(found) > MAX_FIELDS:
                raise InvalidTemplateError(f"The template reads more than {MAX_FIELDS} names.", path=part)
    return tuple(found)


@lru_cache(maxsize=16)
def fields_in(template: bytes) -> tuple[Field, ...]:
    """Return what a template reads, from its bytes.

    Raises:
        InvalidTemplateError: It is refused, or a condition or name in it cannot be read.
    """
    return fields_of(admit(template))


def _fields(element: Element, part: str, *, repeated: bool) -> Iterator[Field]:
    inside = repeated or is_repeated(element)
    if element.name in FIELDS and element.get("text:display") != "none":
        name = element.get("text:name") or ""
        split(name)
        yield Field(name, "field", inside, part)
    condition = element.get("text:condition")
    for name in conditions.names_in(conditions.parse(condition)) if condition else ():
        yield Field(name, "condition", inside, part)
    for child in element.elements():
        yield from _fields(child, part, repeated=inside)


def process_shape(form: Mapping[str, Any]) -> Shape:
    """Return the shape of what a template sees of a process by default: its title, actors and assets.

    Args:
        form: The normal form of the scenario.
    """
    engine = {name: {"type": "string"} for name in _ENGINE_MEMBERS if name != "identity"}
    engine_members = {**engine, "identity": _object({"id": {"type": "string"}})}
    actors = {
        key: {**schema, "properties": {**engine_members, **_members(schema.get("properties"))}}
        for key, schema in form["actors"].items()
    }
    return _object({"title": {"type": "string"}, "actors": _object(actors), "assets": _object(form["assets"])})


def action_shape(form: Mapping[str, Any], action: Mapping[str, Any]) -> Shape:
    """Return the shape of what the template of a document action sees."""
    whole = process_shape(form)
    data = action.get("data")
    return whole if data is None else _shape_of(data, whole)


def _shape_of(value: Any, whole: Shape) -> Shape:
    """Return the shape of the data of an action, whose references lead into the process."""
    if is_instruction(value):
        path = value.get("<ref>")
        return _referred(path, whole) if len(value) == 1 and isinstance(path, str) else _ANYTHING
    if isinstance(value, Mapping):
        return _object({key: _shape_of(item, whole) for key, item in value.items()})
    return _ANYTHING


def _referred(path: str, whole: Shape) -> Shape:
    place = path.removeprefix("$.").split(".")
    if place[0] not in ("actors", "assets", "title"):
        return _ANYTHING
    found = _lookup(whole, place)
    return found.shape if found.index is None else _ANYTHING


def _object(properties: Mapping[str, Any]) -> Shape:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a name leads: the shape there, or the index of the first part that has no place (surely or not)."""

    shape: Shape
    through_list: bool
    index: int | None = None
    surely: bool = False


def _lookup(shape: Shape, place: Sequence[str]) -> _Found:
    through = False
    for index, part in enumerate(place):
        if _is_list(shape):
            through, shape = through or paths.item_index(part) is None, shape.get("items", _ANYTHING)
            if paths.item_index(part) is not None:
                continue
        if not isinstance(shape, Mapping) or any(keyword in shape for keyword in _COMBINING):
            return _Found(_ANYTHING, through)
        properties = _members(shape.get("properties"))
        if part not in properties:
            closed = shape.get("additionalProperties") is False or shape.get("type", "object") != "object"
            known = bool(properties) or closed
            return _Found(_ANYTHING, through, index if known else None, closed)
        shape = properties[part]
    return _Found(shape, through)


def _is_list(shape: Shape) -> bool:
    return isinstance(shape, Mapping) and shape.get("type") == "array"


def compare(fields: Sequence[Field], shape: Shape) -> Iterator[Problem]:
    """Yield what does not fit between the fields of a template and the shape of its data."""
    for field in fields:
        yield from _field_problems(field, _lookup(shape, split(field.name)))
    used = {split(field.name) for field in fields}
    on_the_way = {name[:length] for name in used for length in range(1, len(name) + 1)}
    for place in _leaves(shape, ()):
        if place not in on_the_way and not any(place[:length] in used for length in range(1, len(place))):
            message = f"The template does not use {quote('.'.join(place))}."
            yield _problem("unused-data", "info", CONTENT, message)


def _field_problems(field: Field, found: _Found) -> Iterator[Problem]:
    if found.index is not None:
        whole = ".".join(split(field.name)[: found.index + 1])
        severity: Severity = "error" if found.surely else "warning"
        yield _problem("unknown-field", severity, field.part, f"There is nothing at {quote(whole)} in the data.")
        return
    if field.use == "condition":
        return
    shape, through = found.shape, found.through_list
    if _is_list(shape):
        shape, through = shape.get("items", _ANYTHING), True
    if through and not field.repeated:
        message = (
            f"The field {quote(field.name)} goes through a list. Put it into a table row, a list item, or a section "
            'whose name begins with "each".'
        )
        yield _problem("field-outside-list", "error", field.part, message)
    if isinstance(shape, Mapping) and shape.get("type") in ("object", "array"):
        message = f"The field {quote(field.name)} is an object or a list; name one of its members."
        yield _problem("no-text-field", "error", field.part, message)


def _problem(rule: str, severity: Severity, part: str, message: str) -> Problem:
    return Problem(rule=rule, severity=severity, path=part, message=message)


def _leaves(shape: Shape, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the places of what the data holds, without what the engine itself keeps of actors."""
    properties = _members(_members(shape).get("properties"))
    if properties and len(place) < 3:
        for key, inner in properties.items():
            if place[:1] != ("actors",) or len(place) != 2 or key not in _ENGINE_MEMBERS:
                yield from _leaves(inner, (*place, key))
    elif place and place != ("title",) and place[:1] != ("actors",):
        yield place
