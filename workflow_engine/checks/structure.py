"""The machine as a graph: where it starts, where it can end, and what can never happen. Conditions are ignored."""

from collections.abc import Iterator, Mapping

from workflow_engine.checks.report import Finding
from workflow_engine.checks.view import INITIAL, TIMEOUT, Edge, View
from workflow_engine.errors import quote
from workflow_engine.normalise import FINAL_STATES


def no_initial_state(view: View) -> Iterator[Finding]:
    """A process has to start somewhere."""
    if INITIAL not in view.states:
        hint = ' Rename ":initial" to "initial".' if ":initial" in view.states else ""
        yield ("states",), f'The scenario needs a state "initial", in which every process starts.{hint}'


def no_reachable_end(view: View) -> Iterator[Finding]:
    """No process of this scenario could ever end."""
    if INITIAL in view.states and INITIAL not in view.can_end:
        yield (
            ("states", INITIAL),
            (
                'From "initial" no final state can be reached: no process of this scenario could end. '
                f"Let a transition lead to {', '.join(FINAL_STATES)}."
            ),
        )


def default_response(view: View) -> Iterator[Finding]:
    """The outcome that an action has by default is not among its outcomes."""
    for key, action in view.actions.items():
        name = action["default_response"]
        if name not in action["responses"]:
            known = ", ".join(quote(response) for response in list(action["responses"])[:8]) or "none"
            yield (
                ("actions", key),
                (
                    f"The action {quote(key)} has no response {quote(name)}, which is its default; it has {known}. "
                    'Name one of them as "default_response".'
                ),
            )


def system_loop(view: View) -> Iterator[Finding]:
    """A loop that nodes could run through for ever, without a person in it (paper section 7.7)."""
    edges = {key: [edge for edge in edges if edge.is_system] for key, edges in view.edges.items()}
    for loop in loops(edges):
        members = set(loop)
        for key in loop:
            edge = next(edge for edge in edges[key] if edge.target in members)
            names = " → ".join(quote(name) for name in (*loop[:6], loop[0]))
            yield (
                ("states", key, "transitions", edge.index),
                (
                    f"System actions alone lead in a circle, {names}: the nodes could run through it without end. "
                    "Put an action of a person or a timeout into it."
                ),
            )
            break


def loops(edges: Mapping[str, list[Edge]]) -> Iterator[list[str]]:
    """Yield the strongly connected components that hold a loop (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in edges:
        if root in order:
            continue
        work = [(root, iter(edges[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            key, targets = work[-1]
            edge = next(targets, None)
            if edge is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[key])
                if low[key] == order[key]:
                    component = stack[stack.index(key) :]
                    del stack[-len(component) :]
                    on_stack.difference_update(component)
                    if len(component) > 1 or any(own.target == key for own in edges[key]):
                        yield component
            elif edge.target not in order:
                order[edge.target] = low[edge.target] = len(order)
                stack.append(edge.target)
                on_stack.add(edge.target)
                work.append((edge.target, iter(edges[edge.target])))
            elif edge.target in on_stack:
                low[key] = min(low[key], order[edge.target])


def final_with_moves(view: View) -> Iterator[Finding]:
    """A colon state is final, whatever is written in it."""
    for key in FINAL_STATES:
        for name in ("actions", "transitions", "timeout"):
            if view.states[key][name]:
                yield (
                    ("states", key, name),
                    f"{quote(key)} is a final state: nothing can be done in it and none follows.",
                )


def unreachable_state(view: View) -> Iterator[Finding]:
    """A state that no process can come to."""
    for key in view.states:
        if key not in view.reachable and key not in FINAL_STATES and INITIAL in view.states:
            yield ("states", key), f"No process can come to the state {quote(key)}."


def dead_end(view: View) -> Iterator[Finding]:
    """A state that can be reached, is not final, and from which no end can be reached."""
    for key in view.states:
        if key in view.reachable and key not in view.can_end and INITIAL in view.can_end:
            yield (
                ("states", key),
                f"From the state {quote(key)} no final state can be reached: a process that comes here never ends.",
            )


def unused_action(view: View) -> Iterator[Finding]:
    """An action that can be done nowhere."""
    used = {name for key in view.states for name in view.available(key)}
    for key in view.actions:
        if key not in used:
            yield ("actions", key), f"The action {quote(key)} can be done in no state."


def action_without_actor(view: View) -> Iterator[Finding]:
    """An action that nobody may do."""
    for key, action in view.actions.items():
        if action["actors"] == []:
            yield ("actions", key), f"Nobody may do the action {quote(key)}: it names no actors."


def transition_never_taken(view: View) -> Iterator[Finding]:
    """A transition that waits for what cannot happen in its state."""
    for key, state in view.states.items():
        if key in FINAL_STATES:
            continue
        taken = {edge.index for edge in view.edges[key]}
        for index, transition in enumerate(state["transitions"]):
            known = transition["transition"] in view.states
            if index not in taken and known and transition["action"] != TIMEOUT and _names_exist(view, transition):
                yield (
                    ("states", key, "transitions", index),
                    f"This transition of the state {quote(key)} is never taken: no action of the state leads along it.",
                )


def _names_exist(view: View, transition: Mapping[str, object]) -> bool:
    """Tell whether other rules have nothing to say about the action and response of a transition."""
    action, response = transition["action"], transition["response"]
    if action is None:
        return True
    return action in view.actions and view.can_answer(str(action), None if response is None else str(response))


def unanswered_response(view: View) -> Iterator[Finding]:
    """A system action has an outcome after which nothing follows."""
    for key, state in view.states.items():
        for action in view.available(key) if key in view.reachable else ():
            if not view.is_system(action) or action in view.form["allow_actions"] or view.is_polled(action):
                continue
            for response in view.actions[action]["responses"]:
                if not any(_fits(transition, action, response) for transition in state["transitions"]):
                    yield (
                        ("states", key, "transitions"),
                        (
                            f"In the state {quote(key)} the system action {quote(action)} may answer "
                            f"{quote(response)}, and no transition follows it."
                        ),
                    )


def _fits(transition: Mapping[str, object], action: str, response: str) -> bool:
    return transition["action"] in (None, action) and transition["response"] in (None, response)


def timeout_without_transition(view: View) -> Iterator[Finding]:
    """A deadline after which nothing happens."""
    for key, state in view.states.items():
        if state["timeout"] is not None and key not in FINAL_STATES and not _timeouts(state):
            yield (
                ("states", key, "timeout"),
                f"The state {quote(key)} has a timeout, and no transition with the action {quote(TIMEOUT)}.",
            )


def transition_without_timeout(view: View) -> Iterator[Finding]:
    """A transition that waits for a deadline that does not exist."""
    for key, state in view.states.items():
        if state["timeout"] is None:
            for index in _timeouts(state):
                yield (
                    ("states", key, "transitions", index, "action"),
                    f"The state {quote(key)} has no timeout, so this transition is never taken.",
                )


def _timeouts(state: Mapping[str, list[Mapping[str, object]]]) -> list[int]:
    return [index for index, item in enumerate(state["transitions"]) if item["action"] == TIMEOUT]
