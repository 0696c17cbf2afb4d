"""A thousand data operators, evaluated on the data of a process that has had a thousand responses.

First expressions alone, beside the `jmespath` package on the same expressions: it parses them once as well, and knows
no limits, no exact decimals and no history that is not a list. Then operators of every kind, beside writing as many
small results as JSON with the standard library, for scale.
"""

import json
from collections.abc import Mapping
from typing import Any

import jmespath

from benchmarks.counting import data
from benchmarks.measure import Figure, Ratio, compare, timed
from benchmarks.sizes import Sizes
from workflow_engine.history import History, plain
from workflow_engine.operators import evaluate

NAME = "operators"

COUNT = 1_000

_LINES = [{"item": f"item {number}", "price": number, "kind": "ab"[number % 2]} for number in range(8)]

CONTEXT: Mapping[str, Any] = {
    "title": "An order",
    "chain": "2b6QYLttL2R3CLGL4fUB9vaXXX4c5aFFsoeAmzHWEhqp3bTS49bpomCMTmbV9E",
    "assets": {
        "order": {"price": 12, "currency": "EUR", "date": "2026-03-01T12:00:00Z", "lines": _LINES},
        "text": "name=Jane&town=Utrecht",
    },
    "actors": {"buyer": {"key": "buyer", "name": "Jane", "signed": True}, "seller": {"key": "seller", "signed": False}},
}

EXPRESSIONS = (
    "assets.order.price > `10`",
    "actors.buyer.signed && actors.seller.signed",
    "assets.order.lines[?kind == 'a'].item",
    "length(assets.order.lines)",
    "assets.order.currency == 'EUR' || !(actors.seller.signed)",
    "previous[-1].data.n",
)

_REF = {"<ref>": "assets.order.price"}
_TEXT = {"<ref>": "assets.text"}

INSTRUCTIONS: Mapping[str, Any] = {
    "<ifset>": {"<ifset>": "assets.order", "a": 1},
    "<ref>": _REF,
    "<eval>": {"<eval>": EXPRESSIONS[0]},
    "<switch>": {"<switch>": {"on": {"<ref>": "assets.order.currency"}, "options": {"EUR": 1, "USD": 2}}},
    "<merge>": {"<merge>": [{"<ref>": "actors.buyer"}, {"title": "Buyer"}]},
    "<tpl>": {"<tpl>": "Dear {{actors.buyer.name}}, {{#assets.order.lines}}{{item}} {{/assets.order.lines}}"},
    "<jmespath>": {"<jmespath>": "a", "a": _REF},
    "<apply>": {"<apply>": {"input": {"<ref>": "assets.order.lines"}, "query": "[*].price"}},
    "<transformation>": {"<transformation>": {"function": "base64_encode", "args": [_TEXT]}},
    "<math>": {"<math>": "price * 1.21", "price": _REF},
    "<sum>": {"<sum>": [1, 2, _REF]},
    "<enrich>": {
        "<enrich>": {
            "input": {"<ref>": "assets.order.lines"},
            "extra": [{"kind": "a", "name": "A"}, {"kind": "b", "name": "B"}],
            "match": "kind",
        }
    },
    "<dateformat>": {"<dateformat>": {"input": {"<ref>": "assets.order.date"}, "format": "Y-m-d"}},
    "<numberformat>": {"<numberformat>": {"input": _REF, "decimals": 2}},
    "<equal>": {"<equal>": [_REF, 12]},
    "<match>": {"<match>": {"input": _TEXT, "regex": "town=[A-Z]"}},
    "<replace>": {"<replace>": {"input": _TEXT, "find": "&", "replacement": "; "}},
    "<if>": {"<if>": {"condition": {"<ref>": "actors.buyer.signed"}, "then": "signed", "else": "open"}},
    "<join>": {"<join>": {"input": ["a", _REF, "b"], "glue": ", "}},
    "<encode>": {"<encode>": {"input": _TEXT, "algo": "base64"}},
    "<decode>": {"<decode>": {"input": "SmFuZQ==", "algo": "base64"}},
    "<serialize>": {"<serialize>": {"input": {"<ref>": "actors"}, "format": "json"}},
    "<unserialize>": {"<unserialize>": {"input": _TEXT, "format": "url"}},
    "<hash>": {"<hash>": {"input": _TEXT}},
    "<id>": {"<id>": {"seed": "order"}},
}
"""One use of each operator, proofs aside: what those cost is curve arithmetic (`docs/zero-knowledge.md`)."""


def run(sizes: Sizes) -> list[Figure]:
    """Measure expressions, then all operators."""
    return [_expressions(sizes.rounds), _operators(sizes.rounds)]


def seen() -> dict[str, Any]:
    """Return what instructions see: the context, with a history of a thousand responses."""
    given = ({"action": {"key": "count"}, "key": "ok", "data": data(number)} for number in range(1000))
    return {**CONTEXT, "previous": History.of(given)}


def _expressions(rounds: int) -> Figure:
    compiled = [jmespath.compile(text) for text in EXPRESSIONS]
    instructions = [{"<eval>": text} for text in EXPRESSIONS]
    context = seen()
    as_json = plain(context)
    for instruction, expression in zip(instructions, compiled, strict=True):
        if evaluate(instruction, context) != expression.search(as_json):
            raise RuntimeError(f"the package gives something else for {instruction}")

    def work() -> None:
        for number in range(COUNT):
            evaluate(instructions[number % len(instructions)], context)

    def limit() -> None:
        for number in range(COUNT):
            compiled[number % len(compiled)].search(as_json)

    ratio, seconds, limit_seconds = compare(timed(work), timed(limit), rounds=rounds)
    return _figure(
        f"{COUNT:,} conditions (`<eval>`), each under a budget",
        "the `jmespath` package: the same expressions, parsed before",
        (ratio, seconds, limit_seconds),
    )


def _operators(rounds: int) -> Figure:
    instructions, context = list(INSTRUCTIONS.values()), seen()
    results = [evaluate(instruction, context) for instruction in instructions]

    def work() -> None:
        for number in range(COUNT):
            evaluate(instructions[number % len(instructions)], context)

    def limit() -> None:
        for number in range(COUNT):
            json.dumps(results[number % len(results)])

    ratio, seconds, limit_seconds = compare(timed(work), timed(limit), rounds=rounds)
    return _figure(
        f"{COUNT:,} operators, {len(instructions)} kinds of them in turn",
        "writing what they give as JSON, with the standard library",
        (ratio, seconds, limit_seconds),
    )


def _figure(what: str, limit: str, measured: tuple[Ratio, float, float]) -> Figure:
    ratio, seconds, limit_seconds = measured
    return Figure(
        benchmark=NAME,
        what=what,
        limit=limit,
        ratio=ratio,
        meaning="speed",
        aim=None,
        count=COUNT,
        unit="operator",
        seconds=seconds,
        limit_seconds=limit_seconds,
    )
