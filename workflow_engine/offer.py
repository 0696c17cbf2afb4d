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
        actors: Keys of its actors, if they may always do it and nothing is evaluated or paid for, else none.
        instance: The instance that is then offered wherever all of these are actors; else empty.
    """

    fixed: Mapping[str, Any]
    parts: tuple[Part, ...]
    reads_process: bool
    actors: frozenset[str]
    instance: Mapping[str, Any]


def offer_of(action: Any) -> Offer:
    """Work out what is fixed of an action (`scenario.Action`)."""
    texts = {"title": action.title, "label": action.label, "description": action.description}
    parts = [_text(name, text, action.key) for name, text in texts.items()]
    parts += [_property(name, value, action.key) for name, value in sorted(action.properties.items())]
    fixed = {part.name: part.value for part in parts if part.price is not None and part.value is not None}
    fixed = {
        **fixed,
        "$schema": action.schema,
        "key": action.key,
        "responses": {key: _offered(response.title) for key, response in sorted(action.responses.items())},
        "default_response": action.default_response,
        "performative": action.is_performative,
        "system": action.is_system,
    }
    costly = tuple(part for part in parts if part.price != 0)
    may_vary = not (isinstance(action.actors, tuple) and isinstance(action.condition, bool))
    actors = () if may_vary or costly or not action.condition else _texts_of(action.actors)
    return Offer(
        fixed=fixed,
        parts=costly,
        reads_process=may_vary or any(part.price is None for part in parts),
        actors=frozenset(actors),
        instance={**fixed, "actors": list(dict.fromkeys(actors))} if actors else {},
    )


def _texts_of(items: tuple[Any, ...]) -> tuple[str, ...]:
    """Return a tuple of texts; an empty one where something else is among them."""
    return items if all(isinstance(item, str) for item in items) else ()


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
