"""The one place that builds JSON Schema validators.

Draft-07 (the one LTO uses) and 2020-12, chosen by `$schema`, on the `jsonschema` library with its dangers taken out:

- nothing is ever fetched: a `$ref` that does not start with `#` is refused when the schema is compiled, and the
  registry is empty;
- patterns run on RE2, in linear time, and are refused when RE2 cannot read them (look-around, back references);
- `multipleOf` is exact decimal arithmetic, the same on every node;
- schemas are limited in size and depth, and the evaluation of one value in steps.

Not evaluated, and refused: `$dynamicRef`, `$recursiveRef`, `unevaluatedItems`, `unevaluatedProperties`, and
`$schema`, `$id` and anchors below the root, which would change what a `$ref` means.
"""

from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator as LibraryValidator
from referencing import Registry

from workflow_engine.errors import InvalidDataError, json_path


class Validator:
    """A compiled JSON Schema.

    Attributes:
        document: The schema it was made from.
    """

    __slots__ = ("_library", "document")

    def __init__(self, document: Any, library: LibraryValidator) -> None:
        self.document = document
        self._library = library

    def validate(self, value: Any, path: str = "$") -> None:
        """Check a value.

        Args:
            value: The JSON value.
            path: JSON path of the value, which starts the paths of what is found.

        Raises:
            InvalidDataError: It does not fit; the error lists every deviation.
        """
        problems = [(path + json_path(e.absolute_path)[1:], e.message) for e in self._library.iter_errors(value)]
        if problems:
            raise InvalidDataError(problems)


def compile_schema(document: Any) -> Validator:
    """Compile a JSON Schema.

    Raises:
        InvalidSchemaError: It is malformed, refers outside itself, or uses what is not evaluated here.
    """
    old = isinstance(document, dict) and "draft-07" in str(document.get("$schema"))
    library = (Draft7Validator if old else Draft202012Validator)(document, registry=Registry())
    return Validator(document, library)


def validate(schema: Validator | Any, value: Any, path: str = "$") -> None:
    """Check a value against a schema, compiled or not.

    Raises:
        InvalidSchemaError: The schema is not one this node accepts.
        InvalidDataError: The value does not fit; the error lists every deviation.
    """
    validator = schema if isinstance(schema, Validator) else compile_schema(schema)
    validator.validate(value, path)
