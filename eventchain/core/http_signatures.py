"""Signed HTTP requests (RFC 9421), one profile of them.

```
Content-Digest: sha-256=:<base64>:                                     RFC 9530, whenever there is a body
Signature-Input: sig=("@method" "@target-uri" "content-digest");created=…;expires=…;nonce="…";keyid="…";alg="ed25519"
Signature: sig=:<base64>:
```

`keyid` is the signer's base58 public key, so that a signature proves itself; who that key belongs to is somebody
else's question. `created` and `expires` are seconds since 1970, at most `MAX_LIFETIME` apart; a nonce is accepted once.
The target URI is the one the verifier was reached at as *it* knows it: a request signed for one node is worth nothing
at another. A signature may cover header fields beside these, where signer and verifier have agreed on their names, as
the services of one node have; one of them that comes uncovered is refused. No I/O here: the memory of nonces is a
`NonceMemory` that comes in.
"""

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from typing import Any, Protocol, cast

import http_sf

from eventchain.core.errors import (
    InvalidEncodingError,
    InvalidKeyError,
    InvalidSignatureError,
    UnauthenticatedError,
)
from eventchain.core.hashing import sha256
from eventchain.core.keys import KeyPair, PublicKey, Random

LIFETIME = 60
"""Seconds a request of ours is valid."""

MAX_LIFETIME = 300
"""Seconds between `created` and `expires` that a verifier accepts at most: how long it has to remember nonces."""

CLOCK_SKEW = 30
"""Seconds the clocks of signer and verifier may differ."""

_LABEL = "sig"
_ALGORITHM = "ed25519"
_NONCE_LENGTH = 16
_MAX_NONCE_TEXT = 128
_MAX_FIELD = 4096


class NonceMemory(Protocol):
    """Remembers which nonces were used."""

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        """Keep a nonce of a key until `expires` (seconds since 1970); return False if it was there already.

        `expires` lies behind the last second in which the request would be accepted, clock skew included.
        """


