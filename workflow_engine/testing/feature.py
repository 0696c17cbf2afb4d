"""Features: files in Gherkin, read into the cases and steps that are run. Pure: bytes in, values out.

The form is Gherkin's own (`Feature`, `Rule`, `Background`, `Scenario`, `Scenario Outline`, `Examples`, tables, doc
strings, tags, any of its languages for the keywords). What a scenario of Gherkin is called a *case* here, since a
scenario is something else. Files come from strangers as well: size, lines, cases and what outlines grow to are bounded
before they are expanded.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gherkin.errors import CompositeParserException, ParserError, ParserException
from gherkin.parser import Parser
from gherkin.pickles.compiler import Compiler

from workflow_engine.errors import quote
from workflow_engine.testing.errors import InvalidFeatureError

MAX_BYTES = 1024 * 1024
MAX_LINE = 8_192
"""Characters of one line: more than a table that people read has."""

MAX_CASES = 2_000
MAX_STEPS = 50_000
"""Steps of all cases of a feature, those of backgrounds and outlines counted as often as they are run."""

MAX_STEPS_OF_CASE = 1_000

MAX_EXPANDED = 4 * 1024 * 1024
"""Characters of all steps of all cases."""

EXPLAINED = "survives:"
"""Starts a comment that explains why a mutant is not noticed: `# survives: <kind> <JSON path>: <reason>`."""

_COLUMN = re.compile(r"[\w -]{1,100}")
"""What is the same for the library, which reads the name of a column as a pattern."""

Kind = Literal["given", "when", "then"]
_KINDS: Mapping[str | None, Kind] = {"Context": "given", "Action": "when", "Outcome": "then"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One sentence of a case.

    Attributes:
        kind: What `Given`, `When` and `Then` make of it; `And` and `But` are what the step before them is.
        text: The sentence, without its keyword.
        line: Where it stands in the file.
        table: The rows of its table, or None.
        doc: The text of its doc string, or None.
        doc_type: The media type that stands behind the opening quotes of the doc string (`json`, `text`), or None.
    """

    kind: Kind
    text: str
    line: int
    table: tuple[tuple[str, ...], ...] | None = None
    doc: str | None = None
    doc_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test: a scenario of Gherkin, or one row of the examples of an outline.

    Attributes:
        name: Unique within its feature.
        line: Where it stands.
        steps: Those of the backgrounds first.
    """

    name: str
    line: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What one file holds.

    Attributes:
        file: Its name, for messages.
        name: The text behind `Feature:`.
        cases: In the order of the file.
        explained: Reasons why mutants may survive, by `<kind> <JSON path>`.
    """

    file: str
    name: str
    cases: tuple[Case, ...]
    explained: Mapping[str, str]


def read_feature(data: bytes, file: str) -> Feature:
    """Read a feature.

    Raises:
        InvalidFeatureError: It is no text in UTF-8, no Gherkin, too large, or holds nothing to run.
    """
    document = _parse(_text(data, file), file)
    feature = document.get("feature")
    if not feature:
        raise InvalidFeatureError(
            "There is no feature in this file.", file=file, hint="Begin with `Feature:` and a name."
        )
    _check_growth(feature, file)
    pickles = Compiler().compile({**document, "uri": file})  # type: ignore[typeddict-item]  # the parser's own words
    lines = {node["id"]: node["location"]["line"] for node in _nodes(feature)}
    cases = tuple(_unique(_case(pickle, lines, file) for pickle in pickles))
    if not cases:
        raise InvalidFeatureError("The feature has no scenario.", file=file, hint="Add one: `Scenario:` and a name.")
    return Feature(file=file, name=feature["name"], cases=cases, explained=_explained(document, file))


