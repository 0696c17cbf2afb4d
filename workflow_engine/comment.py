"""Comments: what parties say about a process, on its chain, without ever changing it (paper section 8.1).

```
{ "$schema": "urn:livecontract:comment:1", "id"?, "process"?: id | {"id"}, "reply_to"?: event hash, "title"?,
  "content_media_type"? = "text/plain",
  "content": text                                    what travels as it is: text of any kind
  | "content": base64, "content_encoding": "base64"  images and documents
  | "hash": base58 of a SHA-256, "url"? }            what is kept elsewhere
```

Without a process it is about what it replies to, or about the chain. Nothing here looks into the content: it is neither
rendered nor fetched, and markup in it is text. LTO's comments (`…/comment/schema.json#`) are read where they have this
form; others stay on the chain as events that mean nothing here, as LTO's nodes take anything.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core import base58
from eventchain.core.entry import Entry
from eventchain.core.errors import InvalidEncodingError
from workflow_engine.errors import InvalidCommentError, json_path, quote
from workflow_engine.process import Process
from workflow_engine.reading import MAX_INTEGER

OWN_COMMENT = "urn:livecontract:comment:1"

PRIORITY = -MAX_INTEGER - 1
"""Rank of a comment when two events were added at the same time: below every action (paper section 11.3)."""

MAX_TEXT = 256
"""Characters of an id, a process's id and a title."""

MAX_MEDIA_TYPE = 200
MAX_URL = 2048

SHORT = 4096
"""Characters of content that a list carries; longer content is asked for by itself, so that lists stay small."""

