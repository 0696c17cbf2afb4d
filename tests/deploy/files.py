"""What the deployment files say, read so that tests can compare it with the code."""

import fnmatch
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Flask

from livecontract.config import PREFIX, Config, load
from livecontract.roles import ROLES
from livecontract.web_server import About, create_app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
USER = 10001
NO_SECRETS = {"LIVECONTRACT_KEY_FILE"}
"""Settings whose names end like that of a secret's file."""

STANDARD_PORTS = {"amqp": 5672, "amqps": 5671, "mongodb": 27017, "http": 80, "https": 443}
UNUSED = {("workflow", "anchor")}
"""(service, setting): the configuration asks for it and the service does not use it."""


def tracked_files() -> set[str]:
    """Return every file of the project that git knows or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.splitlines())


# --- Dockerfile -------------------------------------------------------------------------------------------------------


class Instruction(NamedTuple):
    """One instruction of a Dockerfile: its word, its text, and the number of its stage, from 0."""

    word: str
    text: str
    stage: int

    @property
    def command(self) -> list[str]:
        """The exec form; the test fails on a shell form."""
        found = json.loads(self.text[self.text.index("[") :])
        assert all(isinstance(part, str) for part in found)
        return list(found)


def instructions() -> list[Instruction]:
    lines = [line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, joined.splitlines()):
        word, _, text = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(word, text, stage))
    return found


def of_runtime(word: str) -> list[Instruction]:
    """Return the instructions of the last stage with this word."""
    every = instructions()
    return [item for item in every if item.word == word and item.stage == every[-1].stage]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    pairs = [pair for item in of_runtime("ENV") for pair in shlex.split(item.text)]
    return dict(pair.split("=", 1) for pair in pairs)


def is_ignored(path: str) -> bool:
    """Whether `.dockerignore` keeps a file out of the build."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        parents = [str(parent) for parent in Path(path).parents if str(parent) != "."]
        if any(_matches(name, pattern) for name in (path, *parents)):
            ignored = not line.startswith("!")
    return ignored


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(name.rpartition("/")[2], pattern[3:])
    return name.count("/") == pattern.count("/") and fnmatch.fnmatchcase(name, pattern)


# --- Settings and routes ----------------------------------------------------------------------------------------------


def configuration(environment: Mapping[str, str], secrets: Path) -> Config:
    """Return what a container's environment means to a node.

    Args:
        environment: Of the container, beside what its image sets.
        secrets: Folder with the files that the container finds in its folder of secrets.
    """
    ours = {**image_environment(), **environment}
    for name, value in ours.items():
        if name.startswith(PREFIX) and name.endswith("_FILE") and name not in NO_SECRETS:
            assert Path(value).parent == Path("/run/secrets"), f"{name}: {value}"
            ours[name] = str(secrets / Path(value).name)
    return load(environment=ours, default_file=secrets / "none.toml")


def application() -> Flask:
    """Return the application that every process of a node serves, without the routes of any service."""
    about = About(name="", url="", network="T", system_key="")
    return create_app([], about=about, authenticate=lambda request: None)  # type: ignore[arg-type, return-value]


def check_open_path(path: str) -> None:
    """Check that a process answers a path to whoever asks, without a signature."""
    answer = application().test_client().get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"


class Target(NamedTuple):
    """Where a container connects to, and which setting says so."""

    setting: str
    host: str
    port: int


def targets(config: Config) -> list[Target]:
    """Return where the process with this configuration connects to, but for other organisations."""
    if config.service == "all":
        return []
    settings = ["store", *(role for role in ROLES if role != config.service and (config.service, role) not in UNUSED)]
    if config.service in ROLES and ROLES[config.service].has_queue:
        settings.append("broker")
    if config.service == "dispatcher":
        settings.append("broker_api")
    found = []
    for setting in settings:
        parts = urlsplit(getattr(config, setting) or "")
        if parts.hostname:
            found.append(Target(setting, parts.hostname, parts.port or STANDARD_PORTS[parts.scheme]))
    return found


def secrets_in(texts: Iterable[str]) -> list[str]:
    """Return what looks like a password, a private key or a token in a text."""
    pattern = re.compile(
        r"BEGIN [A-Z ]*PRIVATE KEY|(?i:password|passphrase|secret|token)[\"']?[ \t]*[:=][ \t]*[\"']?(?!false)[^\s\"'/{$]{6,}|://[^\s/@:]+:[^\s/@]+@"
    )
    return [match.group() for text in texts for match in pattern.finditer(text)]


def without_variables_of_ours() -> dict[str, str]:
    """Return the environment of this process without settings of a node."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
