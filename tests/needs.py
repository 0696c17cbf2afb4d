"""What a test needs beside the locked packages: installed where that is allowed, else the test says what is missing."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

INSTALL_SECONDS = 600
_SAID = 500

POLICY = Path("/usr/sbin/policy-rc.d")
"""What Debian asks before it starts a service that was installed; 101 says: do not."""

Find = Callable[[str], str | None]
"""Returns the path of a program, or None."""


def missing(what: str) -> NoReturn:
    """End a test that lacks something: a failure in continuous integration, a skip on a person's machine."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def program(name: str, debian_package: str, find: Find = shutil.which) -> str:
    """Return the path of a program; root on Debian installs it first. Nothing that is installed is started."""
    said = ""
    if find(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        with alone():
            if find(name) is None:
                said = _installed(debian_package)
    return find(name) or missing(f"{name} is missing: install {debian_package}. {said}".rstrip(". "))


@contextmanager
def alone() -> Iterator[None]:
    """Be the only process of this user that installs or builds: several may run tests."""
    with (Path(tempfile.gettempdir()) / f"livecontract-install-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def nothing_starts(policy: Path) -> Iterator[None]:
    """Keep Debian from starting services that are installed meanwhile. A policy that is there already stays."""
    if policy.exists() or not policy.parent.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@cache
def _installed(package: str) -> str:
    """Install a package, tried once, and return what Debian complains of."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    patience = f"DPkg::Lock::Timeout={INSTALL_SECONDS}"  # somebody else may be installing
    said = ""
    with nothing_starts(POLICY):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            done = subprocess.run(
                ["apt-get", "--quiet", "--option", patience, *command],
                env=quiet,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
            said = done.stderr[-_SAID:] if done.returncode else ""
    return said
