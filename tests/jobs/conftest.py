"""Jobs of the cast, and a machine that they can run on."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from dcportal.accounts.models import User
from dcportal.common.actors import Actor
from dcportal.common.changes import create
from dcportal.inventory.models import Accelerator, Node
from jobs import actions
from jobs.models import Job

GIB = 2**30


@pytest.fixture
def node_with(db: None, now: datetime) -> Callable[..., Node]:
    """`node_with("n1", gpus=4)`: a node that the engine `fake` launches on."""

    def make(name: str = "n1", gpus: int = 0, cpus: int = 16, engine: str = "fake", **columns: Any) -> Node:
        node = create(
            Node(
                name=name,
                admission="accepted",
                launch_engine=engine,
                cpu_count=cpus,
                memory_bytes=64 * GIB,
                **columns,
            ),
            now,
        )
        for index in range(gpus):
            create(
                Accelerator(
                    uuid=f"GPU-{name}-{index}", node=node, index=index, model="H100", memory_bytes=GIB
                ),
                now,
            )
        return node

    return make


@pytest.fixture
def a_request() -> Callable[..., dict[str, Any]]:
    """A valid request; keyword arguments replace whole sections, e.g. `resources={"gpus": 2}`."""

    def make(name: str = "probe", **sections: Any) -> dict[str, Any]:
        return {"job": {"name": name}, "command": ["python", "train.py"], **sections}

    return make


@pytest.fixture
def submitted(
    actor_named: Callable[[str], Actor], a_request: Callable[..., dict[str, Any]], now: datetime
) -> Callable[..., Job]:
    """`submitted("owner", resources={...})`: a queued job of that person."""

    def make(who: str = "owner", name: str = "probe", at: datetime | None = None, **sections: Any) -> Job:
        return actions.submit(actor_named(who), a_request(name, **sections), at or now)

    return make


@pytest.fixture
def owner(person: Callable[[str], User]) -> User:
    return person("owner")
