"""PDF by the real LibreOffice: that it reads what we fill, and nothing else, and leaves nothing behind."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

import scenarios
from livecontract.errors import ConverterMissingError
from livecontract.pdf import to_pdf
from tests.needs import program
from workflow_engine.documents import fill

TERMS = {
    "discloser": "Acme & Co",
    "recipient": "Beta",
    "purpose": "A joint bid\nin two lines",
    "years": 3,
    "law": "Norway",
}
PACKAGE = "libreoffice-writer-nogui"


@pytest.fixture
def soffice() -> str:
    return program("soffice", PACKAGE)


def agreement(**terms: object) -> bytes:
    return fill(scenarios.template("nda"), {"assets": {"terms": {**TERMS, **terms}}})


@pytest.mark.slow
def test_agreement_becomes_a_pdf_of_one_page(soffice: str) -> None:
    pdf = to_pdf(agreement())
    assert (soffice != "", pdf[:5]) == (True, b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert b"/JavaScript" not in pdf


@pytest.mark.slow
def test_what_is_no_document_becomes_no_pdf(soffice: str) -> None:
    with pytest.raises(ConverterMissingError, match="made no PDF"):
        to_pdf(b"<html><img src='http://127.0.0.1:9/'></html>")
    assert soffice


@pytest.mark.slow
def test_libreoffice_reads_in_a_filled_document_what_was_filled_in(soffice: str, tmp_path: Path) -> None:
    """An oracle for filling: fields, line breaks, and the section that is hidden where there is no penalty."""
    (tmp_path / "document.odt").write_bytes(agreement())
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = ["--headless", "--infilter=writer8", "--convert-to", "txt:Text (encoded):UTF8", "--outdir", str(tmp_path)]
    subprocess.run(
        [soffice, profile, *convert, str(tmp_path / "document.odt")],
        check=True,
        capture_output=True,
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
    )
    lines = (tmp_path / "document.txt").read_text("utf-8-sig").splitlines()
    assert "Between Acme & Co, the disclosing party, and Beta, the receiving party." in lines
    assert "in two lines" in lines
    assert "These duties last 3 years from the last signature." in lines
    assert not any("Each breach costs" in line for line in lines)


def test_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    hanging = tmp_path / "soffice"
    hanging.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {told}.new\nmv {told}.new {told}\nwait\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ConverterMissingError, match="made no PDF"):
        to_pdf(b"", seconds=0.5)
    child = int(told.read_text())
    for _ in range(100):
        if not is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("what the program started goes on")


def test_program_sees_nothing_of_the_environment_of_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = tmp_path / "shown"
    (tmp_path / "soffice").write_text(f"#!/bin/sh\nenv > {shown}\n")
    (tmp_path / "soffice").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("LIVECONTRACT_SECRET", "hidden")
    with pytest.raises(ConverterMissingError):
        to_pdf(b"")
    names = {line.split("=")[0] for line in shown.read_text().splitlines()}
    assert names - {"PWD", "_", "SHLVL", "OLDPWD"} == {"PATH", "HOME", "TMPDIR"}


def is_running(process: int) -> bool:
    """Tell whether a process runs; one that has ended and that nobody has asked about counts as ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
