"""Assets that cannot be changed in some states: a document during its signing sequence (paper section 5.1).

A member of an asset's definition in our own dialect, `"locked_in": ["signing"]`, names the states. A response that is
given in one of them may write the value that the asset has, and no other. What leads into the state may still change
it, and so may what follows. Pure and consensus-critical.
"""

from typing import Any

from eventchain.core import canonical_json
from workflow_engine.errors import InvalidResponseError, json_path, quote
from workflow_engine.normalise import LOCKED_IN, OWN_SCENARIO
from workflow_engine.scenario import Scenario
from workflow_engine.update import Projection, changed


def locking_states(scenario: Scenario, asset: str) -> tuple[str, ...]:
    """Return the keys of the states in which an asset is locked."""
    if scenario.normal_form["$schema"] != OWN_SCENARIO:
        return ()
    states: Any = scenario.assets[asset].schema_document.get(LOCKED_IN)
    return tuple(states) if isinstance(states, list) else ()


def check_locks(before: Projection, after: Projection, scenario: Scenario, state: str) -> None:
    """Refuse the change of an asset that is locked.

    Args:
        before: The projection before the response.
        after: What the response makes of it.
        scenario: Says what is locked where.
        state: Key of the state in which the response is given.

    Raises:
        InvalidResponseError: A locked asset would change.
    """
    for key in changed(before.assets, after.assets):
        asset = after.assets[key]
        if state not in locking_states(scenario, key):
            continue
        if canonical_json.encode(asset) != canonical_json.encode(before.assets[key]):
            raise InvalidResponseError(
                f"The asset {quote(key)} is locked in the state {quote(state)} and cannot be changed.",
                path=json_path(("assets", key)),
                hint="Leave the state first; what was signed there has to stay what it was.",
            )
