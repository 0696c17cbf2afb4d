"""Draws BPMN files for tests, and random block-structured processes of the subset that is read."""

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:lc="urn:livecontract:bpmn:1" '
    'targetNamespace="http://example.org">\n'
)
LANGUAGE = "urn:livecontract:instruction"
FLAG = "assets.data.flag"


class Pencil:
    """A file in the making; everything that is not given is left out."""

    def __init__(self, *, lanes: bool = True) -> None:
        self.nodes: list[str] = []
        self.flows: list[str] = []
        self.ids: list[str] = []
        self.tasks: dict[str, list[str]] = {}
        self.lanes = lanes

    def node(self, element: str, name: str = "", inside: str = "", **attributes: str) -> str:
        identifier = attributes.pop("id", f"n{len(self.ids)}")
        self.ids.append(identifier)
        shown = {"id": identifier, **({"name": name} if name else {}), **attributes}
        text = " ".join(f"{key.replace('__', ':')}={quoteattr(value)}" for key, value in shown.items())
        self.nodes.append(f"<bpmn:{element} {text}>{inside}</bpmn:{element}>")
        return identifier

    def flow(self, source: str, target: str, name: str = "", condition: str = "", **attributes: str) -> str:
        identifier = attributes.pop("id", f"f{len(self.flows)}")
        shown = {"id": identifier, "sourceRef": source, "targetRef": target, **({"name": name} if name else {})}
        text = " ".join(
            f"{key.replace('__', ':')}={quoteattr(value)}" for key, value in {**shown, **attributes}.items()
        )
        inside = (
            f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression" language="{LANGUAGE}">{escape(condition)}'
            "</bpmn:conditionExpression>"
            if condition
            else ""
        )
        self.flows.append(f"<bpmn:sequenceFlow {text}>{inside}</bpmn:sequenceFlow>")
        return identifier

    def task(self, *responses: str, element: str = "userTask") -> str:
        """A task whose action writes the data of each response into one flag."""
        identifier = self.node(element, id=f"t{len(self.tasks)}", lc__action=f"t{len(self.tasks)}")
        self.tasks[identifier] = list(responses or ("ok",))
        if element == "serviceTask":
            self.tasks[identifier].append("error")
        return identifier

    def xml(self, scenario: dict[str, Any] | None = None, extra: str = "") -> bytes:
        lanes = ""
        if self.lanes:
            references = "".join(f"<bpmn:flowNodeRef>{key}</bpmn:flowNodeRef>" for key in self.ids)
            lanes = f'<bpmn:laneSet><bpmn:lane id="lane" name="Person">{references}</bpmn:lane></bpmn:laneSet>'
        own = "" if scenario is None else _own(scenario)
        body = "\n".join([own, lanes, *self.nodes, *self.flows, extra])
        return f'{HEAD}<bpmn:process id="P">\n{body}\n</bpmn:process></bpmn:definitions>'.encode()

    def with_flag(self) -> bytes:
        update = {"select": FLAG, "patch": False}
        actions = {
            key: {
                **({"$schema": "urn:livecontract:action:nop"} if "error" in responses else {}),
                "responses": {name: {"update": update} for name in responses},
                "default_response": responses[0],
            }
            for key, responses in self.tasks.items()
        }
        return self.xml({"assets": {"data": {"properties": {"flag": {"type": "boolean"}}}}, "actions": actions})


def _own(scenario: dict[str, Any]) -> str:
    text = escape(json.dumps(scenario))
    return f"<bpmn:extensionElements><lc:scenario>{text}</lc:scenario></bpmn:extensionElements>"


TERMINATE = "<bpmn:terminateEventDefinition/>"
FAIL = "<bpmn:errorEventDefinition/>"


def timer(duration: str = "PT1H") -> str:
    return f"<bpmn:timerEventDefinition><bpmn:timeDuration>{duration}</bpmn:timeDuration></bpmn:timerEventDefinition>"


def line(*elements: str) -> Pencil:
    """Start, some tasks one after the other, end; the ids are s, a, b, … and e."""
    pencil = Pencil()
    before = pencil.node("startEvent", id="s")
    for element, letter in zip(elements, "abcdefgh", strict=False):
        node = pencil.node(element, name=letter.upper(), id=letter)
        pencil.flow(before, node)
        before = node
    pencil.flow(before, pencil.node("endEvent", id="e"))
    return pencil


# --- Random processes -------------------------------------------------------------------------------------------------

Block = tuple[Any, ...]

LEAVES = st.sampled_from([("task",), ("service",), ("empty",)])


def _larger(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    pair = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.tuples(st.just("sequence"), pair),
        st.tuples(st.just("choose"), pair),
        st.tuples(st.just("both"), st.lists(inner, min_size=2, max_size=2)),
        st.tuples(st.just("loop"), inner),
        st.tuples(st.just("race"), inner, inner),
    )


