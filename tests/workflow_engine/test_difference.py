"""What differs between two scenarios: every place, once, and nothing where they mean the same."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import scenarios
from workflow_engine.difference import differences
from workflow_engine.normalise import normalise

from .samples import ORDER


def found(change: Any) -> list[str]:
    document = copy.deepcopy(ORDER)
    change(document)
    return [str(item) for item in differences(normalise(ORDER), normalise(document))]


def test_same_meaning_in_other_words_is_no_difference() -> None:
    def rewrite(document: dict[str, Any]) -> None:
        document["actions"]["add_line"]["actors"] = [document["actions"]["add_line"].pop("actor")]
        document["states"] = dict(reversed(document["states"].items()))
        document["description"] = None

    assert found(rewrite) == []


def test_changes_are_told_at_their_place_with_what_stood_and_stands_there() -> None:
    assert found(lambda document: document["states"]["signing"].update(timeout="P2D")) == [
        '~ $.states.signing.timeout: "P7D" → "P2D"'
    ]
    assert found(lambda document: document["states"]["signing"].pop("timeout")) == ['- $.states.signing.timeout: "P7D"']
    assert found(lambda document: document["states"]["notifying"].update(timeout="P1D")) == [
        '+ $.states.notifying.timeout: "P1D"'
    ]


def test_state_that_is_new_or_gone_is_one_difference() -> None:
    (line,) = found(lambda document: document["states"].update(island={"title": "Island"}))
    assert line.startswith('+ $.states.island: {"actions":[]')
    assert len(line) < 160
    assert found(lambda document: document["assets"].pop("order"))[0].startswith("- $.assets.order: ")


def test_transition_put_in_between_is_one_difference_and_not_a_change_of_those_after_it() -> None:
    added = {"action": "sign", "condition": False, "transition": "initial"}
    lines = found(lambda document: document["states"]["signing"]["transitions"].insert(1, added))
    assert [line.partition(":")[0] for line in lines] == ["+ $.states.signing.transitions[1]"]


def test_truth_is_not_one_and_order_of_transitions_is_meaning() -> None:
    assert differences({"a": True}, {"a": 1})
    assert not differences({"a": 1}, {"a": 1.0})
    assert found(lambda document: document["states"]["signing"]["transitions"].reverse())


VALUES = st.recursive(
    st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


DOCUMENTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_no_difference_exactly_where_documents_are_equal(old: dict[str, Any], new: dict[str, Any]) -> None:
    same = not differences(old, new)
    assert same == (repr(_sorted(old)) == repr(_sorted(new)))
    assert len(differences(old, new)) == len(differences(new, old))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_library_differs_from_itself_nowhere() -> None:
    for name in scenarios.names():
        form = normalise(scenarios.load(name))
        assert differences(form, normalise(form)) == ()
