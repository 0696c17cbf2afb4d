"""What can never happen, and what can never end."""

from collections.abc import Iterator, Mapping

from workflow_engine.errors import Path, quote
from workflow_engine.model.finding import Sighting
from workflow_engine.model.graph import Graph
from workflow_engine.normalise import FINAL_STATES
from workflow_engine.scenario import TIMEOUT, Scenario, Transition

_TRIED = "with any of the values that were tried"


def stuck(_scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A process that is not at an end, and in which nobody can do anything and no time runs out."""
    seen: set[str] = set()
    for index, configuration in enumerate(graph.configurations):
        state = configuration.state
        if configuration.is_final or index in graph.unexplored or graph.moves[index] or state in seen:
            continue
        seen.add(state)
        yield Sighting(
            path=("states", state),
            message=(
                f"A process can get stuck in the state {quote(state)}: nobody can do anything there, and no timeout "
                "leads on. Add an action, a timeout, or a transition for the case that is left out."
            ),
            way=graph.way_to(index),
        )


def livelock(_scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """Configurations that go round in a circle, with no way to an end from any of them."""
    ends = {index for index, item in enumerate(graph.configurations) if item.is_final}
    stopped = {index for index, moves in enumerate(graph.moves) if not moves}
    hopeful = graph.can_reach(ends | stopped | graph.unexplored)
    told: set[str] = set()
    for index, configuration in enumerate(graph.configurations):
        if index in hopeful or configuration.state in told:
            continue
        states = _states_from(graph, index)
        told |= states
        names = ", ".join(quote(name) for name in sorted(states)[:6])
        yield Sighting(
            path=("states", configuration.state),
            message=(
                f"From here a process can go on for ever and never end: it stays in {names}. "
                "Add a transition that leads out."
            ),
            way=graph.way_to(index),
        )


def _states_from(graph: Graph, start: int) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for move in graph.moves[todo.pop()]:
            if move.target not in found:
                found.add(move.target)
                todo.append(move.target)
    return {graph.configurations[index].state for index in found}


def state_never_entered(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A state that transitions lead to, and no process comes to: no condition on the way can be met."""
    if not graph.is_complete:
        return
    entered = {item.state for item in graph.configurations}
    explained = {item.path for rule in (transition_never_fits, action_never_possible) for item in rule(scenario, graph)}
    ailing = {action for action, _ in graph.untried} | {item.move.action for item in graph.refusals}
    for key in scenario.states:
        if key not in entered and _ways_into(scenario, key, entered, explained, ailing):
            yield Sighting(
                path=("states", key),
                message=(
                    f"No process came to the state {quote(key)} {_TRIED}: "
                    "the conditions on the way to it are never met."
                ),
            )


def _by_transitions(scenario: Scenario) -> set[str]:
    """Return the states that transitions lead to, conditions ignored."""
    found, todo = {"initial"}, ["initial"]
    while todo:
        for transition in scenario.states[todo.pop()].transitions:
            if transition.target in scenario.states and transition.target not in found:
                found.add(transition.target)
                todo.append(transition.target)
    return found


def _ways_into(scenario: Scenario, key: str, entered: set[str], explained: set[Path], ailing: set[str]) -> list[int]:
    """Return the transitions into a state from states that processes come to, those left out that are told of."""
    return [
        index
        for name in sorted(entered)
        for index, item in enumerate(scenario.states[name].transitions)
        if item.target == key
        and ("states", name, "transitions", index) not in explained
        and ("actions", item.action) not in explained
        and item.action not in ailing
        and (item.action in scenario.action_keys(name) or item.action is None)
    ]


def action_never_possible(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """An action of a state that processes come to, which nobody may ever do there or anywhere else."""
    if not graph.is_complete:
        return
    entered = {item.state for item in graph.configurations}
    offered = {name for item in graph.configurations for name, _ in item.offered}
    for key, action in scenario.actions.items():
        if key in offered or not any(key in scenario.action_keys(state) for state in entered):
            continue
        if action.actors == ():
            continue  # the load-time rule `action-without-actor` says so
        yield Sighting(
            path=("actions", key),
            message=f"Nobody can ever do the action {quote(key)}: {_why_never(action.condition)}.",
        )


def _why_never(condition: object) -> str:
    if isinstance(condition, Mapping):
        return f"its condition is never met {_TRIED}"
    return "its condition is false" if condition is False else "its actors turn out to be nobody"


def transition_never_fits(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A transition of a state that processes come to, which is never taken though its action is done there."""
    if not graph.is_complete:
        return
    taken: set[tuple[str, int]] = set()
    fitting: set[tuple[str, int]] = set()
    done: dict[str, set[tuple[str, str]]] = {}
    for move in graph.all_moves():
        here = graph.configurations[move.source].state
        done.setdefault(here, set()).add((move.action, move.response))
        taken.update((here, index) for index in move.fits[:1])
        fitting.update((here, index) for index in move.fits)
    for key, state in scenario.states.items():
        if state.is_final:
            continue
        for index, transition in enumerate(state.transitions):
            if (key, index) in taken or transition.condition is False:
                continue
            why = _why_not_taken(graph, transition, (key, index) in fitting, done.get(key, set()))
            if why is not None:
                yield Sighting(
                    path=("states", key, "transitions", index),
                    message=f"This transition of the state {quote(key)} is never taken: {why}.",
                )


def _why_not_taken(graph: Graph, transition: Transition, fits: bool, done: set[tuple[str, str]]) -> str | None:
    """Say why a transition is never taken; None where that is told otherwise, or its action is never done."""
    answers = {
        response
        for action, response in done
        if action == transition.action or (transition.action is None and action != TIMEOUT)
    }
    if fits:
        return "whenever it fits, one before it does too"
    refused = any(item.move.action == transition.action for item in graph.refusals)
    if not answers or refused or (transition.action, transition.response) in graph.untried:
        return None  # other rules tell what is the matter with the action
    if transition.response is not None and transition.response not in answers:
        return f"the response {quote(transition.response)} is never given"
    return f"its condition is never met {_TRIED}" if isinstance(transition.condition, Mapping) else None


def end_never_reached(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """No run ends at all, though transitions lead to an end."""
    if not graph.is_complete or any(item.is_final for item in graph.configurations):
        return
    if any(key in FINAL_STATES or scenario.states[key].is_final for key in _by_transitions(scenario)):
        yield Sighting(path=("states", "initial"), message=f"No process came to an end {_TRIED}.")


def cannot_go_on(_scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """Something that an actor may do, and that the scenario cannot be evaluated on: it is refused."""
    seen: set[tuple[str, str]] = set()
    for refusal in graph.refusals:
        move = refusal.move
        key = (graph.configurations[move.source].state, move.action)
        if key in seen:
            continue
        seen.add(key)
        yield Sighting(
            path=("actions", move.action) if move.action != TIMEOUT else ("states", key[0], "timeout"),
            message=f"In the state {quote(key[0])}, {quote(move.action)} can be refused: {refusal.message}",
            way=(*graph.way_to(move.source), move),
            ends_refused=True,
        )


def never_answered(scenario: Scenario, graph: Graph) -> Iterator[Sighting]:
    """A response that could not be tried: no data was found that fits, or no sub-process was seen to end so."""
    for action, response in graph.untried:
        if action not in scenario.actions or response not in scenario.actions[action].responses:
            continue
        name = quote(f"{action}.{response}")
        if action in graph.called:
            message = f"The sub-process was not seen to end so that the response would be {name}; look whether it can."
        else:
            message = (
                f"No data was found with which {name} can be given, so what follows it was not looked at. Give its "
                'schema "examples", or look whether any data fits at all.'
            )
        yield Sighting(path=("actions", action, "responses", response), message=message)
