"""Keys and addresses: published values, an independent library, and signatures nobody should accept."""

import base64
from typing import Any

import nacl.public
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import base58, keys
from eventchain.core.errors import (
    InvalidAddressError,
    InvalidEncodingError,
    InvalidError,
    InvalidKeyError,
    InvalidSignatureError,
)
from eventchain.core.keys import KeyPair, KeyType, PublicKey

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVES: dict[KeyType, ec.EllipticCurve] = {KeyType.SECP256K1: ec.SECP256K1(), KeyType.SECP256R1: ec.SECP256R1()}
CURVE_ORDERS = {
    KeyType.SECP256K1: 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    KeyType.SECP256R1: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}
PAIR = KeyPair.from_seed(bytes(range(32)))

seeds = st.binary(min_size=32, max_size=32)


# --- Derivation -------------------------------------------------------------------------------------------------------


def test_published_accounts_are_derived(public_chain_vectors: dict[str, Any]) -> None:
    for account in public_chain_vectors["accounts"]:
        phrase, nonce = account["seed_phrase"], account["nonce"]
        pair = KeyPair.from_seed_phrase(phrase, nonce)
        assert base58.encode(keys.account_seed(phrase, nonce)) == account["account_seed"]
        assert str(pair.public_key) == account["public_key"]
        assert pair.public_key.address("T") == account["address_T"]
        assert pair.public_key.address("L") == account.get("address_L", pair.public_key.address("L"))
        assert pair.seed.hex() == account.get("ed25519_seed_hex", pair.seed.hex())


def test_published_private_key_has_its_public_key(eventchain_vectors: dict[str, Any]) -> None:
    vector = eventchain_vectors["g1_event"]
    pair = KeyPair.from_private_key(vector["secret_key_64"])
    assert str(pair.public_key) == vector["signkey"]
    assert pair.private_key == vector["secret_key_64"]


def test_nonce_makes_another_account() -> None:
    assert len({KeyPair.from_seed_phrase("test", nonce).public_key.raw for nonce in (0, 1, 2**32 - 1)}) == 3


@pytest.mark.parametrize("nonce", [-1, 2**32, 2**64])
def test_nonce_that_does_not_fit_is_refused(nonce: int) -> None:
    with pytest.raises(InvalidKeyError, match="nonce"):
        KeyPair.from_seed_phrase("test", nonce)


def test_phrase_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match="Unicode"):
        KeyPair.from_seed_phrase("test\udcff")


@given(seeds)
def test_private_key_round_trip(seed: bytes) -> None:
    pair = KeyPair.from_seed(seed)
    assert KeyPair.from_private_key(pair.private_key) == pair
    assert KeyPair.from_private_key(base58.encode(seed)) == pair
    assert PublicKey.parse(str(pair.public_key)) == pair.public_key


@pytest.mark.parametrize("length", [0, 31, 33, 63, 65])
def test_private_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidKeyError):
        KeyPair.from_private_key(base58.encode(b"\x01" * length))


def test_private_key_with_a_foreign_public_half_is_refused() -> None:
    with pytest.raises(InvalidKeyError):
        KeyPair.from_private_key(base58.encode(PAIR.seed + KeyPair.from_seed(bytes(32)).public_key.raw))


@given(seeds)
def test_encrypt_key_is_the_same_point_on_the_other_curve(seed: bytes) -> None:
    pair = KeyPair.from_seed(seed)
    y = int.from_bytes(pair.public_key.raw, "little") & (2**255 - 1)
    u = (1 + y) * pow(1 - y, -1, P) % P  # RFC 7748, 4.1
    assert pair.encrypt_key == u.to_bytes(32, "little")
    assert nacl.public.PrivateKey(pair.decrypt_key).public_key.encode() == pair.encrypt_key


def test_secrets_do_not_show() -> None:
    shown = repr(PAIR) + str(PAIR)
    for secret in (PAIR.seed, PAIR._secret):
        for form in (repr(secret), secret.hex(), base58.encode(secret), base64.b64encode(secret).decode()):
            assert form not in shown


# --- Ed25519 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [  # RFC 8032, 7.1
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
    ],
)
def test_signatures_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    pair = KeyPair.from_seed(bytes.fromhex(seed))
    assert pair.public_key.raw.hex() == public
    assert pair.sign(bytes.fromhex(message)).hex() == signature


