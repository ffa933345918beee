"""Uploaded archives of code, kept in `<data>/uploads/<uid>` until removed."""

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot
from dcportal.common.problems import invalid
from jobs import access
from jobs.actions.naming import clean_name
from jobs.models import CodeUpload

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def upload_path(upload: CodeUpload) -> Path:
    """Where the bytes lie."""
    return Path(settings.DATA_DIR) / "uploads" / upload.uid


def add_upload(
    actor: Actor, file_name: str, chunks: Iterable[bytes], now: datetime, *, team: str | None = None
) -> CodeUpload:
    """Keep an archive (zip or tar) of at most 50 MB. Raises Invalid; nothing stays on disk then."""
    access.require_user(actor)
    name = clean_name(os.path.basename(file_name), 255, "/file")
    if not name.lower().endswith(_ARCHIVES):
        raise invalid("/file", "not_an_archive", endings=", ".join(_ARCHIVES))
    row = CodeUpload(
        file_name=name, team=access.team_for(actor, team, "/team"), owner_id=access.owner_id(actor)
    )
    path = upload_path(row)
    try:
        row.size_bytes, row.sha256 = _stored(path, chunks)
        with transaction.atomic():
            create(row, now)
            audit.record(actor, "code_upload.create", row, before=None, after=snapshot(row), now=now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return row


def _stored(path: Path, chunks: Iterable[bytes]) -> tuple[int, str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > settings.CODE_UPLOAD_MAX_BYTES:
                raise invalid("/file", "body_too_large", limit_bytes=settings.CODE_UPLOAD_MAX_BYTES)
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if size == 0:
        raise invalid("/file", "required")
    return size, digest.hexdigest()
