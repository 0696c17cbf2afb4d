"""XML as values: the same as an independent parser sees, one way of writing, and no entities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workflow_engine.documents import InvalidTemplateError, markup
from workflow_engine.documents.markup import NAMESPACES, Element, parse, serialise

NAMES = st.sampled_from(["text:p", "text:span", "table:table", "draw:frame"])
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\t\n<>&\"'"), min_size=1, max_size=20
).filter(lambda text: "\r" not in text)
ATTRIBUTES = st.dictionaries(st.sampled_from(["text:name", "fo:color", "style:name"]), TEXTS, max_size=3)


def joined(children):
    """Texts beside each other are one text, as in every document."""
    found = []
    for child in children:
        if found and isinstance(child, str) and isinstance(found[-1], str):
            found[-1] += child
        else:
            found.append(child)
    return tuple(found)


ELEMENTS = st.recursive(
    st.builds(Element, NAMES, ATTRIBUTES),
    lambda inner: st.builds(Element, NAMES, ATTRIBUTES, st.lists(st.one_of(inner, TEXTS), max_size=4).map(joined)),
    max_leaves=12,
)


@given(ELEMENTS)
def test_what_is_written_is_read_again(element):
    assert parse(serialise(element), "x.xml") == element


@given(ELEMENTS)
def test_another_parser_sees_the_same(element):
    assert seen(etree.fromstring(serialise(element))) == element


def seen(node):
    def short(name):
        uri, _, local = name.removeprefix("{").partition("}")
        return f"{next(prefix for prefix, other in NAMESPACES.items() if other == uri)}:{local}"

    children = [node.text or ""]
    for child in node:
        children += [seen(child), child.tail or ""]
    attributes = {short(key): value for key, value in node.attrib.items()}
    return Element(short(node.tag), attributes, joined(child for child in children if child != ""))


def test_order_of_attributes_and_prefixes_of_the_file_change_nothing():
    uri = NAMESPACES["text"]
    one = parse(f'<a:p xmlns:a="{uri}" a:name="n" a:c="1"/>'.encode(), "x")
    other = parse(f'<p xmlns="{uri}" xmlns:b="{uri}" b:c="1" b:name="n"></p>'.encode(), "x")
    assert one == other
    assert serialise(one) == serialise(other)


def test_names_of_other_namespaces_are_never_taken_for_known_ones():
    root = parse(b'<p xmlns:text="urn:evil" text:name="x" plain="y"><text:p/></p>', "x")
    assert root == Element("{}p", {}, (Element("{urn:evil}p", {}),))


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize(
    "data", [LAUGHS, OUTSIDE, b"<!DOCTYPE x><x/>", b'<!DOCTYPE x SYSTEM "http://a.example/x"><x/>']
)
def test_document_types_and_entities_are_refused(data):
    with pytest.raises(InvalidTemplateError, match="document type or entities"):
        parse(data, "content.xml")


@pytest.mark.parametrize(
    "data", [b"", b"<x>", b"<x></y>", b"text", b"\xff\xfe<\x00x\x00", b"<x>\xff</x>", b"<x/><y/>", b"<x>&unknown;</x>"]
)
def test_what_is_no_xml_in_utf_8_is_refused(data):
    with pytest.raises(InvalidTemplateError):
        parse(data, "content.xml")


def test_deep_and_large_documents_are_refused():
    for data in (
        b"<x>" * (markup.MAX_DEPTH + 1) + b"</x>" * (markup.MAX_DEPTH + 1),
        b"<x>" + b"<y/>" * markup.MAX_ELEMENTS + b"</x>",
        b"<x>" + b" " * markup.MAX_BYTES + b"</x>",
    ):
        with pytest.raises(InvalidTemplateError):
            parse(data, "content.xml")
