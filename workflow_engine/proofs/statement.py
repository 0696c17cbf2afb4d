"""What can be proven, as data.

```
{"key": X}                          I know the secret x of the key X = x·B
{"commitment": C, "value": v}       C holds the value v
{"commitment": C, "values": [v…]}   C holds one of these values
```

X and C are points, 64 hexadecimal digits in lower case. A value is a whole number from 0 to 2^53 - 1; a list has up to
64 different ones. A commitment is Pedersen's: C = v·B + r·H, with the two bases of `group` and a blinding r that stays
with its maker. It hides v from everybody, whatever they can compute, and binds its maker as long as nobody finds the
logarithm of H.

All three are one statement: of these *targets* Y, I know the logarithm of one to this *base*. For a key that is X to
the base B; for a value, C - v·B to the base H, since C - v·B = r·H; for a list, one target for each value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.proofs import group
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.group import BASE, SECOND_BASE, SIZE, Point, Scalar

FORMS = ({"key"}, {"commitment", "value"}, {"commitment", "values"})
FORMS_SHOWN = '{"key"}, {"commitment", "value"} or {"commitment", "values"}'
"""The members of the three statements, and the same for messages."""

MAX_VALUES = 64
"""Values of a list: a proof grows with them, and has to fit into an event many times over."""

MAX_VALUE = 2**53 - 1
"""The largest whole number that every reader of JSON reads alike (RFC 8785)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The logarithm of one of the targets to the base is known.

    Attributes:
        base: `BASE` or `SECOND_BASE`.
        targets: One or more points, in the order of the values.
    """

    base: Point
    targets: tuple[Point, ...]


def commit(value: int, blinding: Scalar) -> Point:
    """Return the Pedersen commitment to a value, `value·B + blinding·H`.

    The blinding has to be drawn at random from all scalars (`group.reduce` of 64 random bytes), used for nothing else
    and kept: it is the secret of every proof about the commitment.

    Raises:
        InvalidProofError: The value is not a whole number from 0 to 2^53 - 1.
    """
    hidden = group.multiply(blinding, SECOND_BASE)
    return group.add(group.multiply(_scalar_of_value(value, "$.value"), BASE), hidden)


def key_of(secret: Scalar) -> Point:
    """Return the key of a secret, `secret·B`."""
    return group.multiply(secret, BASE)


def count_targets(document: Any) -> int:
    """Return how many targets a statement has at most, without computing anything: what it costs grows with them."""
    values = document.get("values") if isinstance(document, Mapping) else None
    return min(len(values), MAX_VALUES) if isinstance(values, list) else 1


def has_form(document: Any) -> bool:
    """Tell whether a value has the members of one of the three statements, whatever these hold."""
    return isinstance(document, Mapping) and set(document) in FORMS


def read_statement(document: Any) -> Statement:
    """Return a statement from its JSON form.

    Raises:
        InvalidProofError: It has another form, a point is not one of the group, or a value is out of range or twice in
            the list.
    """
    if not has_form(document):
        raise InvalidProofError("This is not a statement that can be proven.", path="$", hint=f"Give {FORMS_SHOWN}.")
    if "key" in document:
        return Statement(base=BASE, targets=(point_of(document["key"], "$.key"),))
    if "value" in document:
        values, places = [document["value"]], ["$.value"]
    else:
        values = _list_of(document["values"])
        places = [f"$.values[{index}]" for index in range(len(values))]
    scalars = [_scalar_of_value(value, place) for value, place in zip(values, places, strict=True)]
    if len(set(scalars)) != len(scalars):
        raise InvalidProofError("A value stands twice in the list.", path="$.values")
    commitment = point_of(document["commitment"], "$.commitment")
    targets = tuple(group.subtract(commitment, group.multiply(scalar, BASE)) for scalar in scalars)
    return Statement(base=SECOND_BASE, targets=targets)


def point_of(text: Any, path: str) -> Point:
    """Return a point from its 64 hexadecimal digits.

    Raises:
        InvalidProofError: It is written otherwise, or no point of the group.
    """
    try:
        return group.read_point(bytes_of(text, SIZE, path))
    except InvalidProofError as error:
        raise InvalidProofError(error.message, path=path, hint=error.hint) from None


def bytes_of(text: Any, size: int, path: str) -> bytes:
    """Return the bytes of hexadecimal digits in lower case.

    Raises:
        InvalidProofError: It is not text, has other characters, or another length.
    """
    digits = 2 * size
    if not isinstance(text, str) or len(text) != digits or not set(text) <= set("0123456789abcdef"):
        raise InvalidProofError(f"This should be {digits} of the characters 0 to 9 and a to f.", path=path)
    return bytes.fromhex(text)


def _list_of(values: Any) -> list[Any]:
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES:
        raise InvalidProofError(f"There should be a list of 1 to {MAX_VALUES} values.", path="$.values")
    return values


def _scalar_of_value(value: Any, path: str) -> Scalar:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_VALUE:
        raise InvalidProofError("A value is a whole number from 0 to 2^53 - 1.", path=path)
    return group.scalar_of(value)
