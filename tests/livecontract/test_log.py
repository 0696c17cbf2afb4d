"""Logs: on stderr, from the level asked for, and without the values of variables."""

import json
import subprocess
import sys
from typing import Any

import pytest

SCRIPT = """
import sys
import structlog
from livecontract import log

def open_box(passphrase):
    key = "s3cret" + "-key"
    raise ValueError("cannot open")

log.configure({level!r}, {form!r})
logger = structlog.get_logger("test")
logger.debug("quiet")
try:
    open_box("hidden" + "-horse")
except ValueError as error:
    logger.error("unexpected error", exc_info=error, request_id="abc")
print("data")
"""


def run(level: str, form: str) -> tuple[str, str]:
    script = SCRIPT.format(level=level, form=form)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return result.stdout, result.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_is_logged_with_its_place_and_without_the_values_of_variables(form: str) -> None:
    out, err = run("info", form)
    assert out == "data\n"
    assert "open_box" in err
    assert "cannot open" in err
    assert "abc" in err
    assert "s3cret-key" not in err
    assert "hidden-horse" not in err
    assert "quiet" not in err


def test_json_logs_are_one_document_a_line() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in run("debug", "json")[1].splitlines()]
    assert [line["event"] for line in lines] == ["quiet", "unexpected error"]
