"""`<transformation>`: the functions of PHP that LTO offers, as far as they need no key, no clock and no randomness.

A transformation is the name of a function, with an argument after a colon (`hash:sha256`, `date:Y-m-d`), which works on
the member `input` beside it; or `{function, args}`, whose arguments are those of the PHP function. Each does what the
operator that is named below does; `date` and `strtotime` count seconds since 1970, in UTC.

| function | arguments | as |
|---|---|---|
| hash | algorithm, value | `<hash>` |
| base64_encode, base64_decode | text | `<encode>`, `<decode>` |
| json_encode, json_decode | value | `<serialize>`, `<unserialize>` |
| strtotime | a date in full | `operators.dates` |
| date | letters, seconds | `operators.dates` |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from workflow_engine.errors import InvalidInstructionError, quote
from workflow_engine.operators import codecs, dates, digests, form, serialization, values
from workflow_engine.operators.budget import Budget
from workflow_engine.operators.form import Form
from workflow_engine.operators.scope import Scope

_KEY = "it needs a key, and every party sees what an instruction sees"
_PHP = "PHP's own notation depends on types that JSON lacks; use json_encode and json_decode"

REFUSED: Mapping[str, str] = {
    "hash_hmac": _KEY,
    "private_encrypt": _KEY,
    "private_decrypt": _KEY,
    "generate_signature": _KEY,
    "verify_signature": "it needs a key of another kind than the chain's; whoever responds has signed already",
    "generate_public_key": _KEY,
    "generate_private_key": "it needs randomness, so two nodes would get two keys",
    "public_encrypt": "it needs randomness, so two nodes would get two results",
    "serialize": _PHP,
    "unserialize": _PHP,
}
"""Functions of LTO that are not here, and why."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of PHP.

    Attributes:
        option: Checks its first argument, when it has two; None when it has one.
        call: From the option (or None) and the value it works on to its result.
    """

    option: form.Check | None
    call: Callable[[Any, Any, Budget], Any]


def _text(value: Any) -> str:
    form.scalar(value)
    return values.text_of(value)


def _strtotime(_option: Any, value: Any, _budget: Budget) -> int:
    form.text(value)
    return dates.to_seconds(dates.read(value, UTC))


FUNCTIONS: Mapping[str, Function] = {
    "hash": Function(
        form.choice(digests.ALGORITHMS), lambda option, value, budget: digests.digest(value, option, budget)
    ),
    "base64_encode": Function(None, lambda _option, value, budget: codecs.encode(_text(value), "base64", budget)),
    "base64_decode": Function(None, lambda _option, value, budget: codecs.decode(_text(value), "base64", budget)),
    "json_encode": Function(None, lambda _option, value, budget: serialization.serialize(value, "json", budget)),
    "json_decode": Function(
        None, lambda _option, value, budget: serialization.unserialize(_text(value), "json", budget)
    ),
    "strtotime": Function(None, _strtotime),
    "date": Function(
        dates.check_format, lambda option, value, _budget: dates.write(dates.from_seconds(value, UTC), option)
    ),
}


def _check_function(value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidInstructionError("this should be text")
    if value in REFUSED:
        raise InvalidInstructionError(f"there is no {value} here: {REFUSED[value]}")
    if value not in FUNCTIONS:
        raise InvalidInstructionError(f"there is no function {quote(value)}; there are {', '.join(FUNCTIONS)}")


FORM = Form("<transformation>", {"function": _check_function, "args": form.items}, given=("function", "args"))


def check(argument: Any) -> None:
    """Check a transformation as far as it is written down: the function, and its option.

    Raises:
        InvalidInstructionError: There is no such function, or it has no such option.
    """
    argument = _only(argument)
    if isinstance(argument, str):
        _named(argument)
    else:
        FORM.read(argument)


def transformation(argument: Any, content: Any, scope: Scope) -> Any:
    """`<transformation>`: what a function of PHP makes of `input`, or of its `args`; null where that is null."""
    argument = _only(argument)
    if isinstance(argument, str):
        name, option = _named(argument)
        value = content.get("input") if isinstance(content, dict) else None
    else:
        given = FORM.read(argument)
        name = given["function"]
        option, value = _arguments(name, given["args"])
    return None if value is None else FUNCTIONS[name].call(option, value, scope.budget)


def _only(argument: Any) -> Any:
    """Return the one transformation of a list. LTO's engine runs all on the same input and takes the last result."""
    if not isinstance(argument, list):
        return argument
    if len(argument) != 1:
        raise InvalidInstructionError(
            f"one transformation is wanted, not {len(argument)}", hint="Nest instructions to do one after the other."
        )
    return argument[0]


def _named(text: str) -> tuple[str, str | None]:
    """Split `name:option`, and check both."""
    name, colon, option = text.partition(":")
    _check_function(name)
    return name, _option(name, option if colon else None)


def _arguments(name: str, args: list[Any]) -> tuple[Any, Any]:
    wanted = 1 if FUNCTIONS[name].option is None else 2
    if len(args) != wanted:
        raise InvalidInstructionError(f"{name} takes {wanted} args, not {len(args)}")
    return (None, args[0]) if wanted == 1 else (_option(name, args[0]), args[1])


def _option(name: str, option: Any) -> Any:
    check = FUNCTIONS[name].option
    if check is None and option is not None:
        raise InvalidInstructionError(f"{name} takes nothing after a colon")
    if check is not None and option is None:
        raise InvalidInstructionError(f'{name} needs an argument after a colon, as in "hash:sha256" or "date:Y-m-d"')
    if check is not None:
        check(option)
    return option
