"""Agents that say hello, and the inventory they leave behind."""

from collections.abc import Callable

import pytest

from dcportal.common.changes import create
from dcportal.common.tokens import digest_of, new_secret, prefix_of
from dcportal.inventory.models import Node, NodeToken
from monitoring.protocol import AcceleratorFacts, Hello, Layout, NodeFacts
from tests.fixtures.people import NOW


def gpu(letter: str, index: int = 0, **changes) -> AcceleratorFacts:
    facts = {
        "uuid": f"GPU-{letter}",
        "index": index,
        "name": "NVIDIA H100",
        "memory_total_bytes": 80_000_000_000,
        "pci_bus_id": f"0000:0{index}:00.0",
        "power_limit_watts": 700.0,
    }
    return AcceleratorFacts(**facts | changes)


def hello_of(hostname: str, *gpus: AcceleratorFacts, collector: str = "real", **changes) -> Hello:
    facts = NodeFacts(
        hostname=hostname,
        machine_id=changes.pop("machine_id", f"machine-{hostname}"),
        boot_id="boot-1",
        threads=64,
        memory_total_bytes=512_000_000_000,
        accelerators=list(gpus),
    )
    layout = Layout(node=0, layout=0, boot_id="boot-1", groups=[])
    return Hello(agent_version="0.1.0", collector=collector, facts=facts, layout=layout, **changes)


@pytest.fixture
def token_for(db) -> Callable[..., str]:
    """`token_for(accepts_at_once=True)` stores a node token and returns its secret."""

    def make(*nodes: Node, **columns) -> str:
        secret = new_secret("node")
        token = NodeToken(name="test", digest=digest_of(secret), prefix=prefix_of(secret), **columns)
        create(token, NOW)
        token.nodes.set(nodes)
        return secret

    return make
