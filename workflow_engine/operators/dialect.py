"""The grammar of expressions: JMESPath, and what LTO added to it.

The parser is that of the `jmespath` package, over more tokens. Everything that the package reads keeps its tree; what
it refuses and this reads is new:

```
sum     = product { ("+" | "-") product }         left to right, looser than "." and "[…]", tighter than comparators
product = part { ("*" | "/" | "%") part }
root    = "$"                                     the value that the whole expression is evaluated on
number  = [ "-" ] digits                          a whole number, wherever a value may stand except first in "[…]"
```

`*` multiplies where an operand has just ended, and stands for all members anywhere else. `-` before digits is a sign,
except where an operand has just ended: `a -1` is a subtraction. First in square brackets a number is an index (`a[0]`,
`a[-1]`). The nodes that are new are `{"type": "arithmetic", "value": sign, "children": [left, right]}` and
`{"type": "root", "children": []}`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn

from jmespath import ast, exceptions
from jmespath.lexer import Lexer
from jmespath.parser import Parser

from eventchain.core.strict_json import MAX_SAFE_INTEGER

Token = dict[str, Any]

_SIGNS = {"+": "plus", "-": "minus", "/": "divide", "%": "modulo", "$": "root"}
"""New characters and the types of their tokens; a `*` that multiplies is a `times`."""

_OPERAND_ENDS = frozenset(
    {
        *("unquoted_identifier", "quoted_identifier", "literal", "number", "current", "root", "star", "flatten"),
        *("rbracket", "rparen", "rbrace"),
    }
)
"""After these tokens an operand is complete, so that an operator follows."""

_ADDING, _MULTIPLYING = 6, 7
"""How tight arithmetic binds: between comparators (5) and what selects from a value (9 and more)."""


def parse(text: str) -> dict[str, Any]:
    """Return the syntax tree of an expression.

    Raises:
        JMESPathError: A syntax error.
        RecursionError, ValueError: Brackets nest too deeply, or a number has too many digits.
    """
    return _Grammar().read(text)


class _Characters(Lexer):
    """The package's lexer with the new characters; a sign and its digits come apart."""

    SIMPLE_TOKENS = {**Lexer.SIMPLE_TOKENS, **_SIGNS}  # noqa: RUF012  # as the package has it


class _Grammar(Parser):
    """The package's parser with the new tokens."""

    BINDING_POWER = {  # noqa: RUF012  # as the package has it
        **Parser.BINDING_POWER,
        "root": 0,
        "plus": _ADDING,
        "minus": _ADDING,
        "times": _MULTIPLYING,
        "divide": _MULTIPLYING,
        "modulo": _MULTIPLYING,
    }

    _tokens: list[Token]
    _index: int
    _do_parse: Callable[[str], dict[str, Any]]
    _expression: Callable[[int], dict[str, Any]]
    _current_token: Callable[[], str]
    _lookahead_token: Callable[[int], Token]

    def read(self, text: str) -> dict[str, Any]:
        """Return the tree, past the cache of the package, which all parsers share."""
        return self._do_parse(text)

    def _parse(self, text: str) -> dict[str, Any]:
        self._tokens = list(_in_place(_Characters().tokenize(text)))
        self._index = 0
        tree = self._expression(0)
        if self._current_token() != "eof":
            self._refuse(self._lookahead_token(0))
        return tree

    def _refuse(self, token: Token) -> NoReturn:
        raise exceptions.ParseError(
            token["start"], token["value"], token["type"], f"Unexpected token: {token['value']}"
        )

    def _token_nud_root(self, _token: Token) -> dict[str, Any]:
        return {"type": "root", "children": []}

    def _token_nud_number(self, token: Token) -> dict[str, Any]:
        if abs(token["value"]) > MAX_SAFE_INTEGER:
            self._refuse(token)
        return {**ast.literal(token["value"])}

    def _arithmetic(self, sign: str, left: dict[str, Any]) -> dict[str, Any]:
        return {"type": "arithmetic", "value": sign, "children": [left, self._expression(self.BINDING_POWER[sign])]}

    def _token_led_plus(self, left: dict[str, Any]) -> dict[str, Any]:
        return self._arithmetic("plus", left)

    def _token_led_minus(self, left: dict[str, Any]) -> dict[str, Any]:
        return self._arithmetic("minus", left)

    def _token_led_times(self, left: dict[str, Any]) -> dict[str, Any]:
        return self._arithmetic("times", left)

    def _token_led_divide(self, left: dict[str, Any]) -> dict[str, Any]:
        return self._arithmetic("divide", left)

    def _token_led_modulo(self, left: dict[str, Any]) -> dict[str, Any]:
        return self._arithmetic("modulo", left)


def _in_place(tokens: Iterable[Any]) -> Iterator[Token]:
    """Tell operators from the signs of numbers and from the `*` of all members, by what stands before them."""
    before: Token = {"type": "start"}
    sign: Token | None = None
    for token in tokens:
        if sign is not None:
            if token["type"] == "number" and token["start"] == sign["end"]:
                token = {**token, "value": -token["value"], "start": sign["start"]}  # noqa: PLW2901  # sign and digits
            else:
                yield sign
            sign = None
        elif before["type"] in _OPERAND_ENDS and token["type"] == "star":
            token = {**token, "type": "times"}  # noqa: PLW2901  # it multiplies
        elif before["type"] not in _OPERAND_ENDS and token["type"] == "minus":
            before = sign = token
            continue
        yield token
        before = token
