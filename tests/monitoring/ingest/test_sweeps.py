"""What higher apps add to watched topics."""

from typing import Any

import pytest

from monitoring import hub as hub_module
from monitoring.hub import Mailbox, add_state
from monitoring.ingest.service import Ingest


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the state of the overview says; the test changes it."""
    shown = {"GPU-a": "free"}
    monkeypatch.setattr(hub_module, "_states", {})
    add_state("overview", lambda key: {"cells": dict(shown)})
    return shown


async def events(mailbox: Mailbox) -> list[dict[str, Any]]:
    return [event for event in (await mailbox.take())[0] if event.get("kind") == "state"]


async def test_a_state_is_told_when_it_changes_and_only_then(ingest: Ingest, cells: dict[str, str]) -> None:
    mailbox = ingest.hub.mailbox()
    ingest.hub.subscribe("overview", mailbox)
    seen = []
    for state in ("free", "free", "busy"):
        cells["GPU-a"] = state
        await ingest.sweeps.once()
        seen += [event["cells"]["GPU-a"] for event in await events(mailbox)]
    assert seen == ["free", "busy"]


async def test_nobody_watching_asks_for_no_state(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_states", {})
    add_state("overview", lambda key: pytest.fail("asked though nobody watches"))
    await ingest.sweeps.once()


async def test_the_pulse_says_how_many_report(ingest: Ingest) -> None:
    mailbox = ingest.hub.mailbox()
    await ingest.sweeps.once()
    pulse = (await mailbox.take())[0][-1]
    assert pulse == {"type": "pulse", "newest": None, "agents": {"reporting": 0, "total": 0}}
