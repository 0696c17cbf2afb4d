"""The calculator of `<math>`, against exact fractions."""

import ast
import operator
from collections.abc import Callable
from decimal import localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.errors import InvalidInstructionError
from workflow_engine.operators.arithmetic import calculate
from workflow_engine.operators.budget import Budget


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("64 / 4 / 2", 8),
        ("-2 * -(3)", 6),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("0.1 + 0.2", 0.3),
        ("1 / 3", 0.3333333333333333),
        ("1 / 3 * 3", 1),
        ("2 / 3", 0.6666666666666666),
        ("1.005 * 100", 100.5),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", 1.01),
        ("floor(-1.5) + ceil(-1.5)", -3),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("avg(1, 2, 4)", 2.3333333333333335),
        ("abs(-3)", 3),
        ("pow(2, 10)", 1024),
        ("pow(2, -1)", 0.5),
        ("sqrt(2)", 1.4142135623730951),
        ("9007199254740991", 9007199254740991),
        ("price * quantity_2", 3.3),
        ("1.0", 1),
        ("0 * -1", 0),
    ],
)
def test_expression_gives_its_result(expression: str, result: float) -> None:
    found = calculate(expression, {"price": 1.1, "quantity_2": 3}, Budget())
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "1 2",
        "(1",
        "1)",
        "2 ** 3",
        "1,2",
        "pow(2)",
        "pow(2, 0.5)",
        "pow(2, 5000)",
        "round(1, 16)",
        "round(1, -1)",
        "sqrt(-1)",
        "1 / 0",
        "0 / 0",
        "1 % 0",
        "9007199254740992",
        "nothing",
        "nothing(1)",
        "price.x",
        "1e5",
        ".5",
        "5.",
        "\u0661",
        "max()",
        "text",
        "flag",
        "1 + 1;",
    ],
)
def test_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInstructionError):
        calculate(expression, {"price": 1, "text": "1", "flag": True}, Budget())


_OPERATORS: dict[type[ast.AST], Callable[..., Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def exact(node: ast.expr) -> Fraction:
    """The value of a Python expression over whole numbers: the oracle."""
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](exact(node.left), exact(node.right))
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](exact(node.operand))
    assert isinstance(node, ast.Constant)
    return Fraction(node.value)


EXPRESSIONS = st.recursive(
    st.integers(0, 9).map(str),
    lambda inner: (
        st.tuples(inner, st.sampled_from([" + ", " - ", " * ", " / "]), inner).map("".join)
        | inner.map("({})".format)
        | inner.map("-{}".format)
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_result_is_the_double_nearest_to_the_exact_one(expression: str) -> None:
    try:
        expected = exact(ast.parse(expression, mode="eval").body)
    except ZeroDivisionError:
        with pytest.raises(InvalidInstructionError):
            calculate(expression, {}, Budget())
        return
    found = calculate(expression, {}, Budget())
    assert found == pytest.approx(float(expected), rel=1e-15, abs=1e-30)
    assert isinstance(found, int) == float(found).is_integer()


def test_precision_of_the_calling_thread_changes_nothing() -> None:
    variables = {"a": 1.23456789}
    expected = calculate("1 / 3 + a", variables, Budget())
    with localcontext() as context:
        context.prec = 3
        assert calculate("1 / 3 + a", variables, Budget()) == expected
