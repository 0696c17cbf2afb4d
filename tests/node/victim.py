"""A process for a test to kill: two nodes on SQLite files, and somebody who adds notes to their chain.

Every note that was acknowledged is printed, so that the test knows what must not be lost.
"""

import json
import sys
from pathlib import Path

from livecontract.simulation import Simulation
from tests.node.stage import NOTE, SqliteStorage, Stage, silence

NOTES = 500


def open_stage(folder: Path, seed: int) -> Stage:
    """Open the nodes on what an earlier process left; start the chain if there is none."""
    stage = Stage.of(Simulation(seed, names=("buyer", "seller"), storage=SqliteStorage(folder)))
    marker = folder / "chain"
    if marker.exists():
        stage.chain = marker.read_text()
    else:
        stage.found()
        marker.write_text(stage.chain)
    return stage


def main() -> None:
    """Add notes until killed: `python -m tests.node.victim FOLDER SEED`."""
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    with silence():
        stage = open_stage(folder, seed)
        sys.stdout.write(json.dumps("ready") + "\n")
        sys.stdout.flush()
        for number in range(NOTES):
            name = "buyer" if number % 3 else "seller"
            stage.simulation.settle(receipts=False)
            text = f"{seed}.{number}"
            stage[name].post(stage.chain, {"$schema": NOTE, "text": text})
            sys.stdout.write(json.dumps(text) + "\n")
            sys.stdout.flush()
            stage.simulation.run(number % 4)


if __name__ == "__main__":
    main()
