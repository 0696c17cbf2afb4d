"""Who knows the secret convinces, who does not fails, who reuses a nonce loses the secret, and nobody learns more."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflow_engine import edwards
from workflow_engine.proofs import group, sigma
from workflow_engine.proofs.errors import InvalidProofError
from workflow_engine.proofs.group import BASE, ORDER, SECOND_BASE
from workflow_engine.proofs.statement import MAX_VALUE, MAX_VALUES, commit, key_of, read_statement

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "proofs.json").read_text())

secrets = st.integers(1, ORDER - 1).map(group.scalar_of)
seeds = st.binary(min_size=32, max_size=32)
challenges = st.binary(min_size=16, max_size=16).map(bytes.hex)
values = st.integers(0, MAX_VALUE)

SECRET = group.scalar_of(0xC0FFEE)
SEED = bytes(range(32))
CHALLENGE = "00112233445566778899aabbccddeeff"


@st.composite
def statements(draw):
    """A true statement of any of the three forms, with its secret."""
    secret = draw(secrets)
    form = draw(st.sampled_from(["key", "value", "values"]))
    if form == "key":
        return {"key": key_of(secret).hex()}, secret
    value = draw(values)
    commitment = commit(value, secret).hex()
    if form == "value":
        return {"commitment": commitment, "value": value}, secret
    others = draw(st.lists(values.filter(lambda item: item != value), max_size=4, unique=True))
    place = draw(st.integers(0, len(others)))
    return {"commitment": commitment, "values": [*others[:place], value, *others[place:]]}, secret


def proof_of(statement, secret, seed=SEED, challenge=CHALLENGE):
    return (sigma.announce(statement, secret, seed), challenge, sigma.answer(statement, secret, seed, challenge))


def number(data):
    return int.from_bytes(data, "little")


def parts_of(challenge, answer, count):
    """Return what an answer says of each target: its part of the challenge, and the response, as numbers."""
    given = bytes.fromhex(answer)
    responses = [number(given[32 * index : 32 * index + 32]) for index in range(count)]
    parts = [number(given[32 * count + 16 * index :][:16]) for index in range(count - 1)]
    last = number(bytes.fromhex(challenge))
    for part in parts:
        last ^= part
    return list(zip([*parts, last], responses, strict=True))


# --- Completeness -----------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(statements(), seeds, challenges)
def test_who_knows_the_secret_convinces(true, seed, challenge):
    sigma.verify(true[0], *proof_of(*true, seed, challenge))


def test_longest_list_can_be_proven():
    statement = {"commitment": commit(63, SECRET).hex(), "values": list(range(MAX_VALUES))}
    sigma.verify(statement, *proof_of(statement, SECRET))


def test_numbers_are_read_as_canonical_json_writes_them():
    statement = {"commitment": commit(3, SECRET).hex(), "values": [1.0, 3.0]}
    proof = proof_of(statement, SECRET)
    sigma.verify({**statement, "values": [1, 3]}, *proof)
    sigma.verify(statement, *proof)


# --- Soundness --------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(statements(), seeds, challenges.filter(lambda item: item != CHALLENGE))
def test_two_answers_to_one_announcement_give_the_secret_away(true, seed, other):
    statement, secret = true
    first, second = proof_of(statement, secret, seed), proof_of(statement, secret, seed, other)
    assert first[0] == second[0]
    count = len(read_statement(statement).targets)
    pairs = zip(parts_of(*first[1:], count), parts_of(*second[1:], count), strict=True)
    extracted = {(z1 - z2) * pow(c1 - c2, -1, ORDER) % ORDER for (c1, z1), (c2, z2) in pairs if c1 != c2}
    assert extracted == {number(secret)}


@settings(max_examples=30)
@given(statements(), seeds, challenges, st.integers(0, 10_000), st.integers(1, 255))
def test_changed_proof_is_refused(true, seed, challenge, place, change):
    statement, secret = true
    whole = [bytearray.fromhex(part) for part in proof_of(statement, secret, seed, challenge)]
    lengths = [len(part) for part in whole]
    place %= sum(lengths)
    for part in whole:
        if place < len(part):
            part[place] ^= change
            break
        place -= len(part)
    with pytest.raises(InvalidProofError):
        sigma.verify(statement, *(bytes(part).hex() for part in whole))


@settings(max_examples=20)
@given(values, st.lists(values, min_size=1, max_size=3, unique=True), secrets, seeds)
def test_prover_cannot_prove_what_is_false(value, others, blinding, seed):
    others = [other for other in others if other != value] or [(value + 1) % MAX_VALUE]
    statement = {"commitment": commit(value, blinding).hex(), "values": others}
    with pytest.raises(InvalidProofError, match="does not show"):
        sigma.announce(statement, blinding, seed)
    with pytest.raises(InvalidProofError, match="does not show"):
        sigma.answer(statement, blinding, seed, CHALLENGE)


@settings(max_examples=20)
@given(st.integers(1, ORDER - 1), challenges, challenges, secrets)
def test_who_guesses_the_challenge_succeeds_with_the_guess_and_with_no_other(key, guess, drawn, response):
    statement = {"key": key_of(group.scalar_of(key)).hex()}
    target = read_statement(statement).targets[0]
    announcement = sigma.simulate(BASE, target, bytes.fromhex(guess), response)
    if announcement == group.IDENTITY:
        return
    sigma.verify(statement, announcement.hex(), guess, response.hex())
    if drawn != guess:
        with pytest.raises(InvalidProofError, match="does not fit"):
            sigma.verify(statement, announcement.hex(), drawn, response.hex())


def test_proof_of_one_statement_is_none_of_another():
    commitment = commit(3, SECRET).hex()
    proof = proof_of({"commitment": commitment, "values": [1, 3]}, SECRET)
    for other in (
        {"commitment": commitment, "values": [3, 1]},
        {"commitment": commitment, "values": [1, 2]},
        {"commitment": commitment, "values": [1, 3, 5]},
        {"commitment": commitment, "value": 3},
        {"commitment": commit(3, group.scalar_of(5)).hex(), "values": [1, 3]},
        {"key": commitment},
    ):
        with pytest.raises(InvalidProofError):
            sigma.verify(other, *proof)


def test_old_answer_does_not_serve_a_new_challenge():
    statement = {"key": key_of(SECRET).hex()}
    announcement, _, answer = proof_of(statement, SECRET)
    with pytest.raises(InvalidProofError):
        sigma.verify(statement, announcement, "11" * 16, answer)


@pytest.mark.parametrize("digits", ["", "00", "ff" * 32, "01" + 31 * "00", "ec" + 30 * "ff" + "7f", "zz" * 32, None, 3])
def test_malformed_points_are_refused_wherever_they_stand(digits):
    statement = {"commitment": commit(3, SECRET).hex(), "value": 3}
    announcement, challenge, answer = proof_of(statement, SECRET)
    with pytest.raises(InvalidProofError):
        sigma.verify({"commitment": digits, "value": 3}, announcement, challenge, answer)
    with pytest.raises(InvalidProofError):
        sigma.verify({"key": digits}, announcement, challenge, answer)
    with pytest.raises(InvalidProofError):
        sigma.verify(statement, digits, challenge, answer)


def test_response_not_below_the_order_is_refused_although_it_means_the_same():
    statement = {"key": key_of(SECRET).hex()}
    announcement, challenge, answer = proof_of(statement, SECRET)
    same = (number(bytes.fromhex(answer)) + ORDER).to_bytes(32, "little").hex()
    with pytest.raises(InvalidProofError, match="below the order"):
        sigma.verify(statement, announcement, challenge, same)
    with pytest.raises(InvalidProofError):
        sigma.verify(statement, announcement, challenge, answer.upper())


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        (None, "$"),
        ([], "$"),
        ({}, "$"),
        ({"key": "00", "value": 3}, "$"),
        ({"commitment": "00", "value": -1}, "$.value"),
        ({"commitment": "00", "value": True}, "$.value"),
        ({"commitment": "00", "value": 1.5}, "$.value"),
        ({"commitment": "00", "value": "1"}, "$.value"),
        ({"commitment": "00", "value": 2**53}, "$.value"),
        ({"commitment": "00", "value": 1}, "$.commitment"),
        ({"commitment": "00", "values": []}, "$.values"),
        ({"commitment": "00", "values": 3}, "$.values"),
        ({"commitment": "00", "values": [1, 2, 1.0]}, "$.values"),
        ({"commitment": "00", "values": [1, None]}, "$.values[1]"),
        ({"commitment": "00", "values": list(range(65))}, "$.values"),
        ({"key": ["58"]}, "$.key"),
    ],
)
def test_malformed_statement_is_refused_with_its_place(statement, path):
    with pytest.raises(InvalidProofError) as refused:
        read_statement(statement)
    assert refused.value.path == path


# --- Zero knowledge ---------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.lists(values, min_size=1, max_size=4, unique=True), st.data())
def test_who_knows_the_challenge_beforehand_makes_a_proof_without_any_secret(listed, data):
    """The simulator of honest-verifier zero knowledge: its proofs are drawn as those of a prover are, and pass."""
    commitment = commit(data.draw(values), data.draw(secrets)).hex()
    statement = {"commitment": commitment, "values": listed}
    parts = [data.draw(st.binary(min_size=16, max_size=16)) for _ in listed]
    responses = [data.draw(secrets) for _ in listed]
    targets = read_statement(statement).targets
    points = [sigma.simulate(SECOND_BASE, *drawn) for drawn in zip(targets, parts, responses, strict=True)]
    if group.IDENTITY in points:
        return
    challenge = parts[0]
    for part in parts[1:]:
        challenge = bytes(a ^ b for a, b in zip(challenge, part, strict=True))
    answer = b"".join([*responses, *parts[:-1]]).hex()
    sigma.verify(statement, b"".join(points).hex(), challenge.hex(), answer)


def test_commitment_to_one_value_could_be_one_to_any_other():
    """Perfect hiding: with a second base whose logarithm is known, a blinding for any other value can be computed."""
    logarithm, value, other, blinding = 12345, 7, 1000, 999
    base = group.multiply(group.scalar_of(logarithm), BASE)

    def with_base(number_, blinding_):
        left = group.multiply(group.scalar_of(number_), BASE)
        return group.add(left, group.multiply(group.scalar_of(blinding_), base))

    equivocated = (blinding + (value - other) * pow(logarithm, -1, ORDER)) % ORDER
    assert with_base(value, blinding) == with_base(other, equivocated)


def test_nonces_differ_by_seed_secret_statement_and_target():
    statement = {"commitment": commit(3, SECRET).hex(), "values": [3, 5, 7]}
    announcements = [
        sigma.announce(statement, SECRET, SEED),
        sigma.announce(statement, SECRET, bytes(32)),
        sigma.announce({**statement, "values": [5, 3, 7]}, SECRET, SEED),
    ]
    points = [text[start : start + 64] for text in announcements for start in range(0, len(text), 64)]
    assert len(set(points)) == len(points)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_seed_of_another_length_is_refused(size):
    with pytest.raises(InvalidProofError, match="32 bytes"):
        sigma.announce({"key": key_of(SECRET).hex()}, SECRET, bytes(size))


# --- Vectors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", VECTORS["commitments"])
def test_commitment_is_as_written_down(vector):
    assert commit(vector["value"], group.read_scalar(bytes.fromhex(vector["blinding"]))).hex() == vector["commitment"]


@pytest.mark.parametrize("vector", VECTORS["proofs"])
def test_proof_is_as_written_down(vector):
    secret, seed = (bytes.fromhex(vector[name]) for name in ("secret", "seed"))
    made = proof_of(vector["statement"], secret, seed, vector["challenge"])
    assert made == (vector["announcement"], vector["challenge"], vector["answer"])
    sigma.verify(vector["statement"], *made)


@pytest.mark.parametrize("vector", VECTORS["proofs"])
def test_written_proof_holds_by_whole_numbers_alone(vector):
    statement, base, second = vector["statement"], edwards.decode(BASE), edwards.decode(SECOND_BASE)
    point = edwards.decode(bytes.fromhex(statement.get("key") or statement["commitment"]))
    listed = statement.get("values", [statement["value"]] if "value" in statement else [])
    targets = [edwards.add(point, edwards.multiply(ORDER - value, base)) for value in listed] or [point]
    announced = bytes.fromhex(vector["announcement"])
    for index, (part, response) in enumerate(parts_of(vector["challenge"], vector["answer"], len(targets))):
        left = edwards.multiply(response, second if listed else base)
        right = edwards.add(
            edwards.decode(announced[32 * index : 32 * index + 32]), edwards.multiply(part, targets[index])
        )
        assert left == right


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["why"])
def test_refused_proof_is_as_written_down(vector):
    with pytest.raises(InvalidProofError):
        sigma.verify(*(vector[name] for name in ("statement", "announcement", "challenge", "answer")))
