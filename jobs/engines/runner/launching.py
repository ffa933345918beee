"""Starting one program inside the container, under the right account, with the right view."""

import os
import pwd
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.engines.runner.containers import mask, unshare
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.containers.mask import View
from jobs.engines.runner.environment import JobEnvironment
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.spec import RunnerSpec


@dataclass(frozen=True, slots=True)
class Started:
    """A started program: its pid and the read end of its output. `is_wrapped`: bubblewrap is in between."""

    process: "subprocess.Popen[bytes]"
    output: int
    is_wrapped: bool


def start(
    spec: RunnerSpec,
    files: RunFolder,
    container: Container,
    argv: Sequence[str],
    cwd: Path,
    environment: JobEnvironment,
) -> Started:
    """Start `argv` in the container. Raises OSError when that is impossible."""
    bwrap = mask.program() if spec.can_mask else None
    if bwrap is not None:
        options = mask.arguments(_view(spec, files, environment), cwd)
        command, fd = mask.wrapped(bwrap, options, argv)
    elif spec.own_processes_only:
        command, fd = unshare.wrapped(argv, cwd, environment.whole)
    else:
        return _start(spec, container, argv, environment.whole, cwd, ())
    try:
        return _start(spec, container, command, dict(environment.open), Path("/"), (fd,))
    finally:
        os.close(fd)


def find_program(program: str, cwd: Path, search_path: str) -> Path | None:
    """The executable that `program` means to a job in `cwd`, None when there is none it could start."""
    places = [cwd] if "/" in program else [Path(part) for part in search_path.split(":") if part]
    for place in places:
        path = place / program
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def account(spec: RunnerSpec) -> tuple[int, int] | None:
    """(uid, gid) the job runs under, None for the runner's own."""
    if spec.run_as is None:
        return None
    entry = pwd.getpwnam(spec.run_as)
    return entry.pw_uid, entry.pw_gid


def hand_over(spec: RunnerSpec, files: RunFolder) -> None:
    """Give the job's account what it writes to; the log stays ours."""
    owner = account(spec)
    if owner is not None:
        for name in ("", "events", "checkpoints", "artifacts", "streams"):
            os.chown(files.work / name, *owner, follow_symlinks=False)


def _view(spec: RunnerSpec, files: RunFolder, environment: JobEnvironment) -> View:
    return View(
        protected=(Path(spec.library),) if spec.library else (),
        own_processes_only=spec.own_processes_only,
        hidden=(*(Path(path) for path in spec.hidden), files.control),
        writable=(files.work,),
        readable=(*(Path(path) for path in spec.readable), files.logs),
        hidden_variables=environment.inner,
    )


def _start(
    spec: RunnerSpec,
    container: Container,
    argv: Sequence[str],
    variables: dict[str, str],
    cwd: Path,
    pass_fds: tuple[int, ...],
) -> Started:
    read_end, write_end = os.pipe()
    try:
        process = subprocess.Popen(
            list(argv),
            env=variables,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
            pass_fds=pass_fds,
            # Safe here: the runner has one thread.
            preexec_fn=_become(spec, container),
        )
    except BaseException as error:
        os.close(read_end)
        if isinstance(error, subprocess.SubprocessError):
            raise OSError(f"cannot enter the container: {error}") from error
        raise
    finally:
        os.close(write_end)
    container.started(process.pid)
    return Started(process, read_end, bool(pass_fds))


def _become(spec: RunnerSpec, container: Container) -> Callable[[], None]:
    entry = pwd.getpwnam(spec.run_as) if spec.run_as else None

    def become() -> None:
        container.enter()
        os.umask(0o022)
        if entry is not None:
            os.initgroups(entry.pw_name, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)

    return become
