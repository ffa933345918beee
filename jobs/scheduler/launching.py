"""From a prepared attempt to one the engine knows: at-least-once by tag, written down before and after."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from dcportal import env
from dcportal.accounts.models import Role
from dcportal.common.reasons import reason
from jobs import vault
from jobs.actions import emit, move_attempt
from jobs.actions.uploads import upload_path
from jobs.engines import registry
from jobs.engines.base import (
    CodeSource,
    Engine,
    EngineReport,
    LaunchRequest,
    Reason,
    State,
    SubmitRefused,
)
from jobs.engines.runner.claim import Verdict, claim
from jobs.engines.runner.folder import RunFolder
from jobs.models import Attempt, CodeUpload, EngineStatus, Job, Secret
from jobs.scheduler.crashpoints import reached
from jobs.scheduler.lease import Lease
from jobs.states import AttemptState

logger = logging.getLogger(__name__)
BARRED = "barred-by-scheduler"


class CannotLaunch(Exception):
    """The attempt can never start; `cause` is the reason to store."""

    def __init__(self, cause: dict[str, Any]) -> None:
        super().__init__(cause["code"])
        self.cause = cause


def launch(lease: Lease, attempt: Attempt, now: datetime) -> EngineReport | None:
    """Give a prepared attempt to its engine, or find it there after a crash.

    Returns a final report when it can never start, else None. Raises EngineError when the engine does not
    answer; the attempt then stays prepared and the next tick tries again.
    """
    engine = registry.get(attempt.engine)
    try:
        engine_id = _known_id(engine, attempt)
        if engine_id is None and attempt.stop_requested_at is not None:
            return None
        engine_id = engine_id or _submit(engine, attempt)
    except SubmitRefused as refusal:
        return _never_started(attempt, reason("engine_refused"), refusal)
    except CannotLaunch as refusal:
        return _never_started(attempt, refusal.cause)
    reached("after_submit")
    with lease.transaction(now):
        _note_secrets_used(attempt.job, now)
        if move_attempt(attempt, AttemptState.SUBMITTED, now, engine_id=engine_id):
            emit(attempt.job, "engine", "attempt_submitted", now, attempt=attempt.number, engine=engine.name)
    reached("engine_id_written")
    return None


def _known_id(engine: Engine, attempt: Attempt) -> str | None:
    found = engine.find(attempt.tag)
    return found.engine_id if found is not None else None


def _submit(engine: Engine, attempt: Attempt) -> str:
    request = launch_request(attempt)
    reached("before_submit")
    return engine.submit(attempt.tag, request).engine_id


def _note_secrets_used(job: Job, now: datetime) -> None:
    names = job.request.get("secrets", {}).get("names", [])
    if names:
        Secret.objects.filter(team=job.team, name__in=names).update(last_used_at=now)


def _never_started(
    attempt: Attempt, cause: dict[str, Any], refusal: SubmitRefused | None = None
) -> EngineReport:
    return EngineReport(
        tag=attempt.tag,
        engine_id=attempt.engine_id,
        state=State.FAILED,
        reason=Reason(cause["code"], cause["params"]),
        problems=refusal.problems if refusal else (),
    )


def bar_start(attempt: Attempt) -> bool:
    """Take the attempt's own right to start, so that a submission still under way ends as a duplicate.

    True when nothing of this attempt can ever start; False when it has started (or is about to).
    """
    folder = RunFolder(Path(attempt.run_dir))
    try:
        folder.create()
        return claim(folder.claim, BARRED) is not Verdict.DUPLICATE
    except OSError:
        logger.exception("cannot bar the start of %s", attempt.tag)
        return False


def launch_request(attempt: Attempt) -> LaunchRequest:
    """All that the engine needs. Raises CannotLaunch when a secret or the environment is gone."""
    job = attempt.job
    require_isolation(job)
    request = job.request
    limit = job.time_limit_seconds
    return LaunchRequest(
        job_uid=job.uid,
        attempt=attempt.number,
        run_dir=Path(attempt.run_dir),
        interpreter=_interpreter(job),
        command=tuple(request["command"]) if request.get("command") else None,
        trainer_config=request.get("train"),
        code=_code(request.get("code", {})),
        ranks=job.ranks,
        accelerator_uuids=tuple(attempt.accelerator_uuids),
        cpus=attempt.cpus or None,
        memory_bytes=attempt.memory_bytes,
        env=request["job"].get("env", {}),
        secrets=_secrets(job),
        dataset_path=Path(job.dataset.path) if job.dataset else None,
        time_limit_seconds=float(limit) if limit is not None else None,
        resume_from=_resume_from(attempt),
        run_as=_account(job),
    )


def require_isolation(job: Job) -> None:
    """Where the engine cannot keep jobs apart from the portal, only administrators' jobs start.

    Raises CannotLaunch.
    """
    status = EngineStatus.objects.filter(name=job.engine).first()
    if status is not None and not status.is_isolated and job.owner.role != Role.ADMIN:
        raise CannotLaunch(reason("needs_isolation"))


def _interpreter(job: Job) -> Path:
    given = job.request.get("environment", {}).get("interpreter")
    if given:
        return Path(given)
    return Path(job.environment.interpreter) if job.environment else env.trainer_python()


def _code(section: dict[str, Any]) -> CodeSource:
    if section.get("upload"):
        upload = CodeUpload.objects.filter(uid=section["upload"]).first()
        if upload is None:
            raise CannotLaunch(reason("no_such_upload", value=section["upload"]))
        return CodeSource(upload=upload_path(upload), upload_name=upload.file_name)
    path = section.get("path")
    return CodeSource(path=Path(path) if path else None, git=section.get("git"), commit=section.get("commit"))


def _secrets(job: Job) -> dict[str, str]:
    names = job.request.get("secrets", {}).get("names", [])
    rows = {row.name: row for row in Secret.objects.filter(team=job.team, name__in=names)}
    values = {}
    for name in names:
        try:
            values[name] = vault.decrypt(rows[name].ciphertext)
        except (KeyError, vault.Unreadable):
            raise CannotLaunch(reason("secret_unreadable", name=name)) from None
    return values


def _resume_from(attempt: Attempt) -> Path | None:
    """The checkpoint itself, where its files still are."""
    kept = attempt.resumed_from
    if kept is None:
        return None
    path = Path(kept.attempt.run_dir) / "work" / kept.path
    return path if path.exists() else None


def _account(job: Job) -> str | None:
    """The owner's Unix account where this engine can run jobs under it."""
    status = EngineStatus.objects.filter(name=job.engine).first()
    can = bool(status and status.probe.get("can_run_as"))
    return job.owner.unix_account or None if can else None
