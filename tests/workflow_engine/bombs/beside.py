"""What is said and proposed beside a process, and what is shown of one: made to cost a lot."""

import base64
from typing import Any

from tests.workflow_engine.samples import Chain
from workflow_engine import comment
from workflow_engine.proposal import check_proposal, read_proposal
from workflow_engine.scenario import load

from .limits import Attack
from .parts import instructions, scenario

DEVIATION = "urn:livecontract:deviation:1"


def said(**members: Any) -> Attack:
    """Return a bomb that is a comment."""
    body = {"$schema": comment.OWN_COMMENT, **members}
    return lambda: f"{len(comment.read_comment(body).content or '')} characters"


def proposal(**members: Any) -> dict[str, Any]:
    return {"$schema": DEVIATION, "process": "p", "title": "Bomb", "from": "initial", "to": ":success", **members}


def proposed(body: dict[str, Any], base: dict[str, Any] | None = None) -> Attack:
    """Return a bomb that is a deviation, checked as nodes check it."""

    def attack() -> str:
        problems = check_proposal(read_proposal(body), load(base or scenario()), None)
        return f"{len(problems)} problems: {problems[0].message[:100] if problems else ''}"

    return attack


def many_states(count: int) -> dict[str, Any]:
    return {
        f"d{index}": {
            "action": "go",
            "transitions": [{"transition": f"d{index + 1}" if index + 1 < count else ":success"}],
        }
        for index in range(count)
    }


def impact() -> str:
    """A long history, replayed under a text that makes each response cost more."""
    old = scenario(
        assets={"made": {}}, actions={"go": {"actor": "one", "update": "assets.made"}, "end": {"actor": "one"}}
    )
    heavy = {"<eval>": "length(map(&length(map(&(@ * @), $.definitions.a)), definitions.a)) > 1000"}
    new = {**instructions(heavy), "definitions": {"a": list(range(200))}}
    chain = Chain()
    raise NotImplementedError(str((old, new, chain)))


def form() -> str:
    nested: Any = {"type": "object", "properties": {f"f{index}": {"enum": list(range(50))} for index in range(60)}}
    for _ in range(8):
        nested = {"type": "object", "properties": {"a": nested, "b": {"type": "array", "items": nested}}}
    return str(len(str(nested)))


BOMBS: dict[str, Attack] = {
    "image of ten million bytes": said(
        content=base64.b64encode(bytes(10_000_000)).decode(), content_encoding="base64", content_media_type="image/png"
    ),
    "image that is no base64": said(content="=" * 1_000_000, content_encoding="base64", content_media_type="image/png"),
    "address without an end": said(hash="1" * 1_000_000, url="https://example.com/" + "a" * 1_000_000),
    "deviation with hundreds of states": proposed(proposal(states=many_states(255), start="d0")),
    "deviation nested a hundred thousand deep": proposed(proposal(definitions={"a": 1}, states={"a": {}})),
}
