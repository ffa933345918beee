"""The first program of an attempt: `python -m jobs.engines.code`, which fetches what is to be run.

It runs inside the container and under the job's account, because repositories can make git run commands
of their owner's. Its answer comes from there too and is therefore read with suspicion.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobs.engines.runner import command, folder
from jobs.engines.runner.environment import JobEnvironment
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.spec import RunnerSpec

PACKAGE_ROOT = Path(__file__).resolve().parents[3]
_RECORD = {
    "kind": str, "commit": str, "is_dirty": bool, "sha256": str,
    "num_files": int, "size_bytes": int, "diff_file": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """How to start the preparation."""

    argv: tuple[str, ...]

    def environment(self, job: JobEnvironment) -> JobEnvironment:
        """The job's, except that our own package can be imported and nothing of the user's is preloaded."""
        return replace(job, inner={"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONUNBUFFERED": "1"})


@dataclass(frozen=True, slots=True)
class Preparation:
    """What came of it. has_torch and has_trainer: None when nobody looked."""

    cwd: Path
    record: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Mapping[str, Any], ...] = ()
    has_torch: bool | None = None
    has_trainer: bool | None = None


def problem(pointer: str, code: str, **params: Any) -> dict[str, Any]:
    """A problem as it stands in exit.json."""
    return {"pointer": pointer, "code": code, "params": params}


def is_needed(spec: RunnerSpec) -> bool:
    """False when there is neither code to fetch nor an interpreter to look at."""
    return spec.code.get("kind", "none") != "none" or command.python_program(spec.command) is not None


def request_of(spec: RunnerSpec, files: RunFolder) -> Request:
    """Write down what to prepare, and how to start doing it. Raises OSError."""
    wanted = {
        "code": dict(spec.code),
        "work": str(files.work),
        "interpreter": _interpreter(spec),
    }
    request = files.work / "prepare.json"
    folder.write_json(request, wanted, mode=0o644)
    return Request((sys.executable, "-s", "-m", "jobs.engines.code", str(request), str(files.prepared)))


def _interpreter(spec: RunnerSpec) -> str | None:
    if command.python_program(spec.command) is None:
        return None
    return command.interpreter_of(spec.command, spec.interpreter)


def result_of(files: RunFolder, status: int) -> Preparation:
    """What the preparation left behind, checked field by field."""
    found = folder.read_json(files.prepared)
    if status != 0 or found is None:
        detail = problem("/code", "preparation_failed", status=status)
        return Preparation(files.work, problems=(detail,))
    cwd = Path(str(found.get("cwd") or files.work))
    problems = tuple(p for p in found.get("problems") or () if _is_problem(p))
    return Preparation(
        cwd if cwd.is_absolute() else files.work,
        _clean_record(found.get("record")),
        problems,
        _flag(found.get("has_torch")),
        _flag(found.get("has_trainer")),
    )


def _clean_record(value: Any) -> dict[str, Any]:
    given = value if isinstance(value, dict) else {}
    return {
        name: given[name] if not isinstance(given[name], str) else given[name][:256]
        for name, kind in _RECORD.items()
        if type(given.get(name)) is kind
    }


def _is_problem(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("pointer"), str)
        and isinstance(value.get("code"), str)
        and isinstance(value.get("params"), dict)
    )


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
