"""Account addresses as the 26 bytes that stand in transactions: `0x01 ‖ network ‖ key hash(20) ‖ checksum(4)`.

Text and checks are those of `eventchain.core.keys`; here they are kept as bytes, because balances are looked up by
address for every transaction.
"""

from functools import lru_cache

from anchor.errors import InvalidTransactionError
from eventchain.core import base58
from eventchain.core.errors import InvalidAddressError, InvalidEncodingError
from eventchain.core.keys import ADDRESS_LENGTH, PublicKey, validate_address

__all__ = ["ADDRESS_LENGTH", "address_of", "check_address", "parse_address"]


@lru_cache(maxsize=4096)
def address_of(key: PublicKey, network: str) -> bytes:
    """Return the 26-byte address of a key."""
    return base58.decode(key.address(network))


@lru_cache(maxsize=4096)
def parse_address(text: str, network: str) -> bytes:
    """Read an address of this network.

    Raises:
        InvalidAddressError: It is none; the message says why.
    """
    try:
        return base58.decode(validate_address(text, network))
    except InvalidEncodingError as error:
        raise InvalidAddressError(error.message) from None


def check_address(raw: bytes, network: str, *, path: str | None = None) -> None:
    """Check version, network and checksum of an address that came as bytes.

    Raises:
        InvalidTransactionError: It is no address of this network.
    """
    try:
        parse_address(base58.encode(raw), network)
    except (InvalidAddressError, InvalidEncodingError) as error:
        raise InvalidTransactionError(error.message, path=path) from None
