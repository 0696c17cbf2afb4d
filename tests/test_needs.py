"""Tests install what they need by the right name, one process at a time, and nothing that is installed is started."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from livecontract.demo import rabbitmq_server
from tests import needs
from tests.deploy import manifests
from tests.eventchain.core import test_canonical_json
from tests.network import namespaces
from tests.servers import rabbitmq

APT_GET = """#!/bin/sh
# Stands for apt-get: writes down what it is asked for, and puts programs where they are looked for.
echo "$*" >>"$APT_LOG"
[ -z "${APT_FAILS:-}" ] || { echo "E: no such package" >&2; exit 100; }
for name in $APT_BRINGS; do
    printf '#!/bin/sh\\necho "[]"\\n' >"$PATH/$name"
    /bin/chmod +x "$PATH/$name"
done
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine of root's on which nothing is installed but a package manager that takes notes."""
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    (folder / "apt-get").write_text(APT_GET)
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("APT_LOG", str(log))
    monkeypatch.setattr(rabbitmq_server, "_FOLDERS", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(needs, "POLICY", tmp_path / "policy-rc.d")
    needs._installed.cache_clear()
    return SimpleNamespace(
        log=log, brings=lambda names: monkeypatch.setenv("APT_BRINGS", names), setenv=monkeypatch.setenv
    )


@pytest.mark.parametrize(
    ("need", "package", "programs"),
    [
        (namespaces.program, "iproute2", "ip"),
        (lambda: manifests.rendered.__wrapped__("base"), "kubernetes-client", "kubectl"),
        (lambda: test_canonical_json.by_javascript([]), "nodejs", "node"),
        (rabbitmq.install, "rabbitmq-server", "rabbitmq-server rabbitmq-plugins epmd"),
    ],
    ids=["ip", "kubectl", "node", "rabbitmq"],
)
def test_program_that_is_missing_is_installed_from_its_package(
    machine: SimpleNamespace, need: Callable[[], object], package: str, programs: str
) -> None:
    machine.brings(programs)
    need()
    asked = [line.split() for line in machine.log.read_text().splitlines()]
    assert [line[3] for line in asked] == ["update", "install"]
    assert asked[1][-1] == package
    need()
    assert len(machine.log.read_text().splitlines()) == 2


def test_package_that_cannot_be_installed_is_tried_once_and_told_of(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.setenv("APT_FAILS", "yes")
    for ci, outcome in (("", pytest.skip.Exception), ("true", pytest.fail.Exception)):
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match=r"gadget is missing: install gadgets\. E: no such"):
            needs.program("gadget", "gadgets")
    assert len(machine.log.read_text().splitlines()) == 2


def test_processes_that_need_the_same_install_it_once(machine: SimpleNamespace) -> None:
    machine.brings("gadget")
    threads = [threading.Thread(target=needs.program, args=("gadget", "gadgets")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(machine.log.read_text().splitlines()) == 2


def test_nothing_that_is_installed_is_started_and_a_policy_of_others_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with needs.nothing_starts(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("theirs")
    with needs.nothing_starts(policy):
        assert policy.read_text() == "theirs"
    assert policy.read_text() == "theirs"
