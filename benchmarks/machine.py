"""What the figures were measured on."""

import os
import platform
import sqlite3

import nacl


def machine_line() -> str:
    """Return cores, system and the versions that matter."""
    return ", ".join(
        (
            f"{_cores()} cores ({platform.machine()}, {platform.system()})",
            f"Python {platform.python_version()}",
            f"libsodium as in PyNaCl {nacl.__version__}",
            f"SQLite {sqlite3.sqlite_version}",
        )
    )


def _cores() -> int:
    """Return the cores this process may use, which may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
