"""What the documents say is so: links lead somewhere, commands exist and work, and the guide runs from start to end."""

import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from livecontract.cli.main import app, main
from livecontract.client import NodeClient
from livecontract.config import environment_of
from livecontract.settings import SETTINGS

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SHOWN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDE = ROOT / "docs" / "guide.md"
PACKAGES = ("anchor", "dispatcher", "eventchain", "livecontract", "workflow_engine")

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"(?:^|[`\s(])(?P<command>(?:\./dev|livecontract) [a-z][^`\n#·]*)")
FIGURE = re.compile(
    r"(?<![-\u2013\w.,])\d[\d.,]*\s?(?:ms|µs|s|(?:events|steps|hashes|requests) (?:a|per) second)(?![\w-])"
)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def by_name(paths: list[Path]) -> Any:
    return pytest.mark.parametrize("path", paths, ids=named)


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return FENCE.sub("", path.read_text("utf-8"))


# --- Links ------------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@by_name(DOCUMENTS)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, fragment = target.partition("#")
        found = (path.parent / place).resolve() if place else path
        if not found.exists() or (fragment and fragment not in anchors(found)):
            broken.append(target)
    assert broken == []


@by_name(DOCUMENTS)
def test_document_names_no_place_of_a_machine_and_no_registry(path: Path) -> None:
    text = path.read_text("utf-8")
    assert re.findall(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\S*|[A-Z]:\\\S*", text) == []
    assert re.findall(r"(?i)\S*(?:pypi|pythonhosted|index-url|artifactory|nexus)\S*", text) == []


# --- Commands ---------------------------------------------------------------------------------------------------------


def shown_commands() -> list[tuple[str, str]]:
    """Return every command in code, shell blocks or indented, as (document, command)."""
    found = []
    for path in SHOWN:
        text = re.sub(r"^(?: {4}|\$ )", "", path.read_text("utf-8"), flags=re.MULTILINE)
        for match in COMMAND.finditer(text):
            command = re.split(r"\s{2,}|[.;:,)]\s|[.;:,)]?$", match["command"])[0].strip()
            in_code = text[match.start("command") - 1] == "`" or text[match.start("command") - 1] == "\n"
            if in_code:
                found.append((named(path), command))
    return sorted(set(found))


def words_of(command: str) -> list[str]:
    return shlex.split(command.replace("…", ""))


def known_options(words: list[str]) -> set[str]:
    """Return the options of a command of ours; the assertion names the word that is no command."""
    current: Any = typer.main.get_command(app)
    options = {option for item in current.params for option in item.opts}
    for word in words:
        commands = getattr(current, "commands", None)
        if commands is None or word.startswith("-"):
            break
        assert word in commands, f"there is no command {word}"
        current = commands[word]
        options = {option for item in current.params for option in item.opts}
        if current.name in ("run", "doctor", "recover", "backup", "restore"):
            options |= {f"--{setting.name.replace('_', '-')}" for setting in SETTINGS if not setting.secret}
    return options | {"--help", "-h"}


@cache
def benchmark_options() -> set[str]:
    help_text = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"--[a-z-]+", help_text))


