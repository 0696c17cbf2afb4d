"""What somebody gets who clones or installs the project: pinned packages, fit licences, a whole wheel, `./dev`."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import imports_of, our_modules

ROOT = Path(__file__).parent.parent
CLIENT = "published client"
LOCKS = {
    **{name: ROOT / "requirements" / f"{name}.lock" for name in ("run", "dev", "deploy")},
    CLIENT: ROOT / "tests" / "anchor" / "clients" / "requirements.lock",
}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
FOR_USERS = EXTRAS.keys() - {"build", "dev"}
"""The extras that somebody installs beside the node."""

NOT_SHIPPED = {"tests", "benchmarks"}

BROUGHT_BY_THE_CALLER = {"workflow_engine.testing.plugin imports pytest"}
"""A plug-in imports the program that loads it, and nothing else imports the plug-in."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]) for text in requirements}


def locked(name: str) -> dict[str, str]:
    """Package → the line that pins it, with its hashes."""
    text = LOCKS[name].read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {normal(re.split(r"[\[=]", line, maxsplit=1)[0]): line for line in lines}


def locked_extras(name: str) -> set[str]:
    """`package[extra]` for each extra that a lock pins."""
    pins = (re.match(r"([^\[=]+)\[([^\]]+)\]==", line) for line in locked(name).values())
    return {f"{normal(pin[1])}[{extra}]" for pin in pins if pin for extra in pin[2].split(",")}


# --- Lock files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_is_pinned_with_hashes(name: str) -> None:
    pin = re.compile(
        r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[0-9][A-Za-z0-9.+!]*( ; [^-]+[^ ])? *( +--hash=sha256:[0-9a-f]{64})+"
    )
    assert [line for line in locked(name).values() if not pin.fullmatch(line)] == []


def test_lock_pins_the_extras_that_its_packages_ask_for() -> None:
    # Where a lock says `coverage`, pip looks for `coverage[toml]` by itself: the newest, which has no hash here.
    asked = set()
    for name in locked("dev"):
        try:
            wanted = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        for text in wanted:
            found = re.match(r"([A-Za-z0-9._-]+)\s*\[([^\]]+)\]", text)
            if found and "extra ==" not in text:
                asked |= {f"{normal(found[1])}[{extra.strip()}]" for extra in found[2].split(",")}
    assert asked
    assert asked <= locked_extras("dev")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_host_and_no_place_on_a_disk(name: str) -> None:
    text = re.sub(r"(?m)^#.*", "", LOCKS[name].read_text())
    assert re.findall(r"(?im)://|index-url|find-links|\bfile:|localhost| @ |^\s*-[^-]", text) == []


def test_locks_hold_what_the_project_declares() -> None:
    run = required(PROJECT["project"]["dependencies"])
    assert run | required(EXTRAS["build"]) <= locked("run").keys()
    for name in {"dev"} | FOR_USERS:
        assert run | required(EXTRAS[name]) <= locked("dev").keys()


def test_both_locks_pin_the_same_versions() -> None:
    # ./dev takes an environment of dev.lock for one of run.lock.
    run, dev = locked("run"), locked("dev")
    assert {name: dev.get(name) for name in run} == run


# --- Dependencies -----------------------------------------------------------------------------------------------------


def test_every_imported_library_is_declared() -> None:
    declared = required([*PROJECT["project"]["dependencies"], *(text for name in FOR_USERS for text in EXTRAS[name])])
    provided = importlib.metadata.packages_distributions()
    undeclared = set()
    for module in our_modules().values():
        if module.name.split(".")[0] in NOT_SHIPPED:
            continue
        for found in imports_of(module):
            library = found.target.partition(".")[0]
            ours_or_pythons = library in sys.stdlib_module_names | set(PACKAGES)
            packages = {normal(name) for name in provided.get(library, [])}
            if not ours_or_pythons and not declared & packages:
                undeclared.add(f"{module.name} imports {library}")
    assert undeclared == BROUGHT_BY_THE_CALLER, "declare it in pyproject.toml, and run ./dev lock"


WITHOUT_EXTRAS = """
import importlib, sys

libraries, modules = (text.split() for text in sys.argv[1:])
for library in libraries:
    sys.modules[library] = None  # an import of it fails
for module in modules:
    importlib.import_module(module)
"""


