"""The brokers of the deployments take messages as large as a node reads, and hardly larger ones.

A node holds many messages of its broker in memory at once, and other organisations choose their size.
"""

import re
from pathlib import Path

import pytest

from eventchain.core.strict_json import MAX_BYTES

ROOT = Path(__file__).parents[2]
PLACES = ("deploy/compose/rabbitmq.conf", "deploy/kubernetes/overlays/development/rabbitmq.conf", "docs/rabbitmq.md")


@pytest.mark.parametrize("place", PLACES)
def test_broker_takes_what_a_node_reads_and_hardly_more(place: str) -> None:
    (size,) = re.findall(r"^max_message_size = (\d+)$", (ROOT / place).read_text(), re.MULTILINE)
    assert MAX_BYTES < int(size) < 2 * MAX_BYTES
