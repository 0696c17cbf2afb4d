"""The Dockerfile: linted, compared with the code, and its build run without a container engine."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from livecontract.config import PREFIX
from livecontract.settings import BY_NAME
from tests import needs
from tests.deploy.files import (
    DEPLOY,
    ROOT,
    USER,
    check_open_path,
    configuration,
    image_environment,
    instructions,
    is_ignored,
    of_runtime,
    secrets_in,
    tracked_files,
    without_variables_of_ours,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
INSTALLATION = "/opt/livecontract"
BUILD_SECONDS = 600


def copied() -> list[str]:
    """Return what the build copies from the project."""
    sources = [item.text.split()[:-1] for item in instructions() if item.word == "COPY"]
    return [source for group in sources if not group[0].startswith("--from=") for source in group]


def test_linter_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, "--failure-threshold", "style", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_build_copies_files_that_are_there_and_reach_it() -> None:
    tracked = tracked_files()
    for source in copied():
        files = [file for file in tracked if file == source or file.startswith(source.rstrip("/") + "/")]
        assert files, f"{source} is no file of the project"
        assert [file for file in files if is_ignored(file)] == []


def test_build_copies_what_the_wheel_is_made_of() -> None:
    assert {source.rstrip("/") for source in copied()} == {
        *PACKAGES,
        "pyproject.toml",
        PROJECT["project"]["readme"],
        "requirements/run.lock",
    }


@pytest.mark.parametrize(
    "path",
    [".git/config", ".venv/bin/python", "tests/needs.py", "deploy/compose.yaml", "node.toml", "livecontract/x.pyc"],
)
def test_what_is_not_copied_does_not_even_reach_the_build(path: str) -> None:
    assert is_ignored(path)


def test_packages_are_installed_by_their_hashes() -> None:
    installs = [item.command for item in instructions() if item.word == "RUN" and "install" in item.command[3:4]]
    assert len(installs) == 2
    assert all("--require-hashes" in command or {"--no-deps", "--no-index"} <= set(command) for command in installs)


def test_image_runs_as_a_numbered_user_without_rights_and_without_a_shell() -> None:
    assert [item.text for item in of_runtime("USER")] == [f"{USER}:{USER}"]
    assert of_runtime("ENTRYPOINT")[0].command + of_runtime("CMD")[0].command == ["livecontract", "run"]
    assert instructions()[-1].word == "CMD"


def test_data_directory_belongs_to_that_user_alone() -> None:
    (made,) = of_runtime("RUN")
    directory = image_environment()["LIVECONTRACT_DATA"]
    assert made.command == ["install", "-d", "-m", "0700", "-o", str(USER), "-g", str(USER), directory]
    assert [item.text for item in of_runtime("VOLUME")] == [directory]


def test_variables_of_the_image_are_settings(tmp_path: Path) -> None:
    ours = {name.removeprefix(PREFIX).lower() for name in image_environment() if name.startswith(PREFIX)}
    assert ours <= BY_NAME.keys()
    config = configuration({"LIVECONTRACT_URL": "https://contracts.example"}, tmp_path)
    assert [str(config.port)] == [item.text for item in of_runtime("EXPOSE")]
    assert config.host == "0.0.0.0"


def test_image_holds_no_secret() -> None:
    assert secrets_in([(DEPLOY / "Dockerfile").read_text()]) == []


def test_version_of_the_image_is_that_of_the_project() -> None:
    labels = " ".join(item.text for item in of_runtime("LABEL"))
    assert f'org.opencontainers.image.version="{PROJECT["project"]["version"]}"' in labels
    assert PROJECT["project"]["description"] in labels


def test_health_check_asks_for_a_path_that_answers_everybody() -> None:
    (check,) = of_runtime("HEALTHCHECK")
    found = re.search(r"os\.environ\['LIVECONTRACT_PORT'\].*'GET', '(/\w+)'", check.command[-1])
    assert found
    check_open_path(found[1])


@pytest.mark.parametrize(("path", "code"), [("/healthz", 0), ("/somewhere", 1)])
def test_health_check_tells_an_answer_from_a_refusal(path: str, code: int, serve_application: int) -> None:
    program, *arguments = of_runtime("HEALTHCHECK")[0].command
    assert program == "python"
    arguments[-1] = arguments[-1].replace("/healthz", path)
    environment = {**without_variables_of_ours(), "LIVECONTRACT_PORT": str(serve_application)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    assert done.returncode == code, done.stderr


@pytest.mark.slow
def test_build_makes_an_installation_that_runs(tmp_path: Path) -> None:
    """Run the commands of the build stage, in folders of the test instead of those of the image."""
    source, installation = tmp_path / "source", tmp_path / "livecontract"
    source.mkdir()
    for item in (item for item in instructions() if item.stage == 0):
        if item.word == "COPY":
            *files, target = item.text.split()
            for file in files:
                copy(ROOT / file, source / target if target != "./" else source / file)
        elif item.word == "RUN":
            command = [part.replace(INSTALLATION, str(installation)) for part in item.command]
            command[0] = sys.executable if command[0] == "python" else command[0]
            run(command, source)
    shutil.rmtree(source)
    version = run([str(installation / "bin" / "livecontract"), "--version"], tmp_path)
    assert PROJECT["project"]["version"] in version


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=lambda folder, names: {"__pycache__"} & set(names))
    else:
        target = target / source.name if str(target).endswith("requirements") else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if done.returncode and re.search(r"NewConnectionError|Temporary failure in name resolution", done.stderr):
        needs.missing("the packages of requirements/run.lock cannot be fetched here")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
