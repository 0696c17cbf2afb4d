"""Filling: fields, conditions and lists as Writer has them; same bytes for same input, which another library reads."""

import hashlib
import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odfdo import Document

from tests.workflow_engine.documents.templates import ODT, PNG, content, field, styles, template, text_in, zipped
from workflow_engine.documents import InvalidTemplateError, MissingFieldError, fill
from workflow_engine.documents.markup import parse


def body_of(document):
    """The filled body, as written."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        text = archive.read("content.xml").decode()
    return text.split("<office:text>")[1].split("</office:text>")[0] if "<office:text>" in text else ""


def filled(body, data):
    return body_of(fill(template(body), data))


class TestFields:
    @pytest.mark.parametrize(
        ("value", "text"),
        [("Acme & Sons <b>", "Acme &amp; Sons &lt;b&gt;"), (3, "3"), (1.5, "1.5"), (1e21, "1e+21"), (True, "true"),
         (0, "0"), ("", ""), (-2.50, "-2.5"), ("\u00fc\u20ac\U0001f600", "\u00fc\u20ac\U0001f600")],
    )  # fmt: skip
    def test_value_takes_the_place_of_its_field(self, value, text):
        assert filled(f"<text:p>A{field('a.b')}Z</text:p>", {"a": {"b": value}}) == f"<text:p>A{text}Z</text:p>"

    def test_line_breaks_tabs_and_spaces_are_those_of_a_document(self):
        written = filled(f"<text:p>{field('a')}</text:p>", {"a": " x   y\tz\r\nlast\n"})
        s = '<text:s text:c="{}"/>'
        expected = f"{s.format(1)}x {s.format(2)}y<text:tab/>z<text:line-break/>last<text:line-break/>"
        assert written == f"<text:p>{expected}</text:p>"

    def test_items_of_lists_are_named_by_their_number(self):
        assert filled(f"<text:p>{field('a.1')}</text:p>", {"a": ["x", "y"]}) == "<text:p>y</text:p>"

    def test_missing_fields_are_all_named(self):
        with pytest.raises(MissingFieldError) as caught:
            fill(template(f"<text:p>{field('a')}{field('b.c')}{field('d')}</text:p>"), {"d": 1, "b": {"c": None}})
        assert caught.value.names == ("a", "b.c")

    @pytest.mark.parametrize("value", [[1], {"x": 1}, "\x00", "\ufffe", "a\x1bb"])
    def test_what_no_document_can_hold_is_refused(self, value):
        with pytest.raises(InvalidTemplateError):
            fill(template(f"<text:p>{field('a.b')}</text:p>"), {"a": {"b": value}})

    @pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 2000, ".".join("a" * 17)])
    def test_names_that_are_no_paths_are_refused(self, name):
        with pytest.raises(InvalidTemplateError):
            fill(template(f"<text:p>{field(name)}</text:p>"), {})

    def test_data_cannot_bring_fields_or_markup_with_it(self):
        nasty = '<text:user-field-get text:name="b"/>]]><!-- {{b}}'
        assert text_in(fill(template(f"<text:p>{field('a')}</text:p>"), {"a": nasty, "b": "secret"})).strip() == nasty

    def test_invisible_fields_show_nothing(self):
        hidden = '<text:user-field-get text:name="a" text:display="none"/>'
        assert filled(f"<text:p>x{hidden}</text:p>", {"a": "secret"}) == "<text:p>x</text:p>"

    def test_headers_and_footers_are_filled(self):
        footer = f"<style:footer><text:p>{field('a')}</text:p></style:footer>"
        master = f"<office:master-styles><style:master-page>{footer}</style:master-page></office:master-styles>"
        data = zipped({"mimetype": ODT, "content.xml": content("<text:p/>"), "styles.xml": styles(master)})
        assert b"<text:p>Acme</text:p></style:footer>" in fill(data, {"a": "Acme"})


def section(condition, inside="<text:p>In</text:p>", name="s"):
    return (
        f'<text:section text:style-name="Sect1" text:name="{name}" text:condition="ooow:{condition}" '
        f'text:display="condition">{inside}</text:section>'
    )


class TestConditions:
    def test_section_is_hidden_when_its_condition_is_met(self):
        kept = '<text:section text:name="s" text:style-name="Sect1"><text:p>In</text:p></text:section>'
        assert filled(section("NOT a"), {"a": 1}) == kept
        assert filled(section("NOT a"), {}) == ""

    def test_hidden_section_needs_no_data(self):
        assert filled(section("NOT a", f"<text:p>{field('a')}</text:p>"), {}) == ""

    def test_picture_of_a_hidden_section_is_not_in_the_document(self):
        image = '<text:p><draw:frame><draw:image xlink:href="Pictures/{}.png"/></draw:frame></text:p>'
        body = image.format("a") + section("NOT a", image.format("b"))
        pictures = {f"Pictures/{name}.png": PNG for name in "abc"}
        parts = {"mimetype": ODT, "content.xml": content(body), **pictures}
        for data, wanted in (({}, {"a"}), ({"a": 1}, {"a", "b"})):
            with zipfile.ZipFile(io.BytesIO(fill(zipped(parts), data))) as archive:
                assert {name[9] for name in archive.namelist() if name.startswith("Pictures/")} == wanted

    def test_conditional_text_is_one_of_its_two(self):
        either = (
            '<text:conditional-text text:condition="ooow:n == 1" text:string-value-if-true="year" '
            'text:string-value-if-false="years" text:current-value="true">stale</text:conditional-text>'
        )
        assert filled(f"<text:p>{either}</text:p>", {"n": 1}) == "<text:p>year</text:p>"
        assert filled(f"<text:p>{either}</text:p>", {"n": 2}) == "<text:p>years</text:p>"

    def test_hidden_text_and_paragraph_are_hidden_when_the_condition_is_met(self):
        text = '<text:hidden-text text:condition="ooow:a" text:string-value="shown" text:is-hidden="false"/>'
        assert filled(f"<text:p>{text}</text:p>", {}) == "<text:p>shown</text:p>"
        assert filled(f"<text:p>{text}</text:p>", {"a": 1}) == "<text:p/>"
        mark = '<text:span><text:hidden-paragraph text:condition="ooow:a" text:is-hidden="true"/></text:span>'
        assert filled(f"<text:p>x{mark}</text:p>", {}) == "<text:p>x<text:span/></text:p>"
        assert filled(f"<text:p>x{mark}</text:p>", {"a": 1}) == ""

    def test_nothing_in_a_filled_document_can_change_any_more(self):
        document = fill(template(f"<text:p>{field('a')}</text:p>{section('NOT a')}"), {"a": 1})
        for word in (b"field", b"condition", b"hidden", b"ooow:"):
            assert word not in document


def row(*cells):
    written = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
    return f"<table:table-row>{written}</table:table-row>"


def table(*rows, name="T"):
    return f'<table:table table:name="{name}"><table:table-column/>{"".join(rows)}</table:table>'


def p(inside):
    return f"<text:p>{inside}</text:p>"


LINES = {"order": {"lines": [{"item": "Chair", "price": 84.25}, {"item": "Table", "price": 300}]}, "total": 5}


class TestLists:
    def test_table_row_is_repeated_for_every_item(self):
        body = table(row(p("Item"), p("Price")), row(p(field("order.lines.item")), p(field("order.lines.price"))))
        document = Document(io.BytesIO(fill(template(body), LINES)))
        found = document.body.get_table(0)
        assert [[cell.text_recursive.strip() for cell in line.traverse()] for line in found.traverse()] == [
            ["Item", "Price"], ["Chair", "84.25"], ["Table", "300"],
        ]  # fmt: skip

    def test_other_fields_of_the_row_are_the_same_in_each(self):
        written = filled(table(row(p(field("order.lines.item") + field("total")))), LINES)
        assert "Chair5" in written
        assert "Table5" in written

    def test_list_item_is_repeated_for_texts(self):
        body = f"<text:list><text:list-item>{p(field('wishes'))}</text:list-item></text:list>"
        written = filled(body, {"wishes": ["a", "b"]})
        assert written.count("<text:list-item>") == 2
        assert filled(body, {"wishes": []}) == ""

    def test_section_named_each_is_repeated_and_its_copies_have_names_of_their_own(self):
        body = f'<text:section text:name="each party">{p(field("parties.name"))}{table(row(p("Sign")))}</text:section>'
        written = filled(body, {"parties": [{"name": "A"}, {"name": "B"}]})
        for name in ('text:name="each party"', 'text:name="each party 2"', 'table:name="T"', 'table:name="T 2"'):
            assert name in written

    def test_conditions_inside_see_the_item(self):
        either = '<text:hidden-text text:condition="ooow:order.lines.price &lt; 100" text:string-value="!"/>'
        written = filled(table(row(p(field("order.lines.item") + either))), LINES)
        assert "<text:p>Chair</text:p>" in written
        assert "<text:p>Table!</text:p>" in written

    def test_lists_inside_lists(self):
        body = (
            f'<text:section text:name="each order">{p(field("orders.name"))}'
            f"{table(row(p(field('orders.lines.item')), p(field('orders.name'))))}</text:section>"
        )
        data = {"orders": [{"name": "one", "lines": [{"item": "x"}, {"item": "y"}]}, {"name": "two", "lines": []}]}
        written = filled(body, data)
        assert written.count("<table:table-row>") == 2
        assert "<text:p>x</text:p></table:table-cell><table:table-cell><text:p>one</text:p>" in written
        assert written.count("<table:table ") == 1

    def test_row_that_goes_through_two_lists_is_refused(self):
        with pytest.raises(InvalidTemplateError, match="two lists"):
            fill(template(table(row(p(field("a.x")), p(field("b.x"))))), {"a": [{"x": 1}], "b": [{"x": 1}]})

    def test_list_outside_of_a_repeated_part_is_missing(self):
        with pytest.raises(MissingFieldError):
            fill(template(p(field("order.lines.item"))), LINES)

    def test_without_a_list_a_row_stands_once(self):
        assert filled(table(row(p(field("total")))), LINES).count("<table:table-row>") == 1

    def test_marks_that_have_to_be_unique_stand_once(self):
        inner = '<text:list xml:id="l1"><text:list-item/></text:list>'
        body = f"<text:list><text:list-item>{inner}{p(field('a'))}</text:list-item></text:list>"
        assert filled(body, {"a": [1, 2]}).count("xml:id") == 1


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t"), max_size=30),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda number: abs(number) < 2**53),
    st.booleans(),
)
DATA = st.fixed_dictionaries(
    {"a": VALUES, "b": st.one_of(st.none(), VALUES), "list": st.lists(st.fixed_dictionaries({"x": VALUES}), max_size=4)}
)
EVERYTHING = template(
    p(f"A{field('a')}Z")
    + section("NOT b", p(field("b")))
    + table(row(p("head")), row(p(field("list.x"))))
    + f'<text:section text:name="each x">{p(field("list.x"))}</text:section>'
)


class TestDeterminism:
    @given(DATA)
    def test_same_input_gives_same_bytes_whatever_the_order_of_members(self, data):
        turned = {key: data[key] for key in reversed(data)}
        again = zipped({"content.xml": _content_of(EVERYTHING), "mimetype": ODT}, method=zipfile.ZIP_STORED)
        assert fill(EVERYTHING, data) == fill(EVERYTHING, turned)
        assert fill(EVERYTHING, data) == fill(again, turned)

    @given(DATA)
    def test_result_opens_and_says_what_the_data_says(self, data):
        document = Document(io.BytesIO(fill(EVERYTHING, data)))
        first = document.body.get_paragraph(0)
        text = data["a"] if isinstance(data["a"], str) else None
        if text is not None and not set(text) & set("\n\t "):
            assert first.text_recursive == f"A{text}Z"
        assert len(list(document.body.get_table(0).traverse())) == 1 + len(data["list"])
        assert document.get_type() == "text"

    @given(DATA, DATA)
    def test_other_data_that_shows_gives_other_bytes(self, one, other):
        if one["a"] != other["a"] and str(one["a"]).strip() != str(other["a"]).strip():
            same = fill(EVERYTHING, {**one, "a": other["a"]}) == fill(EVERYTHING, one)
            assert not same or _as_text(one["a"]) == _as_text(other["a"])

    def test_bytes_are_pinned(self):
        """Another hash here means that two versions of the node would refuse each other's documents."""
        data = {"a": "Acme  &\n\u00fc", "b": 12.5, "list": [{"x": 1}, {"x": "two"}]}
        assert (
            hashlib.sha256(fill(EVERYTHING, data)).hexdigest()
            == "58268c973f214d38b87e8f008346d56a8272a68a59b5f80cd82f32590aa4956b"
        )

    def test_document_has_no_date_author_or_generator(self):
        with zipfile.ZipFile(io.BytesIO(fill(EVERYTHING, {"a": 1, "list": []}))) as archive:
            assert archive.namelist() == ["mimetype", "META-INF/manifest.xml", "content.xml"]
            assert {item.date_time[:3] for item in archive.infolist()} == {(1980, 1, 1)}

    def test_manifest_lists_every_part(self):
        with zipfile.ZipFile(io.BytesIO(fill(EVERYTHING, {"a": 1, "list": []}))) as archive:
            manifest = parse(archive.read("META-INF/manifest.xml"), "manifest.xml")
        assert [entry.get("manifest:full-path") for entry in manifest.elements()] == ["/", "content.xml"]

    def test_filled_document_is_a_template_that_fills_to_itself(self):
        document = fill(EVERYTHING, {"a": "x", "b": "y", "list": [{"x": 1}]})
        assert fill(document, {}) == document


