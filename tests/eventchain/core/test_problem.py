"""Problem documents: every family has its status, and comes back as what it was."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventchain.core import errors, problem

STATUS = {
    errors.InvalidError: 400,
    errors.TooLargeError: 413,
    errors.UnauthenticatedError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.UnavailableError: 503,
    errors.TooManyRequestsError: 429,
}
families = st.sampled_from(sorted(STATUS, key=lambda family: family.__name__))
optional_text = st.one_of(st.none(), st.text(min_size=1, max_size=20))


@pytest.mark.parametrize(("family", "status"), STATUS.items())
def test_family_decides_the_status(family: type[errors.LiveContractError], status: int) -> None:
    derived = type("SomethingOfAServiceError", (family,), {})
    assert problem.status_of(family("x")) == problem.status_of(derived("x")) == status


def test_error_without_a_family_is_ours() -> None:
    assert problem.status_of(errors.LiveContractError("x")) == 500
    assert problem.to_dict(errors.LiveContractError("x"))["title"] == "Internal error"


@given(families, st.text(), optional_text, optional_text)
def test_problem_round_trip(
    family: type[errors.LiveContractError], message: str, path: str | None, hint: str | None
) -> None:
    document = json.loads(json.dumps(problem.to_dict(family(message, path=path, hint=hint))))
    back = problem.from_response(document["status"], document, "the peer")
    assert (type(back), back.message, back.path, back.hint) == (family, message, path, hint)


def test_code_of_an_error_comes_through_any_number_of_processes() -> None:
    document = problem.to_dict(type("ForkError", (errors.ConflictError,), {})("two branches"))
    for _ in range(2):
        document = problem.to_dict(problem.from_response(409, document, "the event chain service"))
    assert (document["type"], document["status"]) == ("urn:livecontract:error:Fork", 409)


@pytest.mark.parametrize(
    "type_", [None, 1, "about:blank", "urn:livecontract:error:", "urn:livecontract:error:a b", "x"]
)
def test_code_that_is_none_is_that_of_the_family(type_: object) -> None:
    assert problem.from_response(409, {"detail": "x", "type": type_}, "the peer").code == "Conflict"


def test_problem_names_the_error_and_leaves_out_what_it_does_not_have() -> None:
    assert problem.to_dict(errors.InvalidSignatureError("forged")) == {
        "type": "urn:livecontract:error:InvalidSignature",
        "title": "Invalid document",
        "status": 400,
        "detail": "forged",
    }


@given(
    st.integers(400, 599),
    st.one_of(st.none(), st.text(), st.lists(st.integers()), st.dictionaries(st.text(), st.none())),
)
def test_answer_without_a_problem_becomes_an_error_that_says_who_answered(status: int, document: object) -> None:
    error = problem.from_response(status, document, "the node of the seller")
    assert error.message == f"the node of the seller answered {status}"
    assert isinstance(error, errors.UnavailableError if status >= 500 or status == 429 else errors.LiveContractError)


@pytest.mark.parametrize("value", [None, 1, ["x"], {"x": 1}])
def test_members_of_a_wrong_type_are_left_out(value: object) -> None:
    error = problem.from_response(400, {"detail": "wrong", "path": value, "hint": value}, "the peer")
    assert (error.message, error.path, error.hint) == ("wrong", None, None)
    assert problem.from_response(400, {"detail": value}, "the peer").message == "the peer answered 400"


def test_text_of_an_error_has_place_and_advice() -> None:
    error = errors.InvalidError("the key is wrong", path="$.key", hint="Make a new one.")
    assert str(error) == "the key is wrong (at $.key) Make a new one."
