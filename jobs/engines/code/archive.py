"""Uploaded archives (zip, tar, tar.gz, tar.bz2, tar.xz): looked through before anything is unpacked.

Refused: absolute names, `..`, backslashes, NUL, links and devices in zips, links that lead outside in
tars, encryption, more than 20,000 entries or 512 MiB unpacked, whatever the headers claim.
"""

import errno
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from jobs.engines.code.refusal import Refused

MAX_ENTRIES = 20_000
MAX_BYTES = 512 * 2**20
_POINTER = "/code/upload"
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, ValueError, OSError, RuntimeError)


def check(path: Path) -> None:
    """Raise Refused for an archive that `unpack` would refuse by its directory alone."""
    with _refusing_broken(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as opened:
                _check_zip(opened)
        else:
            with _open_tar(path) as opened:
                _check_tar(opened)


def unpack(path: Path, target: Path) -> Path:
    """Unpack into the new folder `target`; the folder where the program lies.

    That is `target`, or the single folder in it that holds everything. Raises Refused.
    """
    check(path)
    target.mkdir(parents=True)
    with _refusing_broken(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as opened:
                _unpack_zip(opened, target)
        else:
            with _open_tar(path) as opened:
                _unpack_tar(opened, target)
    entries = list(target.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else target


class _refusing_broken:  # noqa: N801 reads as a phrase
    """Turn what the libraries raise for damaged files and full disks into Refused."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        if not self._path.is_file():
            raise Refused(_POINTER, "archive_missing")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused("/code", "disk_full", path=str(self._path.parent)) from error
        if isinstance(error, _BROKEN):
            raise Refused(_POINTER, "archive_unreadable", detail=str(error)[:200]) from error


def _open_tar(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path)
    except tarfile.ReadError as error:
        raise Refused(_POINTER, "archive_kind_unknown") from error


def _check_zip(opened: zipfile.ZipFile) -> None:
    entries = opened.infolist()
    _check_amount(len(entries), sum(entry.file_size for entry in entries))
    for entry in entries:
        # The raw name: zipfile cuts at NUL and turns foreign separators round.
        _check_name(entry.orig_filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Refused(_POINTER, "archive_entry_kind", name=entry.filename[:200])
        if entry.flag_bits & 0x1:
            raise Refused(_POINTER, "archive_encrypted", name=entry.filename[:200])


def _check_tar(opened: tarfile.TarFile) -> None:
    number = size = 0
    for entry in opened:
        number, size = number + 1, size + entry.size
        _check_amount(number, size)
        _check_name(entry.name)
        if not (entry.isfile() or entry.isdir() or entry.issym() or entry.islnk()):
            raise Refused(_POINTER, "archive_entry_kind", name=entry.name[:200])


def _check_amount(entries: int, size: int) -> None:
    if entries > MAX_ENTRIES or size > MAX_BYTES:
        raise Refused(
            _POINTER,
            "archive_too_large",
            entries=entries, size_bytes=size, max_entries=MAX_ENTRIES, max_bytes=MAX_BYTES,
        )  # fmt: skip


def _check_name(name: str) -> None:
    parts = PurePosixPath(name).parts
    outside = name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or name[1:2] == ":"
    if outside or not parts:
        raise Refused(_POINTER, "archive_entry_outside", name=name[:200])


def _unpack_zip(opened: zipfile.ZipFile, target: Path) -> None:
    left = MAX_BYTES
    for entry in opened.infolist():
        path = target / entry.filename
        if entry.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        left -= _write(opened, entry, path, left)
        path.chmod(0o755 if (entry.external_attr >> 16) & 0o100 else 0o644)


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int) -> int:
    """Write one file; its size. Counts real bytes: a header may understate them."""
    size = 0
    with opened.open(entry) as source, open(path, "xb") as file:
        while chunk := source.read(256 * 1024):
            size += len(chunk)
            if size > left:
                raise Refused(_POINTER, "archive_too_large", entries=1, size_bytes=size, max_bytes=MAX_BYTES)
            file.write(chunk)
    return size


def _unpack_tar(opened: tarfile.TarFile, target: Path) -> None:
    try:
        opened.extractall(target, members=_counted(opened), filter="data")
    except tarfile.FilterError as error:
        name = error.tarinfo.name if error.tarinfo else ""
        raise Refused(_POINTER, "archive_entry_outside", name=name[:200]) from error


def _counted(opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    size = 0
    for entry in opened:
        size += entry.size
        _check_amount(0, size)
        yield entry
