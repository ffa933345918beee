"""Whether a valid request can run here: its team, queue, environment, data, secrets, code and GPUs.

`resolve` finds what the request names, or raises Invalid with one problem per field. Called by
`actions.submission` inside its transaction; it writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from dcportal.accounts.models import Team
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from dcportal.common.problems import Invalid, Problem
from dcportal.common.visibility import visible_to
from jobs import access, board, paths, torch_check
from jobs.builtin import ensure_queue
from jobs.models import CodeUpload, Dataset, EngineStatus, Environment, Queue, Secret
from trainer.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class Resolved:
    """The rows that a request names. `environment` None: an interpreter given by its path."""

    team: Team
    queue: Queue
    environment: Environment | None
    dataset: Dataset | None
    not_before: datetime | None


def resolve(actor: Actor, spec: JobSpec) -> Resolved:
    """What `spec` names, as far as `actor` may use it. Raises Invalid."""
    problems: list[Problem] = []
    team = _collect(problems, lambda: access.team_for(actor, spec.job.team, "/job/team"))
    queue = _collect(problems, lambda: find_queue(actor, spec.job.queue))
    environment = _collect(problems, lambda: find_environment(actor, spec))
    dataset = _collect(problems, lambda: find_dataset(actor, spec.data.dataset))
    not_before = _collect(problems, lambda: moment(spec.job.not_before))
    problems += secret_problems(team, spec.secrets.names)
    problems += code_problems(actor, spec)
    problems += gpu_problems(spec) or torch_problems(spec, environment)
    problems += isolation_problems(actor)
    if problems or team is None or queue is None:
        raise Invalid(problems)
    return Resolved(team, queue, environment, dataset, not_before)


def moment(text: str | None) -> datetime | None:
    """A time of the request in UTC. Raises Invalid where UTC has no such year."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except OverflowError:
        raise Invalid([Problem("/job/not_before", "not_a_time")]) from None


def _collect(problems: list[Problem], find: Callable[[], Any]) -> Any:
    try:
        return find()
    except Invalid as refusal:
        problems += refusal.problems
        return None


def _missing(pointer: str, code: str, value: str) -> Invalid:
    return Invalid([Problem(pointer, code, {"value": value})])


def find_queue(actor: Actor, wanted: str | None) -> Queue:
    """The queue of this name or uid, or the default one; it must be open."""
    rows = access.shared_visible_to(Queue.objects.all(), actor)
    if wanted is None:
        return ensure_queue(utcnow())
    queue = rows.filter(Q(name=wanted) | Q(uid=wanted)).first()
    if queue is None:
        raise _missing("/job/queue", "no_such_queue", wanted)
    if not queue.is_open:
        raise _missing("/job/queue", "queue_is_closed", wanted)
    return queue


def find_environment(actor: Actor, spec: JobSpec) -> Environment | None:
    """The environment of this name or uid; the trainer's when the request names none."""
    section = spec.environment
    if section.interpreter is not None:
        problems = paths.interpreter_problems("/environment/interpreter", section.interpreter)
        if problems:
            raise Invalid(problems)
        return None
    rows = access.shared_visible_to(Environment.objects.all(), actor)
    if section.ref is None:
        return rows.filter(is_default=True).first()
    found = rows.filter(Q(name=section.ref) | Q(uid=section.ref)).order_by("-team_id").first()
    if found is None:
        raise _missing("/environment/ref", "no_such_environment", section.ref)
    return found


def find_dataset(actor: Actor, wanted: str | None) -> Dataset | None:
    if wanted is None:
        return None
    found = access.datasets_visible_to(actor).filter(Q(name=wanted) | Q(uid=wanted)).first()
    if found is None:
        raise _missing("/data/dataset", "no_such_dataset", wanted)
    return found


def secret_problems(team: Team | None, names: tuple[str, ...]) -> list[Problem]:
    """Names that the team has no secret for."""
    if team is None or not names:
        return []
    known = set(Secret.objects.filter(team=team, name__in=names).values_list("name", flat=True))
    return [
        Problem(f"/secrets/names/{index}", "no_such_secret", {"value": name, "team": team.name})
        for index, name in enumerate(names)
        if name not in known
    ]


def code_problems(actor: Actor, spec: JobSpec) -> list[Problem]:
    """A folder that cannot be read, a repository inside the portal's data, an unknown upload."""
    code = spec.code
    if code.path is not None:
        return paths.folder_problems("/code/path", code.path)
    if code.git is not None and code.git.startswith("file://"):
        return paths.folder_problems("/code/git", code.git.removeprefix("file://"))
    if code.upload is not None:
        return _upload_problems(actor, code.upload)
    return []


def _upload_problems(actor: Actor, uid: str) -> list[Problem]:
    if visible_to(CodeUpload.objects.all(), actor).filter(uid=uid).exists():
        return []
    return [Problem("/code/upload", "no_such_upload", {"value": uid})]


def gpu_problems(spec: JobSpec) -> list[Problem]:
    """More GPUs than any one machine has, or a type that none has, with what can be chosen."""
    wanted, kind = spec.resources.gpus, spec.resources.gpu_type
    if not wanted:
        return []
    now = board.free_board()
    models = [each.model for each in now.types]
    if kind is not None and kind not in models:
        params = {"value": kind, "types": ", ".join(models) or "–"}
        return [Problem("/resources/gpu_type", "no_such_gpu_type_here", params)]
    most = max((each.most_on_a_node for each in now.types if kind in (None, each.model)), default=0)
    if kind is None:
        most = now.most_on_a_node
    if wanted <= most:
        return []
    if most == 0:
        return [Problem("/resources/gpus", "no_gpus_here", {"wanted": wanted})]
    return [Problem("/resources/gpus", "more_gpus_than_a_node", {"wanted": wanted, "most": most})]


def torch_problems(spec: JobSpec, environment: Environment | None) -> list[Problem]:
    """A GPU job whose environment's torch cannot use the GPUs of this site."""
    if not spec.resources.gpus:
        return []
    result = environment.check_result if environment is not None else None
    if environment is None and spec.environment.interpreter is not None:
        result = torch_check.remembered(spec.environment.interpreter)
    reason = torch_check.gpu_refusal(result, is_trainer=environment is not None and environment.is_default)
    return [Problem("/resources/gpus", reason["code"], reason["params"])] if reason else []


def isolation_problems(actor: Actor) -> list[Problem]:
    """Where no engine can keep jobs apart from the portal, only administrators may launch."""
    if actor.kind == "system" or actor.has_role("admin"):
        return []
    engines = list(EngineStatus.objects.filter(is_available=True))
    if not engines or any(engine.is_isolated for engine in engines):
        return []
    return [Problem("", "not_isolated", {"engines": ", ".join(engine.name for engine in engines)})]
