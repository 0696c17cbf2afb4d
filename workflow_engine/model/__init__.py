"""Exploring a scenario before anyone signs: what can happen, who can force or block what, and what that breaks.

`examine` is the door for people and tools; nodes that receive a scenario run the passive tests alone. `game` says who
can force what, `compare` how two scenarios behave differently. The pages are `docs/checks.md` and decision 0056.
"""

from workflow_engine.model.comparison import Comparison, compare
from workflow_engine.model.examination import BEHAVIOUR_RULES, Examination, examine
from workflow_engine.model.explore import Limits

__all__ = ["BEHAVIOUR_RULES", "Comparison", "Examination", "Limits", "compare", "examine"]