@pytest.mark.parametrize(("document", "command"), shown_commands())
def test_shown_command_exists(document: str, command: str) -> None:
    program, *words = words_of(command)
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    if program == "./dev":
        usage = subprocess.run([ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
        assert re.search(rf"^\./dev {re.escape(words[0])}\b", usage, re.MULTILINE), usage
        shown = set(re.findall(rf"^\./dev {re.escape(words[0])} .*?(--\w+)", usage, re.MULTILINE))
        extra = known_options(words) if words[0] in ("demo", "run") else set()
        extra |= benchmark_options() if words[0] == "bench" else set()
        assert options <= shown | extra
    else:
        assert options <= known_options(words)


def test_commands_are_found_where_they_are_shown() -> None:
    found = {command for _, command in shown_commands()}
    assert {"./dev demo", "./dev test --fast", "livecontract verify evidence.json"} <= found


@pytest.mark.parametrize("setting", [setting.name for setting in SETTINGS if setting.secret])
def test_node_takes_no_secret_from_the_command_line(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    # docs/configuration.md and SECURITY.md say so.
    assert main(["run", f"--{setting.replace('_', '-')}", "hunter2"]) == 2
    said = capsys.readouterr().err
    assert f"--{setting.replace('_', '-')}-file FILE" in said
    assert "hunter2" not in said


# --- Figures ----------------------------------------------------------------------------------------------------------


@by_name([ROOT / "README.md", GUIDE])
def test_figures_stand_beside_the_command_that_shows_them(path: Path) -> None:
    sections = re.split(r"^(?=## )", path.read_text("utf-8"), flags=re.MULTILINE)
    alone = [FIGURE.findall(section) for section in sections if not names_command(section)]
    assert [figures for figures in alone if figures] == []


def names_command(text: str) -> bool:
    return re.search(r"\./dev |livecontract [a-z]|python -m ", text) is not None


def test_performance_names_its_one_command() -> None:
    assert "./dev bench" in (ROOT / "docs" / "performance.md").read_text("utf-8")


# --- The map ----------------------------------------------------------------------------------------------------------


def test_architecture_names_every_module_and_no_other() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    words = set(re.findall(r"`([a-z_]+)`", text))
    modules = {path.stem for name in PACKAGES for path in (ROOT / name).glob("*.py")} - {"__init__", "__main__"}
    everywhere = {"errors", "ports", "routes", "service", "client"}
    assert modules - words - everywhere == set(), "draw the new modules in docs/architecture.md"
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    named_there = set(re.findall(r"`([a-z_]+)`", table))
    deeper = {path.stem for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    queues = {"events", "relay", "triggers", "anchor", "asks", "invitations"}
    assert named_there - deeper - queues == set(), "these modules are gone"


# --- The guide, run from start to end ---------------------------------------------------------------------------------


class Block(NamedTuple):
    file: str | None
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for match in FENCE.finditer(GUIDE.read_text("utf-8")):
        yield Block(match["file"], match["language"], match["text"])


class Reader:
    """Somebody who does what the guide says, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.ports = {"8080": free_port(), "8081": free_port()}

    def write(self, block: Block) -> Path:
        path = self.folder / str(block.file)
        path.write_text(self.adapt(block.text), "utf-8")
        return path

    def adapt(self, text: str) -> str:
        for port, free in self.ports.items():
            text = text.replace(port, free)
        for file in re.findall(r"<public key of (\S+)>", text):
            key = json.loads((self.folder / file).read_text("utf-8"))["public_key"]
            text = text.replace(f"<public key of {file}>", key)
        return text

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=environment_of({}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def follow(self, command: str, shown: list[str]) -> None:
        """Run a command of a console block, and look for each line that the guide shows."""
        words = ["-m", *words_of(command)]
        if words[1:3] == ["livecontract", "run"]:
            self.start(words)
            return
        printed = self.run(*words)
        for line in shown:
            parts = [part for part in line.split("…") if part.strip()]
            assert all(part in printed for part in parts), f"{command} does not print: {line}\n{printed}"

    def start(self, words: list[str]) -> None:
        log = (self.folder / f"node-{len(self.nodes)}.log").open("wb")
        node = subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=environment_of({}), stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        self.nodes.append(node)
        client = NodeClient(f"http://127.0.0.1:{list(self.ports.values())[len(self.nodes) - 1]}")
        client.get("/readyz", wait=30)

    def stop(self) -> None:
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.wait(20)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    someone = Reader(tmp_path)
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    passphrase = tmp_path / "acme.passphrase"
    passphrase.write_text("one line of one's choice\n")
    passphrase.chmod(0o600)
    yield someone
    someone.stop()


@pytest.mark.slow
def test_guide_runs_from_start_to_end(reader: Reader) -> None:
    for block in blocks():
        if block.file:
            path = reader.write(block)
            if block.language == "python":
                printed = reader.run(str(path))
                if path.name == "act.py":
                    assert printed == "Make an offer within 30 days, or decline.\n"
        elif block.language == "console":
            parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
            for command, *shown in (part.splitlines() for part in parts):
                reader.follow(command, shown)
    assert len(reader.nodes) == 2


def test_readme_shows_what_the_demo_says() -> None:
    said = "".join(path.read_text("utf-8") for path in (ROOT / "livecontract" / "demo").glob("*.py"))
    readme = (ROOT / "README.md").read_text("utf-8")
    transcript = readme.split("```\nThree organisations", 1)[1].split("\n```", 1)[0]
    checks = re.findall(r"^  ok ([a-z ]+)$", transcript, re.MULTILINE)
    assert checks == re.findall(r"\(\"([a-z ]+)\", self\._", said)
    headings = [line for line in transcript.splitlines() if re.match(r"[A-Z]", line)]
    assert all(f'"{heading}"' in said for heading in headings)
