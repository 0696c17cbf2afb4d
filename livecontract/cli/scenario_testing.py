"""`livecontract scenario test`, `record`, `generate` and `mutate`: tests for those who write scenarios."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livecontract.cli.files import DocumentFile, read_document
from livecontract.cli.outcome import FAILURE, OK, AsJson, finish, note
from livecontract.cli.scenario_check import clock
from livecontract.cli.scenario_simulation import with_files
from livecontract.errors import InvalidFileError

if TYPE_CHECKING:
    from workflow_engine.scenario import Scenario

TestPaths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="*.feature, runs in JSON, or folders of them.")]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write it; otherwise it is shown.")
]
Seconds = Annotated[float, typer.Option(min=0, help="How long it may take; what is left then is not done.")]
_LONGEST = 600.0
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Name the tests that pass as well.")]


def run_tests(
    paths: TestPaths,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say what no test comes to.")] = False,
    fail_under: Annotated[
        float | None, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail where less is covered.")
    ] = None,
    verbose: Verbose = False,
    seconds: Seconds = _LONGEST,
    as_json: AsJson = False,
) -> None:
    """Run tests of scenarios: features in Gherkin, and runs in JSON. Negative if one of them fails."""
    from livecontract import log
    from workflow_engine.testing.coverage import Coverage
    from workflow_engine.testing.discovery import find_tests
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.report import coverage_text, results_text

    log.configure("error")  # that a request fails is what a test says, no news
    scenarios, covered = Scenarios(), Coverage()
    results = []
    for file in find_tests(paths, clock(seconds)):
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
    file: DocumentFile,
    tests: Annotated[list[Path], typer.Option("--tests", metavar="PATH", help="Its tests; may be given repeatedly.")],
    fail_on_survivors: Annotated[
        bool, typer.Option("--fail-on-survivors", help="Be negative where a mutant survives without an explanation.")
    ] = False,
    seconds: Seconds = _LONGEST,
    as_json: AsJson = False,
) -> None:
    """Change a scenario in one place at a time, and say which changes no test notices."""
    from livecontract import log
    from workflow_engine.testing.discovery import find_tests
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.mutation import mutate as mutate_scenario
    from workflow_engine.testing.report import mutation_text

    log.configure("error")
    scenarios = Scenarios()
    scenario = scenarios.prefer(_name_of(file), read_document(file))
    report = mutate_scenario(scenario, find_tests(tests, clock(seconds)), scenarios)
    document = {
        "scenario": scenario.name or scenario.id,
        "failed": [result.to_dict() for result in report.failed],
        "mutants": [verdict.to_dict() for verdict in report.verdicts],
        "needless": list(report.needless),
    }
    survived = fail_on_survivors and bool(report.of("survived"))
    finish(document, mutation_text(report), as_json=as_json, code=FAILURE if report.failed or survived else OK)


def record(
    file: DocumentFile,
    responses: Annotated[
        str,
        typer.Option(metavar="RUN", help="A JSON list of {actor, action, response?, data?, at?}, or runs by title."),
    ],
    out: OutFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a run as a feature that passes: every response, the states, and what the process holds at the end."""
    from livecontract import log
    from workflow_engine.testing.generating import record as record_runs
    from workflow_engine.testing.lookup import Scenarios

    log.configure("error")
    if file == responses == "-":
        raise typer.BadParameter("only one of the two files can be standard input")
    name = _name_of(file)
    scenario = Scenarios().prefer(name, read_document(file))
    title = "A run" if responses == "-" else Path(responses).stem
    given = read_document(responses)
    if isinstance(given, list):
        given = with_files(given, responses)
    text = record_runs(name, scenario, given, title)
    _check_result(text, name, scenario)
    _deliver([text], {"scenario": name}, out, as_json=as_json)


def generate(
    file: DocumentFile,
    out: OutFile = None,
    bound: Annotated[int, typer.Option(min=1, max=100_000, help="Configurations that are looked at.")] = 2_000,
    seconds: Seconds = _LONGEST,
    as_json: AsJson = False,
) -> None:
    """Write features that take every transition that can be reached, and say what cannot be, and why."""
    from livecontract import log
    from workflow_engine.testing.coverage import given_places
    from workflow_engine.testing.generating import generate as generate_feature
    from workflow_engine.testing.lookup import Scenarios

    log.configure("error")
    name = _name_of(file)
    document = read_document(file)
    scenario = Scenarios().prefer(name, document)
    made, place = generate_feature(name, scenario, bound, clock(seconds)), given_places(document)
    for text in made.texts:
        _check_result(text, name, scenario)
    missing = [
        {"kind": item.kind, "path": place(item.path), "message": item.sentence, "reason": reason}
        for item, reason in made.missing
    ]
    for item in missing if not as_json else ():
        note(f"{item['message'].removesuffix('.')}: {item['reason']} (at {item['path']})")
    facts = {"scenario": name, "cases": made.cases, "configurations": made.configurations, "missing": missing}
    _deliver(made.texts, facts, out, as_json=as_json)


def _name_of(file: str) -> str:
    """Return the name by which a feature beside a scenario finds it."""
    from workflow_engine.testing.lookup import check_name

    path = Path("scenario" if file == "-" else file)
    name = path.absolute().parent.name if path.name == "scenario.json" else path.stem
    check_name(name)
    return name


def _check_result(text: str, name: str, scenario: "Scenario") -> None:
    """See that a feature that was written passes, before anybody relies on it."""
    from workflow_engine.testing.feature import read_feature
    from workflow_engine.testing.lookup import Scenarios
    from workflow_engine.testing.report import results_text
    from workflow_engine.testing.running import as_tests

    tests = as_tests(read_feature(text.encode("utf-8"), f"{name}.feature"))
    find = Scenarios(preferred={name: scenario}).near(Path())
    results = [test.run(find) for test in tests]
    if any(result.failure for result in results):
        raise InvalidFileError(f"The feature would not pass:\n{results_text(results)}")


def _deliver(texts: Sequence[str], facts: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    """Write features to their files, or show them; a second one goes to `NAME-2.feature`, and so on."""
    if out is None:
        if len(texts) > 1 and not as_json:
            raise typer.BadParameter(f"there are {len(texts)} features; name a file for them with --out")
        finish({**facts, "features": list(texts)}, texts[0], as_json=as_json)
        return
    files = [out, *(out.with_stem(f"{out.stem}-{number}") for number in range(2, len(texts) + 1))]
    for file in files:
        if file.exists():
            raise typer.BadParameter(f"{file} is there already; name another file")
    for file, text in zip(files, texts, strict=True):
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    said = "\n".join(f"{file} is written." for file in files)
    finish({**facts, "files": [str(file) for file in files]}, said, as_json=as_json)