@given(seeds, st.binary(max_size=200))
def test_signatures_are_those_of_another_library(seed: bytes, message: bytes) -> None:
    pair, other = KeyPair.from_seed(seed), ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    signature = pair.sign(message)
    assert other.sign(message) == signature
    pair.public_key.verify(message, signature)


@given(st.binary(max_size=50), st.integers(0, 511))
def test_signature_with_one_bit_flipped_is_refused(message: bytes, bit: int) -> None:
    signature = bytearray(PAIR.sign(message))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignatureError):
        PAIR.public_key.verify(message, bytes(signature))


@given(st.binary(min_size=1, max_size=50), st.data())
def test_signature_over_another_message_is_refused(message: bytes, data: st.DataObject) -> None:
    other = data.draw(st.binary(max_size=50).filter(lambda drawn: drawn != message))
    with pytest.raises(InvalidSignatureError):
        PAIR.public_key.verify(other, PAIR.sign(message))


@given(st.binary(max_size=50), st.integers(1, 15))
def test_second_form_of_a_signature_is_refused(message: bytes, times: int) -> None:
    signature = PAIR.sign(message)
    scalar = int.from_bytes(signature[32:], "little") + times * ORDER
    if scalar < 2**256:
        with pytest.raises(InvalidSignatureError):
            PAIR.public_key.verify(message, signature[:32] + scalar.to_bytes(32, "little"))


ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303021405
SMALL_ORDER = sorted(
    (y + multiple * P + (sign << 255)).to_bytes(32, "little")
    for y in (0, 1, P - 1, ORDER_8, P - ORDER_8)
    for multiple in (0, 1)
    for sign in (0, 1)
    if y + multiple * P < 2**255
)


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_key_of_small_order_signs_nothing(raw: bytes) -> None:
    # With such a key, R = A or the neutral element and s = 0 would fit one message in eight, or every one.
    for commitment in SMALL_ORDER:
        for message in (b"", b"pay", b"no"):
            with pytest.raises(InvalidSignatureError):
                PublicKey(raw).verify(message, commitment + bytes(32))


def test_all_zero_signature_is_refused() -> None:
    for key in (PAIR.public_key, PublicKey(bytes(32)), PublicKey(b"\xff" * 32)):
        with pytest.raises(InvalidSignatureError):
            key.verify(b"", bytes(64))


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
@pytest.mark.parametrize("key_type", KeyType)
def test_signature_of_another_length_is_refused(length: int, key_type: KeyType) -> None:
    key = PublicKey(b"\x02" * key_type.key_length, key_type)
    with pytest.raises(InvalidSignatureError, match="64 bytes"):
        key.verify(b"", bytes(length))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=20), st.binary(min_size=64, max_size=64))
def test_random_keys_and_signatures_are_refused(raw: bytes, message: bytes, signature: bytes) -> None:
    with pytest.raises(InvalidSignatureError):
        PublicKey(raw).verify(message, signature)


# --- ECDSA ------------------------------------------------------------------------------------------------------------


def _curve_key(key_type: KeyType) -> tuple[ec.EllipticCurvePrivateKey, PublicKey]:
    private = ec.derive_private_key(0xC0FFEE, CURVES[key_type])
    raw = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return private, PublicKey(raw, key_type)


def _compact(signature: bytes) -> bytes:
    r, s = utils.decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.mark.parametrize("key_type", CURVES)
@given(message=st.binary(max_size=60), bit=st.integers(0, 511))
def test_ecdsa_signature_is_verified_and_a_changed_one_refused(key_type: KeyType, message: bytes, bit: int) -> None:
    private, key = _curve_key(key_type)
    signature = _compact(private.sign(message, ec.ECDSA(SHA256())))
    key.verify(message, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignatureError):
        key.verify(message, bytes(changed))
    with pytest.raises(InvalidSignatureError):
        key.verify(message + b"!", signature)


