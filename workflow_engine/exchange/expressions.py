"""Conditions and durations of a BPMN file. What is written in a language that is not known here is refused."""

from typing import Any

from eventchain.core import strict_json
from eventchain.core.errors import InvalidError
from workflow_engine.durations import add_duration
from workflow_engine.errors import Problem
from workflow_engine.exchange.errors import refused
from workflow_engine.exchange.vocabulary import BPMN, INSTRUCTION
from workflow_engine.exchange.xml_reading import Element
from workflow_engine.operators import query
from workflow_engine.reading import is_instruction

MAX_BYTES = 4_096
"""Of an instruction as JSON: a condition may come into every transition, so it must not be large."""

FALSE: Any = {"<eval>": "`false`"}
"""Stands for an expression that was refused."""


def read_expression(element: Element, owner: str, problems: list[Problem]) -> Any:
    """Return the data instruction that an expression element holds.

    The text is a data instruction as JSON if it starts with `{`, else a JMESPath expression on the process.
    """
    text = element.text.strip()
    if element.get("language") != INSTRUCTION:
        message = (
            f"{owner} has an expression that is not read: it is in no language of ours. Write a JMESPath expression "
            f'and language="{INSTRUCTION}", or delete the expression and let the name of the flow be a response.'
        )
        problems.append(refused(message, element.line))
        return FALSE
    try:
        if not text.startswith("{"):
            query.parse(text)
            return {"<eval>": text}
        value = strict_json.parse(text, max_bytes=MAX_BYTES)
    except InvalidError as error:
        problems.append(refused(f"{owner} has an expression that cannot be read: {error.message}.", element.line))
        return FALSE
    if not is_instruction(value):
        message = f'{owner} has an expression without an operator: write a data instruction ({{"<eval>": …}}).'
        problems.append(refused(message, element.line))
        return FALSE
    return value


def read_duration(definition: Element | None, owner: str, problems: list[Problem]) -> Any:
    """Return the duration of a timer: ISO 8601 text, or the instruction that gives one; None after a problem."""
    if definition is None:
        return None
    for name in ("timeDate", "timeCycle"):
        for found in definition.find(name, BPMN):
            message = (
                f"{owner} has a {name}: a state has a deadline that counts from when it is entered (timeDuration)."
            )
            problems.append(refused(message, found.line))
            return None
    durations = list(definition.find("timeDuration", BPMN))
    if not durations or not durations[0].text.strip():
        problems.append(refused(f"{owner} has no timeDuration.", definition.line))
        return None
    element, text = durations[0], durations[0].text.strip()
    if element.get("language") is not None:
        return read_expression(element, owner, problems)
    try:
        add_duration(0, text)
    except InvalidError as error:
        problems.append(refused(f"{owner}: {error.message}. Write it like P14D (ISO 8601).", element.line))
        return None
    return text
