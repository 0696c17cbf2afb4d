"""The same with a real process and a real `kill -9`."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.node.stage import check_equal
from tests.node.victim import open_stage

ROOT = Path(__file__).parents[2]


def run_and_kill(folder: Path, seed: int) -> list[str]:
    """Let a victim work for a while, kill it, and return the notes it had acknowledged."""
    command = [sys.executable, "-m", "tests.node.victim", str(folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        drawn, lines = random.Random(seed).randint(2, 30), []
        while len(lines) < drawn and (line := victim.stdout.readline()):
            lines.append(json.loads(line))
        victim.kill()
        rest, errors = victim.communicate()
        assert "Traceback" not in errors, errors
    lines += [json.loads(line) for line in rest.splitlines() if line.endswith('"')]
    assert lines[:1] == ["ready"]
    return lines[1:]


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", [0, 10])
def test_nothing_acknowledged_is_lost_and_nothing_is_there_twice(tmp_path: Path, first_seed: int) -> None:
    acknowledged: list[str] = []
    for seed in range(first_seed, first_seed + 4):
        acknowledged += run_and_kill(tmp_path, seed)
    stage = open_stage(tmp_path, 99)
    stage.simulation.settle()
    check_equal(stage, ("buyer", "seller"))
    notes = [event.body()["text"] for event in stage.canonical("buyer").events[2:]]
    assert len(set(notes)) == len(notes)
    assert [note for note in notes if note in set(acknowledged)] == acknowledged
    assert len(notes) <= len(acknowledged) + 4
    for name in ("buyer", "seller"):
        assert not stage.node(name).eventchain.archive.conflicts(stage.id)
        assert all(stage.node(name).receipts.of_chain(stage.id).values())
    stage.simulation.close()
