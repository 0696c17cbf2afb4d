"""Reasons for people, from the errors that the HTTP library really raises."""

import socket
import ssl

import pytest
import urllib3

from eventchain.core.unreachable import reason_of


def failure(url: str) -> BaseException:
    with pytest.raises((urllib3.exceptions.HTTPError, OSError)) as caught:
        urllib3.PoolManager(retries=False, timeout=0.05).request("GET", url)
    return caught.value


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert reason_of(failure(f"http://127.0.0.1:{port}/")) == "the connection was refused"


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reason_of(failure(f"http://127.0.0.1:{server.getsockname()[1]}/")) == "it did not answer in time"


def test_what_no_network_is_needed_for() -> None:
    unknown = urllib3.exceptions.NameResolutionError(
        "host", urllib3.connection.HTTPConnection("host"), socket.gaierror()
    )
    assert reason_of(unknown) == "its name is not known"
    assert reason_of(ssl.SSLCertVerificationError()) == "its certificate is not trusted"
    assert reason_of(urllib3.exceptions.ProtocolError("x")) == "the connection broke"
