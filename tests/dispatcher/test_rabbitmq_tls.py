"""The broker over TLS: certificates are checked on both sides, and host names too."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dispatcher.errors import BrokerUnreachableError
from dispatcher.rabbitmq import RabbitBroker
from dispatcher.rabbitmq_settings import RabbitSettings
from livecontract.demo.rabbitmq_server import RabbitServer, Tls
from tests.contracts.broker import FakeClock, ids, message
from tests.servers import rabbitmq

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Authority:
    """Somebody who signs certificates."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    directory: Path

    @property
    def path(self) -> Path:
        return self.directory / "ca.pem"

    def sign(self, name: str) -> Path:
        """Return a PEM file with a certificate for a host name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            certificate(name, self.certificate.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.directory / f"{name}.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem_of(key))
        return path


def certificate(name: str, issuer: x509.Name | None, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_authority(directory: Path) -> Authority:
    directory.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    made = (
        certificate("test authority", None, public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    authority = Authority(key, made, directory)
    authority.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return new_authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture(scope="module")
def server(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    """A server that shows a certificate for localhost, and asks clients for theirs."""
    rabbitmq.install()
    own = authority.sign("localhost")
    directory = tmp_path_factory.mktemp("rabbitmq-tls")
    server = RabbitServer(directory, Tls(ca=authority.path, certificate=own, key=own, ask_clients=True))
    try:
        server.start()
        server.add_vhost("v")
        server.permit("v", "administrator")
        yield server
    finally:
        server.kill()
        server.stop()


Connect = Callable[..., RabbitBroker]


@pytest.fixture
def connect(server: RabbitServer, authority: Authority) -> Iterator[Connect]:
    opened: list[RabbitBroker] = []

    def connect(
        *, host: str = "localhost", ca: Path | None = authority.path, client: Path | None = None
    ) -> RabbitBroker:
        url = server.url("v", tls=True).replace("localhost", host)
        settings = RabbitSettings(url=url, password=server.password, ca=ca, certificate=client)
        opened.append(RabbitBroker(settings, FakeClock(), os.urandom))
        return opened[-1]

    yield connect
    for broker in opened:
        broker.close()


def test_messages_travel_over_tls(connect: Connect, authority: Authority) -> None:
    broker = connect(client=authority.sign("node"))
    broker.publish([message("1")])
    assert ids(broker.receive("events", 1)) == ["1"]


def test_server_of_another_authority_is_refused(connect: Connect, authority: Authority, tmp_path: Path) -> None:
    other = new_authority(tmp_path / "other")
    with pytest.raises(BrokerUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(ca=other.path, client=authority.sign("node")).publish([message("1")])


def test_server_that_no_authority_of_the_system_knows_is_refused(connect: Connect, authority: Authority) -> None:
    with pytest.raises(BrokerUnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(ca=None, client=authority.sign("node")).publish([message("1")])


def test_server_under_another_name_is_refused(connect: Connect, authority: Authority) -> None:
    with pytest.raises(BrokerUnreachableError, match=r"not valid for '127\.0\.0\.1'"):
        connect(host="127.0.0.1", client=authority.sign("node")).publish([message("1")])


def test_client_without_a_certificate_is_let_in_nowhere(connect: Connect) -> None:
    with pytest.raises(BrokerUnreachableError):
        connect().publish([message("1")])


def test_client_of_another_authority_is_let_in_nowhere(connect: Connect, tmp_path: Path) -> None:
    other = new_authority(tmp_path / "other")
    with pytest.raises(BrokerUnreachableError):
        connect(client=other.sign("node")).publish([message("1")])


def test_certificate_that_cannot_be_read_is_said(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(BrokerUnreachableError, match=r"missing\.pem, .* cannot be read: No such file"):
        connect(client=tmp_path / "missing.pem")
    (tmp_path / "empty.pem").touch()
    with pytest.raises(BrokerUnreachableError, match=r"empty\.pem, .* cannot be read: there is no certificate in it"):
        connect(ca=tmp_path / "empty.pem")
