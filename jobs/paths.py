"""Which folders of the server a request may name, and reading below a run folder without being led out."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from dcportal import env
from dcportal.common.problems import Problem


def folder_problems(pointer: str, value: str) -> list[Problem]:
    """Why `value` cannot be read as a folder (or file) of code or data; empty when it can."""
    path = Path(os.path.realpath(value))
    if not _is_allowed(path):
        return [Problem(pointer, "protected_path", {"path": value})]
    try:
        readable = os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0))
        exists = path.exists()
    except OSError:
        exists = readable = False
    if not exists:
        return [Problem(pointer, "no_such_path", {"path": value})]
    return [] if readable else [Problem(pointer, "unreadable_path", {"path": value})]


def interpreter_problems(pointer: str, value: str) -> list[Problem]:
    """Why `value` is no program that a job could run as its Python. Links are kept: a venv is one."""
    if not _is_allowed(Path(os.path.abspath(value))):
        return [Problem(pointer, "protected_path", {"path": value})]
    try:
        usable = os.path.isfile(value) and os.access(value, os.X_OK)
    except (OSError, ValueError):
        usable = False
    return [] if usable else [Problem(pointer, "not_an_interpreter", {"path": value})]


def _is_allowed(path: Path) -> bool:
    """Never the portal's own data; below DCP_PATH_ROOTS where the site names such folders."""
    data = Path(os.path.realpath(settings.DATA_DIR))
    roots = [Path(os.path.realpath(root)) for root in env.names("DCP_PATH_ROOTS")]
    if path == data or data in path.parents or path in data.parents:
        return False
    return not roots or any(path == root or root in path.parents for root in roots)


def open_below(root: Path, relative: str, flags: int = os.O_RDONLY) -> int:
    """Descriptor of `relative` below `root`, following no symlink on the way. Raises OSError.

    Each part is opened from the one before it, so a folder swapped meanwhile cannot lead outside.
    """
    parts = [part for part in relative.split("/") if part]
    if not parts or any(part in (".", "..") or "\0" in part for part in parts):
        raise FileNotFoundError(relative)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)


def open_file_below(root: Path, relative: str) -> int:
    """Like `open_below`, for regular files only: no pipe, no device. Raises OSError."""
    descriptor = open_below(root, relative)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(relative)
    return descriptor


def files_below(root: Path, folder: str, limit: int = 10_000) -> Iterator[tuple[str, os.stat_result]]:
    """(path below `folder`, stat) of its regular files, at most `limit`, following no symlink."""
    try:
        top = open_below(root, folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    yield from _walk(top, limit)


def _walk(top: int, limit: int) -> Iterator[tuple[str, os.stat_result]]:
    left = limit
    try:
        for place, _folders, names, descriptor in os.fwalk(".", dir_fd=top, follow_symlinks=False):
            for name in sorted(names):
                with contextlib.suppress(OSError):
                    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and left > 0:
                        left -= 1
                        yield os.path.normpath(os.path.join(place, name)), found
            if left <= 0:
                return
    finally:
        os.close(top)
