import socket
import threading
from typing import ClassVar

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_engine import schema
from workflow_engine.errors import InvalidDataError, InvalidSchemaError
from workflow_engine.normalise import DRAFT_07, DRAFT_2020_12


def accepts(document, value):
    try:
        schema.validate(document, value)
    except InvalidDataError:
        return False
    return True


def refusal(document):
    with pytest.raises(InvalidSchemaError) as caught:
        schema.compile_schema(document)
    return caught.value


class TestOfferForm:
    FORM: ClassVar = {
        "type": "object",
        "properties": {
            "item": {"type": "string", "minLength": 1},
            "quantity": {"type": "integer", "minimum": 1},
            "price": {"type": "number", "multipleOf": 0.01},
            "delivery": {"type": "string", "format": "date"},
        },
        "required": ["item", "quantity"],
        "additionalProperties": False,
    }

    def test_good_data_passes(self):
        schema.validate(self.FORM, {"item": "chair", "quantity": 3, "price": 19.99, "delivery": "2026-02-28"})

    def test_every_deviation_is_named_with_its_place_in_words(self):
        with pytest.raises(InvalidDataError) as caught:
            schema.validate(self.FORM, {"quantity": 0, "price": 0.005, "delivery": "2026-02-30", "x": 1}, "$.data")
        assert caught.value.problems == (
            ("$.data", '"item" is missing.'),
            ("$.data.delivery", "This is not a valid date."),
            ("$.data.price", "The number should be a multiple of 0.01."),
            ("$.data.quantity", "The number should be at least 1."),
            ("$.data.x", "This member is not foreseen."),
        )
        assert caught.value.path == "$.data"

    def test_compiled_once_validated_often(self):
        first = schema.compile_schema(self.FORM)
        assert schema.compile_schema(dict(reversed(self.FORM.items()))) is first
        first.validate({"item": "chair", "quantity": 3})

    def test_changing_the_document_afterwards_changes_nothing(self):
        document = {"type": "array", "items": {"type": "string"}}
        validator = schema.compile_schema(document)
        document["items"]["type"] = "integer"
        validator.validate(["text"])

    def test_deviations_are_listed_up_to_a_limit(self):
        with pytest.raises(InvalidDataError) as caught:
            schema.validate({"items": {"type": "string"}}, [1] * 1000)
        assert len(caught.value.problems) == schema.MAX_PROBLEMS


class TestNumbersAndTypes:
    @pytest.mark.parametrize(("value", "fits"), [(1, True), (1.0, True), (1.5, False), (True, False), ("1", False)])
    def test_integer(self, value, fits):
        assert accepts({"type": "integer"}, value) is fits

    @pytest.mark.parametrize(("value", "fits"), [(1, True), (0.5, True), (False, False), (None, False)])
    def test_number(self, value, fits):
        assert accepts({"type": "number"}, value) is fits

    def test_true_is_not_one_in_enum_const_and_unique_items(self):
        assert not accepts({"enum": [1, [0]]}, True)
        assert not accepts({"const": {"a": [1]}}, {"a": [True]})
        assert accepts({"uniqueItems": True}, [1, True, [1], [True], {"a": 0}, {"a": False}])

    def test_one_is_one_point_zero(self):
        assert accepts({"enum": [1]}, 1.0)
        assert accepts({"const": [2.0]}, [2])
        assert not accepts({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}])

    @pytest.mark.parametrize(
        ("divisor", "value", "fits"),
        [(0.01, 19.99, True), (0.01, 0.07, True), (0.1, 0.3, True), (0.1, 0.35, False), (3, 9, True), (3, 10, False),
         (1e-300, 1e308, True), (0.3, 1e16, False), (2, 3.0, False)],
    )  # fmt: skip
    def test_multiple_of_is_decimal(self, divisor, value, fits):
        assert accepts({"multipleOf": divisor}, value) is fits

    def test_length_counts_characters(self):
        assert accepts({"maxLength": 1}, "\U0001d4b3")


