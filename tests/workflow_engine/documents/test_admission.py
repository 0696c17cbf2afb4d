"""Templates come from counterparties: what runs, fetches, hides or changes is refused with the reason."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.workflow_engine.documents.templates import (
    DECLARED,
    ODT,
    PNG,
    content,
    field,
    styles,
    template,
    text_in,
    zipped,
)
from workflow_engine.documents import InvalidTemplateError, MissingFieldError, admit, fill, markup

LIBREOFFICE_WRITES = {
    "mimetype": ODT,
    "content.xml": content(
        '<text:sequence-decls><text:sequence-decl text:name="Figure"/></text:sequence-decls>'
        '<office:forms form:automatic-focus="false"/>'
        '<text:p xml:id="p1" officeooo:rsid="001">Text<text:bookmark text:name="b"/><text:soft-page-break/></text:p>'
    ),
    "styles.xml": styles("<office:styles/>"),
    "meta.xml": "<x/>",
    "settings.xml": "<x/>",
    "manifest.rdf": "<x/>",
    "layout-cache": b"\x00",
    "Thumbnails/thumbnail.png": PNG,
    "Configurations2/accelerator/current.xml": b"",
    "META-INF/manifest.xml": "<x/>",
}


def refusal(data):
    with pytest.raises(InvalidTemplateError) as caught:
        admit(data)
    return caught.value.message


def test_what_libreoffice_writes_is_let_in_without_what_is_around_the_text():
    admitted = admit(zipped(LIBREOFFICE_WRITES))
    assert admitted.notes == ()
    written = markup.serialise(admitted.content).decode()
    assert "<text:p>Text</text:p>" in written
    for gone in ("rsid", "bookmark", "forms", "sequence", "scripts", "xml:id"):
        assert gone not in written


def test_same_text_saved_by_another_program_on_another_day_is_filled_to_the_same_bytes():
    other = {**LIBREOFFICE_WRITES, "meta.xml": "<y/>", "Thumbnails/thumbnail.png": PNG + b"!", "settings.xml": "<z/>"}
    assert fill(zipped(other), {}) == fill(zipped(LIBREOFFICE_WRITES), {})


BODIES = {
    "macros": '<text:p><text:execute-macro text:name="x">x</text:execute-macro></text:p>',
    "script": '<text:p><text:script script:language="JavaScript">alert(1)</text:script></text:p>',
    "event": '<office:event-listeners><script:event-listener script:event-name="on-click"/></office:event-listeners>',
    "form": '<office:forms><form:form form:name="f"/></office:forms>',
    "object": '<text:p><draw:frame><draw:object xlink:href="./Object 1"/></draw:frame></text:p>',
    "ole": '<text:p><draw:frame><draw:object-ole xlink:href="./Object 1"/></draw:frame></text:p>',
    "plug-in": '<text:p><draw:frame><draw:plugin xlink:href="http://a.example/x"/></draw:frame></text:p>',
    "floating frame": '<text:p><draw:frame><draw:floating-frame xlink:href="http://a.example/"/></draw:frame></text:p>',
    "linked section": '<text:section text:name="s"><text:section-source xlink:href="http://a.example/x.odt"/></text:section>',
    "DDE": '<text:section text:name="s"><office:dde-source office:dde-application="soffice"/></text:section>',
    "DDE field": '<text:p><text:dde-connection text:connection-name="x"/></text:p>',
    "changes": "<text:tracked-changes><text:changed-region/></text:tracked-changes><text:p/>",
    "change": '<text:p><text:change text:change-id="c"/></text:p>',
    "hidden section": '<text:section text:name="s" text:display="none"><text:p>secret</text:p></text:section>',
    "hidden table": '<table:table table:name="t" table:display="false"/>',
    "hidden row": '<table:table><table:table-row table:visibility="collapse"/></table:table>',
    "calculated cell": '<table:table><table:table-row><table:table-cell table:formula="x"/></table:table-row>'
    "</table:table>",
    "text in a row": "<table:table><table:table-row>secret</table:table-row></table:table>",
    "text in a list": "<text:list>secret</text:list>",
    "paragraph in a paragraph": "<text:p><text:p>secret</text:p></text:p>",
    "row outside of a table": "<table:table-row/>",
    "body in the body": "<office:text/>",
    "text in a space": '<text:p><text:s text:c="1">secret</text:s></text:p>',
    "million spaces": '<text:p><text:s text:c="1000000"/></text:p>',
    "million rows": '<table:table><table:table-row table:number-rows-repeated="9999999"/></table:table>',
    "no number": '<table:table><table:table-column table:number-columns-repeated="-1"/></table:table>',
    "date": "<text:p><text:date>today</text:date></text:p>",
    "time": "<text:p><text:time>now</text:time></text:p>",
    "author": "<text:p><text:author-name>somebody</text:author-name></text:p>",
    "variable": '<text:p><text:variable-get text:name="x">1</text:variable-get></text:p>',
    "database": '<text:p><text:database-display text:column-name="x">1</text:database-display></text:p>',
    "linked picture": '<text:p><draw:frame><draw:image xlink:href="http://a.example/x.png"/></draw:frame></text:p>',
    "file picture": '<text:p><draw:frame><draw:image xlink:href="file:///etc/passwd"/></draw:frame></text:p>',
    "missing picture": '<text:p><draw:frame><draw:image xlink:href="Pictures/x.png"/></draw:frame></text:p>',
    "unknown element": '<text:p><other xmlns="urn:x">text</other></text:p>',
    "unknown office element": "<text:p><text:new-thing>text</text:new-thing></text:p>",
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_body_that_runs_fetches_hides_or_changes_is_refused(name):
    assert refusal(template(BODIES[name])).startswith("The template is refused: ")


@pytest.mark.parametrize("name", BODIES)
def test_the_same_in_a_footer_is_refused(name):
    footer = f"<style:master-page><style:footer>{BODIES[name]}</style:footer></style:master-page>"
    data = zipped(
        {
            "mimetype": ODT,
            "content.xml": content("<text:p/>"),
            "styles.xml": styles(f"<office:master-styles>{footer}</office:master-styles>"),
        }
    )
    assert refusal(data).startswith("The template is refused: ")


@pytest.mark.parametrize(
    "before",
    [
        '<office:scripts><office:script script:language="ooo:Basic"/></office:scripts>',
        "<office:scripts><office:event-listeners><x/></office:event-listeners></office:scripts>",
        '<office:styles><style:style><style:text-properties text:display="none"/></style:style></office:styles>',
        "<office:automatic-styles><x><office:event-listeners/></x></office:automatic-styles>",
    ],
)
def test_scripts_and_hidden_styles_are_refused(before):
    assert refusal(template("<text:p/>", before=before)).startswith("The template is refused: ")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("Basic/Standard/Module1.xml", "macros"),
        ("Scripts/python/x.py", "scripts"),
        ("Dialogs/x.xml", "dialogs"),
        ("Object 1/content.xml", "embedded objects"),
        ("ObjectReplacements/Object 1", "embedded objects"),
        ("Fonts/x.ttf", "fonts"),
        ("Versions/Version1", "older versions"),
        ("anything.bin", "an unknown part"),
        ("META-INF/macrosignatures.xml", "an unknown part"),
    ],
)
def test_parts_that_a_text_does_not_need_are_refused(part, reason):
    message = refusal(zipped({"mimetype": ODT, "content.xml": content("<text:p/>"), part: b"x"}))
    assert reason in message


@pytest.mark.parametrize(
    ("name", "picture"), [("Pictures/x.svg", b"<svg/>"), ("Pictures/x.png", b"GIF89a"), ("Pictures/x", PNG)]
)
def test_pictures_that_are_neither_png_nor_jpeg_are_refused(name, picture):
    assert "neither PNG nor JPEG" in refusal(zipped({"mimetype": ODT, "content.xml": content(""), name: picture}))


def test_picture_in_the_template_is_kept():
    image = '<text:p><draw:frame svg:width="1cm"><draw:image xlink:href="Pictures/a.png"/></draw:frame></text:p>'
    data = zipped({"mimetype": ODT, "content.xml": content(image), "Pictures/a.png": PNG})
    assert admit(data).pictures == {"Pictures/a.png": PNG}
    assert b'xlink:href="Pictures/a.png"' in fill(data, {})


def test_comments_and_hyperlinks_are_left_out_and_named():
    data = template(
        '<text:p>See <text:a xlink:href="http://a.example/">the <text:span>terms</text:span></text:a>.'
        "<office:annotation><text:p>psst</text:p></office:annotation></text:p>"
    )
    assert admit(data).notes == ("a hyperlink is left out; its text stays", "a comment is left out")
    document = fill(data, {})
    assert "See the terms." in text_in(document)
    assert b"a.example" not in document
    assert b"psst" not in document


def test_cross_references_become_the_text_that_they_had():
    data = template('<text:p>See <text:bookmark-ref text:ref-name="b">clause 4</text:bookmark-ref>.</text:p>')
    assert admit(data).notes == ("a cross-reference keeps the text that it had in the template",)
    assert "See clause 4." in text_in(fill(data, {}))


def test_links_in_styles_do_not_get_through():
    style = (
        '<office:automatic-styles><style:style style:name="a"><style:graphic-properties>'
        '<style:background-image xlink:href="http://a.example/x.png"/></style:graphic-properties></style:style>'
        '<text:list-style style:name="l"><text:list-level-style-image xlink:href="http://a.example/"/></text:list-style>'
        '</office:automatic-styles><office:font-face-decls><style:font-face style:name="f"><svg:font-face-src>'
        '<svg:font-face-uri xlink:href="http://a.example/f.ttf"/></svg:font-face-src></style:font-face></office:font-face-decls>'
    )
    data = template("<text:p/>", before=style)
    assert admit(data).notes
    assert b"a.example" not in fill(data, {})


@pytest.mark.parametrize(
    "parts",
    [
        {"content.xml": content("")},
        {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content("")},
        {"mimetype": "application/zip", "content.xml": content("")},
        {"mimetype": ODT},
        {"mimetype": ODT, "content.xml": styles("")},
        {"mimetype": ODT, "content.xml": content("").replace("</office:body>", "<office:text/></office:body>")},
        {"mimetype": ODT, "content.xml": content("").replace("</office:document", "<office:body/></office:document")},
        {"mimetype": ODT, "content.xml": content("").replace("<office:text>", "<office:text/><office:text>")},
        {"mimetype": ODT, "content.xml": content("").replace("office:text", "office:spreadsheet")},
        {"mimetype": ODT, "content.xml": f"<office:document-content{DECLARED}/>"},
        {"mimetype": ODT, "content.xml": content(""), "META-INF/manifest.xml": "<manifest:encryption-data/>"},
        {"mimetype": ODT, "content.xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'},
    ],
)
def test_what_is_no_text_document_is_refused_with_what_to_do(parts):
    with pytest.raises(InvalidTemplateError) as caught:
        admit(zipped(parts))
    assert caught.value.message.endswith(".")


def test_templates_of_libreoffice_are_text_documents_too():
    parts = {"mimetype": f"{ODT}-template", "content.xml": content(f"<text:p>{field('a')}</text:p>")}
    document = fill(zipped(parts), {"a": "x"})
    assert document[38:].startswith(ODT.encode() + b"PK")


KNOWN = [
    "text:p", "text:span", "text:section", "text:list", "text:list-item", "table:table", "table:table-row", "text:a",
    "table:table-cell", "text:user-field-get", "text:conditional-text", "text:hidden-paragraph", "office:annotation",
    "draw:frame", "text:s",
]  # fmt: skip
WILD = ["text:script", "draw:object", "office:event-listeners", "text:date", "draw:image", "script:event-listener"]
ATTRIBUTES = {
    "text:name": "each x", "xlink:href": "http://a.example/", "text:condition": "ooow:a", "text:display": "condition",
    "style:name": "s", "script:language": "Basic", "xml:id": "i", "text:string-value-if-true": "t", "onload": "x()",
}  # fmt: skip
SOUP = st.recursive(
    st.sampled_from(["text", "&amp;"]),
    lambda inner: st.builds(
        lambda name, attributes, children: (
            f"<{name}{''.join(f' {key}={chr(34)}{ATTRIBUTES[key]}{chr(34)}' for key in attributes)}>"
            f"{''.join(children)}</{name}>"
        ),
        st.sampled_from(KNOWN * 4 + WILD),
        st.sets(st.sampled_from(sorted(ATTRIBUTES)), max_size=3),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


@given(SOUP, st.sampled_from([{}, {"a": 1, "each x": "v"}, {"a": [1, 2], "each x": ["v", "w"]}]))
def test_whatever_a_template_holds_nothing_but_text_comes_out(body, data):
    try:
        document = fill(template(body), data)
    except (InvalidTemplateError, MissingFieldError):
        return
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        root = etree.fromstring(archive.read("content.xml"))
    for element in root.iter():
        assert not [name for name in element.attrib if "xlink" in name or "script" in name or name == "onload"]
        local = etree.QName(element).localname
        assert local not in {"a", "annotation", "user-field-get", "conditional-text", "hidden-paragraph"}
        assert not any(etree.QName(name).localname == "condition" for name in element.attrib)
    assert fill(document, {}) == document
