"""Reading and writing the binary formats of the public chain: big-endian integers and counted bytes.

`Reader` never reads beyond its bytes and turns every surprise into an error that says where it was.
"""

import struct

from eventchain.core.errors import InvalidError

MAX_INT64 = 2**63 - 1
"""The reference node keeps amounts, fees and times in signed 64-bit integers."""


class Reader:
    """Reads a byte string from front to back.

    Args:
        data: The bytes.
        error: What to raise when they are not as they should be.
    """

    __slots__ = ("_data", "_error", "_position")

    def __init__(self, data: bytes, error: type[InvalidError]) -> None:
        self._data = data
        self._error = error
        self._position = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._position

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._position

    def take(self, length: int, name: str) -> bytes:
        """Read exactly `length` bytes."""
        end = self._position + length
        if end > len(self._data):
            raise self._error(
                f"{name} is cut off at byte {len(self._data)}; {length} bytes should start at {self._position}"
            )
        data = self._data[self._position : end]
        self._position = end
        return data

    def peek(self, name: str) -> int:
        """Return the next byte without reading it."""
        if not self.remaining:
            raise self._error(f"{name} is cut off at byte {len(self._data)}")
        return self._data[self._position]

    def uint(self, length: int, name: str) -> int:
        """Read an unsigned integer of 1, 2 or 4 bytes."""
        return int.from_bytes(self.take(length, name), "big")

    def int64(self, name: str) -> int:
        """Read a non-negative integer of 8 bytes (signed on the wire, so below 2^63)."""
        value = int.from_bytes(self.take(8, name), "big")
        if value > MAX_INT64:
            raise self._error(f"{name} is negative or beyond 2^63 - 1")
        return value

    def counted(self, name: str, *, maximum: int, width: int = 2) -> bytes:
        """Read bytes with their length before them, at most `maximum`."""
        length = self.uint(width, f"length of {name}")
        if length > maximum:
            raise self._error(f"{name} has {length} bytes; the limit is {maximum}")
        return self.take(length, name)

    def expect(self, expected: bytes, name: str) -> None:
        """Read bytes that can only have one value."""
        data = self.take(len(expected), name)
        if data != expected:
            raise self._error(f"{name} is {data.hex()}; it should be {expected.hex()}")

    def finish(self, name: str) -> None:
        """Check that nothing follows."""
        if self.remaining:
            raise self._error(f"{self.remaining} bytes follow {name}")


def counted(data: bytes) -> bytes:
    """Write bytes with their 2-byte length before them."""
    return struct.pack(">H", len(data)) + data


def int64(value: int) -> bytes:
    """Write an 8-byte integer."""
    return struct.pack(">q", value)
