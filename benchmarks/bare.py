"""The limit of everything that checks signatures: libsodium, called for one message after the other."""

from collections.abc import Callable

from nacl.bindings import crypto_sign_open

from eventchain.chain import EventChain


def signatures(chain: EventChain) -> Callable[[], None]:
    """Return a loop over the signatures of a chain, whose messages are put together beforehand."""
    pairs = [(event.signature + event.signed, event.sign_key.raw) for event in chain.events]

    def check() -> None:
        for message, key in pairs:
            crypto_sign_open(message, key)

    return check