def _content_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("content.xml")


def _as_text(value):
    return value if isinstance(value, str) else str(float(value)) if isinstance(value, (int, float)) else value


class TestBounds:
    @pytest.mark.parametrize(
        ("body", "data"),
        [
            (table(row(p(field("a.x") + "<text:s/>" * 200))), {"a": [{"x": 1}] * 1000}),
            (table(row(p(f'{field("a.x")}<text:span text:style-name="{"s" * 9999}"/>'))), {"a": [{"x": 1}] * 1000}),
            (
                table(row(p(field("a.x")) + section("TRUE", p("<text:s/>" * 9000), "each x"))),
                {"a": [{"x": 1}] * 20_000},
            ),
            (
                table(row(p(field("a.x")) + p("<text:s/>" * 9000 + '<text:hidden-paragraph text:condition="TRUE"/>'))),
                {"a": [{"x": 1}] * 20_000},
            ),
            (table(row(p(field("a.x") + field("big")))), {"a": [{"x": 1}] * 1000, "big": "x" * 10_000}),
            (table(row(p(field("a.x")) + section("NOT (" + "q OR " * 150 + "q)"))), {"a": [{"x": 1}] * 5000}),
        ],
    )
    def test_small_templates_cannot_make_huge_documents(self, body, data):
        with pytest.raises(InvalidTemplateError, match="would have more than"):
            fill(template(body, method=zipfile.ZIP_STORED), data)

    def test_thousands_of_spaces_are_as_many_as_a_template_may_hold(self):
        document = fill(template(p(field("a"))), {"a": "x" + " " * 2500 + "y"})
        assert fill(document, {}) == document
        assert sum(int(count) for count in re.findall('text:c="([0-9]+)"', body_of(document))) + 3 == 2500

    def test_deeply_nested_parts_are_filled(self):
        body = "<text:list><text:list-item>" * 28 + p(field("a")) + "</text:list-item></text:list>" * 28
        assert "x" in filled(body, {"a": "x"})
