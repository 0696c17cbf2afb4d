"""Operators that make texts of values, and read them: dates, numbers, encodings, digests and ids.

`<dateformat> <numberformat> <replace> <encode> <decode> <serialize> <unserialize> <hash> <id>`; each gives null where
its `input` is null.
"""

from typing import Any

from eventchain.core.errors import InvalidEncodingError, InvalidIdError
from eventchain.core.ids import ChainId, nonce_from_text
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import (
    codecs,
    dates,
    digests,
    form,
    number_format,
    octets,
    patterns,
    serialization,
    values,
)
from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Scope

DATE_FORMAT = Form(
    "<dateformat>",
    {
        "input": dates.check_date,
        "date": dates.check_date,
        "format": dates.check_format,
        "timezone": dates.check_zone,
    },
    either=("input", "date"),
)
NUMBER_FORMAT = Form(
    "<numberformat>",
    {
        "input": values.to_decimal,
        "locale": form.choice(number_format.LOCALES),
        "decimals": form.whole(0, number_format.MAX_DECIMALS),
        "currency": form.choice(number_format.CURRENCIES),
    },
    required=("input",),
)
REPLACE = Form(
    "<replace>",
    {
        "input": form.scalar,
        "find": form.some_text,
        "regex": patterns.check_pattern,
        "flags": patterns.check_flags,
        "replacement": form.text,
    },
    required=("input",),
    given=("replacement",),
    one_of=("find", "regex"),
)
ENCODE = Form(
    "<encode>", {"input": form.scalar, "algo": form.choice(codecs.ALGORITHMS)}, required=("input",), given=("algo",)
)
DECODE = Form(
    "<decode>", {"input": form.text, "algo": form.choice(codecs.ALGORITHMS)}, required=("input",), given=("algo",)
)
SERIALIZE = Form(
    "<serialize>", {"input": None, "format": form.choice(serialization.FORMATS)}, required=("input",), given=("format",)
)
UNSERIALIZE = Form(
    "<unserialize>",
    {"input": form.text, "format": form.choice(serialization.FORMATS)},
    required=("input",),
    given=("format",),
)


def _check_chain(value: Any) -> None:
    _chain_of(value)


def _chain_of(value: Any) -> ChainId:
    try:
        return ChainId.parse(value)
    except (InvalidEncodingError, InvalidIdError) as error:
        raise InvalidInstructionError(error.message) from None


ID = Form("<id>", {"seed": form.some_text, "chain": _check_chain}, required=("seed",))

DEFAULT_DATE_FORMAT = "Y-m-d"


def date_format(argument: Any, _content: Any, _scope: Scope) -> Any:
    """`<dateformat>`: a date by PHP's letters; `timezone` is that of a date that says none (`operators.dates`)."""
    given = DATE_FORMAT.read(argument)
    value = given["input"] if given.get("input") is not None else given.get("date")
    if value is None:
        return None
    zone = dates.zone_of(given.get("timezone") or "UTC")
    letters = given.get("format")
    return dates.write(dates.read(value, zone), DEFAULT_DATE_FORMAT if letters is None else letters)


def number_format_(argument: Any, _content: Any, _scope: Scope) -> Any:
    """`<numberformat>`: a number, or an amount of a `currency`, as people of a `locale` write it."""
    given = NUMBER_FORMAT.read(argument)
    if given["input"] is None:
        return None
    decimals = given.get("decimals")
    return number_format.write(
        given["input"],
        given.get("locale") or number_format.DEFAULT_LOCALE,
        None if decimals is None else int(decimals),
        given.get("currency"),
    )


def replace(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<replace>`: `input` with every `find`, or everything that the RE2 pattern `regex` fits, replaced."""
    given = REPLACE.read(argument)
    if given["input"] is None:
        return None
    text, replacement = values.text_of(given["input"]), given["replacement"]
    if given.get("find") is None:
        return patterns.replace(given["regex"], given.get("flags") or "", text, replacement, scope.budget)
    scope.budget.spend(1 + len(text) // octets.BYTES_PER_STEP)
    scope.budget.grow(text.count(given["find"]) * len(replacement))
    return text.replace(given["find"], replacement)


def encode(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<encode>`: the text `input` in the encoding `algo` (`operators.codecs`)."""
    given = ENCODE.read(argument)
    if given["input"] is None:
        return None
    return codecs.encode(values.text_of(given["input"]), given["algo"], scope.budget)


def decode(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<decode>`: the text that `input` is the encoding of."""
    given = DECODE.read(argument)
    return None if given["input"] is None else codecs.decode(given["input"], given["algo"], scope.budget)


def serialize(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<serialize>`: any value as text, in the `format` json or url (`operators.serialization`)."""
    given = SERIALIZE.read(argument)
    return None if given["input"] is None else serialization.serialize(given["input"], given["format"], scope.budget)


def unserialize(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<unserialize>`: the value that the text `input` stands for."""
    given = UNSERIALIZE.read(argument)
    return None if given["input"] is None else serialization.unserialize(given["input"], given["format"], scope.budget)


def hash_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<hash>`: the digest of a text or any other value, SHA-256 unless `algo` says otherwise (`operators.digests`)."""
    given = digests.FORM.read(argument)
    if given["input"] is None:
        return None
    return digests.digest(given["input"], given.get("algo") or digests.DEFAULT, scope.budget)


def id_(argument: Any, _content: Any, scope: Scope) -> Any:
    """`<id>`: the id of the resource that a seed names on a chain: the process's own, unless `chain` says otherwise."""
    given = ID.read({"seed": argument} if isinstance(argument, str) else argument)
    chain = given["chain"] if given.get("chain") is not None else scope.context.get("chain")
    if given["seed"] is None or chain is None:
        return None
    octets.of_text(given["seed"], scope.budget)
    return _chain_of(chain).resource_id(nonce_from_text(given["seed"]))
