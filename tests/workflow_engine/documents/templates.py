"""Templates for the tests, put together from the parts that LibreOffice writes."""

import io
import zipfile
from collections.abc import Mapping

NAMESPACES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
    "script": "urn:oasis:names:tc:opendocument:xmlns:script:1.0",
    "form": "urn:oasis:names:tc:opendocument:xmlns:form:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
    "ooow": "http://openoffice.org/2004/writer",
    "officeooo": "http://openoffice.org/2009/office",
}
DECLARED = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
ODT = "application/vnd.oasis.opendocument.text"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def field(name: str) -> str:
    """A user field, as Writer writes one."""
    return f'<text:user-field-get text:name="{name}">{name}</text:user-field-get>'


def content(body: str, *, before: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content{DECLARED} office:version="1.3">'
        f"<office:scripts/>{before}<office:body><office:text>{body}</office:text></office:body>"
        "</office:document-content>"
    )


def styles(inside: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-styles{DECLARED} office:version="1.3">{inside}'
        "</office:document-styles>"
    )


def zipped(parts: Mapping[str, str | bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A package, made by the library that ours is compared with."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, part in parts.items():
            archive.writestr(name, part, zipfile.ZIP_STORED if name == "mimetype" else method)
    return buffer.getvalue()


def template(body: str, *, before: str = "", method: int = zipfile.ZIP_DEFLATED, **parts: str | bytes) -> bytes:
    """A text document with this body; other parts by name, with `__` for a slash."""
    more = {name.replace("__", "/"): part for name, part in parts.items()}
    return zipped({"mimetype": ODT, "content.xml": content(body, before=before), **more}, method=method)


def text_in(document: bytes) -> str:
    """The text of a filled document, as an independent library reads it."""
    from odfdo import Document

    return Document(io.BytesIO(document)).get_formatted_text()
