"""What can be said of states and actions before there is a process: worked out once, when a scenario is compiled.

Most texts, properties and conditions of most scenarios are no instructions. What they come to is made here, and shared
by all processes; `workflow_engine.state_entry` evaluates the rest, and pays for both alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import Path
from workflow_engine.operators import price_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text or property of an action that is evaluated, or costs steps, each time the action is offered.

    Attributes:
        name: Of the member.
        value: As the scenario has it.
        is_text: Whether it is shown as text.
        price: The steps it costs, where it stays as it is and is among what is fixed; else None.
        place: Where it stands in the normal form.
    """

    name: str
    value: Any
    is_text: bool
    price: int | None
    place: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An action as it is offered.

    Attributes:
        fixed: The members of the instance that are the same in every process; `actors` never is.
        parts: What is evaluated or paid for, in this order.
        reads_process: Whether anything of it, its actors and its condition included, is an instruction.
    """

    fixed: Mapping[str, Any]
    parts: tuple[Part, ...]
    reads_process: bool


def offer_of(action: Any) -> Offer:
    """Work out what is fixed of an action (`scenario.Action`)."""
    texts = {"title": action.title, "label": action.label, "description": action.description}
    parts = [_text(name, text, action.key) for name, text in texts.items()]
    parts += [_property(name, value, action.key) for name, value in sorted(action.properties.items())]
    fixed = {part.name: part.value for part in parts if part.price is not None and part.value is not None}
    return Offer(
        fixed={
            **fixed,
            "$schema": action.schema,
            "key": action.key,
            "responses": {key: _offered(response.title) for key, response in sorted(action.responses.items())},
            "default_response": action.default_response,
            "performative": action.is_performative,
            "system": action.is_system,
        },
        parts=tuple(part for part in parts if part.price != 0),
        reads_process=(
            not (isinstance(action.actors, tuple) and isinstance(action.condition, bool))
            or any(part.price is None for part in parts)
        ),
    )


def fixed_texts(state: Any) -> Mapping[str, Any] | None:
    """Return the texts of a state (`scenario.State`) by name, without those that are null; None if one is evaluated."""
    texts = (state.title, state.description, *state.instructions.values())
    if not all(text is None or isinstance(text, str) for text in texts):
        return None
    instructions = {actor: text for actor, text in sorted(state.instructions.items()) if text is not None}
    found = {"title": state.title, "description": state.description, "instructions": instructions}
    return {name: text for name, text in found.items() if text is not None}


def _text(name: str, text: Any, action: str) -> Part:
    price = 0 if text is None or isinstance(text, str) else None
    return Part(name=name, value=text, is_text=True, price=price, place=("actions", action, name))


def _property(name: str, value: Any, action: str) -> Part:
    return Part(name=name, value=value, is_text=False, price=price_of(value), place=("actions", action, name))


def _offered(title: Any) -> dict[str, Any]:
    return {"title": title} if isinstance(title, str) else {}
