"""The local engine: torchrun on this machine, one runner process per attempt.

All it knows lies in run folders, so any process may create a `LocalEngine` on the same folders and sees
the same jobs; that is how they survive the scheduler. Attempts in flight are listed by marker files below
`<runs>/.local`, so that a poll costs what runs, not what ever ran.
"""

import os
import platform
import signal
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.engines.base import (
    EngineError,
    EngineNode,
    EngineReport,
    LaunchRequest,
    LogChunk,
    Probe,
    Reason,
    Submission,
    UnknownTag,
)
from jobs.engines.local import abandoned, folders, launch, markers
from jobs.engines.runner import folder, logwindow, processes
from jobs.engines.runner.containers import probe as containers
from jobs.engines.runner.folder import RunFolder

VERSION = "1"
PROBE_KEPT_SECONDS = 60.0
# Ended attempts stay in poll_all(None) for this long.
ENDED_KEPT = timedelta(days=1)


class LocalEngine:
    """`Engine` on this machine. `hidden`: folders that jobs must not see, where they can be masked."""

    name = "local"

    def __init__(self, runs_dir: Path, hidden: Sequence[Path] = (), level: str | None = None) -> None:
        """`level` forces a container level (tests); None takes the best that works here."""
        self._runs = runs_dir.absolute()
        self._hidden = tuple(hidden)
        self._level = level
        self._probed: tuple[float, containers.ContainerProbe] | None = None
        self._node = socket.gethostname()
        self._abandoned = abandoned.Abandoned()

    def probe(self) -> Probe:
        found = self._containers()
        notes = [Reason(code) for code in found.missing]
        return Probe(
            engine=self.name,
            version=VERSION,
            is_available=platform.system() == "Linux",
            level=found.level,
            is_isolated=found.is_isolated,
            masks_data=found.can_mask,
            can_run_as=os.geteuid() == 0,
            limits=found.limits,
            notes=tuple(notes),
        )

    def submit(self, tag: str, spec: LaunchRequest) -> Submission:
        files = self.folder(tag)
        if files.spec.exists():
            return self._submit_again(tag, files)
        if spec.run_dir.resolve() != files.root:
            raise EngineError(f"{spec.run_dir} is not where this engine keeps {tag}")
        launch.write_folder(spec, self._containers(), self._hidden_from(spec))
        markers.set_live(self._runs, tag)
        launch.start_runner(files, tag)
        return Submission(tag)

    def find(self, tag: str) -> EngineReport | None:
        files = self.folder(tag)
        return self._report(tag, files) if files.spec.exists() else None

    def poll_all(self, since: datetime | None = None) -> dict[str, EngineReport]:
        reports = {}
        for tag in markers.tags(self._runs):
            report = None if self._is_history(tag, since) else self.find(tag)
            if report is not None:
                reports[tag] = report
        return reports

    def cancel(self, engine_id: str, grace_seconds: float, why: str = "cancelled") -> EngineReport:
        files = self._known(engine_id)
        if not files.exit.exists():
            self._order_stop(files, grace_seconds, why)
        return self._report(engine_id, files)

    def logs(self, engine_id: str, offset: int, limit: int = 65536, rank: str | None = None) -> LogChunk:
        window = logwindow.read_window(self._known(engine_id).logs, offset, limit, rank)
        return LogChunk(
            window.offset, window.data, window.next_offset, window.end_offset, window.dropped_bytes
        )

    def nodes(self) -> list[EngineNode]:
        free_bytes, too_little = launch.room(self._runs)
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return [
            EngineNode(
                name=self._node,
                boot_id=processes.boot_id(),
                cpus=len(os.sched_getaffinity(0)),
                memory_bytes=pages,
                runs_free_bytes=free_bytes,
                is_launchable=too_little is None,
                reason=too_little,
            )
        ]

    def adopt(self, engine_id: str) -> EngineReport:
        files = self._known(engine_id)
        if not files.exit.exists():
            markers.set_live(self._runs, engine_id)
        return self._report(engine_id, files)

    def folder(self, tag: str) -> RunFolder:
        """Run folder of `tag`. Raises UnknownTag for what is no tag at all."""
        uid, _, attempt = tag.rpartition(".")
        if not uid.isalnum() or not attempt.isdigit():
            raise UnknownTag(tag)
        return RunFolder((self._runs / uid / attempt).resolve())

    def _known(self, tag: str) -> RunFolder:
        files = self.folder(tag)
        if not files.spec.exists():
            raise UnknownTag(tag)
        return files

    def _submit_again(self, tag: str, files: RunFolder) -> Submission:
        """The tag is known. Start a runner only if none ever claimed it; the claim settles any race."""
        if not files.exit.exists():
            markers.set_live(self._runs, tag)
            if not files.claim.exists() and not abandoned.runners_of(tag):
                launch.start_runner(files, tag)
                return Submission(tag)
        return Submission(tag, duplicate=True)

    def _report(self, tag: str, files: RunFolder) -> EngineReport:
        """What the folder says, after making sure that somebody still works on it."""
        if not files.exit.exists():
            self._abandoned.look(tag, files)
        report = folders.report_of(files, tag, self._node)
        return self._abandoned.amended(report) if not report.state.is_final else report

    def _order_stop(self, files: RunFolder, grace_seconds: float, why: str) -> None:
        earlier = folder.read_json(files.cancel) or {}
        order = {
            "requested_at": earlier.get("requested_at") or folder.now(),
            "grace_seconds": grace_seconds,
            "why": earlier.get("why") or why,
        }
        folder.write_json(files.cancel, order, durable=True)
        runner = folders.runner_of(files)
        if runner is not None:
            # Only a nudge: the runner looks for the file anyway.
            processes.send(runner, signal.SIGUSR1)

    def _is_history(self, tag: str, since: datetime | None) -> bool:
        """True for an attempt that ended before `since`; after a day nobody looks at it again.

        Goes by the exit file's time, so that what ended costs a poll 10 us instead of 500.
        """
        try:
            ended_at = datetime.fromtimestamp(self.folder(tag).exit.stat().st_mtime, UTC)
        except UnknownTag:
            return True
        except OSError:
            return False
        if datetime.now(UTC) - ended_at > ENDED_KEPT:
            markers.clear(self._runs, tag)
        return since is not None and ended_at < since

    def _hidden_from(self, spec: LaunchRequest) -> tuple[Path, ...]:
        return (self._runs, *self._hidden)

    def _containers(self) -> containers.ContainerProbe:
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] > PROBE_KEPT_SECONDS:
            self._probed = now, containers.probe(self._level)
        return self._probed[1]