def _text(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise InvalidFeatureError(f"The feature is larger than {MAX_BYTES} bytes.", file=file, hint="Split it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFeatureError(f"This is no text in UTF-8 (at byte {error.start}).", file=file) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise InvalidFeatureError(
                f"The line is longer than {MAX_LINE} characters.", file=file, line=number, hint="Use a doc string."
            )
        if "\0" in line:
            raise InvalidFeatureError("The line holds a null character.", file=file, line=number)
    return text


def _parse(text: str, file: str) -> dict[str, Any]:
    parser = Parser()
    parser.stop_at_first_error = True
    try:
        return dict(parser.parse(text))
    except ParserError as error:
        first = error.errors[0] if isinstance(error, CompositeParserException) else error
        line = first.location["line"] if isinstance(first, ParserException) else None
        said = str(first).partition("): ")[2] or str(first)
        raise InvalidFeatureError(
            f"This is not Gherkin: {_readable(said)}", file=file, line=line, hint="Correct the line."
        ) from None


_TOKENS: Mapping[str, str] = {
    "#FeatureLine": "`Feature:`",
    "#ScenarioLine": "`Scenario:`",
    "#BackgroundLine": "`Background:`",
    "#ExamplesLine": "`Examples:`",
    "#StepLine": "a step (`Given`, `When`, `Then`, `And`)",
    "#TableRow": "a row of a table",
    "#DocStringSeparator": 'a line of three quotes (`"""`)',
}
"""What the parser calls the lines that it expects."""


def _readable(said: str) -> str:
    """Say in words what the parser says in the names of its tokens."""
    _, found, rest = said.partition("expected: ")
    if said.startswith("inconsistent cell count"):
        return "this row of the table has not as many cells as the first one."
    if not found:
        return said[:200]
    names, _, got = rest.partition(", got ")
    expected = ", ".join(_TOKENS[name] for name in names.split(", ") if name in _TOKENS) or "nothing more"
    what = quote(got.strip("'").strip()) if got else "the end of the file"
    return f"{what} cannot stand here; what can is {expected}."


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every node of the syntax tree that has an id."""
    waiting = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "id" in value and "location" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


# --- What outlines grow to --------------------------------------------------------------------------------------------


def _check_growth(feature: Mapping[str, Any], file: str) -> None:
    """Refuse a feature that is small as a file and huge when it is run, and names that would not be taken literally."""
    cases = steps = characters = 0
    for background, scenario in _scenarios(feature):
        if not scenario["steps"]:
            line = scenario["location"]["line"]
            raise InvalidFeatureError("This scenario has no steps, so it would test nothing.", file=file, line=line)
        if len(background) + len(scenario["steps"]) > MAX_STEPS_OF_CASE:
            line = scenario["location"]["line"]
            raise InvalidFeatureError(f"A case has at most {MAX_STEPS_OF_CASE} steps.", file=file, line=line)
        for names, values, line in _rows(scenario, file):
            cases, steps = cases + 1, steps + len(background) + len(scenario["steps"])
            characters += sum(_grown(text, {}) for text in _texts(background))
            characters += sum(_grown(text, dict(zip(names, values, strict=True))) for text in _texts(scenario["steps"]))
            if cases > MAX_CASES or steps > MAX_STEPS or characters > MAX_EXPANDED:
                raise InvalidFeatureError(
                    f"The feature grows too large: more than {MAX_CASES} cases, {MAX_STEPS} steps "
                    f"or {MAX_EXPANDED} characters.",
                    file=file,
                    line=line,
                    hint="Split it into several files.",
                )


def _scenarios(feature: Mapping[str, Any]) -> Iterator[tuple[list[Any], Mapping[str, Any]]]:
    """Yield every scenario with the steps of the backgrounds that go before it."""
    background: list[Any] = []
    for child in feature["children"]:
        if "background" in child:
            background = [*background, *child["background"]["steps"]]
        elif "rule" in child:
            inner = {**child["rule"], "children": [{"background": {"steps": background}}, *child["rule"]["children"]]}
            yield from _scenarios(inner)
        else:
            yield background, child["scenario"]


def _rows(scenario: Mapping[str, Any], file: str) -> Iterator[tuple[list[str], list[str], int]]:
    """Yield the names and values of every row of examples; of a scenario that is no outline, one empty row."""
    line = scenario["location"]["line"]
    if not scenario["examples"]:
        yield [], [], line
    for examples in scenario["examples"]:
        body = examples.get("tableBody") or []
        if not body:
            raise InvalidFeatureError("These examples have no rows.", file=file, line=examples["location"]["line"])
        names = [cell["value"] for cell in examples["tableHeader"]["cells"]]
        if len(set(names)) < len(names) or not all(_COLUMN.fullmatch(name) for name in names):
            raise InvalidFeatureError(
                "The names of these columns should be of letters, digits, spaces, underscores and hyphens, and each "
                "should stand once.",
                file=file,
                line=examples["tableHeader"]["location"]["line"],
            )
        for row in body:
            yield names, [cell["value"] for cell in row["cells"]], row["location"]["line"]


def _texts(steps: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield step["text"]
        yield step.get("docString", {}).get("content", "")
        for row in step.get("dataTable", {}).get("rows", ()):
            for cell in row["cells"]:
                yield cell["value"]


def _grown(text: str, values: Mapping[str, str]) -> int:
    """Return an upper bound of the length of a text with its placeholders filled in, and of the work to do so."""
    length, most = 1 + len(values) + len(text), text.count("<")
    for value in values.values():
        length += most * len(value)
        most *= 1 + value.count("<")
    return length


# --- Cases ------------------------------------------------------------------------------------------------------------


def _case(pickle: Any, lines: Mapping[str, int], file: str) -> Case:
    steps = []
    kind: Kind = "given"
    for step in pickle["steps"]:
        kind = _KINDS.get(step["type"], kind)
        argument = step.get("argument", {})
        doc, table = argument.get("docString"), argument.get("dataTable")
        line = lines[step["astNodeIds"][0]]
        if doc is not None and table is not None:
            raise InvalidFeatureError("A step has a table or a doc string, not both.", file=file, line=line)
        if len(step["text"]) > MAX_LINE:
            raise InvalidFeatureError(f"A sentence has at most {MAX_LINE} characters.", file=file, line=line)
        steps.append(
            Step(
                kind=kind,
                text=step["text"].strip(),
                line=line,
                table=None if table is None else tuple(_cells(row) for row in table["rows"]),
                doc=None if doc is None else doc["content"] or "",
                doc_type=None if doc is None else (doc.get("mediaType") or None),
            )
        )
    return Case(name=pickle["name"] or "(without a name)", line=pickle["location"]["line"], steps=tuple(steps))


def _cells(row: Any) -> tuple[str, ...]:
    return tuple(cell["value"] for cell in row["cells"])


def _unique(cases: Iterator[Case]) -> Iterator[Case]:
    """Tell cases of one name, as of an outline, apart by their line."""
    found = list(cases)
    names = [case.name for case in found]
    for case in found:
        name = case.name if names.count(case.name) == 1 else f"{case.name} (line {case.line})"
        yield Case(name=name, line=case.line, steps=case.steps)


def _explained(document: Mapping[str, Any], file: str) -> dict[str, str]:
    found = {}
    for comment in document.get("comments", ()):
        text = comment["text"].strip().lstrip("#").strip()
        if not text.startswith(EXPLAINED):
            continue
        mutant, _, reason = text.removeprefix(EXPLAINED).strip().partition(": ")
        if not reason.strip() or " " not in mutant:
            raise InvalidFeatureError(
                "An explanation is written `# survives: <kind> <JSON path>: <reason>`, as `livecontract scenario "
                "mutate` names the mutant.",
                file=file,
                line=comment["location"]["line"],
            )
        found[mutant.strip()] = reason.strip()
    return found
