"""Signed requests: against an independent implementation of RFC 9421, and whatever an attacker may change."""

import base64
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import http_message_signatures as oracle
import http_sf
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import http_signatures
from eventchain.core.errors import UnauthenticatedError
from eventchain.core.keys import KeyPair

NOW = 1_800_000_000
URI = "https://node.example/event-chains?a=1&b=%20"
BODY = b'{"id":"x"}'
KEY, OTHER = KeyPair.from_seed(b"k" * 32), KeyPair.from_seed(b"o" * 32)


class Nonces:
    """Remembers for as long as the test runs."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], int] = {}

    def remember(self, key: str, nonce: str, expires: int) -> bool:
        known = (key, nonce) in self.seen
        self.seen[key, nonce] = expires
        return not known


def sign(body: bytes = BODY, *, now: int = NOW, lifetime: int = http_signatures.LIFETIME) -> dict[str, str]:
    source = random.Random(now)
    return http_signatures.sign_request("POST", URI, body, KEY, now=now, random=source.randbytes, lifetime=lifetime)


def verify(
    headers: Mapping[str, str],
    *,
    method: str = "POST",
    uri: str = URI,
    body: bytes = BODY,
    now: int = NOW,
    nonces: Nonces | None = None,
) -> str:
    memory = nonces or Nonces()
    return str(http_signatures.verify_request(method, uri, headers, body, now=now, nonces=memory))


def refused(headers: Mapping[str, str], match: str = ".", **how: Any) -> None:
    nonces = Nonces()
    with pytest.raises(UnauthenticatedError, match=match):
        verify(headers, nonces=nonces, **how)
    assert nonces.seen == {}, "a refused request used up its nonce"


def resigned(parameters: str, *, base: str | None = None, label: str = "sig", body: bytes = BODY) -> dict[str, str]:
    """Headers whose signature fits `parameters`, however odd they are."""
    digest = http_signatures.content_digest(body)
    lines = base if base is not None else f'"@method": POST\n"@target-uri": {URI}\n"content-digest": {digest}'
    signed = f'{lines}\n"@signature-params": {parameters}'.encode()
    signature = base64.b64encode(KEY.sign(signed)).decode()
    return {"Content-Digest": digest, "Signature-Input": f"{label}={parameters}", "Signature": f"{label}=:{signature}:"}


COVERED = '("@method" "@target-uri" "content-digest")'
TIMES = f"created={NOW};expires={NOW + 60}"
KEYID = f'keyid="{KEY.public_key}"'
GOOD = f'{COVERED};{TIMES};nonce="n";{KEYID};alg="ed25519"'


# --- Against the other implementation ---------------------------------------------------------------------------------


@dataclass
class Message:
    """A request as the other library wants it."""

    method: str = "POST"
    url: str = URI
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = BODY


class Keys(oracle.HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> ed25519.Ed25519PublicKey:
        assert key_id == str(KEY.public_key)
        return ed25519.Ed25519PublicKey.from_public_bytes(KEY.public_key.raw)

    def resolve_private_key(self, key_id: str) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(KEY.seed)


def test_our_signature_is_verified_by_the_other_implementation() -> None:
    message = Message(headers=sign())
    verifier = oracle.HTTPMessageVerifier(signature_algorithm=oracle.algorithms.ED25519, key_resolver=Keys())
    with time_machine.travel(datetime.fromtimestamp(NOW + 1, UTC), tick=False):
        results = verifier.verify(message, body=BODY, max_age=None)
    assert set(results[0].covered_components) == {
        '"@method"',
        '"@target-uri"',
        '"content-digest"',
        '"@signature-params"',
    }
    assert results[0].parameters["keyid"] == str(KEY.public_key)


def test_signature_of_the_other_implementation_is_verified_here() -> None:
    message = Message()
    signer = oracle.HTTPMessageSigner(signature_algorithm=oracle.algorithms.ED25519, key_resolver=Keys())
    with time_machine.travel(datetime.fromtimestamp(NOW, UTC), tick=False):
        signer.sign(
            message,
            key_id=str(KEY.public_key),
            created=datetime.fromtimestamp(NOW, UTC),
            expires=datetime.fromtimestamp(NOW + 60, UTC),
            nonce="one",
            label="theirs",
            covered_component_ids=("content-digest", "@target-uri", "@method"),
            body=BODY,
        )
    assert verify(message.headers) == str(KEY.public_key)


# --- What is accepted -------------------------------------------------------------------------------------------------


@given(st.sampled_from(["GET", "POST", "DELETE"]), st.binary(max_size=50), st.integers(0, 2**40), st.integers(1, 300))
def test_signed_request_proves_its_key(method: str, body: bytes, now: int, lifetime: int) -> None:
    headers = http_signatures.sign_request(
        method, URI, body, KEY, now=now, random=random.Random(0).randbytes, lifetime=lifetime
    )
    assert ("Content-Digest" in headers) == bool(body)
    lower = {name.lower(): value for name, value in headers.items()}
    assert verify(lower, method=method, body=body, now=now + lifetime) == str(KEY.public_key)


def test_parameters_in_any_order_and_other_labels_are_accepted() -> None:
    parameters = f'("content-digest" "@target-uri" "@method");{KEYID};nonce="n";{TIMES};tag="app"'
    digest = http_signatures.content_digest(BODY)
    base = f'"content-digest": {digest}\n"@target-uri": {URI}\n"@method": POST'
    assert verify(resigned(parameters, base=base, label="other")) == str(KEY.public_key)


def test_each_request_has_a_nonce_of_its_own() -> None:
    assert sign(now=NOW)["Signature-Input"] != sign(now=NOW + 1)["Signature-Input"]
    nonces = Nonces()
    verify(sign(), nonces=nonces)
    ((key, nonce),) = nonces.seen
    assert key == str(KEY.public_key)
    assert len(base64.b64decode(nonce)) == 16


# --- What is changed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "post", ""])
def test_another_method_is_refused(method: str) -> None:
    refused(sign(), "does not fit", method=method)


@pytest.mark.parametrize(
    "uri",
    [
        URI + "0",
        URI.replace("a=1", "a=2"),
        URI.replace("https", "http"),
        URI.replace("node.", "evil."),
        URI.replace(".example", ".example:444"),
        URI.replace("event-chains", "event-chains/"),
        URI.partition("?")[0],
    ],
)
def test_another_target_is_refused(uri: str) -> None:
    refused(sign(), "does not fit", uri=uri)


@given(st.binary(max_size=30).filter(lambda body: body != BODY))
def test_another_body_is_refused(body: bytes) -> None:
    refused(sign(), body=body)


def test_another_body_with_its_own_digest_is_refused() -> None:
    headers = sign() | {"Content-Digest": http_signatures.content_digest(b"other")}
    refused(headers, "does not fit", body=b"other")


@pytest.mark.parametrize("name", ["Content-Digest", "Signature-Input", "Signature"])
def test_missing_field_is_refused(name: str) -> None:
    headers = sign()
    del headers[name]
    refused(headers)
    refused(headers | {name: ""})


@given(st.sampled_from(["Content-Digest", "Signature-Input", "Signature"]), st.data())
def test_field_with_one_character_changed_is_refused_or_means_the_same(name: str, data: st.DataObject) -> None:
    headers = sign()
    value = headers[name]
    at = data.draw(st.integers(0, len(value) - 1))
    character = data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
    headers[name] = value[:at] + character + value[at + 1 :]
    try:
        key = verify(headers)
    except UnauthenticatedError:
        return
    assert key == str(KEY.public_key)
    assert _meaning(headers[name]) == _meaning(value)


def _meaning(value: str) -> object:
    return http_sf.parse(value.encode(), tltype="dictionary")


def test_signature_of_another_key_is_refused() -> None:
    headers = sign()
    headers["Signature-Input"] = headers["Signature-Input"].replace(str(KEY.public_key), str(OTHER.public_key))
    refused(headers, "does not fit")


def test_body_that_was_not_covered_is_refused() -> None:
    parameters = f'("@method" "@target-uri");{TIMES};nonce="n";{KEYID};alg="ed25519"'
    base = f'"@method": POST\n"@target-uri": {URI}'
    refused(resigned(parameters, base=base), "does not cover content-digest")
    assert verify(resigned(parameters, base=base), body=b"") == str(KEY.public_key)


@pytest.mark.parametrize("left_out", ["@method", "@target-uri"])
def test_signature_over_too_little_is_refused(left_out: str) -> None:
    refused(resigned(GOOD.replace(f'"{left_out}"', '"content-type"')), f"does not cover {left_out}")


@pytest.mark.parametrize(
    "covered",
    [
        '("@method" "@target-uri" "content-digest" "@authority")',
        '("@method" "@target-uri" "content-digest" "x-forwarded-for")',
        '("@method" "@target-uri" "content-digest" "Content-Digest")',
        '("@method" "@target-uri" "content-digest" "@method")',
        '("@method" "@target-uri" "content-digest";sf)',
        '("@method";req "@target-uri" "content-digest")',
        "(1 2 3)",
        "(@method)",
        '("@method" "@target-uri" "content-digest" "")',
        "()",
        '"@method"',
        "1",
        "?1",
    ],
)
def test_components_this_node_does_not_check_are_refused(covered: str) -> None:
    refused(resigned(GOOD.replace(COVERED, covered)))


# --- Time and replay --------------------------------------------------------------------------------------------------


def test_request_is_accepted_once() -> None:
    nonces, headers = Nonces(), sign()
    verify(headers, nonces=nonces)
    with pytest.raises(UnauthenticatedError, match="sent before"):
        verify(headers, nonces=nonces)
    with pytest.raises(UnauthenticatedError, match="sent before"):
        verify({name: f" {value}" for name, value in headers.items()}, nonces=nonces)


@pytest.mark.parametrize("late", [0, 59, 60, 61, 89, 90, 91])
def test_nonce_is_kept_for_as_long_as_its_request_is_accepted(late: int) -> None:
    nonces, headers = Nonces(), sign()
    verify(headers, nonces=nonces)
    later = NOW + late
    nonces.seen = {name: expires for name, expires in nonces.seen.items() if expires > later}
    with pytest.raises(UnauthenticatedError, match="sent before" if late <= 90 else "expired"):
        verify(headers, nonces=nonces, now=later)


@pytest.mark.parametrize(("late", "accepted"), [(90, True), (91, False), (100_000, False)])
def test_expired_request_is_refused(late: int, accepted: bool) -> None:
    if accepted:
        verify(sign(), now=NOW + late)
    else:
        refused(sign(), "expired", now=NOW + late)


@pytest.mark.parametrize(("early", "accepted"), [(30, True), (31, False), (100_000, False)])
def test_request_of_the_future_is_refused(early: int, accepted: bool) -> None:
    if accepted:
        verify(sign(), now=NOW - early)
    else:
        refused(sign(), "in the future", now=NOW - early)


@pytest.mark.parametrize("lifetime", [0, -1, http_signatures.MAX_LIFETIME + 1, 10**12])
def test_lifetime_out_of_bounds_is_refused(lifetime: int) -> None:
    refused(resigned(GOOD.replace(f"expires={NOW + 60}", f"expires={NOW + lifetime}")), "live at most")


@pytest.mark.parametrize("value", ["1.5", '"1800000000"', "?1", "tok", ":AAAA:", "-1", "999999999999999"])
@pytest.mark.parametrize("name", ["created", "expires"])
def test_odd_times_are_refused(name: str, value: str) -> None:
    times = TIMES.replace(f"{name}={NOW if name == 'created' else NOW + 60}", f"{name}={value}")
    assert times != TIMES
    refused(resigned(GOOD.replace(TIMES, times)))


@pytest.mark.parametrize("part", [f"created={NOW};", f"expires={NOW + 60};", 'nonce="n";', KEYID + ";"])
def test_missing_parameter_is_refused(part: str) -> None:
    refused(resigned(GOOD.replace(part, "")))


def test_parameter_given_twice_counts_once_and_as_signed() -> None:
    # RFC 8941: the last one counts. What is verified is what is used, or nothing.
    for twice in (
        GOOD + f";created={NOW - 10_000}",
        GOOD + f";expires={NOW + 100_000}",
        GOOD + f';keyid="{OTHER.public_key}"',
        GOOD + ';nonce=""',
    ):
        refused(resigned(twice))


@pytest.mark.parametrize("nonce", ['""', "1", "token", ":bm9uY2U=:", f'"{"n" * 129}"'])
def test_unusable_nonce_is_refused(nonce: str) -> None:
    refused(resigned(GOOD.replace('nonce="n"', f"nonce={nonce}")), "nonce")


# --- Keys, labels and form --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ['"rsa-v1_5-sha256"', '"hmac-sha256"', '"none"', '""', "1", '"ED25519"'])
def test_other_algorithm_is_refused(algorithm: str) -> None:
    refused(resigned(GOOD.replace('alg="ed25519"', f"alg={algorithm}")), "ed25519")


@pytest.mark.parametrize(
    "keyid",
    ['""', '"x"', "1", "?0", '"' + "1" * 32 + '"', '"0OIl"', f'"{KEY.public_key} "', f'"{"z" * 200}"',
     '"2B4565QWyBV3i6MjLske1eeYftv7auzNVFoPTdngt4tLi"', f":{base64.b64encode(KEY.public_key.raw).decode()}:"],
)  # fmt: skip
def test_keyid_that_is_no_ed25519_key_proves_nothing(keyid: str) -> None:
    # The fifth is the all-zero key, of small order; the second last the point of a secp256k1 key.
    refused(resigned(GOOD.replace(KEYID, f"keyid={keyid}")))


def test_several_signatures_are_refused() -> None:
    good = resigned(GOOD)
    refused(good | {"Signature-Input": f"{good['Signature-Input']}, two={GOOD}"}, "exactly one")


def test_signature_under_another_label_is_refused() -> None:
    good = resigned(GOOD)
    refused(good | {"Signature": good["Signature"].replace("sig=", "two=")}, "no signature sig")


def test_further_signatures_without_input_are_ignored() -> None:
    good = resigned(GOOD)
    assert verify(good | {"Signature": good["Signature"] + ", two=:AAAA:"}) == str(KEY.public_key)


@pytest.mark.parametrize("name", ["Content-Digest", "Signature-Input", "Signature"])
@pytest.mark.parametrize(
    "value", ["é", "\ud800", "\0", "=", "sig", "sig=", "sig=(", "a" * 5000, "(" * 4000, "sig=" + "9" * 4000]
)
def test_malformed_field_is_refused(name: str, value: str) -> None:
    refused(resigned(GOOD) | {name: value})


@pytest.mark.parametrize(
    "digest",
    ["sha-256=1", 'sha-256="x"', "sha-256=::", "sha-512=:AAAA:", "sha-256", "sha-256=(1 2)", "md5=:AAAA:"],
)
def test_digest_without_the_right_sha_256_is_refused(digest: str) -> None:
    base = f'"@method": POST\n"@target-uri": {URI}\n"content-digest": {digest}'
    refused(resigned(GOOD, base=base) | {"Content-Digest": digest})


@pytest.mark.parametrize("length", [0, 1, 63, 65, 3000])
def test_signature_of_another_length_is_refused(length: int) -> None:
    signature = base64.b64encode(bytes(length)).decode()
    refused(resigned(GOOD) | {"Signature": f"sig=:{signature}:"})


noise = st.text(alphabet='sig="():;,@methodtarget-uri 0123456789?:*\\é\0', max_size=60)
mangled: list[Callable[[str, str], str]] = [
    lambda good, text: text,
    lambda good, text: good + text,
    lambda good, text: text + good,
]


@given(st.sampled_from(["Content-Digest", "Signature-Input", "Signature"]), noise, st.sampled_from(mangled))
def test_any_field_is_accepted_or_refused_as_unauthenticated(
    name: str, text: str, mangle: Callable[[str, str], str]
) -> None:
    headers = sign()
    headers[name] = mangle(headers[name], text)
    with contextlib.suppress(UnauthenticatedError):
        assert verify(headers) == str(KEY.public_key)


# --- Fields that signer and verifier agreed on ------------------------------------------------------------------------


def verify_fields(headers: Mapping[str, str], fields: tuple[str, ...] = ("caller",)) -> str:
    nonces = Nonces()
    return str(http_signatures.verify_request("POST", URI, headers, BODY, now=NOW, nonces=nonces, fields=fields))


def sign_fields(fields: Mapping[str, str]) -> dict[str, str]:
    source = random.Random(1)
    return http_signatures.sign_request("POST", URI, BODY, KEY, now=NOW, random=source.randbytes, fields=fields)


def test_agreed_field_is_covered() -> None:
    headers = sign_fields({"caller": "somebody"})
    assert headers["caller"] == "somebody"
    assert verify_fields(headers) == str(KEY.public_key)
    assert verify_fields(sign_fields({})) == str(KEY.public_key)


@pytest.mark.parametrize("caller", ["somebody else", "", "somebody, somebody"])
def test_agreed_field_that_was_changed_is_refused(caller: str) -> None:
    with pytest.raises(UnauthenticatedError, match="does not fit"):
        verify_fields({**sign_fields({"caller": "somebody"}), "caller": caller})


def test_agreed_field_that_is_not_covered_is_refused_in_any_spelling() -> None:
    for name in ("caller", "Caller", "CALLER"):
        with pytest.raises(UnauthenticatedError, match="does not cover caller"):
            verify_fields({**sign_fields({}), name: "somebody"})


def test_covered_field_that_was_taken_away_is_refused() -> None:
    headers = sign_fields({"caller": "somebody"})
    del headers["caller"]
    with pytest.raises(UnauthenticatedError, match="covers caller"):
        verify_fields(headers)


def test_field_nobody_agreed_on_is_refused_where_it_is_covered_and_ignored_where_it_is_not() -> None:
    with pytest.raises(UnauthenticatedError, match="covers caller"):
        verify_fields(sign_fields({"caller": "somebody"}), fields=())
    assert verify_fields({**sign_fields({}), "caller": "somebody"}, fields=()) == str(KEY.public_key)


def test_agreed_field_cannot_stand_for_the_method_or_the_uri() -> None:
    headers = {**sign_fields({"caller": "somebody"}), "@method": "GET", "@target-uri": "https://other.example/"}
    assert verify_fields(headers) == str(KEY.public_key)
    with pytest.raises(UnauthenticatedError, match="does not fit"):
        http_signatures.verify_request("GET", URI, headers, BODY, now=NOW, nonces=Nonces(), fields=("caller",))
