"""The HTTP client of system actions, against real sockets on loopback."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workflow_engine.errors import TriggerError
from workflow_engine.ports import HttpRequest
from workflow_engine.triggers.http_client import UrllibClient, is_public


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str], bytes]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        size = int(self.path.partition("size=")[2] or 5)
        self.send_response(302 if "redirect" in self.path else 200)
        self.send_header("Content-Type", "Text/Plain; charset=utf-8")
        self.send_header("Location", "http://127.0.0.1:1/secret")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(b"x" * size)

    do_GET = do_POST = answer  # noqa: N815  # names of the library

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # names of the library
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def get(url: str, method: str = "GET", body: bytes | None = None) -> HttpRequest:
    return HttpRequest(method=method, url=url, headers={"X-Own": "1"}, body=body)


def test_allowed_host_is_asked_and_answers(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_port}"
    answer = UrllibClient([host]).send(get(f"http://{host}/a?b=c", "POST", b"data"))
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"xxxxx")
    [(method, path, headers, body)] = server.seen  # type: ignore[attr-defined]
    assert (method, path, body, headers["X-Own"], headers["Host"]) == ("POST", "/a?b=c", b"data", "1", host)
    assert headers["Accept-Encoding"] == "identity"


def test_name_is_connected_at_the_address_that_was_checked(server: ThreadingHTTPServer) -> None:
    asked: list[str] = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    url = f"http://erp.invalid:{server.server_port}/"
    assert UrllibClient(["erp.invalid"], resolver=resolver).send(get(url)).status == 200
    assert asked == ["erp.invalid"]
    [(_, _, headers, _)] = server.seen  # type: ignore[attr-defined]
    assert headers["Host"] == f"erp.invalid:{server.server_port}"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"], []])
def test_host_with_an_address_that_is_not_public_is_refused(server: ThreadingHTTPServer, addresses: list[str]) -> None:
    client = UrllibClient(["other.invalid"], resolver=lambda _host, _port: addresses)
    with pytest.raises(TriggerError):
        client.send(get(f"http://erp.invalid:{server.server_port}/"))
    assert server.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::1]:{}/", "http://0.0.0.0:{}/", "http://127.1:{}/"],
)
def test_loopback_is_refused_however_it_is_written(server: ThreadingHTTPServer, url: str) -> None:
    with pytest.raises(TriggerError):
        UrllibClient().send(get(url.format(server.server_port)))
    assert server.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        *[(address, False) for address in ("10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1")],
        *[(address, False) for address in ("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1")],
        *[
            (address, False)
            for address in ("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2002:7f00:1::")
        ],
        *[(address, False) for address in ("::ffff:8.8.8.8", "64:ff9b::7f00:1", "2001:db8::1", "not an address", "")],
    ],
)
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_redirect_is_not_followed(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_port}"
    assert UrllibClient([host]).send(get(f"http://{host}/redirect")).status == 302
    assert len(server.seen) == 1  # type: ignore[attr-defined]


def test_answer_that_is_too_large_is_a_failure(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_port}"
    assert len(UrllibClient([host], max_body=1000).send(get(f"http://{host}/?size=1000")).body) == 1000
    with pytest.raises(TriggerError):
        UrllibClient([host], max_body=1000).send(get(f"http://{host}/?size=1001"))


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"junk\r\n\r\n"]
)
def test_server_that_talks_without_end_or_not_at_all_is_left(first: bytes) -> None:
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(first)
                while not ended.wait(0.02):
                    try:
                        connection.sendall(b"X" if b"\r\n\r\n" not in first else b"")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TriggerError):
            UrllibClient([host], timeout=0.3).send(get(f"http://{host}/"))
        ended.set()
        thread.join()


def test_body_without_end_is_left_once_it_is_too_large() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def pour() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    connection.sendall(b"x" * 65_536)

        thread = threading.Thread(target=pour)
        thread.start()
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TriggerError, match="larger than"):
            UrllibClient([host]).send(get(f"http://{host}/"))
        thread.join()


@pytest.mark.parametrize(
    ("url", "targets", "may"),
    [
        ("https://erp.acme.test/", [], True),
        ("https://erp.acme.test/", ["erp.acme.test"], True),
        ("https://ERP.acme.test/", ["ERP.ACME.test"], True),
        ("https://erp.acme.test/", ["erp.acme.test:443"], True),
        ("https://erp.acme.test:8443/", ["erp.acme.test:443"], False),
        ("http://erp.acme.test/", ["erp.acme.test:443"], False),
        ("https://erp.acme.test/", ["*.acme.test"], True),
        ("https://a.b.acme.test/", ["*.acme.test"], True),
        ("https://acme.test/", ["*.acme.test"], False),
        ("https://evilacme.test/", ["*.acme.test"], False),
        ("https://acme.test.evil.test/", ["*.acme.test", "acme.test"], False),
        ("https://8.8.8.8/", ["*.acme.test"], False),
        ("https://[2001:4860:4860::8888]/", ["*.acme.test"], False),
    ],
)
def test_only_targets_are_looked_up_where_a_node_names_them(url: str, targets: list[str], may: bool) -> None:
    asked = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["10.0.0.1"]  # so that nothing is sent in any case

    with pytest.raises(TriggerError, match="not public" if may else "http_targets"):
        UrllibClient(targets=targets, resolver=resolver).send(get(url))
    assert bool(asked) is may


def test_target_with_a_private_address_has_to_be_allowed_as_well(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_port}"
    with pytest.raises(TriggerError, match="not public"):
        UrllibClient(targets=[host]).send(get(f"http://{host}/"))
    with pytest.raises(TriggerError, match="http_targets"):
        UrllibClient([host], targets=["erp.acme.test"]).send(get(f"http://{host}/"))
    assert UrllibClient([host], targets=[host]).send(get(f"http://{host}/")).status == 200


def test_unknown_host_and_closed_port_are_failures() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(TriggerError):
        UrllibClient(resolver=unknown).send(get("http://nowhere.invalid/"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        host = f"127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(TriggerError):
        UrllibClient([host]).send(get(f"http://{host}/"))


def test_tls_is_verified_against_the_name(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_port}"
    with pytest.raises(TriggerError):
        UrllibClient([host], timeout=2).send(get(f"https://{host}/"))
