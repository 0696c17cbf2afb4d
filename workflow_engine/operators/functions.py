"""The functions of expressions: those of the `jmespath` package, with a budget, and alike on every machine."""

import re
from collections.abc import Iterable
from typing import Any

from jmespath import functions

from eventchain.core import canonical_json
from workflow_engine.operators import values
from workflow_engine.operators.budget import Budget

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class Functions(functions.Functions):
    """The functions of the language, some of which differ from those of the package (`operators.query`)."""

    def __init__(self, budget: Budget) -> None:
        """Take what pays for their work."""
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        """Return what a function gives. Raises what `query.search` translates."""
        resolved_args = list(resolved_args)
        for argument in resolved_args:
            if isinstance(argument, (str, list, dict)):
                self._budget.spend(1 + len(argument) // (64 if isinstance(argument, str) else 1))
        result = super().call_function(function_name, resolved_args)
        if isinstance(result, (str, list, dict)):
            self._budget.grow(len(result))
        return result

    @functions.signature({"types": ["array-number"]})
    def _func_sum(self, numbers: list[Any]) -> int | float:
        return values.from_decimal(values.add(numbers, self._budget))

    @functions.signature({"types": ["array-number"]})
    def _func_avg(self, numbers: list[Any]) -> int | float | None:
        if not numbers:
            return None
        total = values.add(numbers, self._budget)
        return values.from_decimal(values.divide(total, values.to_decimal(len(numbers))))

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        values.measure(value, self._budget)
        return canonical_json.encode(value).decode("utf-8")

    @functions.signature({"types": []})
    def _func_to_number(self, value: Any) -> int | float | None:
        if values.is_number(value):
            return value  # type: ignore[no-any-return]  # is_number has just said so
        if not isinstance(value, str) or len(value) > 400 or _NUMBER.fullmatch(value) is None:
            return None
        return values.from_decimal(values.ARITHMETIC.create_decimal(value))

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(values.is_equal(item, search, self._budget) for item in subject)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        self._budget.grow(len(separator) * len(texts) + sum(map(len, texts)))
        return separator.join(texts)

    @functions.signature({"types": ["object"]})
    def _func_keys(self, value: dict[str, Any]) -> list[str]:
        return sorted(value)

    @functions.signature({"types": ["object"]})
    def _func_values(self, value: dict[str, Any]) -> list[Any]:
        return [value[key] for key in sorted(value)]
