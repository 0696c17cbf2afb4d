"""What docs/checks.md shows and lists is so."""

import json
import re
from pathlib import Path

import scenarios
from workflow_engine.model import BEHAVIOUR_RULES, examine
from workflow_engine.model import explore as limits
from workflow_engine.model.goal import game_to_dict
from workflow_engine.model.samples import MAX_VALUES
from workflow_engine.normalise import normalise
from workflow_engine.property_form import KINDS, MAX_PROPERTIES

from .fault_corpus import faults, sound

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")


def test_every_rule_is_listed_under_its_severity() -> None:
    listing = PAGE.split("## What is found")[1].split("## The game")[0]
    errors, rest = listing.split("**Warnings**")
    warnings, remarks = rest.split("**Remarks**")
    more: dict[str, set[str]] = {"error": {"no-start"}, "warning": set(), "info": {"can-stall", "changes-alone"}}
    for severity, text in (("error", errors), ("warning", warnings), ("info", remarks)):
        listed = set(re.findall(r"`([a-z-]+-[a-z-]+|stuck|livelock|overlap|gap)`", text))
        assert listed == {rule.name for rule in BEHAVIOUR_RULES if rule.severity == severity} | more[severity]


def cell(*, forces: bool, prevents: bool) -> str:
    return "force" if forces else "prevent" if prevents else "neither"


def test_game_that_is_shown_is_that_of_the_quotation() -> None:
    examination = examine(scenarios.load("quotation"))
    assert examination.scenario is not None
    assert examination.graph is not None
    table = game_to_dict(examination.scenario, examination.graph)["table"]
    for party, row in table.items():
        cells = [
            ("force" if power["forces"] else "prevent" if power["prevents"] else "neither") for power in row.values()
        ]
        assert re.search(rf"^  {party} +{' +'.join(cells)}$", PAGE, re.MULTILINE)


def test_properties_that_are_shown_can_be_read() -> None:
    shown = json.loads("{" + re.search(r'"properties": \[.*?\n\]', PAGE, re.DOTALL).group() + "}")  # type: ignore[union-attr]
    assert len(normalise({**sound("club"), **shown})["properties"]) == 4
    assert all(f"| `{kind}`" in PAGE for kind in KINDS)


def test_numbers_are_those_of_the_code() -> None:
    assert f"{len(list(faults()))} scenarios with one seeded fault each" in PAGE
    assert f"all {len(list(faults()))} are found" in PAGE
    assert f"At most {limits.MAX_CONFIGURATIONS:,} configurations" in PAGE
    assert limits.MAX_STEPS == 10 * limits.MAX_CONFIGURATIONS
    assert f"At most {MAX_VALUES} combinations" in PAGE
    assert f"at most {MAX_PROPERTIES} properties" in PAGE
