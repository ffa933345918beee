"""Data sets: register, change, scan for size and fingerprint, remove."""

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from dcportal.accounts.models import Team
from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Invalid, invalid
from jobs import access, paths
from jobs.actions.naming import clean_name, clean_path, clean_text, require_unused, require_unused_name
from jobs.models import Dataset

SCAN_FILES = 200_000


def add_dataset(
    actor: Actor,
    name: str,
    path: str,
    now: datetime,
    *,
    description: str = "",
    team: str | None = None,
    readers: Iterable[str] = (),
) -> Dataset:
    """Register a folder or file of the server and scan it. Raises Invalid with a problem per field."""
    access.require_user(actor)
    row = Dataset(
        name=clean_name(name, 120),
        path=_readable(path),
        description=clean_text(description, 1000),
        team=access.team_for(actor, team, "/team"),
        owner_id=access.owner_id(actor),
    )
    require_unused_name(Dataset.objects.filter(team=row.team), row.name)
    teams = _teams(readers)
    for column, value in measured(row.path).items():
        setattr(row, column, value)
    row.scanned_at = now
    with transaction.atomic():
        create(row, now)
        row.readers.set(teams)
        audit.record(actor, "dataset.create", row, before=None, after=_seen(row), now=now)
    return row


def edit_dataset(
    actor: Actor, row: Dataset, changes: Mapping[str, Any], now: datetime, expected: int | None = None
) -> Dataset:
    """Change name, description, path or readers; a changed path is scanned at once."""
    access.require_change(row, actor)
    require_revision(row, expected)
    values, readers = _cleaned(row, changes)
    with transaction.atomic():
        before = _seen(row)
        update(row, values | ({"scanned_at": now} if "path" in values else {}), now)
        if readers is not None:
            row.readers.set(readers)
        audit.record(actor, "dataset.edit", row, before=before, after=_seen(row), now=now)
    return row


def scan_dataset(actor: Actor, row: Dataset, now: datetime) -> Dataset:
    """Measure size and fingerprint again."""
    access.require_change(row, actor)
    found = measured(row.path)
    with transaction.atomic():
        before = snapshot(row)
        update(row, {**found, "scanned_at": now}, now)
        audit.record(actor, "dataset.scan", row, before=before, after=snapshot(row), now=now)
    return row


def remove_dataset(actor: Actor, row: Dataset, now: datetime, expected: int | None = None) -> None:
    """Forget a data set that no job used; its files stay. Raises Conflict naming the jobs that did."""
    access.require_change(row, actor)
    require_revision(row, expected)
    require_unused(row, row.jobs.all())
    with transaction.atomic():
        audit.record(actor, "dataset.delete", row, before=_seen(row), after=None, now=now)
        row.delete()


def measured(path: str) -> dict[str, Any]:
    """size_bytes, num_files and fingerprint of what lies at `path`; None each beyond 200,000 files.

    The fingerprint is over names, sizes and modification times, so it costs no reading of the data.
    """
    digest, size, count = hashlib.sha256(), 0, 0
    for name, found in _files(path):
        count += 1
        if count > SCAN_FILES:
            return {"size_bytes": None, "num_files": None, "fingerprint": None}
        size += found.st_size
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return {"size_bytes": size, "num_files": count, "fingerprint": digest.hexdigest()}


def _files(path: str) -> Iterable[tuple[str, os.stat_result]]:
    if os.path.isfile(path):
        yield os.path.basename(path), os.stat(path)
        return
    for place, folders, names in os.walk(path, followlinks=False):
        folders.sort()
        for name in sorted(names):
            try:
                found = os.stat(os.path.join(place, name), follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                yield os.path.relpath(os.path.join(place, name), path), found


def _seen(row: Dataset) -> dict[str, Any]:
    readers = sorted(row.readers.values_list("name", flat=True))
    return {**snapshot(row), "readers": readers}


def _readable(value: Any) -> str:
    path = clean_path(value, "/path")
    problems = paths.folder_problems("/path", path)
    if problems:
        raise Invalid(problems)
    return path


def _teams(names: Any) -> list[Team]:
    if not isinstance(names, (list, tuple, set)) or not all(isinstance(name, str) for name in names):
        raise invalid("/readers", "wrong_type", expected="string_list")
    found = {team.name: team for team in Team.objects.filter(name__in=list(names))}
    for name in names:
        if name not in found:
            raise invalid("/readers", "no_such_team", value=name[:80])
    return list(found.values())


def _cleaned(row: Dataset, changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[Team] | None]:
    known = {"name", "description", "path", "readers"}
    for key in changes:
        if key not in known:
            raise invalid(f"/{key}", "unknown_key", key=key, nearest="name")
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = clean_name(changes["name"], 120)
    if "description" in changes:
        values["description"] = clean_text(changes["description"], 1000)
    if "path" in changes:
        values["path"] = _readable(changes["path"])
        values |= measured(values["path"])
    if values.get("name", row.name) != row.name:
        require_unused_name(Dataset.objects.filter(team=row.team), values["name"])
    return values, _teams(changes["readers"]) if "readers" in changes else None