@pytest.mark.parametrize("key_type", CURVES)
def test_ecdsa_signature_with_high_s_is_accepted_as_published_clients_write_it(key_type: KeyType) -> None:
    private, key = _curve_key(key_type)
    signature = _compact(private.sign(b"m", ec.ECDSA(SHA256())))
    other = CURVE_ORDERS[key_type] - int.from_bytes(signature[32:], "big")
    key.verify(b"m", signature[:32] + other.to_bytes(32, "big"))


@pytest.mark.parametrize("key_type", CURVES)
def test_ecdsa_signature_on_the_other_curve_is_refused(key_type: KeyType) -> None:
    other = next(curve for curve in CURVES if curve is not key_type)
    signature = _compact(_curve_key(other)[0].sign(b"m", ec.ECDSA(SHA256())))
    with pytest.raises(InvalidSignatureError):
        _curve_key(key_type)[1].verify(b"m", signature)


@pytest.mark.parametrize("key_type", CURVES)
def test_ecdsa_numbers_out_of_range_are_refused(key_type: KeyType) -> None:
    _, key = _curve_key(key_type)
    order = CURVE_ORDERS[key_type]
    for r in (0, 1, order, order - 1, 2**256 - 1):
        for s in (0, 1, order, 2**256 - 1):
            with pytest.raises(InvalidSignatureError):
                key.verify(b"m", r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@pytest.mark.parametrize("key_type", CURVES)
@pytest.mark.parametrize(
    "raw", [bytes(33), b"\x02" + b"\xff" * 32, b"\x02" + bytes(31) + b"\x05", b"\x04" + b"\x01" * 32, b"\xff" * 33]
)
def test_ecdsa_key_that_is_no_point_signs_nothing(key_type: KeyType, raw: bytes) -> None:
    with pytest.raises(InvalidSignatureError):
        PublicKey(raw, key_type).verify(b"m", b"\x01" * 64)


# --- Reading keys and addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_type", KeyType)
def test_key_length_belongs_to_the_type(key_type: KeyType) -> None:
    for length in set(range(70)) - {key_type.key_length}:
        with pytest.raises(InvalidKeyError, match=f"{key_type.key_length} bytes, not {length}"):
            PublicKey(bytes(length), key_type)


@pytest.mark.parametrize("key_type", ["", "ED25519", "bls12-381", "rsa", None, 1, ["ed25519"], {}])
def test_unknown_key_type_is_refused(key_type: object) -> None:
    with pytest.raises(InvalidKeyError, match="unknown key type") as caught:
        PublicKey.parse(str(PAIR.public_key), key_type, path="$.signKey")
    assert caught.value.path == "$.signKey"


@given(
    st.one_of(st.text(), st.none(), st.integers(), st.binary()), st.sampled_from(["ed25519", "secp256k1", "secp256r1"])
)
def test_any_value_is_a_key_or_refused_with_its_place(value: object, key_type: str) -> None:
    with pytest.raises((InvalidKeyError, InvalidEncodingError)) as caught:
        PublicKey.parse(value, key_type, path="$.here")
    assert caught.value.path == "$.here"


@given(seeds, st.sampled_from(["T", "L", "x"]))
def test_address_round_trip(seed: bytes, network: str) -> None:
    address = KeyPair.from_seed(seed).public_key.address(network)
    assert keys.validate_address(address) == keys.validate_address(f"address:{address}", network) == address


@given(st.integers(0, 25), st.integers(1, 255))
def test_address_with_one_byte_changed_is_refused(at: int, difference: int) -> None:
    raw = bytearray(base58.decode(PAIR.public_key.address("T")))
    raw[at] ^= difference
    with pytest.raises(InvalidAddressError):
        keys.validate_address(base58.encode(bytes(raw)), "T")


def test_address_of_another_network_is_refused() -> None:
    for network in ("L", "t", "", "TT", "é", "\ud800"):
        with pytest.raises(InvalidAddressError, match="another network"):
            keys.validate_address(PAIR.public_key.address("T"), network)


@pytest.mark.parametrize("network", ["", "TT", "é", "\ud800"])
def test_address_needs_a_network_of_one_ascii_character(network: str) -> None:
    with pytest.raises(InvalidAddressError, match="ASCII"):
        PAIR.public_key.address(network)


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text())))
def test_any_value_is_an_address_or_refused(value: object) -> None:
    with pytest.raises(InvalidError):
        keys.validate_address(value, path="$.here")
