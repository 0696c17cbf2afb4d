"""Tests keep their files in memory where there is room: nobody cuts the power, so no test sees a flush of the disk.

A process that is killed leaves what it wrote on such a file system as on any other. The files are gone after the run;
`--basetemp FOLDER` keeps them in a folder, on a disk if it is on one.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
PROC = Path("/proc")
ROOM = 2 * 1024**3
"""Bytes that have to be free; the whole suite writes a fifth of it."""


def has_room(place: Path, room: int = ROOM) -> bool:
    return place.is_dir() and shutil.disk_usage(place).free >= room


def remove_of_the_dead(place: Path) -> None:
    """Remove the folders of runs that were killed before they could."""
    for folder in place.glob("pytest-*-*"):
        process = folder.name.split("-")[1]
        if process.isdigit() and PROC.exists() and not (PROC / process).exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name the folder before pytest reads its name. A worker of pytest-xdist is given one by who started it."""
    if config.option.basetemp is None and not hasattr(config, "workerinput") and has_room(MEMORY):
        remove_of_the_dead(MEMORY)
        folder = tempfile.mkdtemp(prefix=f"pytest-{os.getpid()}-", dir=MEMORY)
        config.option.basetemp = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
