"""The word for asking another service of the same node: who asks need not know how it gets there."""

from collections.abc import Callable
from typing import Any

Call = Callable[[str, Any], Any]
"""Sends a JSON document to a path of a service, and returns the JSON object it answers with.

Raises:
    LiveContractError: What the service raised, in its family and with its code; UnavailableError where it cannot be
        reached.
"""
