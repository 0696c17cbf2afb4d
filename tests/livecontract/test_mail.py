"""Mails: through real servers on loopback; nothing that others wrote becomes a header; the key is in the file alone."""

import base64
import email
import email.policy
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core.clock import system_clock
from eventchain.core.errors import ForbiddenError, LiveContractError
from eventchain.core.keys import KeyPair, PublicKey
from eventchain.store.memory import MemoryStore
from livecontract import mailbox
from livecontract.client import NodeClient
from livecontract.errors import InvalidMailError, MailUnavailableError
from livecontract.invitation_mail import FILE_NAME, SCHEMA, Invitation, invitation_mail
from livecontract.invitations import read_invitation
from livecontract.mail import Attachment, Mail, Mailer, NoMailer, SmtpMailer, SmtpServer, compose, validate_address
from livecontract.mailbox import MAILS, Mailbox, StoredMailer

KEY = KeyPair.from_seed(b"k" * 32)
SENDER = "node@acme.example"
MAIL = Mail(
    to="ann@buyer.example",
    subject="Grüße, 契約",
    text="Line one\n\nLäst line, which is " + "long " * 40 + "\n.\n",
    attachments=(Attachment(name="a.json", media_type="application/json", data=b'{"a": "\xc3\xa9"}\n'),),
)
INVITATION = Invitation(
    chain="8F94V9UxaX2J66XF7fxCX4jAJ73Atg7ntX9ACiWkqAm9WuxA37muigAvBCvNfiY",
    identity="seller",
    node="https://buyer.example",
    key=KEY,
    inviter="Buyer Ltd",
    title="Quotation for 100 chairs",
)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


def listed(box: Mailbox, to: str | None = None) -> list[dict[str, Any]]:
    client = NodeClient(f"http://127.0.0.1:{box.web_port}")
    try:
        found: list[dict[str, Any]] = client.get("/dev/mail", {"to": to} if to else None)
    finally:
        client.close()
    return found


def smtp_mailer(port: int, **how: Any) -> SmtpMailer:
    return SmtpMailer(SmtpServer(host="127.0.0.1", port=port, tls="none", **how), SENDER, system_clock)


def stored() -> tuple[Mailer, Callable[[], list[dict[str, Any]]]]:
    store = MemoryStore([MAILS])
    return StoredMailer(store, SENDER, system_clock), lambda: [mailbox.to_dict(item) for item in store.find(MAILS)]


def check_arrived(found: list[dict[str, Any]]) -> None:
    assert len(found) == 1
    assert (found[0]["to"], found[0]["from"], found[0]["subject"]) == (MAIL.to, SENDER, MAIL.subject)
    assert found[0]["text"] == MAIL.text
    attachment = found[0]["attachments"][0]
    assert (attachment["name"], attachment["media_type"]) == ("a.json", "application/json")
    assert base64.b64decode(attachment["data"]) == MAIL.attachments[0].data


def test_a_mail_arrives_through_smtp_as_it_was_sent(box: Mailbox) -> None:
    smtp_mailer(box.smtp_port).send(MAIL)
    check_arrived(listed(box))
    assert listed(box, "ann@buyer.example")
    assert listed(box, "nobody@buyer.example") == []


def test_a_mail_that_is_kept_is_as_it_was_sent() -> None:
    mailer, found = stored()
    mailer.send(MAIL)
    check_arrived(found())


def test_mails_are_listed_oldest_first() -> None:
    store, now = MemoryStore([MAILS]), [999]
    mailer = StoredMailer(store, SENDER, lambda: now[0])
    for moment in (999, 1000, 10_000):
        now[0] = moment
        mailer.send(MAIL)
    assert [item["received"] for item in store.find(MAILS)] == [999, 1000, 10_000]


@pytest.mark.parametrize("text", ["a\nBcc: eve@evil.example", "a\rb", "a\r\n\r\nbody", "\x00", "a\u2028b", "x" * 201])
def test_nothing_becomes_a_header_of_its_own(text: str) -> None:
    mailer, found = stored()
    for mail in (
        Mail(to=MAIL.to, subject=text, text=""),
        Mail(to=MAIL.to, subject="a", text="", attachments=(Attachment(name=text, media_type="a/b", data=b""),)),
        Mail(to=text, subject="a", text=""),
    ):
        with pytest.raises(InvalidMailError):
            mailer.send(mail)
    assert found() == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c",
        "a@b,c@d",
        "Ann <a@b>",
        '"a"@b',
        "a@b\n",
        "a@-b",
        "a..b@c",
        "a@b..c",
        "a" * 65 + "@b",
        1,
    ],
)
def test_what_is_no_plain_address_is_refused(address: object) -> None:
    with pytest.raises(InvalidMailError):
        validate_address(address)


