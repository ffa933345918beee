"""Making jobs: submit a request, submit once per Idempotency-Key, clone with changes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from dcportal.audit import actions as audit
from dcportal.common.actors import Actor
from dcportal.common.changes import create, snapshot
from dcportal.common.problems import Invalid, Problem, invalid
from jobs import access, admission, merging
from jobs.actions.events import emit
from jobs.models import Job, JobDependency, JobTemplate, SubmissionKey
from jobs.states import Desired, JobState, Kind
from trainer.spec import notation, validation
from trainer.spec.job import JobSpec
from trainer.spec.merging import merged

KEY_LIFETIME = timedelta(hours=24)
AUDITED = (
    "uid", "name", "team", "owner", "queue", "state", "desired", "priority", "ranks", "gpus", "request_hash",
)  # fmt: skip


def submit(
    actor: Actor,
    request: Mapping[str, Any],
    now: datetime,
    *,
    template: JobTemplate | None = None,
    cloned_from: Job | None = None,
    hold: bool = False,
    kind: str = Kind.BATCH,
    depends_on: tuple[Job, ...] = (),
) -> Job:
    """Queue a job for `request`, laid over `template` where one is given.

    Raises Forbidden, or Invalid with a problem per field.
    """
    access.require_user(actor)
    spec = parsed(effective_request(request, template))
    with transaction.atomic():
        resolved = admission.resolve(actor, spec)
        job = create(_row(actor, spec, resolved, now, template, cloned_from, hold, kind), now)
        JobDependency.objects.bulk_create(JobDependency(job=job, on=on) for on in depends_on)
        audit.record(actor, "job.submit", job, before=None, after=snapshot(job, AUDITED), now=now)
        emit(job, "state", "job_queued", now, by=actor.name, queue=job.queue.name)
    return job


def submit_once(
    actor: Actor, request: Mapping[str, Any], key: str | None, now: datetime, **rest: Any
) -> tuple[Job, bool]:
    """`submit`, but a key used within 24 h answers with the job it made. Returns (job, was it a repeat).

    Raises Invalid at "" when the key came with another body before.
    """
    if not key:
        return submit(actor, request, now, **rest), False
    if len(key) > 255 or not key.isascii() or not key.isprintable():
        raise invalid("", "bad_idempotency_key")
    body_hash = _hash_of([request, getattr(rest.get("template"), "uid", None), rest.get("hold", False)])
    with transaction.atomic():
        SubmissionKey.objects.filter(at__lt=now - KEY_LIFETIME).delete()
        known = SubmissionKey.objects.select_related("job").filter(actor_uid=actor.uid, key=key).first()
        if known is not None and known.body_hash != body_hash:
            raise invalid("", "idempotency_key_reused", key=key)
        if known is not None:
            return known.job, True
        job = submit(actor, request, now, **rest)
        SubmissionKey.objects.create(actor_uid=actor.uid, key=key, body_hash=body_hash, job=job, at=now)
    return job, False


def clone(actor: Actor, job: Job, changes: Mapping[str, Any], now: datetime, *, hold: bool = False) -> Job:
    """A new job with the request of `job` and some settings changed."""
    return submit(actor, clone_request(actor, job, changes), now, cloned_from=job, hold=hold)


def clone_request(actor: Actor, job: Job, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a clone would ask for; the team only stays where `actor` works in it."""
    request = merged(job.request, changes or {})
    if not access.works_in(actor, job.team) and not merging.is_given(changes or {}, "job.team"):
        request["job"].pop("team", None)
    return request


def effective_request(request: Mapping[str, Any], template: JobTemplate | None) -> dict[str, Any]:
    """The request over its template, with default ranks. Raises Invalid for locked settings."""
    if not isinstance(request, Mapping):
        raise Invalid(validation.validate(request))
    if template is None:
        return merging.with_default_ranks(request)
    if template.retired_at is not None:
        raise invalid("/template", "template_retired", name=template.name)
    problems = merging.locked_problems(template.request, template.locked, request)
    if problems:
        raise Invalid(problems)
    return merging.with_default_ranks(merged(template.request, request))


def parsed(request: Mapping[str, Any]) -> JobSpec:
    """The spec of a request. Raises Invalid with the validator's problems."""
    problems = validation.validate(request)
    if problems:
        raise Invalid(problems)
    return validation.parse(request)


def check(
    actor: Actor, request: Mapping[str, Any], template: JobTemplate | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """(the whole request with every default, problems) as `submit` would see it; writes nothing.

    Raises Forbidden.
    """
    access.require_user(actor)
    try:
        spec = parsed(effective_request(request, template))
        admission.resolve(actor, spec)
    except Invalid as refusal:
        return dict(request) if isinstance(request, Mapping) else {}, refusal.problems
    return notation.as_dict(spec), []


def _row(
    actor: Actor,
    spec: JobSpec,
    resolved: admission.Resolved,
    now: datetime,
    template: JobTemplate | None,
    cloned_from: Job | None,
    hold: bool,
    kind: str,
) -> Job:
    request = notation.as_dict(spec)
    request["job"] |= {"team": resolved.team.name, "queue": resolved.queue.name}
    resources = spec.resources
    return Job(
        name=spec.job.name,
        kind=kind,
        team=resolved.team,
        owner_id=access.owner_id(actor),
        queue=resolved.queue,
        template=template,
        cloned_from=cloned_from,
        environment=resolved.environment,
        dataset=resolved.dataset,
        request=request,
        request_schema=spec.schema,
        request_hash=notation.spec_hash(request),
        priority=spec.job.priority,
        preemptible=spec.job.preemptible,
        time_limit_seconds=spec.job.time_limit_seconds,
        max_retries=spec.job.max_retries,
        not_before=resolved.not_before,
        ranks=resources.ranks,
        gpus=resources.gpus,
        gpu_type=resources.gpu_type or "",
        cpus=resources.cpus,
        memory_bytes=resources.memory_bytes,
        state=JobState.QUEUED,
        queued_at=now,
        desired=Desired.HOLD if hold else Desired.RUN,
        desired_by=actor.name,
        desired_at=now,
    )


def _hash_of(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
