"""`<numberformat>`: numbers and amounts of money as people write them.

The table of locales is ours, and part of the format: those of operating systems and of ICU change between versions. A
number enters as the decimal that its shortest text means and is rounded half away from zero, as people do with money.

A locale has a decimal mark, a mark between groups of three digits (from how many digits on), and the places of currency
and sign. Spaces in numbers and between number and currency are such that no line breaks there: U+00A0, and U+202F
between the groups of French numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from eventchain.core.strict_json import MAX_SAFE_INTEGER
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators import values

MAX_DECIMALS = 15
"""Digits after the decimal mark: a double has no more of its own."""

DECIMALS_WITHOUT_CURRENCY = 3
"""At most, and no zeros at the end, where nothing else is said: as ICU and LTO do."""

_SPACE = "\u00a0"
_NARROW_SPACE = "\u202f"


@dataclass(frozen=True, slots=True)
class Locale:
    """How numbers are written somewhere.

    Attributes:
        decimal: The decimal mark.
        group: What stands between groups of three digits.
        positive: An amount of money: `{n}` is the number, `{c}` the currency.
        negative: The same for an amount below zero, whose sign the number does not have.
        grouped_from: Numbers with fewer digits before the mark are not grouped.
    """

    decimal: str
    group: str
    positive: str
    negative: str
    grouped_from: int = 4


_BEFORE = ("{c}{n}", "-{c}{n}")
_BEFORE_WITH_SPACE = (f"{{c}}{_SPACE}{{n}}", f"{{c}}{_SPACE}-{{n}}")
_AFTER = (f"{{n}}{_SPACE}{{c}}", f"-{{n}}{_SPACE}{{c}}")

LOCALES: Mapping[str, Locale] = {
    "en_US": Locale(".", ",", *_BEFORE),
    "en_GB": Locale(".", ",", *_BEFORE),
    "nl_NL": Locale(",", ".", *_BEFORE_WITH_SPACE),
    "nl_BE": Locale(",", ".", *_BEFORE_WITH_SPACE),
    "de_DE": Locale(",", ".", *_AFTER),
    "de_CH": Locale(".", "\u2019", f"{{c}}{_SPACE}{{n}}", "{c}-{n}"),
    "fr_FR": Locale(",", _NARROW_SPACE, *_AFTER),
    "fr_BE": Locale(",", _NARROW_SPACE, *_AFTER),
    "es_ES": Locale(",", ".", *_AFTER, grouped_from=5),
    "it_IT": Locale(",", ".", *_AFTER, grouped_from=5),
    "pt_BR": Locale(",", ".", f"{{c}}{_SPACE}{{n}}", f"-{{c}}{_SPACE}{{n}}"),
}

DEFAULT_LOCALE = "en_US"

CURRENCIES: Mapping[str, tuple[str, int]] = {
    "EUR": ("€", 2),
    "USD": ("$", 2),
    "GBP": ("£", 2),
    "JPY": ("¥", 0),
    "BRL": ("R$", 2),
    **{code: (code, 2) for code in ("AUD", "CAD", "CHF", "CNY", "CZK", "DKK", "HKD", "HUF", "INR", "MXN")},
    **{code: (code, 2) for code in ("NOK", "NZD", "PLN", "RON", "SEK", "SGD", "TRY", "ZAR")},
    "KRW": ("KRW", 0),
}
"""Code of ISO 4217 → how it is written, the same in every locale, and its number of decimals."""


def write(number: int | float, locale: str, decimals: int | None, currency: str | None) -> str:
    """Return a number as text.

    Args:
        number: A JSON number.
        locale: One of `LOCALES`.
        decimals: How many digits stand after the decimal mark; None for those of the currency, or as many as the
            number has, at most three.
        currency: One of `CURRENCIES`, or None.

    Raises:
        InvalidInstructionError: It is no number, or its magnitude is beyond 2^53 - 1.
    """
    exact = values.to_decimal(number)
    if abs(exact) > MAX_SAFE_INTEGER:
        raise InvalidInstructionError("a number beyond 2^53 - 1 is not exact, and is not written")
    symbol, usual = CURRENCIES[currency] if currency else ("", DECIMALS_WITHOUT_CURRENCY)
    with localcontext(values.ARITHMETIC):
        rounded = exact.quantize(Decimal(1).scaleb(-(usual if decimals is None else decimals)), rounding=ROUND_HALF_UP)
    whole, _, fraction = f"{abs(rounded):f}".partition(".")
    if decimals is None and not currency:
        fraction = fraction.rstrip("0")
    form = LOCALES[locale]
    digits = _grouped(whole, form) + (form.decimal + fraction if fraction else "")
    if not currency:
        return f"-{digits}" if rounded < 0 else digits
    pattern = form.negative if rounded < 0 else form.positive
    if symbol[-1].isalpha():
        pattern = pattern.replace("{c}{n}", f"{{c}}{_SPACE}{{n}}")
    return pattern.replace("{n}", digits).replace("{c}", symbol)


def _grouped(digits: str, form: Locale) -> str:
    if len(digits) < form.grouped_from:
        return digits
    first = len(digits) % 3 or 3
    return form.group.join([digits[:first], *(digits[index : index + 3] for index in range(first, len(digits), 3))])
