"""Follows the event files of live attempts; what was read and how far are stored in one transaction.

So a kill at any moment neither loses nor doubles a point. Files are opened beneath the run folder without
following symlinks; each attempt has its share of bytes and events a round, so a flood delays only itself.
"""

import contextlib
import os
import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jobs import paths
from jobs.actions import emit
from jobs.models import Artifact, Attempt, Checkpoint, FollowOffset, Job, JobEvent
from jobs.scheduler import curves
from jobs.scheduler.effects import METRICS_LIMIT, Effects, gather
from jobs.scheduler.lease import Lease
from trainer.events import read_lines

EVENT_FILE = re.compile(r"(\d{1,5})(?:\.(\d{1,6}))?\.jsonl")
CHUNK_BYTES = 256 * 1024
ROUND_BYTES = 2 * 2**20
FILES_LIMIT = 4096
EVENTS_PER_ATTEMPT = 500
PACE_SECONDS = 60.0
ARTIFACTS_EVERY_SECONDS = 30.0


@dataclass
class _Piece:
    """Bytes of one file that were read but not stored yet."""

    row: FollowOffset
    used: int
    skipped: int


class Follower:
    """Reads on for each attempt. What it remembers only saves work; a restart may forget it."""

    def __init__(self) -> None:
        self._pace: dict[int, deque[tuple[float, int]]] = {}
        self._metrics: dict[int, set[str]] = {}
        self._artifacts_at: dict[int, float] = {}

    def follow(self, lease: Lease, attempt: Attempt, now: datetime) -> bool:
        """Store what is new. True when there is more than one round's share."""
        effects, pieces, more = _read_round(attempt, now)
        if pieces:
            with lease.transaction(now):
                self._store(attempt, effects, now)
                for piece in pieces:
                    piece.row.offset += piece.used
                    piece.row.lines_skipped += piece.skipped
                    piece.row.save()
                for kind, code, params in self._events(attempt, effects):
                    emit(attempt.job, kind, code, now, attempt=attempt.number, **params)
        self._list_artifacts(lease, attempt, now)
        return more

    def follow_to_the_end(self, lease: Lease, attempt: Attempt, now: datetime) -> None:
        """Everything that an ended attempt left."""
        while self.follow(lease, attempt, now):
            pass
        self._artifacts_at.pop(attempt.pk, None)
        self._list_artifacts(lease, attempt, now)
        for memory in (self._pace, self._metrics, self._artifacts_at):
            memory.pop(attempt.pk, None)

    def _store(self, attempt: Attempt, effects: Effects, now: datetime) -> None:
        points = self._known_metrics(attempt, effects)
        if points:
            curves.append(attempt, points)
        for saved in effects.checkpoints:
            Checkpoint.objects.update_or_create(
                attempt=attempt,
                path=saved.path,
                defaults={
                    "job_id": attempt.job_id,
                    "step": saved.step,
                    "size_bytes": saved.size_bytes,
                    "is_best": saved.is_best,
                    "saved_at": saved.saved_at,
                    "updated_at": now,
                },
                create_defaults={
                    "job_id": attempt.job_id,
                    "step": saved.step,
                    "size_bytes": saved.size_bytes,
                    "is_best": saved.is_best,
                    "saved_at": saved.saved_at,
                    "created_at": now,
                    "updated_at": now,
                },
            )
        if effects.told is not None and attempt.cause is None:
            attempt.cause = effects.told
            Attempt.objects.filter(pk=attempt.pk).update(cause=effects.told)
        if effects.alive_at is not None:
            attempt.heartbeat_at = effects.alive_at
            Attempt.objects.filter(pk=attempt.pk).update(heartbeat_at=effects.alive_at)
        columns = self._job_columns(attempt, effects, points)
        if columns:
            Job.objects.filter(pk=attempt.job_id).update(**columns)

    def _job_columns(self, attempt: Attempt, effects: Effects, points: dict) -> dict:
        columns: dict = {}
        if effects.step is not None and effects.step_at is not None:
            columns |= {"progress_step": effects.step, "progress_at": effects.step_at}
            columns["eta_at"] = self._eta(attempt, effects)
        if effects.total is not None:
            columns["progress_total"] = effects.total
        if effects.phase is not None:
            columns["phase"] = effects.phase
        if points:
            latest = {name: new[-1][2] for name, new in points.items() if new[-1][2] == new[-1][2]}
            known = Job.objects.values_list("latest_metrics", flat=True).get(pk=attempt.job_id)
            columns["latest_metrics"] = {**known, **{k: v for k, v in latest.items() if abs(v) < 1e300}}
        return columns

    def _eta(self, attempt: Attempt, effects: Effects) -> datetime | None:
        """From the pace of the last minute; None before there is one."""
        assert effects.step is not None
        assert effects.step_at is not None
        total = effects.total if effects.total is not None else attempt.job.progress_total
        if effects.total is not None:
            attempt.job.progress_total = effects.total
        seen = self._pace.setdefault(attempt.pk, deque())
        if seen and effects.step < seen[-1][1]:
            seen.clear()
        seen.append((effects.step_at.timestamp(), effects.step))
        while seen[-1][0] - seen[0][0] > PACE_SECONDS:
            seen.popleft()
        seconds, steps = seen[-1][0] - seen[0][0], seen[-1][1] - seen[0][1]
        if total is None or seconds <= 0 or steps <= 0:
            return None
        left = max(0, total - effects.step) * seconds / steps
        return effects.step_at + timedelta(seconds=min(left, 10 * 365 * 86400.0))

    def _known_metrics(self, attempt: Attempt, effects: Effects) -> dict:
        """The points of the first 64 metrics of an attempt; others are counted and dropped."""
        if attempt.pk not in self._metrics:
            rows = attempt.job.curves.filter(attempt=attempt.number)
            self._metrics[attempt.pk] = set(rows.values_list("metric", flat=True).distinct())
        known = self._metrics[attempt.pk]
        for name in effects.points:
            if len(known) < METRICS_LIMIT:
                known.add(name)
        return {name: new for name, new in effects.points.items() if name in known}

    def _events(self, attempt: Attempt, effects: Effects) -> list[tuple[str, str, dict]]:
        wanted = [
            ("checkpoint", "checkpoint_saved", {"step": saved.step}) for saved in effects.checkpoints
        ] + effects.notices
        if not wanted:
            return []
        kinds = ("checkpoint", "notice")
        told = JobEvent.objects.filter(job_id=attempt.job_id, attempt=attempt.number, kind__in=kinds).count()
        return wanted[: max(0, EVENTS_PER_ATTEMPT - told)]

    def _list_artifacts(self, lease: Lease, attempt: Attempt, now: datetime) -> None:
        """Rows for the files in the artifacts folder, looked at every 30 s and at the end."""
        at = time.monotonic()
        if at - self._artifacts_at.get(attempt.pk, -1e9) < ARTIFACTS_EVERY_SECONDS:
            return
        self._artifacts_at[attempt.pk] = at
        found = dict(paths.files_below(Path(attempt.run_dir), "work/artifacts"))
        if found:
            _store_artifacts(lease, attempt, found, now)


