"""`livecontract scenario`: check, normalise, try out and exchange scenarios. No node is needed."""

from typing import Annotated, Any

import typer

from livecontract.cli import scenario_check, scenario_exchange, scenario_testing
from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import AsJson, finish
from livecontract.cli.scenario_impact import impact
from livecontract.errors import InvalidFileError

app = typer.Typer(help="Scenarios.", no_args_is_help=True)
scenario_check.register(app)


@app.command("normalise")
def normalise(file: DocumentFile, as_json: AsJson = False) -> None:
    """Print the normal form of a scenario, the one its id is the hash of. It is JSON with and without --json."""
    import json

    from workflow_engine.normalise import normalise as normalise_scenario

    form = normalise_scenario(read_document(file))
    finish(form, json.dumps(form, indent=2, ensure_ascii=False), as_json=as_json)


@app.command("simulate")
def simulate(
    file: DocumentFile,
    responses: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="A JSON list of {in?, actor, action, response?, data?, at?, after?} and {wait}."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Play responses against a scenario and show where the process stands then."""
    from workflow_engine.simulate import run

    if file == responses == "-":
        raise typer.BadParameter("only one of the two files can be standard input")
    scenario, given = read_document(file), read_document(responses)
    if not isinstance(given, list):
        raise InvalidFileError(f"{responses} should hold a list of responses", path="$")
    document: dict[str, Any] = run(scenario, given)
    finish(document, _simulation_text(document), as_json=as_json)


app.command("impact")(impact)
app.command("export")(scenario_exchange.export)
app.command("import")(scenario_exchange.import_)
app.command("test")(scenario_testing.run_tests)
app.command("record")(scenario_testing.record)
app.command("generate")(scenario_testing.generate)
app.command("mutate")(scenario_testing.mutate)


def _simulation_text(document: dict[str, Any]) -> str:
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
    return "\n".join(lines)