class TestDialects:
    @pytest.mark.parametrize("name", [DRAFT_07, DRAFT_07.rstrip("#"), "http://json-schema.org/schema#"])
    def test_draft_07(self, name):
        document = {"$schema": name, "items": [{"type": "string"}], "additionalItems": False}
        assert accepts(document, ["a"])
        assert not accepts(document, ["a", "b"])

    def test_draft_07_ignores_what_stands_beside_a_reference(self):
        document = {
            "$schema": DRAFT_07,
            "definitions": {"text": {"type": "string"}},
            "properties": {"a": {"$ref": "#/definitions/text", "maxLength": 1}},
        }
        assert accepts(document, {"a": "long"})
        assert not accepts({**document, "$schema": DRAFT_2020_12}, {"a": "long"})

    def test_2020_12_is_the_default(self):
        document = {"prefixItems": [{"type": "string"}], "items": False}
        assert accepts(document, ["a"])
        assert not accepts(document, ["a", "b"])

    @pytest.mark.parametrize("name", ["http://json-schema.org/draft-04/schema#", "x", 3, ["a"]])
    def test_others_are_refused(self, name):
        assert refusal({"$schema": name}).path == "$.$schema"

    @pytest.mark.parametrize("document", [3, "x", [], None])
    def test_what_is_no_schema_is_refused(self, document):
        refusal(document)

    def test_true_and_false_are_schemas(self):
        assert accepts(True, 1)
        assert not accepts(False, 1)

    @pytest.mark.parametrize(
        "document", [{"type": "text"}, {"properties": []}, {"required": "a"}, {"minLength": -1}, {"allOf": []}]
    )
    def test_malformed_schema_is_refused(self, document):
        assert refusal({"properties": {"a": document}}).path.startswith("$.properties.a")


class TestReferences:
    @pytest.mark.parametrize(
        "reference",
        ["http://example.com/schema", "https://example.com/a#/b", "file:///etc/passwd", "other.json", "//host/a",
         "urn:uuid:1", "#anchor", ""],
    )  # fmt: skip
    @pytest.mark.parametrize("dialect", [DRAFT_07, DRAFT_2020_12])
    def test_reference_out_of_the_schema_is_refused_with_its_path(self, reference, dialect):
        document = {"$schema": dialect, "properties": {"a": {"items": {"$ref": reference}}}}
        assert refusal(document).path == "$.properties.a.items.$ref"

    @pytest.mark.parametrize("reference", ["#/$defs/none", "#/required/0", "#/$defs/text/type", "#/properties"])
    def test_reference_to_no_schema_is_refused(self, reference):
        document = {"$defs": {"text": {"type": "string"}}, "required": ["a"], "items": {"$ref": reference}}
        refusal(document)

    def test_local_reference_with_escapes(self):
        document = {"$defs": {"a/b~c d": {"type": "string"}}, "items": {"$ref": "#/$defs/a~1b~0c%20d"}}
        assert accepts(document, ["x"])
        assert not accepts(document, [1])

    def test_recursive_schema_follows_the_data(self):
        tree = {"properties": {"children": {"items": {"$ref": "#"}}, "name": {"type": "string"}}}
        assert accepts(tree, {"name": "a", "children": [{"name": "b", "children": []}]})
        assert not accepts(tree, {"children": [{"children": [{"name": 3}]}]})

    @pytest.mark.parametrize(
        "document",
        [
            {"$ref": "#"},
            {"allOf": [{"$ref": "#"}]},
            {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"$ref": "#/$defs/a"}}},
            {"properties": {"x": {"$ref": "#/properties/x"}}},
            {"if": {"$ref": "#"}, "then": {"type": "string"}},
            {"dependentSchemas": {"a": {"$ref": "#"}}},
        ],
    )
    def test_reference_in_a_circle_is_refused(self, document):
        assert "comes back to itself" in refusal(document).message

    def test_what_looks_like_a_reference_in_data_is_data(self):
        document = {"const": {"$ref": "http://example.com"}, "default": {"$ref": "x"}, "examples": [{"$id": "y"}]}
        assert accepts(document, {"$ref": "http://example.com"})

    def test_referred_parts_outside_the_keywords_are_checked_too(self):
        refusal({"$ref": "#/x-parts/a", "x-parts": {"a": {"pattern": "(?=a)"}}})
        refusal({"$ref": "#/x-parts/a", "x-parts": {"a": {"properties": {"b": {"$ref": "http://example.com"}}}}})

    @pytest.mark.parametrize(
        "name", ["$dynamicRef", "unevaluatedProperties", "unevaluatedItems", "$anchor", "$dynamicAnchor"]
    )
    def test_machinery_that_is_not_evaluated_is_refused(self, name):
        value = "#a" if "Ref" in name else "a" if "nchor" in name else False
        assert refusal({"properties": {"a": {name: value}}}).path == f"$.properties.a.{name}"

    @pytest.mark.parametrize("name", ["$id", "$schema"])
    def test_another_root_inside_is_refused(self, name):
        assert refusal({"properties": {"a": {name: "http://example.com/"}}}).path == f"$.properties.a.{name}"

    def test_id_at_the_root_does_not_change_local_references(self):
        document = {"$id": "http://example.com/a", "$defs": {"t": {"type": "string"}}, "items": {"$ref": "#/$defs/t"}}
        assert not accepts(document, [1])

    def test_no_socket_and_no_file_is_ever_opened(self, monkeypatch):
        def forbidden(*_args, **_kwargs):
            raise AssertionError("something was opened")

        monkeypatch.setattr(socket.socket, "connect", forbidden)
        monkeypatch.setattr(socket, "getaddrinfo", forbidden)
        monkeypatch.setattr("urllib.request.urlopen", forbidden)
        for reference in ("http://127.0.0.1:9/schema", "file:///etc/passwd"):
            refusal({"$ref": reference})
            schema.compile_schema({"$id": reference, "items": {"$ref": "#/$defs/never"}, "$defs": {"never": True}})
        schema.validate({"const": 1}, 1)


