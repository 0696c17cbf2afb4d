import pytest

from dispatcher.errors import InvalidDestinationError, PeerUnreachableError
from livecontract.guarded_transport import GuardedTransport

ADDRESSES = {
    "public.example": ["93.184.216.34"],
    "other.example": ["93.184.216.35", "2606:2800:220:1::1"],
    "inside.example": ["10.0.0.5"],
    "mixed.example": ["93.184.216.36", "127.0.0.1"],
    "169.254.169.254": ["169.254.169.254"],
}


class Recorder:
    def __init__(self) -> None:
        self.posted: list[str] = []

    def post(self, url: str, body: bytes) -> None:
        self.posted.append(url)


def resolve(host: str, port: int) -> list[str]:
    if host not in ADDRESSES:
        raise OSError("no such host")
    return ADDRESSES[host]


def guarded(
    own_url: str = "https://public.example", allowed: tuple[str, ...] = ()
) -> tuple[GuardedTransport, Recorder]:
    recorder = Recorder()
    return GuardedTransport(recorder, own_url, allowed, resolve), recorder


def test_public_node_sends_to_public_nodes():
    transport, recorder = guarded()
    transport.post("https://other.example/queue", b"{}")
    assert recorder.posted == ["https://other.example/queue"]


@pytest.mark.parametrize("host", ["inside.example", "mixed.example", "169.254.169.254"])
def test_public_node_is_not_sent_into_its_own_network(host):
    transport, recorder = guarded()
    with pytest.raises(InvalidDestinationError, match="not public"):
        transport.post(f"http://{host}/queue", b"{}")
    assert recorder.posted == []


def test_allowed_host_is_reached_whatever_its_address():
    transport, recorder = guarded(allowed=("inside.example",))
    transport.post("https://inside.example:8443/queue", b"{}")
    assert len(recorder.posted) == 1


def test_node_in_a_private_network_sends_to_its_neighbours():
    transport, recorder = guarded(own_url="http://inside.example:8080")
    transport.post("http://mixed.example/queue", b"{}")
    assert len(recorder.posted) == 1


def test_unknown_host_may_be_known_later():
    transport, recorder = guarded()
    with pytest.raises(PeerUnreachableError, match="not known"):
        transport.post("https://nowhere.example/queue", b"{}")
    assert recorder.posted == []


def test_other_schemes_are_left_to_the_transport_and_nothing_is_looked_up():
    transport, recorder = guarded()
    transport.post("amqp://nowhere.example/queue", b"{}")
    assert len(recorder.posted) == 1


def test_node_in_a_private_network_looks_up_no_other():
    transport, recorder = guarded(own_url="http://inside.example:8080")
    transport.post("http://nowhere.example/queue", b"{}")
    assert len(recorder.posted) == 1
