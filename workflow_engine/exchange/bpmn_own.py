"""The words of our namespace in a BPMN file: where each may stand. One that is misspelt or misplaced is refused."""

from collections.abc import Iterator, Mapping

from workflow_engine.errors import Problem
from workflow_engine.exchange.bpmn_elements import KINDS
from workflow_engine.exchange.bpmn_model import TASKS, WAITING
from workflow_engine.exchange.errors import refused
from workflow_engine.exchange.vocabulary import BPMN, OWN
from workflow_engine.exchange.xml_reading import Element

_TASKS = frozenset(element for element, kind in KINDS.items() if kind in TASKS)
_WAITING = frozenset(element for element, kind in KINDS.items() if kind in WAITING)

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "action": _TASKS,
    "state": _WAITING,
    "final": frozenset({"endEvent"}),
    "response": frozenset({"sequenceFlow"}),
    "stays": frozenset({"sequenceFlow"}),
    "actor": frozenset({"lane", "participant"}),
}
"""Attribute → elements of BPMN that can have it."""


def own_problems(root: Element) -> Iterator[Problem]:
    """Yield the words of our namespace that mean nothing where they stand."""
    waiting: list[tuple[Element, tuple[str, ...]]] = [(root, ())]
    while waiting:
        element, above = waiting.pop()
        waiting.extend((child, (*above[-1:], element.name)) for child in reversed(element.children))
        if element.namespace == OWN and (*above, element.name) != ("process", "extensionElements", "scenario"):
            known = "There is only lc:scenario, in the extensionElements of the process."
            yield refused(f"lc:{element.name[:64]} means nothing here. {known}", element.line)
        for (namespace, name), value in element.attributes.items():
            if namespace != OWN:
                continue
            if element.namespace != BPMN or element.name not in ATTRIBUTES.get(name, ()):
                known = ", ".join(f"lc:{word}" for word in ATTRIBUTES)
                message = f"lc:{name[:64]} means nothing on {element.name[:64]}. There are {known}."
                yield refused(message, element.line)
            elif not value.strip() or (name == "stays" and value not in ("true", "false")):
                yield refused(
                    f'lc:{name}="{value[:32]}" on {element.name[:64]} has no value that is known.', element.line
                )