class TestPatterns:
    @pytest.mark.parametrize("pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "(", "a{2000}", "((a{0,99}){0,99}){0,99}"])
    def test_pattern_that_re2_cannot_read_is_refused(self, pattern):
        assert refusal({"properties": {"a": {"pattern": pattern}}}).path == "$.properties.a.pattern"
        assert refusal({"patternProperties": {pattern: True}}).path.startswith("$.patternProperties")

    def test_pattern_searches(self):
        assert accepts({"pattern": "b+"}, "abbc")
        assert not accepts({"pattern": "^b+$"}, "abbc")

    def test_pattern_takes_ascii_digits_and_no_trailing_newline(self):
        assert not accepts({"pattern": "^\\d$"}, "٣")
        assert not accepts({"pattern": "^a$"}, "a\n")

    def test_backtracking_bomb_takes_no_time(self):
        assert not accepts({"pattern": "^(a+)+$"}, "a" * 60_000 + "b")

    def test_pattern_properties_and_additional_properties_use_the_same_engine(self):
        document = {"patternProperties": {"^\\d$": {"type": "string"}}, "additionalProperties": False}
        assert accepts(document, {"1": "a"})
        assert not accepts(document, {"1": 1})
        assert not accepts(document, {"٣": "a"})


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("date", ["2024-02-29", "2000-12-31"], ["2023-02-29", "2023-1-1", "٢٠٢٣-01-01", "2023-01-01\n", ""]),
            ("time", ["12:00:00Z", "23:59:60+01:00", "12:00:00.5z"], ["12:00:00", "24:00:00Z", "12:00Z"]),
            (
                "date-time",
                ["2024-02-29T12:00:00Z", "2024-02-29t12:00:00-05:30"],
                ["2024-02-29", "2024-02-30T12:00:00Z"],
            ),
            ("duration", ["P1D", "PT8H", "P1Y2M3DT4H5M6S", "P2W"], ["P", "PT", "1D", "P1.5D", "P1DT"]),
            ("email", ["a@example.com", "a+b@x.y"], ["a", "a@", "@a", "a b@c", "a@b..c"]),
            ("uri", ["https://example.com/a?b#c", "urn:x:y"], ["example.com", "/a", "http://a b"]),
            ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000"]),
        ],
    )
    def test_format(self, name, good, bad):
        for text in good:
            assert accepts({"format": name}, text), text
        for text in bad:
            assert not accepts({"format": name}, text), text
        assert accepts({"format": name}, 3)

    def test_unknown_format_says_something_to_people_only(self):
        assert accepts({"format": "color"}, "anything")


