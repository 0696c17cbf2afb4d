"""Reading the members of transactions from JSON and bytes; what is wrong with one is said with its place."""

from collections.abc import Mapping
from typing import Any

from anchor.account import parse_address
from anchor.errors import InvalidTransactionError
from anchor.wire import MAX_INT64, Reader
from eventchain.core import base58
from eventchain.core.errors import InvalidAddressError, InvalidEncodingError

MAX_ATTACHMENT = 140


def read_count(reader: Reader, name: str, maximum: int) -> int:
    """Return how many members follow in the binary form; at most `maximum`.

    Raises:
        InvalidTransactionError: It is not so.
    """
    count = reader.uint(2, f"number of {name}")
    if count > maximum:
        raise InvalidTransactionError(f"{count} {name} are too many; the limit is {maximum}")
    return count


def read_list(data: Mapping[str, Any], name: str, maximum: int) -> list[Any]:
    """Return a list of at most `maximum` members.

    Raises:
        InvalidTransactionError: It is not so.
    """
    items = data.get(name)
    if not isinstance(items, list):
        raise InvalidTransactionError(f"{name} should be a list", path=f"$.{name}")
    if len(items) > maximum:
        raise InvalidTransactionError(f"{len(items)} {name} are too many; the limit is {maximum}", path=f"$.{name}")
    return items


def read_integer(data: Mapping[str, Any], name: str, path: str = "$") -> int:
    """Return a whole number that is not negative and fits 64 bits.

    Raises:
        InvalidTransactionError: It is not so.
    """
    value = data.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INT64:
        raise InvalidTransactionError(f"{name} should be a whole number, not negative", path=f"{path}.{name}")
    return value


def read_base58(value: object, path: str) -> bytes:
    """Return the bytes of base58 text.

    Raises:
        InvalidTransactionError: It is not so.
    """
    try:
        return base58.decode(value, path=path)
    except InvalidEncodingError as error:
        raise InvalidTransactionError(error.message, path=path) from None


def read_address(data: Mapping[str, Any], name: str, network: str, path: str = "$") -> bytes:
    """Return the bytes of an address on this network.

    Raises:
        InvalidTransactionError: It is not so.
    """
    value = data.get(name)
    if not isinstance(value, str):
        raise InvalidTransactionError(f"{name} should be an address", path=f"{path}.{name}")
    try:
        return parse_address(value, network)
    except InvalidAddressError as error:
        raise InvalidTransactionError(error.message, path=f"{path}.{name}") from None


def read_attachment(data: Mapping[str, Any]) -> bytes:
    """Return the attachment of a transfer; none is empty.

    Raises:
        InvalidTransactionError: It is not so.
    """
    value = data.get("attachment")
    if value is None:
        return b""
    if not isinstance(value, str) or len(value) > 2 * MAX_ATTACHMENT:
        raise InvalidTransactionError(
            f"the attachment should be base58 of at most {MAX_ATTACHMENT} bytes", path="$.attachment"
        )
    try:
        return base58.decode(value, name="attachment")
    except InvalidEncodingError as error:
        raise InvalidTransactionError(error.message, path="$.attachment") from None


def check_amount(amount: int) -> None:
    """Check that an amount of money is one.

    Raises:
        InvalidTransactionError: It is not so.
    """
    if not 0 < amount <= MAX_INT64:
        raise InvalidTransactionError("the amount should be more than nothing", path="$.amount")


def check_attachment(attachment: bytes) -> None:
    """Check that an attachment is not too long.

    Raises:
        InvalidTransactionError: It is not so.
    """
    if len(attachment) > MAX_ATTACHMENT:
        raise InvalidTransactionError(
            f"the attachment has {len(attachment)} bytes; the limit is {MAX_ATTACHMENT}", path="$.attachment"
        )
