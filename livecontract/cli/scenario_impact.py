"""`livecontract scenario impact`: what another text would do, before a party agrees to it. No node is needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livecontract.cli.accounts import PassphraseFile
from livecontract.cli.files import STANDARD_INPUT, read_document
from livecontract.cli.impact_at_node import KeyFile, Node, node_document, node_line, open_node
from livecontract.cli.outcome import FAILURE, OK, AsJson, count, finish
from livecontract.cli.scenario_check import behaviour_lines, limits_of
from livecontract.errors import InvalidFileError

if TYPE_CHECKING:
    from workflow_engine.difference import Difference
    from workflow_engine.impact import Change, Impact
    from workflow_engine.model import Comparison
    from workflow_engine.model.deviating import Deviated
    from workflow_engine.proposal import Proposal
    from workflow_engine.scenario import Scenario

Old = Annotated[str, typer.Argument(metavar="OLD", help="The scenario that processes run by: a JSON file.")]
New = Annotated[str, typer.Argument(metavar="NEW", help="Another scenario, or a deviation from the old one.")]
Processes = Annotated[
    list[str] | None,
    typer.Option("--processes", metavar="FILE", help="Process documents, chains or evidence files; may be repeated."),
]
More = Annotated[
    list[str] | None, typer.Argument(metavar="FILE", help="More of them, as a shell writes --processes *.json.")
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="STATE", help="Where processes go on; else in the same state."),
]
WithProposal = Annotated[
    str | None,
    typer.Option("--proposal", metavar="FILE", help="The proposal to go on by NEW."),
]


def impact(
    old: Old,
    new: New,
    processes: Processes = None,
    more: More = None,
    to: To = None,
    proposal: WithProposal = None,
    node: Node = None,
    key_file: KeyFile = None,
    passphrase_file: PassphraseFile = None,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what can happen by one text alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how two texts differ, and which running processes would be stuck; negative if one would."""
    from workflow_engine.compiling import load
    from workflow_engine.difference import differences

    files = _files(processes, more, old, new, proposal, passphrase_file)
    before = load(read_document(old))
    change, deviation = _change(before, new, to, proposal)
    at = open_node(node, key_file, passphrase_file)
    where, running = (at.client.base_url, at.impacts(before, change)) if at else (None, [])
    found = [*_in_files(files, before, change), *((str(where), item) for item in running)]
    structure = differences(before.normal_form, change.scenario.normal_form)
    behaviour = None if quick else _explored(before, change, deviation)
    document = {
        "old": before.id,
        "new": change.scenario.id,
        "structure": [item.to_dict() for item in structure],
        **({} if behaviour is None else {"behaviour": _behaviour(behaviour)}),
        **node_document(at, len(running)),
        "processes": [{"node" if name == where else "file": name, **item.to_dict()} for name, item in found],
    }
    text = _text(structure, behaviour, found, [*files, *([where] if where else [])], change)
    code = FAILURE if any(item.is_stuck for _, item in found) else OK
    finish(document, text + node_line(at, len(running)), as_json=as_json, code=code)


def _explored(
    before: "Scenario", change: "Change", deviation: "tuple[Proposal, Mapping[str, Any]] | None"
) -> "Comparison | Deviated":
    """Return what can newly happen and what can no longer: by a deviation, or by another text."""
    from workflow_engine.model import compare
    from workflow_engine.model.deviating import foresee

    if deviation is None:
        return compare(before, change.scenario, limits=limits_of())
    return foresee(before, *deviation, limits=limits_of())


def _files(processes: list[str] | None, more: list[str] | None, *others: str | None) -> list[str]:
    """Return the files of processes; standard input is read once, for these or for another file."""
    files = [*(processes or []), *(more or [])]
    if [*others, *files].count(STANDARD_INPUT) > 1:
        raise typer.BadParameter("only one of the files can be standard input")
    if more and not processes:
        raise typer.BadParameter("name process documents with --processes")
    return files


def _in_files(files: list[str], before: "Scenario", change: "Change") -> "list[tuple[str, Impact]]":
    """Return what a change does to the processes in files that run by a scenario, with the file of each."""
    from livecontract.histories import read_histories
    from workflow_engine.impact import impact_of

    return [
        (name, impact_of(history, change))
        for name in files
        for history in _named(name, lambda name=name: read_histories(read_document(name), before))
    ]


