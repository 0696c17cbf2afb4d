"""The OpenAPI document of the node, and whether it says what the routes do."""

import functools
import json
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

from flask import Flask

_METHODS = ("get", "put", "post", "delete", "patch")
_CONVERTER = re.compile(r"<(?:[a-z_]+(?:\([^)]*\))?:)?([A-Za-z_]+)>")

Operation = tuple[str, str]
"""Method in small letters and path in the notation of OpenAPI."""


@functools.cache
def load() -> dict[str, Any]:
    """Return the document. It is shared: do not change it."""
    text = resources.files("livecontract").joinpath("openapi.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def differences(app: Flask, document: dict[str, Any]) -> list[str]:
    """Return what an application and a document do not agree on, in sentences.

    A service is the tag of its operations and the name of its blueprint. Services that the application does not run
    are left out.
    """
    served = {operation: (name, public) for operation, name, public in _served(app)}
    described = {operation: item for operation, item in _described(document) if item["tags"][0] in app.blueprints}
    found = [f"{_name(operation)} is served and not described" for operation in served.keys() - described.keys()]
    found += [f"{_name(operation)} is described and not served" for operation in described.keys() - served.keys()]
    for operation in served.keys() & described.keys():
        name, public = served[operation]
        item = described[operation]
        if item["tags"] != [name]:
            found.append(f"{_name(operation)} belongs to {name}, not {', '.join(item['tags'])}")
        if (item.get("security") == []) != public:
            found.append(f"{_name(operation)} is {'open' if public else 'signed'}; the document says otherwise")
    return sorted(found)


def _served(app: Flask) -> Iterator[tuple[Operation, str, bool]]:
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[0]
        public = getattr(app.view_functions[rule.endpoint], "public", False) is True
        for method in sorted(rule.methods or ()):
            if method.lower() in _METHODS:
                yield (method.lower(), _CONVERTER.sub(r"{\1}", rule.rule)), name, public


def _described(document: dict[str, Any]) -> Iterator[tuple[Operation, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield (method, path), item[method]


def _name(operation: Operation) -> str:
    return f"{operation[0].upper()} {operation[1]}"
