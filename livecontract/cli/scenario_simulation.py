"""`livecontract scenario simulate`: play responses, proposals, answers and comments. No node is needed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from livecontract.cli.files import STANDARD_INPUT, DocumentFile, read_document
from livecontract.cli.outcome import AsJson, finish
from livecontract.errors import InvalidFileError

MAX_FILES = 64
"""Files that one list of responses may name."""


def simulate(
    file: DocumentFile,
    responses: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="A JSON list of {actor, action, response?, data?}, {actor, propose}, {actor, answer}, "
            "{actor, comment}, each with at? or after? and, in a sub-process, with in, and {wait}.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Play responses against a scenario and show where the process stands then."""
    from workflow_engine.simulate import run

    if file == responses == STANDARD_INPUT:
        raise typer.BadParameter("only one of the two files can be standard input")
    scenario, given = read_document(file), read_document(responses)
    if not isinstance(given, list):
        hint = "Where it holds runs by title, play them with `scenario test`, or copy the responses of one."
        raise InvalidFileError(f"{responses} should hold a list of responses", path="$", hint=hint)
    document: dict[str, Any] = run(scenario, with_files(given, responses))
    finish(document, _text(document), as_json=as_json)


def with_files(items: list[Any], name: str) -> list[Any]:
    """Return a list of responses in which the proposals and scenarios stand that it names as files.

    Args:
        items: Where `propose`, and `scenario` beside it, are texts, they are names of files beside the list.
        name: Of the file with the list, which may come from somebody else: its names lead nowhere else.

    Raises:
        InvalidFileError: One cannot be read, is no mere name, or there are too many.
    """
    folder = Path() if name == STANDARD_INPUT else Path(name).parent
    named = [
        (index, member)
        for index, item in enumerate(items)
        if isinstance(item, Mapping) and "propose" in item
        for member in ("propose", "scenario")
        if isinstance(item.get(member), str)
    ]
    if len(named) > MAX_FILES:
        raise InvalidFileError(f"{name} names more than {MAX_FILES} files", hint="Write the proposals into it.")
    found = [dict(item) if isinstance(item, Mapping) else item for item in items]
    for index, member in named:
        file = found[index][member]
        if not file or Path(file).name != file or file == STANDARD_INPUT:
            path = f"$[{index}].{member}"
            raise InvalidFileError("This should be the name of a file beside the list, without a folder.", path=path)
        found[index][member] = read_document(str(folder / file))
    return found


def _text(document: dict[str, Any]) -> str:
    lines = [
        f"state      {document['state']}" + (" (finished)" if document["finished"] else ""),
        f"previous   {', '.join(document['previous']) or '-'}",
        f"next       {', '.join(document['next']) or '-'}",
    ]
    lines += [f"action     {action}: {', '.join(actors)}" for action, actors in document["actions"].items()]
    for item in document.get("sub_processes", ()):
        place = item["in"] if isinstance(item["in"], str) else "/".join(item["in"])
        note = " (abandoned)" if item.get("abandoned") else " (finished)" if item["finished"] else ""
        lines.append(f"in         {place}: {item['state']}{note}")
    if "deviation" in document:
        lines.append(f"deviation  {document['deviation']} (in force)")
    for made in document.get("proposals", ()):
        waits = f", waits for {', '.join(made['missing'])}" if made["missing"] else ""
        lines.append(f"proposal   {made['title']} by {made['author']}: {made['state']}{waits}")
    for said in document.get("comments", ()):
        text = said.get("content", said.get("hash", "")) if said["content_media_type"].startswith("text/") else "…"
        lines.append(f"comment    {said['author']} in {said['point']['state']}: {' '.join(text.split())[:100]}")
    return "\n".join(lines)
