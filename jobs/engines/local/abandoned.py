"""Attempts whose runner is gone without an exit file: finished here, step by step, on each look.

Usually the guard has done it before anybody looks. It is left to us when the machine was rebooted, when
guard and runner were killed together, or when the runner never came up.
"""

import time
from dataclasses import dataclass, field, replace

from jobs.engines.base import EngineReport, Reason, State
from jobs.engines.local import folders
from jobs.engines.runner import claim, folder, orphans, processes
from jobs.engines.runner.claim import Verdict
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.spec import RunnerSpec, SpecUnreadable
from jobs.engines.runner.stopping import Stop

# A runner that has not claimed within this time is not coming.
CLAIM_SECONDS = 30.0


@dataclass
class Abandoned:
    """Stops in progress, by tag. Never blocks: one look is one step."""

    _stops: dict[str, Stop] = field(default_factory=dict)
    _seen_unclaimed: dict[str, float] = field(default_factory=dict)

    def look(self, tag: str, files: RunFolder) -> None:
        """Do what is due for the attempt in `files`, which has no exit file yet."""
        runner = folders.runner_of(files)
        if runner is None:
            self._look_at_unclaimed(tag, files)
        elif runner.is_alive or self._guard_works(files, runner.boot_id):
            self._stops.pop(tag, None)
        elif not files.exit.exists():
            self._step(tag, files)

    def amended(self, report: EngineReport) -> EngineReport:
        """`report` with the state it really has while its remains are being cleared away."""
        if report.tag not in self._stops:
            return report
        return replace(report, state=State.STOPPING, reason=Reason("runner_died"))

    def _step(self, tag: str, files: RunFolder) -> None:
        stop = self._stops.get(tag) or _begin(files)
        if stop is None:
            return
        self._stops[tag] = stop
        stop.step(time.monotonic(), main_is_gone=True)
        if stop.is_over:
            orphans.close(files, stop)
            del self._stops[tag]

    def _guard_works(self, files: RunFolder, boot_id: str) -> bool:
        pid = (folder.read_json(files.runner) or {}).get("guard_pid")
        found = processes.stat(pid) if pid and boot_id == processes.boot_id() else None
        return found is not None and not found.is_gone and pid in runners_of(str(_tag(files)))

    def _look_at_unclaimed(self, tag: str, files: RunFolder) -> None:
        """No runner has introduced itself: wait for it, then claim in its place and write the end."""
        asked = orphans.asked_why(files)
        if runners_of(tag):
            return
        since = self._seen_unclaimed.setdefault(tag, time.monotonic())
        if asked is None and time.monotonic() - since < CLAIM_SECONDS:
            return
        if claim.claim(files.claim, "engine") is not Verdict.DUPLICATE or not runners_of(tag):
            orphans.write_end(files, asked or "runner_died", None)
            self._seen_unclaimed.pop(tag, None)


def _begin(files: RunFolder) -> Stop | None:
    try:
        return orphans.stop_of(files, RunnerSpec.from_json(folder.read_json(files.spec)))
    except SpecUnreadable:
        return None


def runners_of(tag: str) -> set[int]:
    """Living runner and guard processes of `tag`, by their environment."""
    found = processes.tagged({"DCP_RUNNER": tag}, processes.everything())
    return {pid for pid in found if (stat := processes.stat(pid)) is not None and not stat.is_gone}


def _tag(files: RunFolder) -> str:
    return f"{files.root.parent.name}.{files.root.name}"
