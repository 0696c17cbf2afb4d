"""The development mailbox: keeps mails instead of delivering them, and lists them at `/dev/mail`.

Two ways in: `StoredMailer`, with which a node keeps its own mails, and `Mailbox`, an SMTP server on loopback to which
several nodes send. The list is for the node's operators and users; a mailbox of its own, on loopback, is open.
"""

import base64
import email
import email.policy
import os
from asyncio import Server
from collections.abc import Callable
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Blueprint, Flask, Response, jsonify, request

from eventchain.core.clock import Clock, system_clock
from eventchain.core.errors import LiveContractError
from eventchain.core.keys import PublicKey, Random
from eventchain.core.paging import read_page
from eventchain.store.document_store import Collection, Document, DocumentStore
from eventchain.store.memory import MemoryStore
from livecontract import web_server
from livecontract.mail import Mail, compose
from livecontract.serving import WebServer

MAILS = Collection(
    name="mails",
    fields={"id": str, "received": int, "recipient": str, "message": bytes},
    key=("id",),
    indexes=(("recipient",), ("received",)),
)
"""Kept mails: the RFC 5322 bytes, by recipient and time (milliseconds since 1970)."""

MAX_MAIL = 1024 * 1024
_ID_BYTES = 8


class StoredMailer:
    """Keeps mails in a document store opened with `MAILS` among its collections."""

    def __init__(self, store: DocumentStore, sender: str, clock: Clock, random: Random = os.urandom) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._random = random

    def send(self, mail: Mail) -> None:
        """See `livecontract.mail.Mailer.send`."""
        now = self._clock()
        self.keep(mail.to, compose(mail, self._sender, now=now), now=now)

    def keep(self, recipient: str, message: bytes, *, now: int) -> None:
        """Keep the bytes of a mail that came at `now`."""
        id_ = f"{now:015d}-{self._random(_ID_BYTES).hex()}"
        self._store.insert(MAILS, [{"id": id_, "received": now, "recipient": recipient, "message": message}])


def create_blueprint(store: DocumentStore, check_reader: Callable[[PublicKey], None] | None) -> Blueprint:
    """Return the route `/dev/mail`.

    Args:
        store: Where the mails are.
        check_reader: Raises if the signer of a request may not read other people's mail; None opens the route to
            everyone, for a mailbox on loopback.
    """
    blueprint = Blueprint("mailbox", __name__)

    def list_mail() -> Response:
        """List the mails, oldest first; `?to=` those to one address."""
        if check_reader is not None:
            check_reader(web_server.caller())
        to = request.args.get("to")
        found = store.find(MAILS, {"recipient": to} if to else None)
        mails, link = read_page("mails", request.args).cut(found, lambda item: str(item["id"]))
        answer = jsonify([to_dict(document) for document in mails])
        answer.headers.update(link)
        return answer

    if check_reader is None:
        web_server.public(list_mail)
    blueprint.add_url_rule("/dev/mail", view_func=list_mail, methods=["GET"])
    return blueprint


def to_dict(document: Document) -> dict[str, Any]:
    """Return a kept mail as JSON: id, received, from, to, subject, text and attachments in base64."""
    data = cast("bytes", document["message"])
    message = email.message_from_bytes(data, policy=email.policy.default)
    body = message.get_body(preferencelist=("plain",))
    return {
        "id": document["id"],
        "received": document["received"],
        "from": str(message["From"]),
        "to": document["recipient"],
        "subject": str(message["Subject"]).strip(),
        "text": "" if body is None else str(body.get_content()).replace("\r\n", "\n"),
        "attachments": [_attachment(item) for item in message.iter_attachments()],
    }


class Mailbox:
    """An SMTP server and a web server that shows what came, both on loopback and on free ports.

    Attributes:
        smtp_port: Where mails are sent to.
        web_port: Where `GET /dev/mail` lists them.
    """

    def __init__(
        self,
        store: DocumentStore | None = None,
        *,
        clock: Clock = system_clock,
        random: Random = os.urandom,
        host: str = "127.0.0.1",
        smtp_port: int = 0,
        web_port: int = 0,
    ) -> None:
        """Start both servers. Without a store the mails are gone with the mailbox."""
        kept = store or MemoryStore([MAILS])
        handler = _Handler(StoredMailer(kept, f"mailbox@{host}", clock, random), clock)
        self._smtp = _SmtpServer(handler, hostname=host, port=smtp_port, data_size_limit=MAX_MAIL)
        self._smtp.start()
        self.smtp_port = self._smtp.port
        self._web = WebServer(_web_app(kept), host=host, port=web_port, threads=2, max_request_bytes=MAX_MAIL)
        self._web.start()
        self.web_port = self._web.port

    def close(self) -> None:
        """Stop both servers."""
        self._web.stop()
        self._smtp.stop()


def _web_app(store: DocumentStore) -> Flask:
    app = Flask("mailbox", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.register_blueprint(create_blueprint(store, None))
    return app


class _Handler:
    """Keeps what the SMTP server takes in."""

    def __init__(self, mailer: StoredMailer, clock: Clock) -> None:
        self._mailer = mailer
        self._clock = clock

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (given name)
        data = envelope.content
        if not isinstance(data, bytes):
            return "451 Try again later"
        try:
            for recipient in envelope.rcpt_tos:
                self._mailer.keep(recipient, data, now=self._clock())
        except LiveContractError:
            return "451 Try again later"
        return "250 Kept"


class _SmtpServer(Controller):
    """The library's controller asks the configured port, which may be 0, whether the server is there."""

    def _trigger_server(self) -> None:
        self.port = int(cast("Server", self.server).sockets[0].getsockname()[1])
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's gap


def _attachment(part: Any) -> dict[str, Any]:
    data = part.get_payload(decode=True) or b""
    return {
        "name": part.get_filename() or "",
        "media_type": part.get_content_type(),
        "data": base64.b64encode(data).decode("ascii"),
    }
