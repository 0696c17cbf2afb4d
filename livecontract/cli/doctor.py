"""`livecontract doctor`: what is wrong with a node, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livecontract.cli.outcome import FAILURE, OK, AsJson, finish
from livecontract.cli.run import ConfigFile, read_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livecontract.doctor import Finding
    from livecontract.facts import Facts


def doctor(
    context: typer.Context,
    config: ConfigFile = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The node's directory of keys and databases.")
    ] = None,
    node: Annotated[
        str | None, typer.Option(metavar="URL", help="Another node than that of the configuration, as its operator.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", metavar="FILE", help="Key of the node, or of an operator (with --node)."),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Ask all other nodes for missing events, and wait.")] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long --repair waits at most.")] = 30.0,
    requeue: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Let a dead letter be handled again. May be given again.")
    ] = None,
    discard: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Forget a dead letter for good. May be given again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Examine a node: queue, dead letters, clock, keys, disk, anchors, shovels; ask for what is missing.

    Without --node it is the node of the configuration, running or not. Every setting of docs/configuration.md is an
    option, as for run.
    """
    from dataclasses import replace

    from livecontract import log
    from livecontract.config import load
    from livecontract.doctor import PROBLEM, diagnose
    from livecontract.doctor_facts import Examiner, Patient, of_config

    log.configure("error")
    settings = load({**read_flags(context.args), "data": data, "key_file": key_file}, file=config)
    patient = of_config(settings)
    if node is not None:
        patient = replace(Patient(url=node.rstrip("/"), key=patient.key), key_error=patient.key_error)
    examiner = Examiner(patient)
    if requeue or discard:
        examiner.requeue(requeue or [], discard or [])
    facts = examiner.collect()
    if repair and not facts.unreachable:
        facts = examiner.repair(facts, wait)
    findings = diagnose(facts)
    healthy = not any(finding.severity == PROBLEM for finding in findings)
    document = {"healthy": healthy, "node": patient.url, "findings": [finding.to_dict() for finding in findings]}
    finish(document, _text(facts, findings), as_json=as_json, code=OK if healthy else FAILURE)


def _text(facts: "Facts", findings: "Sequence[Finding]") -> str:
    problems = sum(finding.severity == "problem" for finding in findings)
    verdict = "All is well." if not problems else f"{problems} problem{'s' if problems > 1 else ''}."
    lines = [f"{facts.url}: {verdict}"]
    for finding in findings:
        mark = "NOT" if finding.severity == "problem" else "see"
        lines += ["", f"  {mark}  {finding.check:<14} {finding.what}"]
        lines += [f"{'':<22}{finding.meaning}", f"{'':<22}{finding.todo}"]
    if facts.repair:
        lines += ["", f"Asked {facts.repair.asked} times; {len(facts.repair.chains)} chains have grown since."]
    return "\n".join(lines)
