"""When two processes are one configuration: the same state, and the same in all that decides what may happen next."""

import json
from collections import Counter
from typing import Any

from workflow_engine.model.relevance import Relevance
from workflow_engine.model.rounding import rounded, value_at
from workflow_engine.model.trying import has_timeout
from workflow_engine.process import Process
from workflow_engine.scenario import TIMEOUT


def key_of(process: Process, relevance: Relevance, numbers: frozenset[float], truths: frozenset[int]) -> str:
    """Return what two processes have in common when the same can follow, as text.

    Args:
        process: One of them.
        relevance: What of its data decides.
        numbers: Those that are tried.
        truths: Which of the watched conditions hold.
    """
    current = process.current
    context = {"actors": process.actors, "assets": process.assets, "title": process.title}
    decisive = [rounded(value_at(place, context), constants, numbers) for place, constants in relevance.places.items()]
    system = [key for key in current.answered if process.scenario.actions[key].is_system]
    return json.dumps(
        [
            current.key,
            current.actor if relevance.reads_actor else None,
            sorted(system),
            has_timeout(process),
            [[name, list(current.actions[name]["actors"])] for name in process.available],
            decisive,
            sorted(truths),
            _history(process, relevance),
        ],
        sort_keys=True,
    )


def _history(process: Process, relevance: Relevance) -> Any:
    """Return what of the history decides: all of it, how often something was done, or nothing."""
    if relevance.reads_history:
        return [
            [item["action"]["key"], item["key"], item["actor"]["key"], item.get("data")] for item in process.previous
        ]
    if relevance.counted is None:
        return None
    named = {key for key in (*process.scenario.actions, TIMEOUT) if key in relevance.counted}
    done = [item for item in process.previous if not named or item["action"]["key"] in named]
    counts = Counter((item["action"]["key"], item["key"], item["actor"]["key"]) for item in done)
    return sorted(counts.items())