@given(subject=st.text(max_size=200), name=st.text(max_size=50), text=st.text(max_size=500))
def test_any_text_either_arrives_with_our_headers_alone_or_is_refused(subject: str, name: str, text: str) -> None:
    attachment = Attachment(name=name, media_type="application/json", data=b"{}")
    try:
        data = compose(Mail(to=MAIL.to, subject=subject, text=text, attachments=(attachment,)), SENDER, now=0)
    except LiveContractError:
        return
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert sorted(name.lower() for name in message) == [
        "auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"
    ]  # fmt: skip
    assert message["To"] == MAIL.to
    assert len(list(message.iter_attachments())) == 1


def test_a_mail_server_that_is_away_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with pytest.raises(MailUnavailableError, match="ConnectionRefused"):
        smtp_mailer(port).send(MAIL)


def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(box: Mailbox) -> None:
    server = SmtpServer(host="127.0.0.1", port=box.smtp_port, tls="starttls", user="u", password="s3cret")
    with pytest.raises(MailUnavailableError) as caught:
        SmtpMailer(server, SENDER, system_clock).send(MAIL)
    assert listed(box) == []
    assert "s3cret" not in str(caught.value) + repr(server)


class Refusing:
    """A mail server that answers each recipient with one line, and wants a password."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def handle_RCPT(self, *_: Any) -> str:  # noqa: N802
        return self.answer


@pytest.mark.parametrize(
    ("answer", "error"), [("550 No such user", InvalidMailError), ("450 Try later", MailUnavailableError)]
)
def test_a_refused_recipient_is_told_from_a_busy_server(answer: str, error: type[Exception]) -> None:
    controller = mailbox._SmtpServer(Refusing(answer), hostname="127.0.0.1", port=0)
    controller.start()
    try:
        with pytest.raises(error):
            smtp_mailer(controller.port).send(MAIL)
    finally:
        controller.stop()


def test_a_node_without_mail_says_so() -> None:
    with pytest.raises(MailUnavailableError, match="sends no mail"):
        NoMailer().send(MAIL)


def test_mails_of_others_are_for_those_who_may_read_them() -> None:
    store = MemoryStore([MAILS])
    StoredMailer(store, SENDER, system_clock).send(MAIL)

    def check_reader(caller: PublicKey) -> None:
        if caller != KEY.public_key:
            raise ForbiddenError("not you")

    app = Flask("test")
    app.register_blueprint(mailbox.create_blueprint(store, check_reader))
    view = app.view_functions["mailbox.list_mail"]
    assert not getattr(view, "public", False)
    with app.test_request_context("/dev/mail"):
        g.caller = KeyPair.from_seed(b"o" * 32).public_key
        with pytest.raises(ForbiddenError):
            view()
        g.caller = KEY.public_key
        assert len(view().json) == 1


def test_an_open_mailbox_does_not_open_that_of_a_node() -> None:
    store = MemoryStore([MAILS])
    mailbox.create_blueprint(store, None)
    app = Flask("test")
    app.register_blueprint(mailbox.create_blueprint(store, lambda _: None))
    assert not getattr(app.view_functions["mailbox.list_mail"], "public", False)


def test_an_invitation_says_who_invites_to_what_and_holds_its_key_in_the_file_alone() -> None:
    mail = invitation_mail(INVITATION, "ann@seller.example")
    assert "Buyer Ltd" in mail.subject
    assert "Quotation for 100 chairs" in mail.text
    assert KEY.private_key not in mail.subject + mail.text + repr(mail) + repr(INVITATION)
    assert "http" not in mail.text.replace(INVITATION.node, "")
    assert [item.name for item in mail.attachments] == [FILE_NAME]
    document = json.loads(mail.attachments[0].data)
    assert document["$schema"] == SCHEMA
    assert read_invitation(document).key.seed == KEY.seed
    assert document["one_time_key"]["public_key"] == str(KEY.public_key)


@pytest.mark.parametrize("field", ["inviter", "title", "node"])
def test_text_of_others_cannot_pass_for_text_of_the_mail(field: str) -> None:
    hostile = "Buyer\r\n\r\nWhat to do\n    1. Send money to Eve." + "!" * 500
    values = {name: getattr(INVITATION, name) for name in ("chain", "identity", "node", "inviter", "title")}
    plain = invitation_mail(INVITATION, MAIL.to).text
    mail = invitation_mail(Invitation(**{**values, field: hostile}, key=KEY), MAIL.to)
    assert mail.text.count("\n") == plain.count("\n")
    assert "!" * 80 not in mail.text
    mailer, found = stored()
    mailer.send(mail)
    assert found()[0]["subject"] == mail.subject
