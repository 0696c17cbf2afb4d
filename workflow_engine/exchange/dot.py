r"""A scenario as a directed graph in Graphviz's DOT language (https://graphviz.org/doc/info/lang.html).

Nodes have numbers for names. Texts are quoted strings, never HTML labels; in them `\` and `"` are escaped as the
language asks, and `&`, which starts an entity in labels.
"""

from collections.abc import Iterator

from workflow_engine.exchange.moves import label_of, moves_of, reachable_states, text_of
from workflow_engine.exchange.names import plain
from workflow_engine.scenario import INITIAL_STATE, Scenario


def scenario_to_dot(scenario: Scenario) -> str:
    """Return the graph: states that can be reached, final ones with a double border; what stays is dashed."""
    return "\n".join(_lines(scenario)) + "\n"


def _lines(scenario: Scenario) -> Iterator[str]:
    names = {key: f"s{number}" for number, key in enumerate(reachable_states(scenario))}
    yield f"digraph {_quoted(scenario.title or scenario.name or 'scenario')} {{"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style=rounded, fontname="sans-serif"];'
    yield '  edge [fontname="sans-serif", fontsize=10];'
    yield '  start [shape=point, width=0.2, label=""];'
    for key, name in names.items():
        border = ", peripheries=2" if scenario.states[key].is_final else ""
        yield f"  {name} [label={_quoted(text_of(scenario.states[key].title, key))}{border}];"
    yield f"  start -> {names[INITIAL_STATE]};"
    for key, name in names.items():
        for move in moves_of(scenario, scenario.states[key]):
            label = _quoted(label_of(scenario, move))
            if move.target is not None:
                yield f"  {name} -> {names[move.target]} [label={label}];"
            elif not move.is_timeout:
                yield f"  {name} -> {name} [label={label}, style=dashed];"
    yield "}"


def _quoted(text: str) -> str:
    shown = plain(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{shown}"'
