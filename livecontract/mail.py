"""Mails: what one is, and who carries it.

A mail has one recipient. Text that others chose (names, titles, addresses) never becomes a header of its own.
"""

import email.message
import email.policy
import email.utils
import re
import smtplib
import ssl
from dataclasses import dataclass
from typing import Protocol

from eventchain.core.clock import Clock
from livecontract.errors import InvalidMailError, MailUnavailableError

SMTP_TIMEOUT = 30.0
"""Seconds for each answer of the mail server."""

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_MAX_SUBJECT = 200
_TOO_LATE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file sent with a mail. Its data is in no repr: an invitation carries a key."""

    name: str
    media_type: str
    data: bytes

    def __repr__(self) -> str:
        return f"Attachment(name={self.name!r}, media_type={self.media_type!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to one person, in plain text."""

    to: str
    subject: str
    text: str
    attachments: tuple[Attachment, ...] = ()


class Mailer(Protocol):
    """Takes mails and sees that they get there."""

    def send(self, mail: Mail) -> None:
        """Hand over a mail. When the call returns it is taken.

        Raises:
            InvalidMailError: It can never be sent as it is.
            MailUnavailableError: Not now.
        """


def validate_address(text: object, *, path: str | None = None) -> str:
    """Return a mail address if it is a plain one: no display name, no list, no quoting.

    Raises:
        InvalidMailError: It is not.
    """
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text) or ".." in text:
        raise InvalidMailError("this is not a mail address", path=path, hint="Write it as name@example.com.")
    return text


def compose(mail: Mail, sender: str, *, now: int, message_id: str | None = None) -> bytes:
    """Return a mail as RFC 5322 bytes.

    Args:
        mail: What to send.
        sender: Address it comes from.
        now: Milliseconds since 1970, for its date.
        message_id: With angle brackets; one is made of the time if there is none.

    Raises:
        InvalidMailError: An address is wrong, or a header would hold a line end or another control character.
    """
    for text in (mail.subject, *(item.name for item in mail.attachments)):
        if len(text) > _MAX_SUBJECT or not text.isprintable():
            raise InvalidMailError(
                f"subject and names of attachments are one printable line of at most {_MAX_SUBJECT} characters"
            )
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"] = validate_address(sender)
    message["To"] = validate_address(mail.to)
    message["Subject"] = mail.subject
    message["Date"] = email.utils.formatdate(now / 1000, usegmt=True)
    message["Message-ID"] = message_id or email.utils.make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    try:
        message.set_content(mail.text)
        for item in mail.attachments:
            main, _, sub = item.media_type.partition("/")
            message.add_attachment(item.data, maintype=main, subtype=sub, filename=item.name)
        return message.as_bytes()
    except (ValueError, UnicodeError):
        raise InvalidMailError("the mail holds text that cannot be sent") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """A mail server and how to talk to it; `tls` is `starttls`, `tls` or `none`. The password is in no repr."""

    host: str
    port: int
    tls: str = "starttls"
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port}, {self.tls})"


class SmtpMailer:
    """Sends mails through a mail server, one connection for each: invitations are rare."""

    def __init__(self, server: SmtpServer, sender: str, clock: Clock, *, timeout: float = SMTP_TIMEOUT) -> None:
        self._server = server
        self._sender = sender
        self._clock = clock
        self._timeout = timeout

    def send(self, mail: Mail) -> None:
        """See `Mailer.send`. The server's certificate is verified."""
        data = compose(mail, self._sender, now=self._clock())
        try:
            with self._connect() as connection:
                if self._server.user is not None:
                    connection.login(self._server.user, self._server.password or "")
                connection.sendmail(self._sender, [mail.to], data)
        except smtplib.SMTPRecipientsRefused as error:
            if all(code >= _TOO_LATE for code, _ in error.recipients.values()):
                raise InvalidMailError("the mail server knows no such recipient", hint="Check the address.") from None
            raise MailUnavailableError("the mail server does not take mail for this recipient now") from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailableError(
                f"the mail server {self._server.host} did not take the mail: {type(error).__name__}",
                hint="Check the mail settings of this node (docs/configuration.md).",
            ) from None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=context)
        connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
        except BaseException:
            connection.close()
            raise
        return connection


class NoMailer:
    """Refuses every mail, for a node that is not set up to send any."""

    def send(self, mail: Mail) -> None:
        """Refuse.

        Raises:
            MailUnavailableError: Always.
        """
        raise MailUnavailableError(
            f"this node sends no mail, so nothing went to {mail.to}", hint="Set mail = smtp (docs/configuration.md)."
        )
