"""`livecontract scenario`: check, normalise, try out and exchange scenarios. Only `impact --node` asks a node."""

import typer

from livecontract.cli import scenario_check, scenario_exchange, scenario_testing
from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import AsJson, finish
from livecontract.cli.scenario_impact import impact
from livecontract.cli.scenario_simulation import simulate

app = typer.Typer(help="Scenarios.", no_args_is_help=True)
scenario_check.register(app)


@app.command("normalise")
def normalise(file: DocumentFile, as_json: AsJson = False) -> None:
    """Print the normal form of a scenario, the one its id is the hash of. It is JSON with and without --json."""
    import json

    from workflow_engine.normalise import normalise as normalise_scenario

    form = normalise_scenario(read_document(file))
    finish(form, json.dumps(form, indent=2, ensure_ascii=False), as_json=as_json)


app.command("simulate")(simulate)
app.command("impact")(impact)
app.command("export")(scenario_exchange.export)
app.command("import")(scenario_exchange.import_)
app.command("test")(scenario_testing.run_tests)
app.command("record")(scenario_testing.record)
app.command("generate")(scenario_testing.generate)
app.command("mutate")(scenario_testing.mutate)