def _store_artifacts(lease: Lease, attempt: Attempt, found: dict, now: datetime) -> None:
    known = dict(attempt.artifacts.values_list("path", "size_bytes"))
    fresh = {
        name: stat
        for name, stat in found.items()
        if known.get(name) != stat.st_size and len(name) <= 1024 and name.isprintable()
    }
    if not fresh:
        return
    with lease.transaction(now):
        for name, stat in fresh.items():
            values = {
                "size_bytes": stat.st_size,
                "modified_at": datetime.fromtimestamp(stat.st_mtime, now.tzinfo),
                "updated_at": now,
            }
            whose = {
                "job_id": attempt.job_id,
                "team_id": attempt.job.team_id,
                "owner_id": attempt.job.owner_id,
            }
            Artifact.objects.update_or_create(
                attempt=attempt,
                path=name,
                defaults=values,
                create_defaults={**values, **whose, "created_at": now},
            )


def _read_round(attempt: Attempt, now: datetime) -> tuple[Effects, list[_Piece], bool]:
    """What stands in the files beyond the stored offsets, up to one round's share."""
    root = Path(attempt.run_dir)
    work = os.path.normpath(str(root / "work"))
    offsets = {row.inode: row for row in attempt.offsets.all()}
    pieces: list[_Piece] = []
    effects, left, more = Effects(), ROUND_BYTES, False
    for name in event_files(root):
        with contextlib.suppress(OSError):
            descriptor = paths.open_file_below(root, f"work/events/{name}")
            with open(descriptor, "rb", buffering=0) as file:
                row = _offset_row(attempt, name, os.fstat(file.fileno()), offsets)
                while left > 0:
                    chunk = os.pread(file.fileno(), min(CHUNK_BYTES, left), row.offset + _read(pieces, row))
                    events, used, skipped = read_lines(chunk) if chunk else ([], 0, 0)
                    if not used:
                        break
                    before = effects.skipped
                    gather(events, work, now, effects)
                    pieces.append(_Piece(row, used, skipped + effects.skipped - before))
                    left -= used
        more = more or left <= 0
    return effects, pieces, more


def _read(pieces: list[_Piece], row: FollowOffset) -> int:
    return sum(piece.used for piece in pieces if piece.row is row)


def _offset_row(
    attempt: Attempt, name: str, found: os.stat_result, offsets: dict[int, FollowOffset]
) -> FollowOffset:
    """The stored place in this file; a file that shrank was begun anew."""
    row = offsets.get(found.st_ino)
    if row is None:
        row = offsets[found.st_ino] = FollowOffset(attempt=attempt, inode=found.st_ino)
    if found.st_size < row.offset:
        row.offset = 0
    row.file = name
    return row


def event_files(root: Path) -> list[str]:
    """Names of event files, of each rank the oldest first."""
    try:
        folder = paths.open_below(root, "work/events", os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        names = [name for name in os.listdir(folder)[:FILES_LIMIT] if EVENT_FILE.fullmatch(name)]
    finally:
        os.close(folder)
    return sorted(names, key=_age)


def _age(name: str) -> tuple[int, float]:
    rank, number = EVENT_FILE.fullmatch(name).groups()  # type: ignore[union-attr]
    return int(rank), float(number) if number else float("inf")