_MEMBERS = frozenset(
    {
        *("$schema", "id", "process", "reply_to", "title"),
        *("content_media_type", "content_encoding", "content", "hash", "url"),
    }
)
_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(f"{_NAME}/{_NAME}", re.ASCII)  # RFC 6838, section 4.2, in small letters
_URL = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][\x21-\x7e]*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody says.

    Attributes:
        id: Its author's name for it, or None.
        process: Id of the process it is about, or None.
        reply_to: Hash of the event with the comment it replies to, base58, or None.
        title: A title or file name, or None.
        media_type: Of the content, in small letters.
        encoding: `base64`, or None where the content is text.
        content: The content, or None where it is kept elsewhere.
        hash: SHA-256 of content that is kept elsewhere, base58, or None.
        url: Where that is, or None. Nothing here goes there.
    """

    id: str | None
    process: str | None
    reply_to: str | None
    title: str | None
    media_type: str
    encoding: str | None
    content: str | None
    hash: str | None
    url: str | None

    @property
    def size(self) -> int | None:
        """How many bytes the content has, or None where it is kept elsewhere."""
        if self.content is None:
            return None
        if self.encoding is None:
            return len(self.content.encode("utf-8", "surrogatepass"))
        return len(self.content) // 4 * 3 - self.content[-2:].count("=")


def read_comment(body: Mapping[str, Any]) -> Comment:
    """Read the body of a comment.

    Raises:
        InvalidCommentError: It is malformed.
    """
    if body.get("$schema") == OWN_COMMENT:
        for name in sorted(body):
            if name not in _MEMBERS and not name.startswith("x-"):
                raise InvalidCommentError(f"A comment has no member {quote(name)}.", path=json_path((name,)))
    process = body.get("process")
    place: tuple[str, ...] = ("process",)
    if isinstance(process, dict):
        process, place = process.get("id"), ("process", "id")
    encoding = body.get("content_encoding")
    if encoding not in (None, "base64"):
        raise InvalidCommentError(
            'The only encoding is "base64".', path="$.content_encoding", hint="Leave it out for text."
        )
    media_type = _media_type(body.get("content_media_type"))
    content = _content(body, media_type, encoding)
    return Comment(
        id=_text(body.get("id"), ("id",)),
        process=_text(process, place),
        reply_to=_hash(body.get("reply_to"), "reply_to"),
        title=_text(body.get("title"), ("title",)),
        media_type=media_type,
        encoding=encoding,
        content=content,
        hash=_hash(body.get("hash"), "hash"),
        url=_url(body.get("url")),
    )


def record(comment: Comment, entry: Entry, process: Process | None) -> dict[str, Any]:
    """Return a comment as it is kept: with who made it, when, and at which point of the procedure.

    Args:
        comment: What was said.
        entry: The event that says it.
        process: The process it is about, as of just before the event, or None.
    """
    kept = {
        "event": entry.hash,
        "author": entry.identity,
        "timestamp": entry.timestamp,
        "process": None if process is None else process.id,
        "point": None if process is None else point_of(process),
        "reply_to": comment.reply_to,
        "id": comment.id,
        "title": comment.title,
        "content_media_type": comment.media_type,
        "content_encoding": comment.encoding,
        "size": comment.size,
        "content": comment.content,
        "hash": comment.hash,
        "url": comment.url,
    }
    return {name: value for name, value in kept.items() if value is not None}


def point_of(process: Process) -> dict[str, Any]:
    """Return the point of the procedure at which a process stands: its state, how it came there, what happened last."""
    current = process.current
    title = {} if current.title is None else {"title": current.title}
    return {"state": current.key, **title, "entered": current.event, "after": process.last_event}


def without_content(kept: Mapping[str, Any], longer_than: int = 0) -> dict[str, Any]:
    """Return a comment as it was kept, without its content if that has more characters than this."""
    if len(kept.get("content", "")) <= longer_than:
        return dict(kept)
    return {name: value for name, value in kept.items() if name != "content"}


def _text(value: Any, place: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
        raise InvalidCommentError(f"This should be text of 1 to {MAX_TEXT} characters.", path=json_path(place))
    return value


def _hash(value: Any, name: str) -> str | None:
    if value is None:
        return None
    try:
        base58.decode(value, length=32, name=name)
    except InvalidEncodingError:
        raise InvalidCommentError("This should be a SHA-256 in base58.", path=json_path((name,))) from None
    return str(value)


def _media_type(value: Any) -> str:
    if value is None:
        return "text/plain"
    name = value.lower() if isinstance(value, str) and len(value) <= MAX_MEDIA_TYPE else ""
    if not _MEDIA_TYPE.fullmatch(name):
        raise InvalidCommentError(
            "This should be a media type without parameters.",
            path="$.content_media_type",
            hint='Write it like "text/plain", "image/png" or "application/pdf".',
        )
    return name


def _content(body: Mapping[str, Any], media_type: str, encoding: str | None) -> str | None:
    """Return the content; there is either that or a hash."""
    content = body.get("content")
    if (content is None) == (body.get("hash") is None) or (content is not None and body.get("url") is not None):
        raise InvalidCommentError(
            "A comment has either content, or the hash of content that is kept elsewhere.",
            path="$.content",
            hint='Give "content", or "hash" and perhaps "url".',
        )
    if content is None:
        if encoding is not None:
            raise InvalidCommentError("Only content has an encoding.", path="$.content_encoding")
        return None
    if not isinstance(content, str) or not content:
        raise InvalidCommentError("The content should be text, and not empty.", path="$.content")
    if encoding is None and not media_type.startswith("text/"):
        raise InvalidCommentError(
            f"Content of the type {quote(media_type)} travels in base64.",
            path="$.content_encoding",
            hint='Add "content_encoding": "base64".',
        )
    if encoding is not None:
        _check_base64(content)
    return content


def _check_base64(content: str) -> None:
    try:
        data = base64.b64decode(content.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        data = b""
    if not data or base64.b64encode(data).decode("ascii") != content:
        raise InvalidCommentError("The content is not base64 (RFC 4648, with padding).", path="$.content")


def _url(value: Any) -> str | None:
    """Return a web address that is safe to be shown as a link."""
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= MAX_URL and _URL.fullmatch(value):
        return value
    raise InvalidCommentError(
        f"This should be an http or https address of at most {MAX_URL} characters, without a name or password in it.",
        path="$.url",
    )
