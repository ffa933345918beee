"""Folders of source files: which files count, copying them, and one hash over all of them."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.engines.code import git
from jobs.engines.code.refusal import Refused

MAX_FILES = 20_000
MAX_BYTES = 2**30
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache"}
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """sha256 over names, executable bits and contents of all files, in order of their names."""

    sha256: str
    num_files: int
    size_bytes: int


def check_folder(path: Path, pointer: str = "/code/path") -> None:
    """Raise Refused when `path` is no folder this process can read."""
    if not path.exists():
        raise Refused(pointer, "no_such_folder", path=str(path))
    if not path.is_dir():
        raise Refused(pointer, "not_a_folder", path=str(path))
    if not os.access(path, os.R_OK | os.X_OK):
        raise Refused(pointer, "unreadable", path=str(path))


def source_files(folder: Path) -> list[str]:
    """Relative names of the files that make up the program. Raises Refused for too many."""
    try:
        names = git.listed_files(folder)
    except Refused:  # no git here: then there are no ignore rules to follow
        names = None
    if names is None:
        names = sorted(_walked(folder))
    there = [name for name in names if os.path.lexists(folder / name) and not _is_real_folder(folder / name)]
    if len(there) > MAX_FILES:
        raise Refused("/code/path", "folder_too_large", files=len(there), max_files=MAX_FILES)
    return there


def copy(folder: Path, names: Sequence[str], target: Path) -> None:
    """Copy the named files, links as links. Raises Refused: unreadable, too large, disk full."""
    size = 0
    for name in names:
        size += os.lstat(folder / name).st_size
        if size > MAX_BYTES:
            raise Refused("/code/path", "folder_too_large", size_bytes=size, max_bytes=MAX_BYTES)
        _copy_one(folder / name, target / name)


def fingerprint(folder: Path, names: Sequence[str]) -> Fingerprint:
    """Hash of the named files as they are now. Raises Refused when one cannot be read."""
    whole = hashlib.sha256()
    size = 0
    for name in names:
        path = folder / name
        content, length = _digest(path)
        is_executable = not path.is_symlink() and os.access(path, os.X_OK)
        whole.update(f"{name}\0{int(is_executable)}\0{content}\n".encode("utf-8", "surrogateescape"))
        size += length
    return Fingerprint(whole.hexdigest(), len(names), size)


def _walked(folder: Path) -> Iterator[str]:
    found = 0
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in files:
            found += 1
            if found > MAX_FILES:
                raise Refused("/code/path", "folder_too_large", files=found, max_files=MAX_FILES)
            yield os.path.relpath(os.path.join(at, name), folder)


def _is_real_folder(path: Path) -> bool:
    """A sub-repository is listed by git as one name."""
    return path.is_dir() and not path.is_symlink()


def _copy_one(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.is_symlink() and not source.is_file():
        return  # a pipe or socket is no source code
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused("/code", "disk_full", path=str(target.parent)) from error
        raise Refused("/code/path", "unreadable", path=str(source)) from error


def _digest(path: Path) -> tuple[str, int]:
    if path.is_symlink():
        return f"link {os.readlink(path)}", 0
    if not path.is_file():
        return "special", 0
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return digest, file.tell()
    except OSError as error:
        raise Refused("/code/path", "unreadable", path=str(path)) from error
