"""The one way into the audit trail; every action of every app calls it inside its transaction."""

from datetime import datetime
from typing import Any

from django.db import models

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor


def record(
    actor: Actor,
    verb: str,
    target: models.Model,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    now: datetime,
) -> AuditEntry:
    """Note that `actor` did `verb` (as `job.cancel`) to `target`; None stands for "did not exist".

    Only the keys that differ are kept when both sides are given.
    """
    kept_before, kept_after = _differences(before or {}, after or {})
    return AuditEntry.objects.create(
        at=now,
        actor_kind=actor.kind,
        actor_uid=actor.uid,
        actor_name=actor.name[:200],
        user_id=actor.user_id,
        via=actor.via,
        ip=actor.ip,
        request_id=actor.request_id[:64],
        verb=verb,
        target_type=target._meta.label_lower,
        target_uid=str(getattr(target, "uid", "") or target.pk),
        target_name=str(target)[:300],
        before=kept_before,
        after=kept_after,
    )


def _differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if not before or not after:
        return before, after
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {key: before.get(key) for key in keys}, {key: after.get(key) for key in keys}
