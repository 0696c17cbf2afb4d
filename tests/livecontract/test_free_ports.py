"""Ports are free, different, and not among those that outgoing connections take."""

import socket

import pytest

from livecontract import free_ports


def test_free_ports_can_be_listened_on() -> None:
    ports = free_ports.free_ports("127.0.0.1", 20)
    assert len(set(ports)) == 20
    for port in ports:
        with socket.create_server(("127.0.0.1", port)) as server:
            assert server.getsockname()[1] == port


def test_free_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(free_ports.LOWEST <= port <= 32767 for port in free_ports.free_ports("127.0.0.1", 20))


def test_port_that_somebody_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_ports.free_port("127.0.0.1")
    with socket.create_server(("127.0.0.1", taken)):
        monkeypatch.setattr(free_ports, "LOWEST", taken)
        monkeypatch.setattr(free_ports, "HIGHEST", taken)
        with pytest.raises(OSError, match=r"no port of 127\.0\.0\.1 is free"):
            free_ports.free_port("127.0.0.1")


def test_address_of_another_machine_is_refused_at_once() -> None:
    with pytest.raises(OSError):  # noqa: PT011 (each system has its own words)
        free_ports.free_port("192.0.2.1")
