"""`livecontract scenario test`, `record`, `generate` and `mutate`: tests for those who write scenarios."""

from pathlib import Path
from typing import Annotated

import typer

from livecontract.cli.outcome import FAILURE, OK, AsJson, finish

TestPaths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="*.feature, runs in JSON, or folders of them.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; otherwise it is shown.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Name the tests that pass as well.")]


def run_tests(
    paths: TestPaths,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say what no test comes to.")] = False,
    fail_under: Annotated[
        float | None, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail where less is covered.")
    ] = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Run tests of scenarios: features in Gherkin, and runs in JSON. Negative if one of them fails."""
    from workflow_engine.testing.coverage import Coverage
    from workflow_engine.testing.discovery import find_tests
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.report import coverage_text, results_text

    scenarios, covered = Scenarios(), Coverage()
    results = []
    for file in find_tests(paths):
        for result in file.run(scenarios):
            results.append(result)
            covered.add(result.traces)
    report = covered.report(scenarios.documents)
    failed = sum(result.failure is not None for result in results)
    low = [item["scenario"] for item in report if fail_under is not None and item["percent"] < fail_under]
    document = {
        "passed": len(results) - failed,
        "failed": failed,
        "tests": [result.to_dict() for result in results],
        **({"coverage": report} if coverage or fail_under is not None else {}),
    }
    text = results_text(results, verbose=verbose)
    if coverage or low:
        text += "\n\n" + coverage_text(report)
    if low:
        text += f"\n\nLess than {fail_under:g} % of {', '.join(low)} is covered."
    finish(document, text, as_json=as_json, code=FAILURE if failed or low else OK)


def mutate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario.")],
    tests: Annotated[list[Path], typer.Option("--tests", metavar="PATH", help="Its tests; may be given repeatedly.")],
    fail_on_survivors: Annotated[
        bool, typer.Option("--fail-on-survivors", help="Be negative where a mutant survives without an explanation.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Change a scenario in one place at a time, and say which changes no test notices."""
    from workflow_engine.testing.discovery import find_tests
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.mutation import mutate as mutate_scenario
    from workflow_engine.testing.report import mutation_text

    scenarios = Scenarios()
    scenario = scenarios.read(file.absolute())
    report = mutate_scenario(scenario, find_tests(tests), scenarios)
    document = {
        "scenario": scenario.name or scenario.id,
        "failed": [result.to_dict() for result in report.failed],
        "mutants": [verdict.to_dict() for verdict in report.verdicts],
        "needless": list(report.needless),
    }
    survived = fail_on_survivors and bool(report.of("survived"))
    finish(document, mutation_text(report), as_json=as_json, code=FAILURE if report.failed or survived else OK)