def _named(name: str, read: Any) -> Any:
    """Read a file's processes; what is wrong is told with its name."""
    from eventchain.core.errors import InvalidError

    try:
        return read()
    except InvalidFileError as error:
        if not error.message.startswith(name):
            error.message = f"{name}: {error.message}"
        raise
    except InvalidError as error:
        raise InvalidFileError(f"{name}: {error.message}", path=error.path, hint=error.hint) from None


def _change(
    before: "Scenario", new: str, to: str | None, proposal: str | None
) -> "tuple[Change, tuple[Proposal, Mapping[str, Any]] | None]":
    """Return what is proposed: NEW is a scenario, or a deviation within the old one, with its text."""
    from workflow_engine.compiling import load
    from workflow_engine.impact import change_by, change_to
    from workflow_engine.proposal import OWN_DEVIATION, deviating_scenario

    document = _body(read_document(new))
    if not isinstance(document, dict) or document.get("$schema") != OWN_DEVIATION:
        successor = load(document)
        given = None if proposal is None else _proposal(_body(read_document(proposal)), before, successor)
        return change_to(successor, start=to, proposal=given), None
    if document.get("scenario") is not None:
        raise typer.BadParameter("the proposal goes on by another scenario: give that as NEW and this as --proposal")
    if to is not None or proposal is not None:
        raise typer.BadParameter("a deviation says itself where it leads: leave out --to and --proposal")
    read = _proposal(document, before, None)
    change = change_by(read, deviating_scenario(read, before) if read.parts["states"] else before)
    return change, (read, document)


def _proposal(document: Any, before: "Scenario", successor: "Scenario | None") -> "Proposal":
    from workflow_engine.proposal import read_proposal, validate_proposal

    if not isinstance(document, dict):
        raise InvalidFileError("a proposal should be an object", path="$")
    read = read_proposal(document)
    validate_proposal(read, before, successor)
    return read


def _body(document: Any) -> Any:
    """Return the text of a proposal, also where it was fetched from a node, which tells more of it."""
    return document["proposal"] if isinstance(document, dict) and "answers" in document else document


def _behaviour(found: "Comparison | Deviated") -> dict[str, Any]:
    form = found.to_dict()
    return {name: value for name, value in form.items() if name not in ("same_text", "changes")}


def _text(
    structure: "tuple[Difference, ...]",
    behaviour: "Comparison | Deviated | None",
    found: "list[tuple[str, Impact]]",
    files: list[str],
    change: "Change",
) -> str:
    lines = ["The texts mean the same." if not structure else f"{count(len(structure), 'difference')}:"]
    lines += [f"  {item}" for item in structure]
    if change.target is not None:
        lines += ["", _entered_by_consent(change)]
    if behaviour is not None:
        lines += ["", *behaviour_lines(behaviour)]
    if files:
        stuck = sum(item.is_stuck for _, item in found)
        lines += ["", f"{count(len(found), 'process', 'processes')} by the old text, {stuck} of them would be stuck:"]
        lines += [line for name, item in found for line in _process_lines(name, item)]
    return "\n".join(lines)


def _entered_by_consent(change: "Change") -> str:
    """Say where no step of a text leads: into a deviation."""
    way = f'from "{change.source}" to "{change.start}", and ends in "{change.target}"'
    return f"The deviation leads {way}. It comes into force once, when all agree."


def _process_lines(name: str, found: "Impact") -> list[str]:
    lines = [
        f"  {'STUCK' if found.is_stuck else 'ok   '} {found.process} in {found.state} ({name}, chain {found.chain})"
    ]
    if found.obstacle:
        lines.append(f"        cannot go on: {found.obstacle}")
    elif found.goes_on_in:
        lines.append(f"        goes on in {found.goes_on_in}")
    if found.refused:
        lines.append(f"        replayed to {found.replayed_to or 'nowhere'}: {found.refused}")
    elif found.replayed_to:
        lines.append(f"        replayed to {found.replayed_to}")
    if found.note:
        lines.append(f"        {found.note}")
    return lines
