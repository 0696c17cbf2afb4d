"""A link between two network namespaces whose quality the test decides, packet by packet.

Each end is a TUN device; between them a thread carries IP packets, or drops or delays them. This is what the kernel's
`netem` does between two `veth` devices, in user space: not every kernel has netem (that on which these tests were made
has not), and every kernel with TUN has this. TCP sees real loss, delay, and a narrow queue.
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import struct
import threading
import time
from dataclasses import dataclass, field

from tests.network.namespaces import Namespace

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
"""linux/if_tun.h: a device of IP packets, without a header before each."""

DEVICE = "link"
LARGEST_PACKET = 65536
_IP_VERSION = 4
"""What IPv6 looks for by itself on every new device is not carried, and not counted."""

_QUEUE_SECONDS = 2.0
"""How much a narrow link holds before it drops what comes."""

_IDLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How one direction of a link is.

    Attributes:
        is_open: Whether anything gets through.
        loss: Share of the packets that are lost.
        delay: Seconds that a packet takes.
        rate: Bytes a second; None for as many as come.
    """

    is_open: bool = True
    loss: float = 0.0
    delay: float = 0.0
    rate: float | None = None


GOOD = Quality()
CUT = Quality(is_open=False)


@dataclass(slots=True)
class Direction:
    """One direction: where packets come in and go out, how it is now, and what became of them."""

    source: int
    target: int
    quality: Quality = GOOD
    free_at: float = 0.0
    carried: int = 0
    dropped: int = 0
    waiting: list[tuple[float, int, bytes]] = field(default_factory=list)

    def take(self, packet: bytes, now: float, lost: bool, number: int) -> None:
        """Decide what becomes of a packet that came in."""
        quality = self.quality
        starts = max(now, self.free_at)
        if not quality.is_open or lost or starts - now > _QUEUE_SECONDS:
            self.dropped += 1
            return
        self.free_at = starts + len(packet) / quality.rate if quality.rate else now
        heapq.heappush(self.waiting, (self.free_at + quality.delay, number, packet))

    def give(self, now: float) -> None:
        """Hand over what is due; what is under way when the link is cut is lost."""
        while self.waiting and self.waiting[0][0] <= now:
            packet = heapq.heappop(self.waiting)[2]
            if self.quality.is_open and _write(self.target, packet):
                self.carried += 1
            else:
                self.dropped += 1


class Link:
    """Joins two namespaces. `there` leads from the first to the second, `back` the other way."""

    def __init__(self, first: Namespace, second: Namespace, addresses: tuple[str, str], seed: int) -> None:
        """Make the devices, with an address each in one small network, and carry from now on."""
        self._devices = [_open_device(space) for space in (first, second)]
        for space, address in zip((first, second), addresses, strict=True):
            space.configure("address", "add", f"{address}/30", "dev", DEVICE)
            space.configure("link", "set", "dev", DEVICE, "up")
        self.there = Direction(self._devices[0], self._devices[1])
        self.back = Direction(self._devices[1], self._devices[0])
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="link", daemon=True)
        self._thread.start()

    def set(self, there: Quality, back: Quality | None = None) -> None:
        """Change the quality of the link: of both directions alike, unless two are given."""
        self.there.quality, self.back.quality = there, there if back is None else back

    def close(self) -> None:
        """Take the link away; the devices go with it."""
        self._stop.set()
        self._thread.join()
        for device in self._devices:
            os.close(device)

    def _carry(self) -> None:
        directions = (self.there, self.back)
        while not self._stop.is_set():
            dues = [direction.waiting[0][0] for direction in directions if direction.waiting]
            pause = min([_IDLE_SECONDS, *(max(due - time.monotonic(), 0) for due in dues)])
            ready = select.select(self._devices, [], [], pause)[0]
            now = time.monotonic()
            for direction in directions:
                if direction.source in ready:
                    self._take_all(direction, now)
                direction.give(time.monotonic())

    def _take_all(self, direction: Direction, now: float) -> None:
        while (packet := _read(direction.source)) is not None:
            if packet[0] >> 4 != _IP_VERSION:
                continue
            lost = self._random.random() < direction.quality.loss
            direction.take(packet, now, lost, next(self._numbers))


def _open_device(space: Namespace) -> int:
    """Return the descriptor of a new device; it is there as long as the descriptor is open."""
    with space.inside():
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def _read(device: int) -> bytes | None:
    try:
        return os.read(device, LARGEST_PACKET)
    except BlockingIOError:
        return None


def _write(device: int, packet: bytes) -> bool:
    try:
        os.write(device, packet)
    except OSError:  # the device's own queue is full, or it is going down: a lost packet
        return False
    return True
