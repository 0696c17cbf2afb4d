"""Whatever sentences are put together, a test passes, fails, or is refused with a sentence; nothing else happens."""

import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflow_engine.deviating import HAGGLE
from tests.workflow_engine.nesting import PURCHASE
from tests.workflow_engine.samples import ORDER
from workflow_engine.testing.errors import InvalidFeatureError
from workflow_engine.testing.feature import Case, Feature, Step
from workflow_engine.testing.running import as_tests
from workflow_engine.testing.vocabulary import SENTENCES

from .features import Found
from .test_vocabulary import OFFER

WORDS: dict[str, list[str]] = {
    "person": ["Ann", "Bob", "Ines", "Eve", "${main.title}", "${x"],
    "process": ["main", "second", "none"],
    "scenario": ["order", "offer", "purchase", "none", ".."],
    "inner": ["inspect", "finance", "inspect/measure", "notify", "none", "/", "${x"],
    "actor": ["buyer", "seller", "none", "constructor"],
    "action": [
        "order",
        "add_line",
        "sign",
        "notify",
        "cancel",
        "call",
        "both",
        "tell",
        ":timeout",
        "none",
        "offer",
        "inspect",
        "finance",
        "report",
        "decline",
        "measure",
    ],
    "asset": ["order", "list", "none"],
    "state": ["initial", "signing", "two", ":success", "none"],
    "response": ["ok", "error", "404", "none"],
    "moment": ["2020-01-01", "2020-03-01T00:00:00Z", "9999-12-31", "1000-01-01", "now"],
    "duration": ["P1D", "P7D", "PT0S", "P9999Y", "P", "1"],
    "count": ["7", "0", "many", "999999999999"],
    "unit": ["days", "year", "moons"],
    "status": ["200", "202", "404", "500", "099", "two"],
    "method": ["GET", "POST", "get", "x"],
    "url": ["https://example.com/a", "https://example.com/b", "ftp://x"],
    "title": ["Order", "Buyer ordered for 12"],
    "key": ["user", "system", "x"],
    "email": ["ines@example.com", "x"],
    "deviation": ["haggle", "haggle.json", "Haggle about the price", "none", "../x"],
    "standing": ["open", "in force", "lapsed", "gone"],
    "persons": ["Ann", "Bob, Ann", ","],
    "reason": ["No.", "${today}"],
    "text": ["Hello", "${main.title}"],
    "comment": ["Hello", "none"],
}
PATHS = ["price", "a.b", "a.0", "0", "$", "", "lines", "current.actions", "previous.0.data", "assets.order", "id",
         "identity", "key", "signkeys", "${main.assets}", "order", "sign"]  # fmt: skip
CELLS = ["1", "-1", "true", "null", "buyer", "buyer, seller", "{}", "[1]", '"x"', "${today}", "${main}", "${main.x}",
         "${none}", "1e400", "\ud83d\ude00", "", "a\nb", '{"<eval>": "x"}']  # fmt: skip
DOCS = ["null", "{}", "[", '{"price": 1}', "1", '"${main.title}"', "[[[[]]]]"]


@st.composite
def steps(draw: Any) -> Step:
    text = draw(st.sampled_from(SENTENCES)).text
    text = re.sub(r"\[([^]]*)\]", lambda part: draw(st.sampled_from(["", part[1]])), text)
    text = re.sub(r"\(([^()]*/[^()]*)\)", lambda part: draw(st.sampled_from(part[1].split("/"))), text)
    text = re.sub(r"\{(\w+)\}", lambda part: f'"{draw(st.sampled_from(WORDS[part[1]]))}"', text.replace("a(n)", "a"))
    data: dict[str, Any] = {}
    if text.endswith(":"):
        rows = st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(CELLS)), min_size=1, max_size=3).map(tuple)
        table = draw(st.none() | rows)
        data = {"table": table} if table else {"doc": draw(st.sampled_from(DOCS)), "doc_type": draw(st.sampled_from([None, "text"]))}  # fmt: skip  # noqa: E501
    return Step(kind=draw(st.sampled_from(["given", "when", "then"])), text=text, line=1, **data)


BEGIN = tuple(
    Step(kind="given", text=text, line=1)
    for text in (
        '"Ann" creates the "main" process using the "offer" scenario',
        '"Ann" is the "buyer" actor of the "main" process',
        '"Bob" is the "seller" actor of the "main" process',
        '"Ann" creates the "second" process using the "order" scenario',
        '"Ann" is the "buyer" actor of the "second" process',
        '"Bob" is the "seller" actor of the "second" process',
    )
)
SCENARIO_OF = Found({"order": ORDER, "offer": OFFER, "haggle": HAGGLE, "purchase": PURCHASE})


@settings(max_examples=100)
@given(st.lists(steps(), min_size=1, max_size=6), st.integers(0, len(BEGIN)))
def test_any_sentences_pass_fail_or_are_refused(said: list[Step], begin: int) -> None:
    case = Case(name="S", line=1, steps=(*BEGIN[:begin], *said))
    try:
        (test,) = as_tests(Feature(file="a.feature", name="F", cases=(case,), explained={}))
    except InvalidFeatureError as error:
        assert error.line == 1  # noqa: PT017  # either is right; nothing else may be raised
        return
    result = test.run(SCENARIO_OF)
    if result.failure is not None:
        assert result.failure.expected
        assert result.failure.actual
