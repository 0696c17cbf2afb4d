"""The kinds of actions: what runs an action, as its `$schema` says. Pure."""

import re
from collections.abc import Mapping

LTO_ACTION = "https://specs.livecontracts.io/v0.2.0/action/{}schema.json#"
OWN_ACTION = "urn:livecontract:action:"
ACTION_KINDS = (
    "manual", "http", "nop", "event", "document", "sequence", "invite", "sub-process", "identity", "reinvite",
)  # fmt: skip
STEP_KINDS = ("http", "nop", "event", "invite")
"""Kinds that a sequence may be made of."""

DONE_BY_IDENTITY_EVENT = ("identity", "reinvite")
"""Kinds that are done by one event, which changes an identity (`workflow_engine.identity_action`)."""

KIND_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "manual": ("accepts",),
    "http": ("url", "method", "query", "headers", "auth", "data", "requests", "projection"),
    "nop": ("trigger_response", "data", "projection"),
    "event": ("body", "projection", "chain"),
    "document": ("template", "data"),
    "sequence": ("steps",),
    "invite": ("identity", "email", "name", "contract", "projection"),
    "sub-process": ("scenario", "roles", "assets", "result"),
    "identity": ("identity", "change", "remove"),
    "reinvite": ("identity", "email", "name", "contract"),
}
"""What a system action of each kind adds (reference: the triggers)."""

LTO_ACTION_URL = re.compile(r"https://specs\.livecontracts\.io/v0\.2\.0/action/(?:(http|nop|event)/)?schema\.json#?")


def action_kind(schema: str) -> str:
    """Return what runs an action, from its `$schema`: one of `ACTION_KINDS`; anything else is `manual`."""
    if schema.startswith(OWN_ACTION):
        kind = schema.removeprefix(OWN_ACTION)
        return kind if kind in ACTION_KINDS else "manual"
    match = LTO_ACTION_URL.fullmatch(schema)
    return (match.group(1) if match else None) or "manual"
