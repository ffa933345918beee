"""Options of the settings that name things of this site: only what the actor may use."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from dcportal.accounts.models import Team
from dcportal.common.actors import Actor
from dcportal.common.visibility import visible_to
from jobs import access, board
from jobs.models import Environment, Queue, Secret

Options = list[tuple[str, str]]


def choices_for(actor: Actor) -> dict[str, Options]:
    """Dotted name of a setting -> its options, the empty one first where it may be left out."""
    return {
        "job.team": team_options(actor),
        "job.queue": _named(_open_queues(actor).values_list("name", flat=True), _("Default queue")),
        "environment.ref": environment_options(actor),
        "data.dataset": _named(
            access.datasets_visible_to(actor).values_list("name", flat=True)[:500], _("None")
        ),
        "secrets.names": [(name, name) for name in secret_names(actor)],
        "resources.gpu_type": _named([kind.model for kind in board.free_board().types], _("Any")),
    }


def team_options(actor: Actor) -> Options:
    """Teams in whose name the actor may start things."""
    teams = Team.objects.order_by("name")
    if not actor.has_role("operator"):
        teams = teams.filter(uid__in=[uid for uid in actor.teams if actor.has_team_role(uid, "user")])
    names = list(teams.values_list("name", flat=True)[:500])
    own = [uid for uid in actor.teams if actor.has_team_role(uid, "user")]
    return [(name, name) for name in names] if len(own) != 1 else _named(names, _("My team"))


def environment_options(actor: Actor) -> Options:
    rows = access.shared_visible_to(Environment.objects.all(), actor)
    named = [(row.name, _environment_label(row)) for row in rows if not row.is_default]
    return [("", _("Trainer's own")), *named]


def _environment_label(row: Environment) -> str:
    torch = (row.check_result or {}).get("torch")
    return f"{row.name} · torch {torch}" if torch else row.name


def secret_names(actor: Actor) -> list[str]:
    return sorted(set(visible_to(Secret.objects.all(), actor).values_list("name", flat=True)))


def _open_queues(actor: Actor):  # type: ignore[no-untyped-def]
    return access.shared_visible_to(Queue.objects.filter(is_open=True), actor)


def _named(names: Iterable[str], empty: str) -> Options:
    return [("", empty), *((name, name) for name in names)]
