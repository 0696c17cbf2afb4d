"""Tests keep their files in memory where there is room: nobody cuts the power, so no test sees a flush of the disk.

A process that is killed leaves what it wrote on such a file system as on any other. The files are gone after the run;
`--basetemp FOLDER` keeps them in a folder, on a disk if it is on one.
"""

import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
"""Bytes that have to be free; the whole suite writes a fifth of it."""


def has_room(place: Path, room: int = ROOM) -> bool:
    return place.is_dir() and shutil.disk_usage(place).free >= room


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Name the folder before pytest reads its name. A worker of pytest-xdist is given one by who started it."""
    if config.option.basetemp is None and not hasattr(config, "workerinput") and has_room(MEMORY):
        folder = tempfile.mkdtemp(prefix="pytest-", dir=MEMORY)
        config.option.basetemp = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
