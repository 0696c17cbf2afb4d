"""The corpus: every seeded fault is found, by its rule and at its place, and nothing else is said; sound is silent."""

import json
from functools import cache

import pytest

import scenarios
from workflow_engine import simulate
from workflow_engine.errors import InvalidInstructionError
from workflow_engine.model import Examination, Limits, examine

from .fault_corpus import faults, names, sound

FAULTS = list(faults())


@cache
def examined(number: int) -> Examination:
    return examine(FAULTS[number].scenario)


EACH = pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])


def alarms(examination: Examination) -> list[tuple[str, str]]:
    """Everything but the remark that the first to act may never begin, which is so in most scenarios."""
    found = [finding.problem for finding in examination.findings]
    return [(item.rule, item.path) for item in found if (item.severity, item.rule) != ("info", "can-stall")]


def test_corpus_is_as_large_as_the_documents_say() -> None:
    assert len(FAULTS) == 89
    assert len({json.dumps(fault.scenario, sort_keys=True) for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("name", names())
def test_sound_scenario_is_without_findings(name: str) -> None:
    examination = examine(sound(name))
    assert alarms(examination) == []
    assert examination.is_sound
    assert examination.graph is not None
    assert examination.graph.is_complete


@EACH
def test_seeded_fault_is_found_by_its_rule_alone(number: int) -> None:
    fault, found = FAULTS[number], alarms(examined(number))
    assert {rule for rule, _ in found} == {fault.rule}
    assert fault.path in [path for _, path in found]


@EACH
def test_run_of_a_finding_can_be_simulated(number: int) -> None:
    fault = FAULTS[number]
    for finding in examined(number).findings:
        if finding.run is None:
            continue
        assert finding.run.is_certain
        responses = list(finding.run.responses)
        if finding.problem.rule == "cannot-go-on":
            with pytest.raises(InvalidInstructionError):
                simulate.run(fault.scenario, responses)
        else:
            assert simulate.run(fault.scenario, responses)["state"] == finding.run.state


@pytest.mark.slow
@pytest.mark.parametrize("name", scenarios.names())
def test_library_gives_no_false_alarm(name: str) -> None:
    # What is left is so: it says where one party can let the others wait, and the run shows it.
    examination = examine(scenarios.load(name), limits=Limits(configurations=1_000))
    assert {rule for rule, _ in alarms(examination)} <= {"can-stall"}
    for finding in examination.findings:
        assert finding.run is not None
        assert finding.run.is_certain
        played = simulate.run(scenarios.load(name), list(finding.run.responses))
        assert f'"{played["state"]}"' in finding.problem.message
        assert not played["finished"]
        party = finding.problem.message.split('"')[3]
        assert {actor for actors in played["actions"].values() for actor in actors} == {party}
