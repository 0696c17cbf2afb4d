"""Templates inside scenarios: a definition carries the bytes, so that every party has them.

```
{ "$schema": "urn:livecontract:template:1", "media_type": "application/vnd.oasis.opendocument.text",
  "content": base64 of the template, "title"? }
```

An event carries 65,535 bytes, a scenario is one event, and base64 makes three bytes four: a template of some 40,000
bytes fits. What a word processor saves is mostly settings and previews; `slim` leaves them out and packs the rest.
"""

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping
from typing import Any

from workflow_engine.documents import package
from workflow_engine.documents.admission import CONTENT, PICTURES, STYLES, TEMPLATE_TYPE, TEXT_TYPE, admit
from workflow_engine.documents.errors import InvalidTemplateError

TEMPLATE = "urn:livecontract:template:1"
"""`$schema` of the definition."""

_MANIFEST = "META-INF/manifest.xml"


def template_definition(template: bytes, title: str | None = None) -> dict[str, Any]:
    """Return the definition that embeds a template in a scenario."""
    content = base64.b64encode(template).decode("ascii")
    form = {"$schema": TEMPLATE, "media_type": TEXT_TYPE, "content": content}
    return form if title is None else {**form, "title": title}


def template_in(definition: Any) -> bytes:
    """Return the bytes of the template that a definition embeds.

    Raises:
        InvalidTemplateError: It is no such definition.
    """
    form = definition if isinstance(definition, Mapping) else {}
    content = form.get("content")
    if form.get("$schema") != TEMPLATE or not isinstance(content, str):
        raise InvalidTemplateError(
            "This definition is no template.", hint="`livecontract document embed TEMPLATE` writes one."
        )
    if form.get("media_type") not in (TEXT_TYPE, TEMPLATE_TYPE):
        raise InvalidTemplateError(f"Templates are OpenDocument texts ({TEXT_TYPE}).", path="$.media_type")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidTemplateError("The content of a template should be base64.", path="$.content") from None


def slim(template: bytes) -> bytes:
    """Return a template without what filling leaves out: the parts that matter, as they are, packed.

    The bytes depend on the compressor of the platform: a person does this once, and everybody shares the result.

    Raises:
        InvalidTemplateError: The template is refused.
    """
    admit(template)
    parts = package.read_package(template)
    kept = [name for name in sorted(parts) if name in (CONTENT, STYLES, _MANIFEST) or name.startswith(PICTURES)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in (package.MIMETYPE, *kept):
            method = zipfile.ZIP_STORED if name == package.MIMETYPE else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), parts[name], method)
    packed = buffer.getvalue()
    admit(packed)
    return packed
