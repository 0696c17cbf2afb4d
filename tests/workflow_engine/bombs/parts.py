"""Scenarios to hide bombs in: small and sound but for what is put into them."""

from typing import Any

OWN, LTO = "urn:livecontract:scenario:1", "https://specs.livecontracts.io/v0.2.0/scenario/schema.json#"
DRAFT_07 = "http://json-schema.org/draft-07/schema#"


def scenario(**members: Any) -> dict[str, Any]:
    """Return a scenario in which one actor does one thing again and again; members are replaced by those given."""
    return {
        "$schema": OWN,
        "actors": {"one": {}},
        "actions": {"go": {"actor": "one"}, "end": {"actor": "one"}},
        "states": {
            "initial": {"actions": ["go", "end"], "transitions": [{"action": "end", "transition": ":success"}]},
        },
        **members,
    }


def doubling(levels: int, keyword: str = "allOf", leaf: Any = True) -> dict[str, Any]:
    """Return a JSON Schema in which each definition refers to the next one twice."""
    definitions: dict[str, Any] = {
        f"d{level}": {keyword: [{"$ref": f"#/$defs/d{level + 1}"}, {"$ref": f"#/$defs/d{level + 1}"}]}
        for level in range(levels)
    }
    return {"$defs": {**definitions, f"d{levels}": leaf}, "$ref": "#/$defs/d0"}


def instructions(data: Any, **members: Any) -> dict[str, Any]:
    """Return a scenario that evaluates instructions when its actor goes, and writes what comes of them to an asset."""
    update = {"select": "assets.made", "data": {"all": data}}
    actions = {"go": {"actor": "one", "update": update}, "end": {"actor": "one"}}
    return scenario(**{"assets": {"made": {}}, "actions": actions, **members})
