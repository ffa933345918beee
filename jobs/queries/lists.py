"""Lists of jobs: who sees which, filters as they stand in an address, counts for the tabs."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from dcportal.common.actors import Actor
from dcportal.common.ids import ALPHABET, UID_LENGTH
from dcportal.common.problems import Invalid, Problem
from dcportal.common.text import unstorable
from jobs.access import jobs_visible_to
from jobs.models import Job
from jobs.states import JOB_LIVE, JOB_TERMINAL, JOB_WAITING, JobState, Kind

GROUPS = {"waiting": JOB_WAITING, "live": JOB_LIVE, "ended": JOB_TERMINAL}
# What a list row needs; the request itself (kilobytes) stays in the database.
DEFERRED = ("request",)


class _BadValueError(ValueError):
    """A filter's value that means nothing."""


def jobs_list(actor: Actor, parameters: Mapping[str, str] | None = None) -> QuerySet[Job]:
    """The visible jobs, newest first, with what a row shows; `parameters` as in `filtered`."""
    rows = (
        jobs_visible_to(actor)
        .select_related("team", "owner", "queue", "template", "environment")
        .defer(*DEFERRED)
        .order_by("-id")
    )
    return filtered(rows, parameters or {}, actor)


def filtered(rows: QuerySet[Job], parameters: Mapping[str, str], actor: Actor) -> QuerySet[Job]:
    """`rows` as far as they fit all filters named in FILTERS. Raises Invalid naming each wrong value."""
    problems = []
    for name, value in parameters.items():
        if name not in FILTERS or value == "":
            continue
        try:
            if unstorable(value) or len(value) > 300:
                raise _BadValueError
            rows = rows.filter(FILTERS[name](value, actor))
        except _BadValueError:
            shown = "" if unstorable(value) else value[:40]
            problems.append(Problem(f"/{name}", "bad_parameter", {"name": name, "value": shown}))
    if problems:
        raise Invalid(problems)
    return rows


def state_counts(actor: Actor) -> dict[str, int]:
    """State -> number of visible jobs in it, plus `all`, the groups and `mine` (own jobs not ended)."""
    rows = jobs_visible_to(actor).order_by().values_list("state").annotate(number=Count("id"))
    found: dict[str, int] = dict.fromkeys(JobState.values, 0) | dict(rows)
    groups = {name: sum(found[state] for state in states) for name, states in GROUPS.items()}
    return {**found, **groups, "all": sum(found[state] for state in JobState.values)}


def waiting_jobs(actor: Actor, limit: int = 20) -> list[Job]:
    """Visible jobs that wait, in the order in which they will be considered, with their reasons."""
    rows = jobs_list(actor).filter(state__in=JOB_WAITING)
    return list(rows.order_by("-queue__weight", "-priority", "queued_at", "uid")[:limit])


def _states(value: str, actor: Actor) -> Q:
    wanted: set[str] = set()
    for item in value.split(","):
        if item in GROUPS:
            wanted |= GROUPS[item]
        elif item in JobState.values:
            wanted.add(item)
        else:
            raise _BadValueError
    return Q(state__in=wanted)


def _kind(value: str, actor: Actor) -> Q:
    if value not in Kind.values:
        raise _BadValueError
    return Q(kind=value)


def _owner(value: str, actor: Actor) -> Q:
    if value == "me":
        return Q(owner_id=actor.user_id)
    return Q(owner__username=value)


def _mine(value: str, actor: Actor) -> Q:
    if value not in ("true", "false"):
        raise _BadValueError
    return Q(owner_id=actor.user_id) if value == "true" else ~Q(owner_id=actor.user_id)


def _name_or_uid(column: str) -> Callable[[str, Actor], Q]:
    def condition(value: str, actor: Actor) -> Q:
        return Q(**{f"{column}__uid": value}) if _is_uid(value) else Q(**{f"{column}__name": value})

    return condition


def _template(value: str, actor: Actor) -> Q:
    if not _is_uid(value):
        raise _BadValueError
    return Q(template__family=value)


def _parent(value: str, actor: Actor) -> Q:
    if not _is_uid(value):
        raise _BadValueError
    return Q(parent__uid=value)


def _node(value: str, actor: Actor) -> Q:
    column = "attempts__node__uid" if _is_uid(value) else "attempts__node__name"
    return Q(pk__in=Job.objects.filter(**{column: value}).values("pk"))


def _words(value: str, actor: Actor) -> Q:
    """Part of the name, or a whole uid."""
    found = Q(name__icontains=value)
    return found | Q(uid=value) if _is_uid(value) else found


def _time(column: str) -> Callable[[str, Actor], Q]:
    def condition(value: str, actor: Actor) -> Q:
        try:
            moment = datetime.fromisoformat(value)
            aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            raise _BadValueError from None
        return Q(**{column: aware})

    return condition


def _whole(column: str) -> Callable[[str, Actor], Q]:
    def condition(value: str, actor: Actor) -> Q:
        if not (value.isascii() and value.isdigit() and len(value) <= 6):
            raise _BadValueError
        return Q(**{column: int(value)})

    return condition


def _is_uid(value: str) -> bool:
    return len(value) == UID_LENGTH and all(letter in ALPHABET for letter in value)


FILTERS: dict[str, Callable[[str, Actor], Q]] = {
    "state": _states,
    "kind": _kind,
    "owner": _owner,
    "mine": _mine,
    "team": _name_or_uid("team"),
    "queue": _name_or_uid("queue"),
    "template": _template,
    "parent": _parent,
    "node": _node,
    "q": _words,
    "search": _words,
    "created_after": _time("created_at__gte"),
    "created_before": _time("created_at__lt"),
    "ended_after": _time("ended_at__gte"),
    "ended_before": _time("ended_at__lt"),
    "gpus_min": _whole("gpus__gte"),
    "gpus_max": _whole("gpus__lte"),
}
"""Name of a filter -> condition. Form, address line and API use the same names."""


def describe(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The filters that are set, for removable chips."""
    return {name: parameters[name] for name in FILTERS if parameters.get(name)}