def _larger_or_decided(inner: st.SearchStrategy[Block]) -> st.SearchStrategy[Block]:
    return st.one_of(_larger(inner), st.tuples(st.just("decide"), inner, inner, st.booleans()))


CALM_BLOCKS: st.SearchStrategy[Block] = st.recursive(LEAVES, _larger, max_leaves=6)
"""Blocks without conditions."""

BLOCKS: st.SearchStrategy[Block] = st.recursive(LEAVES, _larger_or_decided, max_leaves=6)


def draw_process(block: Block, ending: str = "", *, deadline: bool = False) -> Pencil:
    """Start, a task (perhaps with a deadline that ends the process), the block, a last task, an end."""
    pencil = Pencil()
    first = pencil.task()
    pencil.flow(pencil.node("startEvent"), first)
    if deadline:
        event = pencil.node("boundaryEvent", attachedToRef=first, inside=timer())
        pencil.flow(event, pencil.node("endEvent", inside=FAIL))
    last = pencil.task()
    pencil.flow(draw_block(pencil, block, first), last)
    pencil.flow(last, pencil.node("endEvent", inside=ending))
    return pencil


def draw_block(pencil: Pencil, block: Block, before: str, **flow: str) -> str:
    """Draw a block behind a node; return the node that it ends with."""
    kind, *parts = block
    if kind == "empty":
        return _behind(pencil, pencil.node("exclusiveGateway"), before, flow)
    if kind == "task":
        return _behind(pencil, pencil.task(), before, flow)
    if kind == "service":
        return _service(pencil, before, flow)
    if kind == "sequence":
        for part in parts[0]:
            before, flow = draw_block(pencil, part, before, **flow), {}
        return before
    return {"choose": _choose, "decide": _decide, "both": _both, "loop": _loop, "race": _race}[kind](
        pencil, parts, before, flow
    )


def _behind(pencil: Pencil, node: str, before: str, flow: dict[str, str]) -> str:
    pencil.flow(before, node, **flow)
    return node


def _service(pencil: Pencil, before: str, flow: dict[str, str]) -> str:
    task = _behind(pencil, pencil.task(element="serviceTask"), before, flow)
    event = pencil.node("boundaryEvent", attachedToRef=task, inside=FAIL)
    merge = pencil.node("exclusiveGateway")
    pencil.flow(task, merge)
    pencil.flow(event, merge)
    return merge


def _choose(pencil: Pencil, parts: list[Any], before: str, flow: dict[str, str]) -> str:
    names = [f"r{number}" for number in range(len(parts[0]))]
    gateway = pencil.node("exclusiveGateway")
    pencil.flow(_behind(pencil, pencil.task(*names), before, flow), gateway)
    merge = pencil.node("exclusiveGateway")
    for name, part in zip(names, parts[0], strict=True):
        pencil.flow(draw_block(pencil, part, gateway, name=name), merge)
    return merge


def _decide(pencil: Pencil, parts: list[Any], before: str, flow: dict[str, str]) -> str:
    default = f"d{len(pencil.ids)}"
    gateway = pencil.node("exclusiveGateway", default=default)
    pencil.flow(_behind(pencil, pencil.task(), before, flow), gateway)
    merge = pencil.node("exclusiveGateway")
    condition = FLAG if parts[2] else f'{{"<equal>": [{{"<ref>": "{FLAG}"}}, true]}}'
    pencil.flow(draw_block(pencil, parts[0], gateway, condition=condition), merge)
    pencil.flow(draw_block(pencil, parts[1], gateway, id=default), merge)
    return merge


def _both(pencil: Pencil, parts: list[Any], before: str, flow: dict[str, str]) -> str:
    fork = _behind(pencil, pencil.node("parallelGateway"), before, flow)
    join = pencil.node("parallelGateway")
    for part in parts[0]:
        pencil.flow(draw_block(pencil, part, fork), join)
    return join


def _loop(pencil: Pencil, parts: list[Any], before: str, flow: dict[str, str]) -> str:
    merge = _behind(pencil, pencil.node("exclusiveGateway"), before, flow)
    decide = pencil.task("again", "done")
    pencil.flow(draw_block(pencil, parts[0], merge), decide)
    gateway = pencil.node("exclusiveGateway")
    pencil.flow(decide, gateway)
    pencil.flow(gateway, merge, name="again")
    done = pencil.node("exclusiveGateway")
    pencil.flow(gateway, done, name="done")
    return done


def _race(pencil: Pencil, parts: list[Any], before: str, flow: dict[str, str]) -> str:
    choice = _behind(pencil, pencil.node("eventBasedGateway"), before, flow)
    merge = pencil.node("exclusiveGateway")
    for part in parts:
        task = pencil.task(element="receiveTask")
        pencil.flow(choice, task)
        pencil.flow(draw_block(pencil, part, task), merge)
    return merge
