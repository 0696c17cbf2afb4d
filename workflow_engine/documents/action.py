"""The system action that makes a document: `urn:livecontract:action:document` (paper sections 5.3 and 7.3).

```
action      { "$schema": "urn:livecontract:action:document", "template": key of a definition, "data"?: JSON object, … }
definition  { "$schema": "urn:livecontract:template:1", "media_type": "application/vnd.oasis.opendocument.text",
              "content": base64 of the template, "title"? }       (see `embedding`)
response    ok     { "$schema": "urn:livecontract:document:1", "media_type", "hash", "size", "template" }
            error  { "message" }
```

`hash` and `template` are the base58 SHA-256 of the document's and of the template's bytes. Without `data` the template
sees `title`, `actors` and `assets` of the process. Filling is deterministic, so every node does it again and refuses a
response that says something else: nobody has to believe the node that made the document. The document itself is not on
the chain; whoever has the process can make it. Pure and consensus-critical.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core import base58
from eventchain.core.errors import InvalidError
from eventchain.core.hashing import sha256
from workflow_engine.documents.admission import TEXT_TYPE
from workflow_engine.documents.embedding import template_in
from workflow_engine.documents.errors import InvalidTemplateError
from workflow_engine.documents.filling import fill
from workflow_engine.errors import InvalidResponseError, quote
from workflow_engine.process import Process
from workflow_engine.scenario import Scenario

DOCUMENT = "urn:livecontract:document:1"
OK, ERROR = "ok", "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What comes of a document action.

    Attributes:
        key: `ok` or `error`.
        data: Data of the response.
        document: The bytes of the document; empty where there is none.
    """

    key: str
    data: Mapping[str, Any]
    document: bytes = b""


def template_of(scenario: Scenario, key: Any) -> bytes:
    """Return the bytes of a template of a scenario.

    Raises:
        InvalidTemplateError: There is no such definition, or it is no template.
    """
    if not isinstance(key, str) or key not in scenario.definitions:
        shown = quote(key) if isinstance(key, str) else "of this action"
        raise InvalidTemplateError(f"The scenario has no definition {shown} with a template.")
    return template_in(scenario.definitions[key])


def make(process: Process, action: str) -> Made:
    """Make the document of an action that is available now; what is wrong becomes the outcome `error`."""
    instance = process.current.actions[action]
    try:
        document, template = filled(process, instance.get("template"), instance.get("data"))
    except InvalidError as error:
        return Made(key=ERROR, data={"message": error.message})
    return Made(key=OK, data=description(document, template), document=document)


def filled(process: Process, key: Any, data: Any) -> tuple[bytes, bytes]:
    """Return a document, and the template that it was made from.

    Args:
        process: Has the templates, and the data where none is given.
        key: Names the template among the definitions.
        data: What the template sees; None for title, actors and assets of the process.

    Raises:
        InvalidError: The template or the data does not do.
    """
    template = template_of(process.scenario, key)
    seen = {"title": process.title, "actors": process.actors, "assets": process.assets} if data is None else data
    return fill(template, seen), template


def description(document: bytes, template: bytes) -> dict[str, Any]:
    """Return what the chain says of a document."""
    return {
        "$schema": DOCUMENT,
        "media_type": TEXT_TYPE,
        "hash": base58.encode(sha256(document)),
        "size": len(document),
        "template": base58.encode(sha256(template)),
    }


def check_response(process: Process, action: str, key: str, data: Any) -> None:
    """Make the document again, and refuse a response that says something else.

    Args:
        process: Before the response.
        action: Key of a document action that is available.
        key: The outcome that was submitted.
        data: The data that was submitted.

    Raises:
        InvalidResponseError: The outcome or the data is not what comes of the template and the data of the process.
    """
    made = make(process, action)
    if key != made.key:
        reason = "" if made.key == OK else f" {made.data['message']}"
        raise InvalidResponseError(
            f"The document action {quote(action)} ends in {quote(made.key)}, not in {quote(key)}.{reason}", path="$.key"
        )
    if made.key == OK and data != made.data:
        raise InvalidResponseError(
            f"The data does not describe the document that the action {quote(action)} makes.",
            path="$.data",
            hint=f"Its hash is {made.data['hash']}.",
        )
