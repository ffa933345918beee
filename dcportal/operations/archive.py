"""One archive of what cannot be made again: database, telemetry, keys, the agent's token. Not the runs.

Taken while the portal runs: every SQLite file is copied by SQLite itself, so that it is whole. Each file's
SHA-256 stands in the manifest and is compared before anything is replaced.
"""

import hashlib
import json
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

FORMAT = 1
MANIFEST = "manifest.json"
#: Made again at the next start, or too large and kept by other means.
LEFT_OUT = frozenset({"log", "static", "setup", "runs", "portal.lock"})
SQLITE_MAGIC = b"SQLite format 3\0"
BESIDE_SQLITE = ("-wal", "-shm", "-journal")


class BadArchive(Exception):
    """Not an archive of ours, or damaged; nothing was changed."""


def write(archive: Path, data_dir: Path, now: datetime) -> list[str]:
    """Write `archive` from the data folder; returns the names of the files inside."""
    fresh = archive.with_name(f"{archive.name}.new")
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".backup-") as scratch:
        staged = {name: stage(data_dir, name, Path(scratch)) for name in worth_keeping(data_dir)}
        manifest = {
            "format": FORMAT,
            "created_at": now.isoformat(),
            "files": {name: sha256(file) for name, file in staged.items()},
        }
        (Path(scratch) / MANIFEST).write_text(json.dumps(manifest, indent=1))
        with tarfile.open(fresh, "w:gz", compresslevel=3) as tar:
            tar.add(Path(scratch) / MANIFEST, MANIFEST)
            for name, file in staged.items():
                tar.add(file, name)
    fresh.chmod(0o600)
    fresh.replace(archive)
    return list(staged)


def worth_keeping(data_dir: Path) -> Iterator[str]:
    """Names relative to the data folder, in order."""
    for file in sorted(data_dir.rglob("*")):
        name = file.relative_to(data_dir)
        skipped = name.parts[0] in LEFT_OUT or file.name.endswith((*BESIDE_SQLITE, ".lock", ".new"))
        if file.is_file() and not file.is_symlink() and not skipped:
            yield name.as_posix()


def stage(data_dir: Path, name: str, scratch: Path) -> Path:
    """A file that will not change any more: a copy made by SQLite, or the file itself."""
    source = data_dir / name
    if not is_sqlite(source):
        return source
    copy = scratch / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)) as database:
        database.execute("VACUUM INTO ?", (str(copy),))
    return copy


def is_sqlite(file: Path) -> bool:
    with open(file, "rb") as stream:
        return stream.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def sha256(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def restore(archive: Path, data_dir: Path, now: datetime) -> Path | None:
    """Put the archive's files in place; what was there before moves to the returned folder.

    Raises BadArchive before anything is changed.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".restore-") as scratch:
        manifest = unpack(archive, Path(scratch))
        aside = set_aside(data_dir, now)
        for name in manifest["files"]:
            target = data_dir / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (Path(scratch) / name).replace(target)
    return aside


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Extract the files named by the manifest and compare each. Raises BadArchive."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            manifest = read_manifest(tar)
            for name, digest in manifest["files"].items():
                extract(tar, name, digest, folder)
    except (tarfile.TarError, zlib.error, EOFError, OSError, KeyError, ValueError) as error:
        raise BadArchive(f"{archive}: {error}") from error
    return manifest


def read_manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    stream = tar.extractfile(MANIFEST)
    manifest: dict[str, Any] = json.load(stream) if stream else {}
    if manifest.get("format") != FORMAT:
        raise ValueError(f"format {manifest.get('format')} is not known to this release")
    return manifest


def extract(tar: tarfile.TarFile, name: str, digest: str, folder: Path) -> None:
    """By name from the manifest, regular files below the folder only."""
    path = PurePosixPath(name)
    stream = tar.extractfile(name)
    if path.is_absolute() or ".." in path.parts or stream is None:
        raise ValueError(f"{name} is not a file of ours")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as file:
        shutil.copyfileobj(stream, file)
    target.chmod(0o600)
    if sha256(target) != digest:
        raise ValueError(f"{name} is damaged")


def set_aside(data_dir: Path, now: datetime) -> Path | None:
    """Move what the archive replaces into a folder named by the time; None when there was nothing."""
    present = [
        entry for entry in data_dir.iterdir() if entry.name not in LEFT_OUT and not entry.name.startswith(".")
    ]
    if not present:
        return None
    aside = data_dir / f".before-restore-{now:%Y%m%d-%H%M%S}"
    aside.mkdir()
    for entry in present:
        entry.rename(aside / entry.name)
    return aside
