"""What the agent would say about its nodes right now: hellos, uids, processes. Shared by two threads."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Literal

import msgspec

from monitoring.agent.layouts import Layouts
from monitoring.protocol import ColumnGroup, Hello, Layout, NodeFacts, Processes

log = logging.getLogger("dcportal.agent")
AGENT_VERSION = "0.1.0"


class Station:
    """The sampler updates it, the sender reads it. `version` rises with every change of a hello."""

    def __init__(
        self,
        layouts: Layouts,
        *,
        collector: Literal["real", "simulated"],
        interval_seconds: float,
        memory: Path | None = None,
    ) -> None:
        self._layouts, self._collector, self._interval_seconds = layouts, collector, interval_seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._hellos: dict[int, Hello] = {}
        self._processes: dict[int, Processes] = {}
        self._uids = _remembered(memory)
        self.version = 0
        self.processes_version = 0

    def introduce(self, node: int, facts: NodeFacts, groups: list[ColumnGroup]) -> Layout:
        """A node is new or changed; the layout its samples use from now on."""
        layout = self._layouts.declare(node, facts.boot_id, groups)
        hello = Hello(
            agent_version=AGENT_VERSION,
            collector=self._collector,
            interval_seconds=self._interval_seconds,
            facts=facts,
            layout=layout,
        )
        with self._lock:
            self._hellos[node] = hello
            self.version += 1
        return layout

    def hellos(self) -> list[Hello]:
        """One per node, in node order, with the uids known by now."""
        with self._lock:
            return [
                msgspec.structs.replace(hello, node_uid=self._uids.get(str(node)))
                for node, hello in sorted(self._hellos.items())
            ]

    def set_processes(self, node: int, processes: Processes) -> None:
        """The newest list; older ones need not be sent."""
        with self._lock:
            self._processes[node] = processes
            self.processes_version += 1

    def processes(self) -> list[Processes]:
        """The newest list of each node that has one."""
        with self._lock:
            return list(self._processes.values())

    def learn_uid(self, node: int, uid: str | None) -> None:
        """Ingest said which node this is; remembered over restarts."""
        if uid is None or self._uids.get(str(node)) == uid:
            return
        self._uids[str(node)] = uid
        _remember(self._memory, self._uids)


def _remembered(path: Path | None) -> dict[str, str]:
    try:
        found = json.loads(path.read_text()) if path else {}
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _remember(path: Path | None, uids: dict[str, str]) -> None:
    if path is None:
        return
    try:
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(uids))
        os.replace(temporary, path)
    except OSError as error:
        log.warning("cannot remember the node's uid: %s", error)
