"""`livecontract scenario export` and `import`: scenarios in other notations. No node is needed."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from livecontract.cli.files import DocumentFile, read_bytes, read_document
from livecontract.cli.outcome import AsJson, finish, printable
from livecontract.errors import InvalidFileError

if TYPE_CHECKING:
    from workflow_engine.scenario import Scenario


class Notation(StrEnum):
    """What a scenario can be exported to."""

    BPMN = "bpmn"
    MERMAID = "mermaid"
    SCXML = "scxml"
    DOT = "dot"
    TRANSITIONS = "transitions"


def export(
    file: DocumentFile,
    to: Annotated[Notation, typer.Option("--to", help="The notation.")],
    as_json: AsJson = False,
) -> None:
    """Print a scenario as BPMN, Mermaid, SCXML, Graphviz (dot), or for the Python library transitions.

    With --json it is one document with the text as `content`.
    """
    from workflow_engine.compiling import load

    text = _writers()[to](load(read_document(file)))
    finish({"notation": to.value, "content": text}, text.removesuffix("\n"), as_json=as_json)


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A BPMN 2.0 file; - reads standard input.")],
    as_json: AsJson = False,
) -> None:
    """Print the scenario that a BPMN file describes. It is JSON with and without --json."""
    import json

    from workflow_engine.exchange.bpmn_import import bpmn_to_scenario

    document = bpmn_to_scenario(_drawing(file))
    text = json.dumps(document, indent=2, ensure_ascii=False)
    shown = text if printable(text) == text else json.dumps(document, indent=2)
    finish(document, shown, as_json=as_json)


def _drawing(file: str) -> bytes:
    """Return the bytes of a file that may be a drawing: what it is shows in its content, not its name."""
    data = read_bytes(file)
    name = "standard input" if file == "-" else file
    if not data.strip():
        raise InvalidFileError(f"{name} is empty", hint="Name a BPMN 2.0 file.")
    if data.lstrip()[:1] in (b"{", b"["):
        raise InvalidFileError(f"{name} is JSON, not BPMN", hint="Look at a scenario with `scenario check`.")
    return data


def _writers() -> Mapping[Notation, Callable[["Scenario"], str]]:
    from workflow_engine.exchange.bpmn_export import scenario_to_bpmn
    from workflow_engine.exchange.dot import scenario_to_dot
    from workflow_engine.exchange.mermaid import scenario_to_mermaid
    from workflow_engine.exchange.scxml import scenario_to_scxml
    from workflow_engine.exchange.transitions import scenario_to_transitions

    return {
        Notation.BPMN: scenario_to_bpmn,
        Notation.MERMAID: scenario_to_mermaid,
        Notation.SCXML: scenario_to_scxml,
        Notation.DOT: scenario_to_dot,
        Notation.TRANSITIONS: scenario_to_transitions,
    }