class TestLimits:
    def test_too_many_values(self):
        assert "more than" in refusal({"enum": list(range(6000))}).message

    def test_too_deep(self):
        document = {}
        for _ in range(40):
            document = {"not": document}
        assert "deeper" in refusal(document).message

    def test_far_too_deep_does_not_exhaust_the_stack(self):
        document = {}
        for _ in range(100_000):
            document = {"not": document}
        refusal(document)
        while document:
            document = document.pop("not")

    def test_value_without_canonical_form(self):
        refusal({"const": float("nan")})
        refusal({"const": 2**60})

    @pytest.mark.parametrize(
        ("document", "value"),
        [
            (
                {
                    "$ref": "#/$defs/d0",
                    "$defs": {
                        **{f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)},
                        "d40": {"type": "string"},
                    },
                },
                "x",
            ),
            ({"allOf": [{"items": True}] * 2000}, [1] * 30_000),
            ({"patternProperties": {f"a{i}$": True for i in range(900)}}, {f"b{i}": 1 for i in range(4000)}),
            ({"items": {"enum": [[i] for i in range(2000)]}}, [[1999]] * 20_000),
            (
                {"allOf": [{"$ref": "#/$defs/big"}] * 1000, "$defs": {"big": {"const": [[0] * 2000]}}},
                [[0] * 2000],
            ),
        ],
    )
    def test_work_on_one_value_is_limited(self, document, value):
        with pytest.raises(InvalidDataError, match="too much work"):
            schema.validate(document, value)

    def test_mixed_items_are_compared_in_linear_time(self):
        assert not accepts({"uniqueItems": True}, [[i] if i % 2 else {"a": i} for i in range(30_000)] + [[1]])

    def test_deeply_nested_value(self):
        value = 1
        for _ in range(20_000):
            value = {"a": value}
        with pytest.raises(InvalidDataError):
            schema.validate({"properties": {"a": {"$ref": "#"}}}, value)
        while isinstance(value, dict):
            value = value.pop("a")

    def test_budget_is_per_value_and_per_thread(self):
        validator = schema.compile_schema({"uniqueItems": True})
        failures = []

        def work():
            try:
                for _ in range(10):
                    validator.validate(list(range(20_000)))
            except InvalidDataError as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []


NAMES = st.sampled_from(["a", "b", "ab", "b1"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([0.5, 1.0, 2.5, -1.5]),
    st.sampled_from(["", "a", "ab", "b1"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
COUNTS = st.integers(0, 3)


def keywords(inner):
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=4),
            "const": VALUES,
            "multipleOf": st.sampled_from([1, 2, 0.5, 3]),
            "minimum": st.integers(-3, 3),
            "maximum": st.integers(-3, 3),
            "exclusiveMinimum": st.integers(-3, 3),
            "exclusiveMaximum": st.integers(-3, 3),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": st.sampled_from(["a", "^b", "b1$", "^[ab]+$", "\\d"]),
            "minItems": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "items": inner,
            "contains": inner,
            "minProperties": COUNTS,
            "maxProperties": COUNTS,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "1$"]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.just("#/$defs/leaf"),
        },
    )


LEAVES = st.booleans() | st.fixed_dictionaries({}, optional={"type": TYPES, "maximum": st.integers(-3, 3)})
SCHEMAS = st.recursive(LEAVES, keywords, max_leaves=6).filter(lambda document: isinstance(document, dict))


class TestOracle:
    @pytest.mark.slow
    @settings(max_examples=400, deadline=None)
    @given(SCHEMAS, LEAVES, st.lists(VALUES, min_size=1, max_size=5), st.sampled_from([DRAFT_07, DRAFT_2020_12]))
    def test_same_verdict_as_an_independent_library(self, document, leaf, values, dialect):
        document = {**document, "$schema": dialect, "$defs": {"leaf": leaf}}
        oracle = jsonschema_rs.validator_for(document)
        for value in values:
            assert accepts(document, value) == oracle.is_valid(value), value

    @settings(max_examples=200, deadline=None)
    @given(VALUES, VALUES)
    def test_any_json_as_schema_is_accepted_or_refused_and_nothing_else(self, document, value):
        try:
            validator = schema.compile_schema(document)
        except InvalidSchemaError:
            return
        accepts(validator, value)
