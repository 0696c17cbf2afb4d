"""The one place that builds JSON Schema validators.

Draft-07 (the one LTO uses) and 2020-12, chosen by `$schema`, on the `jsonschema` library with its dangers taken out:

- nothing is ever fetched: a `$ref` that does not start with `#` is refused when the schema is compiled, and the
  registry is empty;
- patterns run on RE2, in linear time, and are refused when RE2 cannot read them (look-around, back references);
- `multipleOf` is exact decimal arithmetic, and only the formats of `schema_formats.FORMATS` are looked at, so that
  all nodes come to the same answer whatever else is installed;
- schemas are limited in size and depth, and the work on one value is limited too.

Not evaluated, and refused: `$dynamicRef`, `$recursiveRef`, `unevaluatedItems`, `unevaluatedProperties`, and
`$schema`, `$id` and anchors below the root, which would change what a `$ref` means.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from eventchain.core import canonical_json
from eventchain.core.errors import InvalidJsonError
from workflow_engine import schema_form, schema_formats, schema_keywords
from workflow_engine.errors import InvalidDataError, InvalidSchemaError, Path, json_path, written
from workflow_engine.kept import kept
from workflow_engine.schema_proof import UNKNOWN, Proof, proof_of, unknown
from workflow_engine.schema_sentences import sentence

MAX_PROBLEMS = 20
"""Deviations listed for one value; nobody reads more, and strangers choose how many there are."""

MAX_PROVEN = 8192
"""Bytes of the schemas for which proofs are kept: far more than a form, and half a megabyte of memory at most."""

_DIALECTS: Mapping[str, Any] = {
    "http://json-schema.org/draft-07/schema": Draft7Validator,
    "http://json-schema.org/schema": Draft7Validator,
    "https://json-schema.org/draft/2020-12/schema": Draft202012Validator,
}
"""`$schema` without a trailing `#`; LTO's fixtures use the second for draft-07."""

_Library = Any
"""A validator class of the library, or an instance of one; their types say less than nothing."""

_EVALUATORS: Mapping[_Library, _Library] = {
    dialect: schema_keywords.extend(dialect) for dialect in (Draft7Validator, Draft202012Validator)
}

_META: Mapping[_Library, _Library] = {
    dialect: dialect(dialect.META_SCHEMA) for dialect in (Draft7Validator, Draft202012Validator)
}
"""Validators of schemas; the library brings the schemas of schemas with it, so nothing is fetched here either."""


_LEFT_OUT = frozenset({"$id", "$schema"})
"""Members of the root that the library does not get to see: it would go on with a dialect of its own, without our
keywords, wherever it comes to a schema that names one."""


class Validator:
    """A compiled JSON Schema; immutable, and safe to use from several threads.

    Attributes:
        document: The schema it was made from, its members in the order of canonical JSON.
    """

    __slots__ = ("_library", "_prove", "document")

    def __init__(self, document: Any, library: _Library, prove: Proof = unknown) -> None:
        self.document = document
        self._library = library
        self._prove = prove

    def validate(self, value: Any, path: str | Path = "$") -> None:
        """Check a value.

        Args:
            value: The JSON value.
            path: Where the value stands, which starts the paths of what is found.

        Raises:
            InvalidDataError: It does not fit; the error lists the first deviations.
            InvalidSchemaError: A reference leads to nothing after all; `compile_schema` should have found it.
        """
        price = UNKNOWN if schema_keywords.is_used_up() else self._prove(value)
        if price >= 0 and schema_keywords.affords(price):
            return
        self.judge(value, written(path))

    def judge(self, value: Any, path: str = "$") -> None:
        """Check a value with the library alone, keyword by keyword. Raises what `validate` raises."""
        try:
            with schema_keywords.limited_work(path):
                problems = list(islice(_deviations(self._library, schema_keywords.quiet(value), path), MAX_PROBLEMS))
        except Unresolvable:
            raise InvalidSchemaError("A reference of the JSON Schema leads to nothing.") from None
        if problems:
            raise InvalidDataError(sorted(problems))

    def part(self, place: Path) -> "Validator":
        """Return the validator of a schema inside this one, such as that of one property.

        Args:
            place: The keys and indexes that lead to it from the root of the document.

        Raises:
            LookupError: There is nothing.
        """
        document = schema_form.resolve(self._library.schema, place)
        return Validator(document, self._library.evolve(schema=document))


def compile_schema(document: Any) -> Validator:
    """Compile a JSON Schema: an object, or true or false. Without `$schema` it is of 2020-12.

    Equal schemas give the same validator from a bounded cache.

    Raises:
        InvalidSchemaError: It is malformed, refers outside itself, or uses what is not evaluated here. The error's
            path starts at the schema.
    """
    schema_form.check_limits(document)
    try:
        text = canonical_json.encode(document)
    except InvalidJsonError as error:
        raise InvalidSchemaError(f"The JSON Schema holds what JSON cannot carry: {error.message}") from None
    return _compile(text)


def validate(schema: Validator | Any, value: Any, path: str | Path = "$") -> None:
    """Check a value against a schema, compiled or not.

    Raises:
        InvalidSchemaError: The schema is not one this node accepts.
        InvalidDataError: The value does not fit; the error lists the first deviations.
    """
    validator = schema if isinstance(schema, Validator) else compile_schema(schema)
    validator.validate(value, path)


@kept(short=2048, many=1024)
def _compile(text: bytes) -> Validator:
    document = json.loads(text)
    dialect = _dialect(document)
    _check_meta(dialect, document)
    schema_form.check(document, draft_07=dialect is Draft7Validator)
    schema = document
    if isinstance(schema, dict):
        schema = {name: member for name, member in schema.items() if name not in _LEFT_OUT}
    library = _EVALUATORS[dialect](schema, registry=Registry(), format_checker=schema_formats.FORMATS)
    return Validator(document, library, proof_of(schema, library.VALIDATORS) if len(text) <= MAX_PROVEN else unknown)


def _dialect(document: Any) -> _Library:
    if isinstance(document, bool):
        return Draft202012Validator
    if not isinstance(document, dict):
        raise InvalidSchemaError("A JSON Schema should be an object, true or false.")
    name = document.get("$schema")
    if name is None:
        return Draft202012Validator
    dialect = _DIALECTS.get(name.removesuffix("#")) if isinstance(name, str) else None
    if dialect is None:
        raise InvalidSchemaError(
            "This version of JSON Schema is not read here.",
            place=("$schema",),
            hint=f"Use one of {', '.join(_DIALECTS)}.",
        )
    return dialect


def _check_meta(dialect: _Library, document: Any) -> None:
    """Check the form of a schema against the schema of schemas."""
    error = next(_META[dialect].iter_errors(document), None)
    if error is not None:
        raise InvalidSchemaError(f"The JSON Schema is malformed. {sentence(error)}", place=tuple(error.absolute_path))


def _deviations(library: _Library, value: Any, path: str) -> Iterator[tuple[str, str]]:
    error: ValidationError
    for error in library.iter_errors(value):
        yield path + json_path(error.absolute_path)[1:], sentence(error)