def sign_request(
    method: str,
    target_uri: str,
    body: bytes,
    key: KeyPair,
    *,
    now: int,
    random: Random,
    lifetime: int = LIFETIME,
    fields: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers that sign a request: Content-Digest (if there is a body), Signature-Input and Signature.

    Args:
        method: In capitals.
        target_uri: The absolute URI, as the receiver knows itself.
        body: The bytes that are sent; empty for none.
        key: Who signs.
        now: Seconds since 1970.
        random: Where the nonce comes from.
        lifetime: Seconds until the signature expires.
        fields: Header fields to cover as well, by name in small letters; they are returned among the headers.
    """
    headers = {"Content-Digest": content_digest(body)} if body else {}
    values = {**(fields or {}), **({"content-digest": headers["Content-Digest"]} if body else {})}
    components = [*_components(body), *(fields or {})]
    parameters = {
        "created": now,
        "expires": now + lifetime,
        "nonce": base64.b64encode(random(_NONCE_LENGTH)).decode("ascii"),
        "keyid": str(key.public_key),
        "alg": _ALGORITHM,
    }
    signature_parameters = _serialise_input(components, parameters)
    base = _signature_base(method, target_uri, values, components, signature_parameters)
    return {
        **headers,
        **(fields or {}),
        "Signature-Input": f"{_LABEL}={signature_parameters}",
        "Signature": f"{_LABEL}={http_sf.ser(key.sign(base))}",
    }


def verify_request(
    method: str,
    target_uri: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: int,
    nonces: NonceMemory,
    fields: Collection[str] = (),
) -> PublicKey:
    """Check the signature of a request and return the key that made it.

    Args:
        method: In capitals.
        target_uri: The absolute URI under which this server is reached.
        headers: Of the request; names in any case.
        body: The bytes that came.
        now: Seconds since 1970.
        nonces: Which nonces were used before.
        fields: Names, in small letters, of header fields that are worth nothing unless the signature covers them.

    Raises:
        UnauthenticatedError: Unsigned, forged, expired, replayed, or signed over too little.
    """
    found = {name.lower(): value.strip(" \t") for name, value in headers.items()}
    if "signature-input" not in found or "signature" not in found:
        raise UnauthenticatedError(
            "the request is not signed", hint="Sign it with Ed25519 after RFC 9421; see docs/api.md."
        )
    label, components, parameters = _read_input(found["signature-input"])
    signature = _read_signature(found["signature"], label)
    key = _read_key(parameters)
    _check_times(parameters, now)
    nonce = parameters.get("nonce")
    if not isinstance(nonce, str) or not 0 < len(nonce) <= _MAX_NONCE_TEXT:
        raise UnauthenticatedError("the signature has no usable nonce")
    agreed = [name for name in fields if name in found]
    required = [*_components(body), *agreed]
    if missing := [name for name in required if name not in components]:
        raise UnauthenticatedError(f"the signature does not cover {', '.join(missing)}")
    if unknown := [name for name in components if name not in (*_components(b"x"), *agreed)]:
        raise UnauthenticatedError(f"the signature covers {', '.join(unknown)}, which this node does not check")
    if "content-digest" in components:
        _check_digest(found.get("content-digest"), body)
    base = _signature_base(method, target_uri, found, components, _serialise_input(components, parameters))
    try:
        key.verify(base, signature)
    except InvalidSignatureError:
        raise UnauthenticatedError(
            "the signature does not fit the request",
            hint=f"This server knows itself as {target_uri}; sign exactly that URI, the method and the body's digest.",
        ) from None
    forgotten = cast("int", parameters["expires"]) + CLOCK_SKEW + 1
    if not nonces.remember(str(key), nonce, forgotten):
        raise UnauthenticatedError("the request was sent before", hint="Sign every request anew.")
    return key


def content_digest(body: bytes) -> str:
    """Return the value of the Content-Digest field (RFC 9530) with SHA-256."""
    return http_sf.ser({"sha-256": sha256(body)})


def _components(body: bytes) -> list[str]:
    return ["@method", "@target-uri", *(["content-digest"] if body else [])]


def _serialise_input(components: list[str], parameters: Mapping[str, Any]) -> str:
    covered: Any = [([(name, {}) for name in components], dict(parameters))]
    return http_sf.ser(covered)


def _signature_base(
    method: str, target_uri: str, headers: Mapping[str, str], components: list[str], signature_parameters: str
) -> bytes:
    """Return the bytes that are signed (RFC 9421, 2.5)."""
    values = {"content-digest": "", **headers, "@method": method, "@target-uri": target_uri}
    lines = [f'"{name}": {values[name]}' for name in components]
    return "\n".join([*lines, f'"@signature-params": {signature_parameters}']).encode("utf-8")


def _parse_dictionary(text: str, name: str) -> dict[str, Any]:
    if len(text) > _MAX_FIELD:
        raise UnauthenticatedError(f"the {name} field is too long")
    try:
        value = http_sf.parse(text.encode("ascii"), tltype="dictionary")
    except (ValueError, binascii.Error):
        raise UnauthenticatedError(f"the {name} field is not a dictionary of structured fields (RFC 8941)") from None
    return cast("dict[str, Any]", value)


def _read_input(text: str) -> tuple[str, list[str], dict[str, Any]]:
    signatures = _parse_dictionary(text, "Signature-Input")
    if len(signatures) != 1:
        raise UnauthenticatedError("the request should carry exactly one signature")
    label, value = next(iter(signatures.items()))
    if not isinstance(value, tuple) or not isinstance(value[0], list):
        raise UnauthenticatedError("the Signature-Input field should hold a list of components")
    components = []
    for component, parameters in value[0]:
        if not isinstance(component, str) or parameters or component in components:
            raise UnauthenticatedError("the Signature-Input field holds a component this node does not know")
        components.append(component)
    return label, components, value[1]


def _read_signature(text: str, label: str) -> bytes:
    value = _parse_dictionary(text, "Signature").get(label)
    if not isinstance(value, tuple) or not isinstance(value[0], bytes):
        raise UnauthenticatedError(f"the Signature field holds no signature {label}")
    return value[0]


def _read_key(parameters: Mapping[str, Any]) -> PublicKey:
    if parameters.get("alg", _ALGORITHM) != _ALGORITHM:
        raise UnauthenticatedError(f"requests are signed with {_ALGORITHM}")
    try:
        return PublicKey.parse(parameters.get("keyid"))
    except (InvalidKeyError, InvalidEncodingError):
        raise UnauthenticatedError("keyid should be the signer's Ed25519 public key in base58") from None


def _check_times(parameters: Mapping[str, Any], now: int) -> None:
    created, expires = parameters.get("created"), parameters.get("expires")
    if type(created) is not int or type(expires) is not int:
        raise UnauthenticatedError("the signature should say when it was created and when it expires")
    if not 0 < expires - created <= MAX_LIFETIME:
        raise UnauthenticatedError(f"the signature should live at most {MAX_LIFETIME} seconds")
    if created > now + CLOCK_SKEW:
        raise UnauthenticatedError("the signature was made in the future", hint="Compare the clocks.")
    if expires < now - CLOCK_SKEW:
        raise UnauthenticatedError("the signature has expired", hint="Compare the clocks and sign again.")


def _check_digest(digest: str | None, body: bytes) -> None:
    value = _parse_dictionary(digest, "Content-Digest").get("sha-256") if digest else None
    if not isinstance(value, tuple) or not isinstance(value[0], bytes):
        raise UnauthenticatedError("the request has no SHA-256 Content-Digest")
    if not hmac.compare_digest(value[0], sha256(body)):
        raise UnauthenticatedError("the body is not the one that was signed: its SHA-256 differs")
