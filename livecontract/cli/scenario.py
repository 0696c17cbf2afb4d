"""`livecontract scenario`: check, normalise and try out scenarios. No node is needed."""

from typing import Annotated, Any

import typer

from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish
from livecontract.errors import InvalidFileError

app = typer.Typer(help="Scenarios.", no_args_is_help=True)


@app.command("check")
def check(file: DocumentFile, as_json: AsJson = False) -> None:
    """Check a scenario with the passive tests; negative if there is an error among the findings."""
    from workflow_engine.checks import check as check_scenario

    report = check_scenario(read_document(file))
    document = report.to_dict()
    finish(document, _report_text(document), as_json=as_json, code=OK if report.valid else FAILURE)


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
        typer.Option(metavar="FILE", help="A JSON list of {actor, action, response?, data?, at?, after?} and {wait}."),
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


def _report_text(report: dict[str, Any]) -> str:
    lines = [
        f"  {item['severity']:<8} {item['rule']}: {item['message']} (at {item['path']})" for item in report["problems"]
    ]
    verdict = f"Valid: scenario {report['id']}" if report["valid"] else "Not valid:"
    return "\n".join([verdict, *lines])


def _simulation_text(document: dict[str, Any]) -> str:
    lines = [
        f"state      {document['state']}" + (" (finished)" if document["finished"] else ""),
        f"previous   {', '.join(document['previous']) or '-'}",
        f"next       {', '.join(document['next']) or '-'}",
    ]
    lines += [f"action     {action}: {', '.join(actors)}" for action, actors in document["actions"].items()]
    return "\n".join(lines)
