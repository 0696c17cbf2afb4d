"""Setting bombs off: each in a child process of its own, which the system kills at the limits.

These are limits, no measured times: far above what the counted budgets allow on a slow machine, and far below what
would do a node harm. The children are forked from one process that has everything imported, so that a bomb costs
milliseconds beside itself.
"""

import contextlib
import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from eventchain.core.errors import LiveContractError

CPU_SECONDS = 10
"""Time of a processor that one bomb may take."""

MEMORY = 512 * 1024 * 1024
"""Bytes of address space that one bomb may take beside what the modules hold."""

Attack = Callable[[], Any]

_SAID = 400


class Outcome(NamedTuple):
    """How a bomb ended.

    Attributes:
        name: Of the bomb.
        end: `refused`, `finished`, `time`, `memory`, or what the process died of.
        said: The words of the refusal, or of the bomb.
        seconds: Time of the processor.
        mebibytes: Memory at its height, beside what the modules hold.
    """

    name: str
    end: str
    said: str
    seconds: float
    mebibytes: int


def set_off(name: str, attack: Attack, *, seconds: int = CPU_SECONDS, memory: int = MEMORY) -> Outcome:
    """Run a bomb in a forked child under the limits, and return how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _attacked(attack, writing, seconds, memory)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    _, status, used = os.wait4(child, 0)
    mebibytes = max(0, (used.ru_maxrss - resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024)
    end, said = json.loads(told) if told else (_cause(status), "")
    return Outcome(name, end, said, round(used.ru_utime + used.ru_stime, 2), mebibytes)


def _attacked(attack: Attack, writing: int, seconds: int, memory: int) -> None:
    """Run a bomb and leave the process, whatever happens."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))
    with contextlib.suppress(BaseException):
        os.write(writing, json.dumps(_ended(attack)).encode())
    os._exit(0)


def _ended(attack: Attack) -> tuple[str, str]:
    try:
        return "finished", str(attack())[:_SAID]
    except LiveContractError as error:
        return "refused", str(error)[:_SAID]
    except MemoryError:
        return "memory", ""
    except Exception as error:  # noqa: BLE001  # whatever else it raises is a hole, and told
        return f"{type(error).__name__}", str(error)[:_SAID]


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "time" if number in (signal.SIGXCPU, signal.SIGKILL) else signal.Signals(number).name
    return "memory"
