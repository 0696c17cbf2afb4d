"""The doors between the rooms, and what the rooms promise, hold in every module; and each rule notices its breach."""

import ast

import pytest

from tests.architecture import PACKAGES, ROOT, RULES, Module, circles, impurities, our_modules


@pytest.mark.parametrize("rule", RULES)
def test_architecture(rule: str) -> None:
    broken = list(RULES[rule](our_modules()))
    assert not broken, "\n" + "\n".join(broken)


def test_every_package_has_its_place_in_the_table() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(PACKAGES), "a new room: draw its doors in the architecture and in DOORS"


# --- The rules notice what they are for -------------------------------------------------------------------------------


def _sources(**sources: str) -> dict[str, Module]:
    modules = {}
    for key, text in sources.items():
        name = key.replace("__", ".")
        modules[name] = Module(name, ast.parse(text))
    return modules


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        ("doors", "anchor__service", "import workflow_engine"),
        ("doors", "anchor__service", "def f():\n    from dispatcher.broker import Broker"),
        ("doors", "eventchain__core__ids", "from ..chain import EventChain"),
        ("doors", "eventchain__core__ids", "from .. import chain"),
        ("doors", "eventchain__store__memory", "from eventchain import service"),
        ("doors", "dispatcher__enqueue", "import typing\nif typing.TYPE_CHECKING:\n    import livecontract.config"),
        ("doors", "dispatcher__enqueue", "import importlib\nimportlib.import_module('anchor.service')"),
        ("doors", "dispatcher__enqueue", "import importlib\nimportlib.import_module('an' + 'chor')"),
        ("doors", "playground__routes", "import eventchain.chain"),
        ("libraries of the floor", "eventchain__core__keys", "import requests"),
        ("libraries of the floor", "scenarios__loader", "import jsonschema"),
        ("nothing before the floor", "eventchain", "from eventchain.chain import EventChain"),
        ("pure where nodes must agree", "eventchain__core__ids", "import time"),
        ("pure where nodes must agree", "eventchain__chain", "def f():\n    from os import urandom"),
        ("pure where nodes must agree", "eventchain__event", "from datetime import datetime\ndatetime.now()"),
        ("pure where nodes must agree", "eventchain__event", "from eventchain.core.clock import system_clock"),
        ("pure where nodes must agree", "workflow_engine__operators__text", "open('x')"),
        ("pure where nodes must agree", "anchor__block", "from eventchain.store.memory import MemoryStore"),
        ("pure where nodes must agree", "workflow_engine__machine", "from workflow_engine.service import x"),
        ("settings come in", "anchor__service", "import os\nos.environ['X']"),
        ("settings come in", "anchor__service", "from os import getenv"),
        ("time comes in", "anchor__service", "from eventchain.core.clock import system_clock"),
        ("no work at import", "anchor__service", "import threading\nLOCK = threading.Lock()"),
        ("no work at import", "anchor__service", "class A:\n    cache = dict()"),
        ("no work at import", "anchor__service", "def f(x=list()): ..."),
        ("no work at import", "anchor__service", "for x in (1, 2):\n    pass"),
        ("no work at import", "anchor__service", "import typer\napp = typer.Typer()"),
        ("no shared state", "anchor__service", "SEEN = {}\ndef f(x):\n    SEEN[x] = 1"),
        ("no shared state", "anchor__service", "SEEN = []\ndef f(x):\n    SEEN.append(x)"),
        ("no shared state", "anchor__service", "COUNT = 0\ndef f():\n    global COUNT\n    COUNT += 1"),
    ],
)
def test_rule_notices(rule: str, name: str, source: str) -> None:
    assert list(RULES[rule](_sources(**{name: source})))


def test_rule_notices_effects_and_circles_at_a_distance() -> None:
    modules = _sources(
        anchor__block="from anchor import far", anchor__far="import anchor.farther", anchor__farther="import socket"
    )
    assert "reached from anchor.block" in next(impurities(modules))
    modules = _sources(
        anchor__a="from anchor import b", anchor__b="def f():\n    from anchor.c import x", anchor__c="import anchor.a"
    )
    assert "→" in next(circles(modules))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("eventchain__chain", "from eventchain.core.clock import Clock\nfrom eventchain.core import ids"),
        ("workflow_engine__service", "from scenarios import load\nfrom eventchain.store.memory import MemoryStore"),
        ("livecontract__config", "import os\ndef read():\n    return os.environ"),
        ("livecontract__bootstrap", "from eventchain.core.clock import system_clock\nimport anchor.service"),
        ("livecontract__cli__run", "import typer\napp = typer.Typer()\n@app.command()\ndef run(): ..."),
        (
            "anchor__wire",
            "import re\nX = re.compile('a')\nY = {**{}}\ndef f():\n    seen = {}\n    seen[1] = 2\n    return seen",
        ),
        ("anchor__service", "if __name__ == '__main__':\n    print(1)"),
    ],
)
def test_rules_let_pass_what_is_right(name: str, source: str) -> None:
    assert [problem for rule in RULES.values() for problem in rule(_sources(**{name: source}))] == []
