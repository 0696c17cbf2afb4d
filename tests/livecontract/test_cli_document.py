"""`livecontract document`: what people type, what they are told, and what is written."""

import json
import zipfile
from pathlib import Path

import pytest

import scenarios
from livecontract.cli import main
from tests.livecontract.test_cli import Run
from tests.workflow_engine.documents.templates import field, template, text_in

TERMS = {"discloser": "Acme", "recipient": "Beta", "purpose": "A joint bid", "years": 3, "law": "Norway"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("nda.odt").write_bytes(scenarios.template("nda"))
    Path("nda.json").write_text(json.dumps(scenarios.load("nda")))
    Path("data.json").write_text(json.dumps({"assets": {"terms": TERMS}}))
    return Run(capsys)


def test_fields_are_listed(run: Run) -> None:
    result = run("document", "fields", "nda.odt")
    assert (result.code, "field      assets.terms.purpose\n" in result.out) == (0, True)
    names = [item["name"] for item in run("document", "fields", "nda.odt", "--json").json["fields"]]
    assert names[:2] == ["assets.terms.discloser", "assets.terms.recipient"]


def test_template_is_checked_against_its_scenario(run: Run) -> None:
    assert run("document", "check", "nda.odt").code == 0
    result = run("document", "check", "nda.odt", "--scenario", "nda.json", "--json")
    assert (result.code, result.json["valid"]) == (0, True)
    assert {problem["severity"] for problem in result.json["problems"]} == {"info"}


def test_field_that_the_scenario_lacks_is_a_negative_answer(run: Run) -> None:
    Path("bad.odt").write_bytes(template(f"<text:p>{field('assets.terms.yeers')}</text:p>"))
    result = run("document", "check", "bad.odt", "--scenario", "nda.json")
    assert result.code == 1
    assert 'unknown-field: There is nothing at "assets.terms.yeers"' in result.out


def test_refused_template_is_a_finding_of_the_check_and_an_error_elsewhere(run: Run) -> None:
    Path("bad.odt").write_bytes(template("<text:p><text:date>today</text:date></text:p>"))
    checked = run("document", "check", "bad.odt", "--json")
    assert (checked.code, checked.json["problems"][0]["rule"]) == (1, "template")
    filled = run("document", "fill", "bad.odt", "--data", "data.json", "--out", "out.odt")
    assert filled.code == 3
    assert "use a user field" in filled.err
    assert not Path("out.odt").exists()


def test_document_is_filled_and_named_by_its_hash(run: Run) -> None:
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt", "--json")
    assert result.code == 0
    assert result.json["size"] == Path("out.odt").stat().st_size
    assert "A joint bid" in text_in(Path("out.odt").read_bytes())
    again = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt", "--json")
    assert again.json["hash"] == result.json["hash"]


def test_document_that_is_not_the_one_on_the_chain_is_not_written(run: Run) -> None:
    fill = ("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt")
    known = run(*fill, "--json").json["hash"]
    Path("out.odt").unlink()
    assert run(*fill, "--expect", known).code == 0
    Path("out.odt").unlink()
    Path("data.json").write_text(json.dumps({"assets": {"terms": {**TERMS, "years": 4}}}))
    result = run(*fill, "--expect", known)
    assert (result.code, Path("out.odt").exists()) == (1, False)
    assert f"Not the document {known}" in result.out


def test_other_file_is_not_written_over(run: Run) -> None:
    Path("out.odt").write_text("my notes")
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt")
    assert (result.code, Path("out.odt").read_text()) == (3, "my notes")
    assert "exists already" in result.err


@pytest.mark.parametrize("name", ["-", "agreement.pdf", "AGREEMENT.PDF"])
def test_document_is_not_written_where_nobody_would_look_for_it(run: Run, name: str) -> None:
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", name, "--pdf")
    assert (result.code, Path(name).exists()) == (2, False)


def test_missing_data_is_named(run: Run) -> None:
    Path("data.json").write_text("{}")
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt")
    assert result.code == 3
    assert '"assets.terms.discloser"' in result.err


@pytest.mark.parametrize("data", ["[]", "3", "null", "not json", ""])
def test_data_that_is_no_object_is_refused(run: Run, data: str) -> None:
    Path("data.json").write_text(data)
    assert run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt").code == 3


@pytest.mark.parametrize("content", [b"", b"PK", b"%PDF-1.4", b"\x00" * 100, b"{}"])
def test_what_is_no_template_is_refused_by_every_command(run: Run, content: bytes) -> None:
    Path("bad.odt").write_bytes(content)
    assert run("document", "fields", "bad.odt").code == 3
    assert run("document", "check", "bad.odt").code == 1
    assert run("document", "embed", "bad.odt").code == 3


def test_pdf_without_libreoffice_says_what_is_missing_and_keeps_the_document(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt", "--pdf")
    assert result.code == 4
    assert "soffice is not installed" in result.err
    assert Path("out.odt").exists()


@pytest.mark.parametrize(
    ("script", "code"), [('cp "$last" "$(dirname "$last")/document.pdf"', 0), ("exit 0", 4), ("exit 77", 4)]
)
def test_pdf_is_what_the_program_makes_of_the_document(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, code: int
) -> None:
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    result = run("document", "fill", "nda.odt", "--data", "data.json", "--out", "out.odt", "--pdf")
    assert result.code == code
    if code == 0:
        assert Path("out.pdf").read_bytes() == Path("out.odt").read_bytes()


def test_template_is_embedded_and_taken_out_again(run: Run) -> None:
    other = {**scenarios.load("four-eyes"), "id": "other"}
    Path("other.json").write_text(json.dumps(other))
    whole = run("document", "embed", "nda.odt", "--scenario", "other.json", "--key", "paper")
    assert set(whole.json["definitions"]) == {"limit", "paper"}
    Path("with.json").write_text(whole.out)
    assert run("document", "extract", "with.json", "paper", "--out", "again.odt").code == 0
    with zipfile.ZipFile("again.odt") as archive:
        assert "content.xml" in archive.namelist()
    assert run("document", "extract", "with.json", "limit", "--out", "no.odt").code == 3
    assert run("document", "embed", "nda.odt").json["$schema"] == "urn:livecontract:template:1"


def test_form_is_one_json_document(run: Run) -> None:
    form = run("document", "form", "nda.json", "propose").json
    assert [field["name"] for field in form["fields"]][:2] == ["discloser", "recipient"]
    assert run("document", "form", "nda.json", "nothing").code == 3
    assert run("document", "form", "nda.json", "propose", "--response", "nothing").code == 3


def test_data_object_is_named_by_its_hash(run: Run) -> None:
    one = run("document", "id", "data.json")
    assert run("document", "id", "data.json", "--json").json["link"] == {"$link": one.out.strip()}


def test_action_that_is_no_document_action_is_wrong_usage(run: Run) -> None:
    assert run("document", "check", "nda.odt", "--scenario", "nda.json", "--action", "agree").code == 2


@pytest.mark.parametrize("command", [[], ["check"], ["fill"], ["fields"], ["embed"], ["extract"], ["form"], ["id"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["document", *command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out
