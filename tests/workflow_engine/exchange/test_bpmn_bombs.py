"""Files made to be costly are refused by a limit, with a sentence, before they cost much."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine.checks import check
from workflow_engine.exchange.bpmn_import import bpmn_to_scenario
from workflow_engine.exchange.errors import InvalidBpmnError
from workflow_engine.exchange.tokens import MAX_LEAVES, MAX_MARKINGS
from workflow_engine.exchange.xml_reading import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS

from .pencil import FAIL, HEAD, Pencil, line


def in_definitions(content: str) -> bytes:
    return f'{HEAD}<bpmn:process id="P">{content}</bpmn:process></bpmn:definitions>'.encode()


def declared(doctype: str, content: str = "") -> bytes:
    return b'<?xml version="1.0"?>' + f"<!DOCTYPE d [{doctype}]><d>{content}</d>".encode()


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


def many_branches(count: int) -> bytes:
    pencil = Pencil()
    fork, join = pencil.node("parallelGateway"), pencil.node("parallelGateway")
    pencil.flow(pencil.node("startEvent"), fork)
    for _ in range(count):
        task = pencil.node("userTask")
        pencil.flow(fork, task)
        pencil.flow(task, join)
    pencil.flow(join, pencil.node("endEvent"))
    return pencil.xml()


def decided(condition: str) -> bytes:
    return many_decisions(1, condition)


def many_decisions(count: int, condition: str = "title") -> bytes:
    pencil = line("userTask")
    pencil.flows.pop()
    before, flow = "a", {}
    for number in range(count):
        gateway = pencil.node("exclusiveGateway", default=f"d{number}")
        merge = pencil.node("exclusiveGateway")
        pencil.flow(before, gateway, **flow)
        pencil.flow(gateway, merge, condition=condition)
        pencil.flow(gateway, merge, id=f"d{number}")
        before = merge
    pencil.flow(before, "e")
    return pencil.xml()


def many_empty_branches(tasks: int, branches: int) -> bytes:
    """A large fork and join, which the tokens of many tasks come through."""
    pencil = Pencil()
    merge, fork, join = pencil.node("exclusiveGateway"), pencil.node("parallelGateway"), pencil.node("parallelGateway")
    before = pencil.node("startEvent")
    names = [f"r{number}" for number in range(tasks)]
    task, gateway = pencil.task(*names), pencil.node("exclusiveGateway")
    pencil.flow(before, task)
    pencil.flow(task, gateway)
    for name in names:
        pencil.flow(gateway, merge, name=name)
    pencil.flow(merge, fork)
    for _ in range(branches):
        pencil.flow(fork, join)
    pencil.flow(join, pencil.node("endEvent"))
    return pencil.xml()


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "entities that expand": (lambda: declared('<!ENTITY l0 "ha">' + LAUGHS, "&l9;"), "document type"),
    "an entity that is fetched": (lambda: declared('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"), "document type"),
    "a document type that is fetched": (
        lambda: b'<!DOCTYPE d SYSTEM "http://example.org/d.dtd"><d/>',
        "document type",
    ),
    "bytes": (lambda: in_definitions(" " * MAX_BYTES), f"larger than {MAX_BYTES} bytes"),
    "depth": (lambda: b"<a>" * 100_000, f"deeper than {MAX_DEPTH} levels"),
    "elements": (lambda: b"<a>" + b"<b/>" * MAX_ELEMENTS, f"more than {MAX_ELEMENTS} elements"),
    "attributes": (lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(100)) + b"/>", "64 attributes"),
    "a long attribute": (lambda: b"<a b='" + b"x" * 5_000 + b"'/>", "longer than 4096 characters"),
    "nodes": (lambda: in_definitions("<bpmn:task/>" * 1_001), "1001 nodes"),
    "flows": (lambda: in_definitions("<bpmn:sequenceFlow/>" * 2_001), "2001 sequence flows"),
    "a long condition": (lambda: decided('{"<eval>": "' + "x" * 5_000 + '"}'), "larger than 4096 bytes"),
    "long conditions": (lambda: many_decisions(5, "title == '" + "x" * 900 + "'"), "too long together"),
    "states one after the other": (lambda: tasks_in_a_row(MAX_MARKINGS + 1), "more than the 256 states"),
    "states side by side": (lambda: many_branches(300), "more than the 256 states"),
    "ways to decide": (lambda: many_decisions(300), f"in more than {MAX_LEAVES} ways"),
    "moves": (lambda: many_empty_branches(250, 410), "more than the 256 states or 4096 transitions"),
    "lc:scenario": (
        lambda: line("userTask").xml({"definitions": {"a": "x" * 70_000}}),
        "An event of the chain",
    ),
    "lc:scenario that is nested": (
        lambda: in_definitions(
            f"<bpmn:extensionElements><lc:scenario>{'[' * 100_000}</lc:scenario></bpmn:extensionElements>"
        ),
        "cannot be read",
    ),
}  # fmt: skip


def tasks_in_a_row(count: int) -> bytes:
    pencil = Pencil()
    before = pencil.node("startEvent")
    for _ in range(count):
        task = pencil.node("userTask", "Go")
        pencil.flow(before, task)
        before = task
    pencil.flow(before, pencil.node("endEvent", inside=FAIL))
    return pencil.xml()


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_by_its_limit(name: str) -> None:
    make, words = BOMBS[name]
    with pytest.raises(InvalidBpmnError, match=re.escape(words)) as caught:
        bpmn_to_scenario(make())
    assert len(caught.value.message) < 600
    assert len(caught.value.hint or "") < 6_000


def test_as_many_states_as_a_scenario_can_have_are_read() -> None:
    states = bpmn_to_scenario(tasks_in_a_row(MAX_MARKINGS - 3))["states"]
    assert len(states) == MAX_MARKINGS - 2


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{}", b"\x00", b"<", b"<a></b>", b"<a/><b/>", b'<?xml version="1.0" encoding="x-none"?><a/>',
     b'<?xml version="1.0" encoding="utf-16"?><a/>', b"\xff\xfe<", b"<a xmlns:b=''/>", b"<b:a/>", b"<a b='1' b='2'/>",
     b"<a>\x01</a>", b"<a>&#0;</a>", b"<a>&nbsp;</a>", "<a>\ud800</a>".encode("utf-8", "surrogatepass")],
)  # fmt: skip
def test_what_is_no_xml_is_refused_with_a_line(data: bytes) -> None:
    with pytest.raises(InvalidBpmnError) as caught:
        bpmn_to_scenario(data)
    assert re.fullmatch(r"line \d+", caught.value.path or "")


def test_xml_that_is_no_bpmn_is_refused() -> None:
    with pytest.raises(InvalidBpmnError, match=r"not a BPMN 2\.0 file"):
        bpmn_to_scenario(b"<definitions/>")
    with pytest.raises(InvalidBpmnError, match="holds no process"):
        bpmn_to_scenario(f"{HEAD}</bpmn:definitions>".encode())


def test_other_encodings_that_xml_names_are_read() -> None:
    text = line("userTask").xml().decode().replace('name="A"', 'name="Prüfen"')
    for encoding in ("utf-16", "iso-8859-1"):
        data = text.replace("UTF-8", encoding).encode(encoding)
        assert list(bpmn_to_scenario(data)["actions"]) == ["prüfen"]


FILES = sorted((Path(__file__).parent / "files").glob("*.bpmn"))
PARTS = [part for path in FILES for part in re.split(rb"([\w:.]+|<[^>]*/>)", path.read_bytes())]


@settings(max_examples=150)
@given(st.data())
def test_damaged_file_is_read_or_refused_with_a_line(data: st.DataObject) -> None:
    parts = re.split(rb"([\w:.]+|<[^>]*/>)", data.draw(st.sampled_from(FILES)).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(parts) - 1))
        parts[place] = data.draw(st.one_of(st.sampled_from(PARTS), st.binary(max_size=3)))
    try:
        scenario = bpmn_to_scenario(b"".join(parts))
    except InvalidBpmnError as error:
        said = error.path
    else:
        assert check(scenario).valid
        said = "line 1"
    assert re.fullmatch(r"line \d+", said or "")
