"""Writing down a request and starting its runner, which from then on needs nobody."""

import errno
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.engines.base import EngineError, LaunchRequest, NoRoom, Reason, SubmitRefused
from jobs.engines.runner import folder
from jobs.engines.runner.containers.probe import ContainerProbe
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.preparing import PACKAGE_ROOT
from jobs.engines.runner.spec import RunnerSpec
from trainer.spec.problems import Problem

# Below this much room no attempt is started: its log, checkpoints and exit file need some.
MIN_FREE_BYTES = 256 * 2**20
_DETACH_SECONDS = 30.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")


def write_folder(request: LaunchRequest, probe: ContainerProbe, hidden: tuple[Path, ...]) -> RunFolder:
    """Create the run folder of `request`; spec.json is written last.

    Raises SubmitRefused (no such account), NoRoom (disk full), EngineError.
    """
    root = request.run_dir.resolve()
    files = RunFolder(root)
    _check_account(request.run_as)
    _check_room(root)
    try:
        files.create()
        if request.secrets:
            folder.write_json(files.secrets, dict(request.secrets), mode=0o400)
        spec = _spec_of(request, files, probe, hidden)
        folder.write_json(files.spec, spec.to_json(), durable=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom(Reason("disk_full", {"path": str(root)})) from error
        raise EngineError(f"cannot write {error.filename or root}: {error.strerror}") from error
    return files


def _check_room(root: Path) -> None:
    _, too_little = room(root)
    if too_little is not None:
        raise NoRoom(too_little)


def start_runner(files: RunFolder, tag: str) -> None:
    """Start the runner of `files` so that it is nobody's child. Raises EngineError."""
    log = os.open(files.runner_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", "jobs.engines.runner", "--detach", str(files.root)],
            cwd=PACKAGE_ROOT,
            env=_variables(tag),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            timeout=_DETACH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"cannot start the runner: {error}") from error
    finally:
        os.close(log)
    if done.returncode != 0:
        raise EngineError(f"the runner ended with {done.returncode}, see {files.runner_log}")


def _check_account(name: str | None) -> None:
    try:
        if name is not None:
            pwd.getpwnam(name)
    except KeyError:
        raise SubmitRefused([Problem("", "no_such_account", {"account": name})]) from None


def room(runs: Path) -> tuple[int | None, Reason | None]:
    """(bytes free below `runs`, why that is too little); None for what cannot be told."""
    existing = next(path for path in (runs, *runs.parents) if path.exists())
    try:
        free = shutil.disk_usage(existing).free
    except OSError:
        return None, None
    if free >= MIN_FREE_BYTES:
        return free, None
    params = {"path": str(existing), "free_bytes": free, "needed_bytes": MIN_FREE_BYTES}
    return free, Reason("disk_full", params)


def _spec_of(
    request: LaunchRequest, files: RunFolder, probe: ContainerProbe, hidden: tuple[Path, ...]
) -> RunnerSpec:
    return RunnerSpec(
        job_uid=request.job_uid,
        attempt=request.attempt,
        launch_id=secrets.token_hex(8),
        # Not resolved: a venv's python is a link, and the link's place is what makes it the venv's.
        interpreter=str(request.interpreter.absolute()),
        command=_command(request, files),
        is_trainer=request.command is None,
        code=_code(request),
        ranks=request.ranks,
        accelerator_uuids=request.accelerator_uuids,
        cpus=request.cpus,
        memory_bytes=request.memory_bytes,
        env=dict(request.env),
        dataset_path=_text(request.dataset_path),
        time_limit_seconds=request.time_limit_seconds,
        resume_from=_text(request.resume_from and request.resume_from.resolve()),
        grace_seconds=request.grace_seconds,
        run_as=request.run_as,
        level=probe.level,
        cgroup_parent=_text(probe.cgroup_parent),
        can_mask=probe.can_mask,
        can_unshare=probe.can_unshare,
        hidden=tuple(str(path) for path in hidden),
        readable=_readable(request),
        library=str(PACKAGE_ROOT),
        log_cap_bytes=request.log_cap_bytes,
    )


def _command(request: LaunchRequest, files: RunFolder) -> tuple[str, ...]:
    """The user's command, or the trainer on a configuration file written here."""
    if request.command is not None:
        return tuple(request.command)
    # JSON, not TOML, which has no null.
    config = files.work / "config.json"
    config.write_text(json.dumps({"train": dict(request.trainer_config or {})}, indent=2), encoding="utf-8")
    return ("python", "-m", "trainer", "run", str(config))


def _code(request: LaunchRequest) -> dict[str, Any]:
    code = request.code
    kind = "git" if code.git else "upload" if code.upload else "path" if code.path else "none"
    return {"kind": kind, **{name: _text(value) if isinstance(value, Path) else value
                             for name, value in asdict(code).items()}}  # fmt: skip


def _readable(request: LaunchRequest) -> tuple[str, ...]:
    """What the portal itself put in a hidden folder for this job.

    Never a path of the user's choosing (code, data, interpreter): that would open the hidden folder.
    """
    wanted = [request.code.upload, request.resume_from]
    return tuple(str(path.resolve()) for path in wanted if path is not None)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _variables(tag: str) -> dict[str, str]:
    """The runner's own environment: it needs next to nothing, and must not carry the job's tag."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "DCP_RUNNER": tag, "PYTHONDONTWRITEBYTECODE": "1"}
