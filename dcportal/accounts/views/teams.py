"""Teams: list, page with members, forms."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from dcportal.accounts import actions, queries
from dcportal.accounts.actions.teams import may_manage, require_may_manage
from dcportal.accounts.filters import TeamFilters
from dcportal.accounts.forms import MemberForm, TeamForm
from dcportal.accounts.identify import actor_of
from dcportal.accounts.models import Role, Team
from dcportal.common.access import require_role
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted
from dcportal.common.listing import Column, Listing, respond


def _name(team: Team) -> SafeString:
    url = reverse("accounts:team-detail", args=[team.uid])
    return format_html('<a class="table-name" href="{}">{}</a>', url, team.name)


TEAMS = Listing(
    title=gettext_lazy("Teams"),
    subtitle=gettext_lazy("Jobs, data sets and secrets belong to a team; its members share them."),
    columns=[
        Column("name", gettext_lazy("Team"), _name, lambda team: team.name, "name"),
        Column("description", gettext_lazy("Description"), lambda team: team.description),
        Column("members", gettext_lazy("Members"), lambda team: team.num_members, css="num"),
    ],
    filters=TeamFilters,
    ordering="name",
    empty_title=gettext_lazy("No teams yet"),
    empty_text=gettext_lazy("Create a team, so that jobs have somebody to belong to."),
    file_name="teams",
    icon="users",
)


def team_list(request: HttpRequest) -> HttpResponseBase:
    """Teams that the reader may see."""
    actor = actor_of(request)
    context = {}
    if actor.has_role("operator"):
        context = {"create_url": reverse("accounts:team-create"), "create_label": _("Add a team")}
    return respond(request, TEAMS, queries.with_counts(queries.teams_visible_to(actor)), context)


def team_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """One team and its members."""
    actor = actor_of(request)
    team = queries.get_team(actor, uid)
    return _team_page(request, team, _member_form(request, team, None))


def team_create(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    require_role(actor, "operator", "admin")
    form = TeamForm(request.POST or None)
    if request.method == "POST":
        team = attempted(form, lambda: actions.create_team(actor, form.values(), utcnow()))
        if team:
            return redirect("accounts:team-detail", uid=team.uid)
    return _form_page(request, form, _("Add a team"), reverse("accounts:team-list"))


def team_edit(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    team = queries.get_team(actor, uid)
    form = TeamForm(request.POST or None, instance=team)
    if request.method == "POST":
        saved = attempted(
            form, lambda: actions.edit_team(actor, team, form.values(), utcnow(), form.expected_revision)
        )
        if saved:
            messages.success(request, _("Saved."))
            return redirect("accounts:team-detail", uid=uid)
    return _form_page(request, form, team.name, reverse("accounts:team-detail", args=[uid]))


@require_POST
def team_delete(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    team = queries.get_team(actor, uid)
    actions.delete_team(actor, team, utcnow())
    messages.success(request, _("%(name)s was deleted.") % {"name": team.name})
    return redirect("accounts:team-list")


@require_POST
def member_add(request: HttpRequest, uid: str) -> HttpResponse:
    actor = actor_of(request)
    team = queries.get_team(actor, uid)
    require_may_manage(actor, team)
    form = _member_form(request, team, request.POST)
    added = attempted(
        form,
        lambda: actions.add_member(
            actor, team, form.cleaned_data["user"], form.cleaned_data["role"], utcnow()
        ),
    )
    if added is None:
        return _team_page(request, team, form)
    return redirect("accounts:team-detail", uid=uid)


@require_POST
def member_change(request: HttpRequest, uid: str, member_uid: str) -> HttpResponse:
    actor = actor_of(request)
    membership = queries.get_membership(actor, queries.get_team(actor, uid), member_uid)
    role = request.POST.get("role", "")
    actions.change_member(actor, membership, role, utcnow())
    messages.success(request, _("Saved."))
    return redirect("accounts:team-detail", uid=uid)


@require_POST
def member_remove(request: HttpRequest, uid: str, member_uid: str) -> HttpResponse:
    actor = actor_of(request)
    membership = queries.get_membership(actor, queries.get_team(actor, uid), member_uid)
    actions.remove_member(actor, membership, utcnow())
    if actor.user_id == membership.user_id and not actor.has_role("operator"):
        return redirect("accounts:team-list")
    return redirect("accounts:team-detail", uid=uid)


def _member_form(request: HttpRequest, team: Team, data: object) -> MemberForm:
    people = queries.users_visible_to(actor_of(request)).filter(is_active=True)
    return MemberForm(data, team=team, people=people)


def _team_page(request: HttpRequest, team: Team, form: MemberForm) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "team": team,
        "members": queries.members_of(team),
        "form": form,
        "roles": Role.choices,
        "may_manage": may_manage(actor, team),
        "may_delete": actor.has_role("admin"),
        "crumbs": [(_("Teams"), reverse("accounts:team-list")), (team.name, None)],
    }
    return render(request, "accounts/team_detail.html", context, status=422 if form.errors else 200)


def _form_page(request: HttpRequest, form: TeamForm, title: str, cancel_url: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit_label": _("Save"),
        "cancel_url": cancel_url,
        "crumbs": [(_("Teams"), reverse("accounts:team-list")), (title, None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)
