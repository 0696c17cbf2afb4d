"""What a test needs beside the locked packages: installed where that is allowed, else the test says what is missing."""

import os
import shutil
import subprocess
from typing import NoReturn

import pytest

INSTALL_SECONDS = 600


def missing(what: str) -> NoReturn:
    """End a test that lacks something: a failure in continuous integration, a skip on a person's machine."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def program(name: str, debian_package: str) -> str:
    """Return the path of a program; root on Debian installs it first."""
    found = shutil.which(name)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", debian_package]):
            subprocess.run(
                ["apt-get", "--quiet", *command], env=quiet, capture_output=True, timeout=INSTALL_SECONDS, check=False
            )
        found = shutil.which(name)
    return found or missing(f"{name} is missing: install {debian_package}")