def test_every_module_is_imported_without_the_extras() -> None:
    optional = {normal(name) for extra in FOR_USERS for name in required(EXTRAS[extra])}
    optional -= required(PROJECT["project"]["dependencies"])
    provided = importlib.metadata.packages_distributions()
    libraries = [library for library, packages in provided.items() if optional & {normal(name) for name in packages}]
    assert libraries
    modules = [name for name in our_modules() if name.split(".")[0] not in NOT_SHIPPED and "__main__" not in name]
    command = [sys.executable, "-c", WITHOUT_EXTRAS, " ".join(libraries), " ".join(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _licence(name: str) -> str | None:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None  # locked for another platform or Python
    classifiers = [text for text in metadata.get_all("Classifier", []) if text.startswith("License ::")]
    stated = metadata.get("License-Expression") or " ".join(
        [(metadata.get("License") or "").split("\n")[0], *classifiers]
    )
    return stated.strip() or "unknown"


@pytest.mark.parametrize("name", sorted(locked("run")))
def test_licence_of_a_package_fits(name: str) -> None:
    licence = _licence(name)
    if licence is not None:
        assert not re.search(r"\bA?GPL|(?<!Lesser )General Public|Affero|SSPL|BUSL|Proprietary|unknown", licence), (
            licence
        )


# --- The wheel --------------------------------------------------------------------------------------------------------


def test_every_package_of_the_project_is_shipped() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - NOT_SHIPPED == set(PACKAGES)


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_packages_and_nothing_else(tmp_path: Path) -> None:
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "-q"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", str(ROOT), *options, "-w", str(tmp_path)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        entry_points = archive.read(next(name for name in archive.namelist() if name.endswith("entry_points.txt")))
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith((".pyc", ".orig"))
    }
    assert names == files
    assert b"livecontract = livecontract.cli:main" in entry_points


# --- ./dev ------------------------------------------------------------------------------------------------------------

FAKE_PYTHON = """#!/bin/sh
# Stands for the interpreter: writes down what it is asked for, and makes an environment that does the same.
case "$1" in -c) exit 0 ;; esac
echo "$*" >>"$DEV_LOG"
case "$*" in
    "-m venv .venv")
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        [ -z "${DEV_BREAK_VENV:-}" ] || exit 1
        printf '#!/bin/sh\\necho "livecontract $*"\\n' >.venv/bin/livecontract
        chmod +x .venv/bin/livecontract ;;
    *"install --require-hashes"*) [ -z "${DEV_BREAK_INSTALL:-}" ] || exit 1 ;;
esac
"""


class Checkout:
    """A copy of what `./dev` needs, in a folder whose name holds a space, with an interpreter that only takes notes."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "a folder"
        self.log = tmp_path / "log"
        self.python = tmp_path / "fake python"
        self.python.write_text(FAKE_PYTHON)
        self.python.chmod(0o755)
        self.folder.mkdir()
        shutil.copytree(ROOT / "requirements", self.folder / "requirements")
        for name in ("dev", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder / name)

    def dev(self, *arguments: str, **environment: str) -> tuple[int, str, list[str]]:
        """Run `./dev`; return its exit code, its messages and output, and what it asked the interpreter for."""
        self.log.write_text("")
        variables = os.environ | {"PYTHON": str(self.python), "DEV_LOG": str(self.log)} | environment
        command = ["sh", str(self.folder / "dev"), *arguments]
        done = subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)
        return done.returncode, done.stderr + done.stdout, self.log.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_dev_installs_once(checkout: Checkout) -> None:
    code, output, asked = checkout.dev("demo", "--json", "two words")
    assert (code, output.splitlines()[-1]) == (0, "livecontract demo --json two words")
    assert [line.rpartition(" -q ")[2] for line in asked] == [
        "-m venv .venv",
        "install --require-hashes -r requirements/run.lock",
        "install --no-build-isolation --no-deps -e .",
    ]
    assert checkout.dev("demo") == (0, "livecontract demo\n", [])
    assert checkout.dev("run", "--help") == (0, "livecontract run --help\n", [])


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements/run.lock"])
def test_dev_installs_again_when_a_file_it_installed_from_changes(checkout: Checkout, changed: str) -> None:
    checkout.dev("demo")
    with (checkout.folder / changed).open("a") as file:
        file.write("# changed\n")
    assert len(checkout.dev("demo")[2]) == 2
    assert checkout.dev("demo")[2] == []


@pytest.mark.parametrize("broken", ["DEV_BREAK_VENV", "DEV_BREAK_INSTALL"])
def test_dev_that_broke_off_starts_over(checkout: Checkout, broken: str) -> None:
    code, output, _ = checkout.dev("demo", **{broken: "yes"})
    assert code != 0
    assert "livecontract demo" not in output
    assert checkout.dev("demo")[:1] == (0,)
    assert checkout.dev("demo") == (0, "livecontract demo\n", [])


def test_dev_makes_a_new_environment_where_the_folder_was_moved(checkout: Checkout) -> None:
    checkout.dev("demo")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))
    assert checkout.dev("demo")[2][0] == "-m venv .venv"
    assert checkout.dev("demo")[2] == []


def test_dev_takes_the_tests_environment_for_the_demo(checkout: Checkout) -> None:
    checkout.dev("demo")
    with (checkout.folder / "requirements/run.lock").open("a") as file:
        file.write("# changed\n")
    checkout.dev("bench")
    assert checkout.dev("demo")[2] == []


def test_dev_without_a_fit_python_says_so(checkout: Checkout) -> None:
    checkout.python.write_text("#!/bin/sh\nexit 1\n")
    tools = checkout.folder / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "rm"):
        (tools / name).symlink_to(shutil.which(name) or name)
    code, output, _ = checkout.dev("demo", PATH=str(tools))
    assert code == 1
    assert "Python 3.11 or later is needed" in output


def test_dev_explains_itself(checkout: Checkout) -> None:
    assert checkout.dev("help")[:1] == (0,)
    code, output, asked = checkout.dev("tset")
    assert (code, asked) == (2, [])
    assert "unknown command 'tset'" in output


def test_what_continuous_integration_runs_is_what_developers_run() -> None:
    assert "./dev test" in (ROOT / ".ci/run").read_text()
    for script in (ROOT / "dev", ROOT / ".ci/run"):
        assert os.access(script, os.X_OK)
        subprocess.run(["sh", "-n", str(script)], check=True)
