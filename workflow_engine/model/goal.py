"""Questions about the game: can these parties bring something about?

```
seller: :success              one party, and a state
buyer + seller: pay.ok        several together, and a response of an action
seller: {assets.price > `5`}  an expression over the process, in braces
```
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_engine.errors import InvalidInstructionError, InvalidScenarioError, Problem, quote
from workflow_engine.model import game
from workflow_engine.model.graph import Graph
from workflow_engine.model.properties import goal_of, watched_in
from workflow_engine.model.runs import Run, run_along
from workflow_engine.operators import query
from workflow_engine.property_form import Happening, read_happening
from workflow_engine.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A question.

    Attributes:
        text: As it was asked.
        coalition: Keys of the actors who play together.
        happening: What they want.
    """

    text: str
    coalition: tuple[str, ...]
    happening: Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the coalition can do about its goal.

    Attributes:
        goal: The question.
        power: Whether they can force it, whether they can prevent it.
        run: A play in which they force it; or else a shortest one by which they miss it. None where the exploration
            was cut short and the run lies beyond.
    """

    goal: Goal
    power: game.Power
    run: Run | None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "goal": self.goal.text,
            "forces": self.power.forces,
            "prevents": self.power.prevents,
            "complete": self.power.is_known,
            "run": None if self.run is None else self.run.to_dict(),
        }


def conditions_in(texts: Iterable[str]) -> tuple[Any, ...]:
    """Return the conditions that questions name, which have to be watched while exploring.

    Raises:
        InvalidScenarioError: One of them cannot be read.
    """
    found = (_condition(text.partition(": ")[2].strip()) for text in texts)
    return tuple(item for item in found if item is not None)


def _condition(wanted: str) -> Any:
    if not (wanted.startswith("{") and wanted.endswith("}")):
        return None
    try:
        query.parse(wanted[1:-1])
    except InvalidInstructionError as error:
        raise _misunderstood(f"The goal cannot be read: {error.message}.") from None
    return {"<eval>": wanted[1:-1]}


def read_goal(text: str, scenario: Scenario) -> Goal:
    """Read a question.

    Raises:
        InvalidScenarioError: It names an actor, state, action or response that the scenario does not have.
    """
    parties, colon, rest = text.partition(": ")
    coalition, wanted = tuple(name.strip() for name in parties.split("+")), rest.strip()
    if not colon or any(name not in scenario.actors for name in coalition):
        known = ", ".join(scenario.actors)
        form = f'"{next(iter(scenario.actors), "seller")}: :success"'
        raise _misunderstood(f"{quote(text)} should begin with actors of the scenario, as in {form}: {known}.")
    condition = _condition(wanted)
    if condition is not None:
        return Goal(text=text, coalition=coalition, happening=Happening(name=wanted, condition=condition))
    happening = read_happening(wanted)
    if happening.state not in scenario.states and not _is_known(happening, scenario):
        raise _misunderstood(f"The scenario has no state, action or response {quote(wanted)}.")
    return Goal(text=text, coalition=coalition, happening=happening)


def _is_known(happening: Happening, scenario: Scenario) -> bool:
    action = scenario.actions.get(happening.action or "")
    is_actor = happening.actor is None or happening.actor in scenario.actors
    return action is not None and is_actor and (happening.response is None or happening.response in action.responses)


def _misunderstood(message: str) -> InvalidScenarioError:
    return InvalidScenarioError([Problem(rule="goal", severity="error", path="$", message=message)])


def answer(goal: Goal, scenario: Scenario, graph: Graph, watched: Sequence[Any] = ()) -> Answer:
    """Return what a coalition can do about its goal, with a run that shows it.

    Args:
        goal: What is asked.
        scenario: Compiled.
        graph: What it can do.
        watched: The further conditions that were watched when it was explored, those of goals among them.
    """
    wanted = goal_of(goal.happening, graph, [*watched_in(scenario), *watched])
    power = game.power(graph, tuple(scenario.actors), goal.coalition, wanted)
    if power.forces:
        way = game.way_of_forcing(graph, goal.coalition, wanted)
    else:
        way = game.way_of_failing(graph, goal.coalition, wanted)
    known = power.forces or power.is_known
    return Answer(goal=goal, power=power, run=run_along(scenario, way) if known else None)


def game_to_dict(scenario: Scenario, graph: Graph) -> Mapping[str, Any]:
    """Return the table as JSON: what each party alone can do about each end, where it decides, where it stalls."""
    parties = tuple(scenario.actors)
    return {
        "table": {
            party: {state: {"forces": power.forces, "prevents": power.prevents} for state, power in row.items()}
            for party, row in game.table(graph, parties).items()
        },
        "decides": {
            state: {party: list(choice) for party, choice in parts.items()}
            for state, parts in game.deciding(graph, parties).items()
        },
        "stalls": [
            {
                "state": graph.configurations[stall.configuration].state,
                "party": stall.party,
                "done": {actor: list(actions) for actor, actions in stall.done},
            }
            for stall in game.stalls(graph)
        ],
        "complete": graph.is_complete,
    }
