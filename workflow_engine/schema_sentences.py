"""What is wrong with a value, in sentences for people: by the keyword of JSON Schema that it does not fit."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from workflow_engine.errors import quote

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing (null)",
}


def _type(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return f"This should be {' or '.join(_TYPES.get(str(name), 'of another type') for name in names)}."


def _show(value: Any) -> str:
    return quote(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:40]


_SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "type": _type,
    "enum": lambda v: f"This should be one of {', '.join(_show(item) for item in v[:10])}.",
    "const": lambda v: f"This should be {_show(v)}.",
    "pattern": lambda v: f"The text does not have the form {quote(v)}.",
    "format": lambda v: f"This is not a valid {v}.",
    "minimum": lambda v: f"The number should be at least {v}.",
    "maximum": lambda v: f"The number should be at most {v}.",
    "exclusiveMinimum": lambda v: f"The number should be more than {v}.",
    "exclusiveMaximum": lambda v: f"The number should be less than {v}.",
    "multipleOf": lambda v: f"The number should be a multiple of {v}.",
    "minLength": lambda v: "The text is empty." if v == 1 else f"The text should have at least {v} characters.",
    "maxLength": lambda v: f"The text should have at most {v} characters.",
    "minItems": lambda v: f"The list should have at least {v} items.",
    "maxItems": lambda v: f"The list should have at most {v} items.",
    "minProperties": lambda v: f"The object should have at least {v} members.",
    "maxProperties": lambda v: f"The object should have at most {v} members.",
    "uniqueItems": lambda _: "The list has an item twice.",
    "additionalProperties": lambda _: "This member is not foreseen.",
    "anyOf": lambda _: "This fits none of the forms that are allowed here.",
    "oneOf": lambda _: "This should fit exactly one of the forms that are allowed here.",
    "not": lambda _: "This has a form that is not allowed here.",
    "contains": lambda _: "The list lacks an item of the form it needs.",
    "dependentRequired": lambda _: "One member needs another, which is missing.",
    "dependencies": lambda _: "One member needs another, which is missing.",
}


def sentence(error: ValidationError) -> str:
    """Say what is wrong, in a sentence for people; never longer than a few hundred characters."""
    keyword = error.validator
    if keyword == "required":
        return f"{quote(error.message)} is missing."
    if keyword == "type" and error.instance is None:
        return f"There is nothing here. {_type(error.validator_value)}"
    write = _SENTENCES.get(str(keyword))
    return write(error.validator_value) if write else "This is not allowed here."
