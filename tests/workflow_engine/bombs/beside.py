"""What is said and proposed beside a process, and what is shown of one: made to cost a lot."""

import base64
from typing import Any

from workflow_engine import comment, data_objects
from workflow_engine.compiling import load
from workflow_engine.forms import form_of
from workflow_engine.proposal import check_proposal, read_proposal

from .limits import Attack
from .loading import nested
from .parts import doubling, scenario


def said(**members: Any) -> Attack:
    """Return a bomb that is a comment."""
    body = {"$schema": comment.OWN_COMMENT, **members}
    return lambda: f"{len(comment.read_comment(body).content or '')} characters"


def proposed(**members: Any) -> Attack:
    """Return a bomb that is a deviation, checked as nodes check it."""

    def attack() -> str:
        body = {
            "$schema": "urn:livecontract:deviation:1", "process": "p", "title": "Bomb", "from": "initial",
            "to": ":success", **members,
        }  # fmt: skip
        problems = check_proposal(read_proposal(body), load(scenario()), None)
        return f"{len(problems)} problems: {problems[0].message[:100] if problems else ''}"

    return attack


def row_of_states(count: int) -> dict[str, Any]:
    return {
        f"d{index}": {"action": "go", "transition": f"d{index + 1}" if index + 1 < count else ":success"}
        for index in range(count)
    }


def circle_of_states(count: int) -> dict[str, Any]:
    return {
        f"d{index}": {"action": "go", "transitions": [{"transition": f"d{(index * 7 + n) % count}"} for n in range(8)]}
        for index in range(count)
    }


def form() -> str:
    """A form as large as a schema may be, with hints for every field, at every level."""
    fields: Any = {f"f{index}": {"type": "string", "enum": ["a", "b"]} for index in range(70)}
    for _ in range(8):
        fields = {"a": {"type": "object", "properties": fields}, **{f"f{index}": {"default": 1} for index in range(70)}}
    hints = {
        "order": [f"f{index}" for index in range(70)],
        **{f"f{index}": {"widget": "textarea"} for index in range(70)},
    }
    response = {"schema": {"type": "object", "properties": fields}, "ui_schema": hints}
    made = form_of(
        load(scenario(actions={"go": {"actor": "one", "responses": {"ok": response}}, "end": {"actor": "one"}})), "go"
    )
    return f"{len(made['fields'])} fields"


def linked(count: int) -> str:
    """Objects that each hold two links to the next one."""
    below: Any = {"leaf": True}
    objects = {data_objects.object_id(below): below}
    for _ in range(count):
        link = data_objects.link_to(below)
        below = {"a": link, "b": link}
        objects[data_objects.object_id(below)] = below
    return f"{len(str(data_objects.resolve(below, objects)))} characters"


IMAGE = base64.b64encode(bytes(48_000)).decode()
"""As large as an event can carry."""

BOMBS: dict[str, Attack] = {
    "image as large as an event can carry": said(
        content=IMAGE, content_encoding="base64", content_media_type="image/png"
    ),
    "image that is no base64": said(content="=" * 1_000_000, content_encoding="base64", content_media_type="image/png"),
    "address without an end": said(hash="1" * 1_000_000, url="https://example.com/" + "a" * 1_000_000),
    "deviation with hundreds of states": proposed(states=row_of_states(255), start="d0"),
    "deviation whose states all lead to each other": proposed(states=circle_of_states(200), start="d0"),
    "deviation nested a hundred thousand deep": proposed(states={"d0": nested(100_000)}),
    "deviation with a web of references": proposed(
        states=row_of_states(2), start="d0", assets={f"a{index}": {**doubling(16), "default": 1} for index in range(20)}
    ),
    "form as large as a schema may be": form,
    "objects that double": lambda: linked(60),
}
