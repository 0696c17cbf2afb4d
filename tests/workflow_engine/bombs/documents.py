"""Templates that are to cost a lot when a scenario with them is received, or a document is made."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from tests.workflow_engine.documents.templates import content, field, zipped
from tests.workflow_engine.documents.templates import template as packed
from workflow_engine import simulate
from workflow_engine.checks import check
from workflow_engine.compiling import load
from workflow_engine.documents import fill
from workflow_engine.documents.embedding import template_definition

from .limits import Attack
from .parts import OWN, scenario

DATA: dict[str, Any] = {
    "list": [{"a": "x" * 50, "list": [{"a": str(index)} for index in range(100)]} for index in range(100)],
    "long": "x" * 50_000,
    "spaces": "\n" * 50_000,
}


def template(body: str) -> bytes:
    """A template whose text is not packed, as one that was packed well is refused for that."""
    return packed(body, method=zipfile.ZIP_STORED)


def filled(make: Callable[[], bytes], data: dict[str, Any] | None = None) -> Attack:
    """Return a bomb that is a template to fill."""
    return lambda: f"{len(fill(make(), DATA if data is None else data))} bytes"


def packed_zeros(size: int) -> bytes:
    """A package whose text is nothing but zeros, packed a thousand times."""
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": b"\0" * size})


def said_smaller(size: int) -> bytes:
    """A package that says its text is small, and unpacks to much more."""
    data = bytearray(packed_zeros(size))
    place = data.rfind(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 100)
    first = data.find(b"PK\x03\x04", 4)
    data[first + 22 : first + 26] = struct.pack("<I", 100)
    return bytes(data)


def many_parts(count: int) -> bytes:
    return zipped({f"Pictures/{index}.png": b"" for index in range(count)})


def laughing() -> bytes:
    text = '<!DOCTYPE d [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": text + "]><d>&j;</d>"})


def repeated(levels: int) -> str:
    """A section for each item of a list, in one for each item of another, and so on."""
    inner = f"<text:p>{field('list.list.a')}</text:p>"
    for level in range(levels):
        inner = f'<text:section text:name="each{level}"><text:p>{field("list.a") * 20}</text:p>{inner}</text:section>'
    return inner


def rows(count: int) -> str:
    row = f"<table:table-row><table:table-cell><text:p>{field('list.a')}</text:p></table:table-cell></table:table-row>"
    return f'<table:table table:name="T">{row * count}</table:table>'


def hidden(count: int, condition: str) -> str:
    mark = f'<text:hidden-paragraph text:condition="{condition}">x</text:hidden-paragraph>'
    return "".join(f"<text:p>{mark}x</text:p>" for _ in range(count))


def document_scenario(definition: Any, actions: int = 16) -> Any:
    makes = {
        f"make{index}": {
            "$schema": "urn:livecontract:action:document",
            "actor": "one",
            "template": "t",
            "responses": {"ok": {}, "error": {}},
        }
        for index in range(actions)
    }
    states = {
        "initial": {
            "actions": list(makes),
            "transitions": [
                {"response": "ok", "transition": ":success"},
                {"response": "error", "transition": ":failed"},
            ],
        }
    }
    return {"$schema": OWN, "actors": {"one": {}}, "actions": makes, "states": states, "definitions": {"t": definition}}


def large_template(fields: int) -> bytes:
    """A template with very many fields, with enough noise in it not to be packed too well."""
    return packed(
        "".join(f"<text:p>{field(f'assets.a{index}')}{index * 7919 % 10007}</text:p>" for index in range(fields))
    )


def received() -> str:
    """Sixteen documents of one template that is as large as an event can carry."""
    report = check(document_scenario(template_definition(large_template(990))))
    return f"{'valid' if report.valid else 'refused'}, {len(report.problems)} findings"


def received_embedded() -> str:
    """Many embedded scenarios, each with sixteen documents of a template of its own."""
    inner = {f"s{index}": document_scenario(template_definition(large_template(500 + index))) for index in range(5)}
    report = check(scenario(scenarios=inner))
    return (
        f"{'valid' if report.valid else 'refused'}, {len(report.problems)} findings: {report.problems[0].message[:80]}"
    )


def made() -> str:
    body = rows(80)
    form = document_scenario(template_definition(template(body)), actions=1)
    form["assets"] = {"list": {"type": "array", "default": [{"a": "x" * 20}] * 500}}
    form["actions"]["make0"]["data"] = {"list": {"<ref>": "assets.list"}}
    process = simulate.play(load(form), [{"actor": "one", "action": "make0", "response": "error"}])
    return process.current.key


BOMBS: dict[str, Attack] = {
    "zeros packed a thousand times": filled(lambda: packed_zeros(50_000_000)),
    "text that unpacks to more than it says": filled(lambda: said_smaller(50_000_000)),
    "more parts than are read": filled(lambda: many_parts(3_000)),
    "entities that expand": filled(laughing),
    "elements nested ten thousand deep": filled(lambda: template("<text:span>" * 10_000 + "</text:span>" * 10_000)),
    "more elements than are read": filled(lambda: template("<text:p/>" * 19_000)),
    "sections in sections for each item": filled(lambda: template(repeated(5))),
    "rows for each item": filled(lambda: template(rows(600))),
    "row of very many fields for each item": filled(
        lambda: template(rows(1).replace("</text:p>", field("list.a") * 900 + "</text:p>"))
    ),
    "thousands of fields with a long text": filled(lambda: template(f"<text:p>{field('long') * 5000}</text:p>")),
    "thousands of fields of line breaks": filled(lambda: template(f"<text:p>{field('spaces') * 5000}</text:p>")),
    "thousands of conditions": filled(
        lambda: template(hidden(900, "ooow:" + " and ".join(["long == &quot;x&quot;"] * 40)))
    ),
    "condition in brackets in brackets": filled(lambda: template(hidden(1, "ooow:" + "(" * 500 + "a" + ")" * 500))),
    "names with many parts": filled(
        lambda: template("".join(f"<text:p>{field('.'.join(['list'] * 16))}</text:p>" for _ in range(900)))
    ),
    "template received for sixteen documents": received,
    "templates received in embedded scenarios": received_embedded,
    "document made for each item of a list": made,
    "document too wide to be unpacked twice": filled(
        lambda: zipped(
            {
                "mimetype": "application/vnd.oasis.opendocument.text",
                "content.xml": content("x" * 900_000),
                "styles.xml": zlib.compress(b"x"),
            }
        )
    ),
}
