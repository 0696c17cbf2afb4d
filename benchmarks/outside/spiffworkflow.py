"""SpiffWorkflow plays the process of `benchmarks.counting`; it runs in an environment of its own, beside a BPMN file.

Each line of standard input is "how many"; the answer is the seconds it took and the number that was counted last.
"""

import sys
import time
from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow  # type: ignore[import-not-found]  # in an environment of its own
from SpiffWorkflow.bpmn.parser import BpmnParser  # type: ignore[import-not-found]  # likewise
from SpiffWorkflow.util.task import TaskState  # type: ignore[import-not-found]  # likewise


def play(specification: Any, count: int) -> int:
    """Start the process, and complete its task so many times, each time with data; return the last number.

    The next task is looked for below the last one, which is faster than from the start.
    """
    workflow = BpmnWorkflow(specification)
    workflow.do_engine_steps()
    task = workflow.get_next_task(state=TaskState.READY, manual=True)
    for number in range(count):
        task.data.update({"n": number, "text": "x" * 120})
        task.run()
        workflow.do_engine_steps()
        task = workflow.get_next_task(first_task=task, state=TaskState.READY, manual=True)
    return int(task.data["n"])


def main() -> None:
    """Answer until nobody asks."""
    parser = BpmnParser()
    parser.add_bpmn_file(str(Path(__file__).with_suffix(".bpmn")))
    specification = parser.get_spec("counter")
    for line in sys.stdin:
        begin = time.perf_counter()
        last = play(specification, int(line))
        print(time.perf_counter() - begin, last, flush=True)


if __name__ == "__main__":
    main()
