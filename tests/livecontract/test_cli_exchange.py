"""`livecontract scenario export` and `import`: what is printed, and how they end."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree  # type: ignore[import-untyped]  # it has no types

from livecontract.cli import main
from livecontract.cli.scenario_exchange import Notation

ROOT = Path(__file__).parents[2]
NDA = ROOT / "scenarios" / "library" / "nda.json"
ORDER = ROOT / "tests" / "workflow_engine" / "exchange" / "files" / "order.bpmn"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main(["scenario", *(str(item) for item in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_scenario_exported_and_imported_keeps_its_id(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text, said = run(capsys, "export", NDA, "--to", "bpmn")
    assert (code, said) == (0, "")
    (tmp_path / "nda.bpmn").write_text(text, "utf-8")
    code, text, said = run(capsys, "import", tmp_path / "nda.bpmn")
    assert (code, said) == (0, "")
    (tmp_path / "nda.json").write_text(text, "utf-8")
    ids = [json.loads(run(capsys, "check", path, "--json")[1])["id"] for path in (NDA, tmp_path / "nda.json")]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("notation", Notation)
def test_every_notation_is_printed_as_text_and_as_one_document(
    capsys: pytest.CaptureFixture[str], notation: Notation
) -> None:
    code, text, _ = run(capsys, "export", NDA, "--to", notation)
    assert code == 0
    document: Any = json.loads(run(capsys, "export", NDA, "--to", notation, "--json")[1])
    assert document == {"notation": notation.value, "content": text}


def test_imported_drawing_is_the_same_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    plain, as_json = run(capsys, "import", ORDER), run(capsys, "import", ORDER, "--json")
    assert plain[0] == as_json[0] == 0
    assert json.loads(plain[1]) == json.loads(as_json[1])


def test_drawing_may_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ORDER.read_bytes())))
    assert run(capsys, "import", "-")[1] == run(capsys, "import", ORDER)[1]


def test_refused_drawing_ends_with_3_and_names_every_element(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = re.sub(r"parallelGateway", "inclusiveGateway", ORDER.read_text("utf-8"))
    (tmp_path / "a.bpmn").write_text(text, "utf-8")
    code, out, said = run(capsys, "import", tmp_path / "a.bpmn")
    assert (code, out) == (3, "")
    assert "Error: The inclusive gateway (Gateway_0f) cannot be translated" in said
    assert "(Gateway_0j)" in said
    assert "(at line 62)" in said
    code, out, said = run(capsys, "import", tmp_path / "a.bpmn", "--json")
    assert (code, said, json.loads(out)["path"]) == (3, "", "line 62")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"$schema": "urn:livecontract:scenario:1"}', "is JSON, not BPMN"),
        (b"", "is empty"),
        (b"PK\x03\x04", "not well-formed XML"),
        (b"<html/>", "not a BPMN 2.0 file"),
    ],
)
def test_file_of_another_kind_is_refused_with_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes, words: str
) -> None:
    (tmp_path / "a.bpmn").write_bytes(data)
    code, out, said = run(capsys, "import", tmp_path / "a.bpmn")
    assert (code, out) == (3, "")
    assert words in said


def test_unknown_notation_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "export", NDA, "--to", "png")[0] == 2
    assert run(capsys, "export", NDA)[0] == 2


def test_scenario_with_errors_is_not_exported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"$schema": "urn:livecontract:scenario:1"}')
    assert run(capsys, "export", tmp_path / "a.json", "--to", "dot")[0] == 3


def test_printed_file_carries_what_a_terminal_would_not_show(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    scenario = json.loads(NDA.read_text("utf-8"))
    scenario["actors"]["discloser"]["title"] = "Left\u202eright"
    (tmp_path / "a.json").write_text(json.dumps(scenario))
    text = run(capsys, "export", tmp_path / "a.json", "--to", "bpmn")[1]
    assert "\u202e" not in text
    ElementTree.fromstring(text.encode())
    (tmp_path / "a.bpmn").write_text(text, "utf-8")
    document = json.loads(run(capsys, "import", tmp_path / "a.bpmn")[1])
    assert document["actors"]["discloser"]["title"] == "Left\u202eright"
