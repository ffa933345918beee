"""People: list, page, forms."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dcportal.accounts import actions, queries
from dcportal.accounts.filters import UserFilters
from dcportal.accounts.forms import UserForm
from dcportal.accounts.identify import actor_of
from dcportal.accounts.models import User
from dcportal.common.access import require_role
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted
from dcportal.common.listing import Column, Listing, respond
from dcportal.common.templatetags.ui import state_badge


def _name(user: User) -> SafeString:
    url = reverse("accounts:user-detail", args=[user.uid])
    sub = format_html('<span class="table-sub">{}</span>', user.full_name) if user.full_name else ""
    return format_html('<a class="table-name" href="{}">{}</a>{}', url, user.username, sub)


def _teams(user: User) -> str:
    return ", ".join(membership.team.name for membership in user.memberships.all())


def _state(user: User) -> SafeString:
    return state_badge("on" if user.is_active else "off")


USERS = Listing(
    title=gettext_lazy("Users"),
    subtitle=gettext_lazy("Everybody who can sign in, and what they may do."),
    columns=[
        Column("username", gettext_lazy("User"), _name, lambda user: user.username, "username"),
        Column("role", gettext_lazy("Role"), lambda user: user.get_role_display(), ordering="role"),
        Column("teams", gettext_lazy("Teams"), _teams),
        Column("active", gettext_lazy("Sign-in"), _state, lambda user: user.is_active, "is_active"),
    ],
    filters=UserFilters,
    shown_filters=["role", "active"],
    ordering="username",
    empty_title=gettext_lazy("No users yet"),
    empty_text=gettext_lazy("Create a person; they come in by a one-time link."),
    file_name="users",
    icon="user",
)


def user_list(request: HttpRequest) -> HttpResponseBase:
    """People whom the reader may see."""
    actor = actor_of(request)
    context = {}
    if actor.has_role("admin"):
        context = {"create_url": reverse("accounts:user-create"), "create_label": _("Add a user")}
    return respond(request, USERS, queries.with_teams(queries.users_visible_to(actor)), context)


def user_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """One person, their teams and tokens."""
    actor = actor_of(request)
    user = queries.get_user(actor, uid)
    memberships = user.memberships.select_related("team").order_by("team__name")
    context = {
        "person": user,
        "memberships": memberships,
        "tokens": queries.tokens_visible_to(actor).filter(user=user, revoked_at=None),
        "is_admin": actor.has_role("admin"),
        "is_self": actor.user_id == user.pk,
        "crumbs": [(_("Users"), reverse("accounts:user-list")), (user.username, None)],
    }
    return render(request, "accounts/user_detail.html", context)


def user_create(request: HttpRequest) -> HttpResponse:
    """A new person; the link that lets them in is shown once afterwards."""
    actor = actor_of(request)
    require_role(actor, "admin", "admin")
    form = UserForm(request.POST or None)
    if request.method == "POST":
        user = attempted(form, lambda: actions.create_user(actor, form.values(), utcnow()))
        if user:
            messages.success(request, _("%(name)s was added.") % {"name": user.username})
            return redirect("accounts:user-detail", uid=user.uid)
    return _form_page(request, form, _("Add a user"), reverse("accounts:user-list"))


def user_edit(request: HttpRequest, uid: str) -> HttpResponse:
    """Role, name, e-mail and Unix account of a person."""
    actor = actor_of(request)
    user = queries.get_user(actor, uid)
    require_role(actor, "admin", "admin")
    form = UserForm(request.POST or None, instance=user)
    if request.method == "POST":
        saved = attempted(
            form, lambda: actions.edit_user(actor, user, form.values(), utcnow(), form.expected_revision)
        )
        if saved:
            messages.success(request, _("Saved."))
            return redirect("accounts:user-detail", uid=uid)
    return _form_page(request, form, user.username, reverse("accounts:user-detail", args=[uid]))


@require_POST
def user_deactivate(request: HttpRequest, uid: str) -> HttpResponse:
    """Lock the person out at once."""
    actor = actor_of(request)
    user = actions.deactivate_user(actor, queries.get_user(actor, uid), utcnow())
    messages.success(request, _("%(name)s can no longer sign in.") % {"name": user.username})
    return redirect("accounts:user-detail", uid=uid)


@require_POST
def user_reactivate(request: HttpRequest, uid: str) -> HttpResponse:
    """Let the person in again."""
    actor = actor_of(request)
    user = actions.reactivate_user(actor, queries.get_user(actor, uid), utcnow())
    messages.success(request, _("%(name)s can sign in again.") % {"name": user.username})
    return redirect("accounts:user-detail", uid=uid)


@require_POST
def user_end_sessions(request: HttpRequest, uid: str) -> HttpResponse:
    """Sign the person out everywhere."""
    actor = actor_of(request)
    user = actions.end_sessions(actor, queries.get_user(actor, uid), utcnow())
    messages.success(request, _("%(name)s is signed out everywhere.") % {"name": user.username})
    return redirect("accounts:user-detail", uid=uid)


@never_cache
@require_POST
def user_link(request: HttpRequest, uid: str) -> HttpResponse:
    """A one-time sign-in link to hand over, shown this once."""
    actor = actor_of(request)
    user = queries.get_user(actor, uid)
    secret = actions.issue_sign_in_link(user, actor, utcnow())
    back = reverse("accounts:user-detail", args=[uid])
    context = {
        "title": _("Sign-in link for %(name)s") % {"name": user.username},
        "explanation": _("It opens once, within 24 hours. Hand it over by a way you trust."),
        "secret": request.build_absolute_uri(reverse("accounts:link", args=[secret])),
        "done_url": back,
        "crumbs": [(_("Users"), reverse("accounts:user-list")), (user.username, back)],
    }
    return render(request, "records/secret.html", context)


def _form_page(request: HttpRequest, form: UserForm, title: str, cancel_url: str) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "submit_label": _("Save"),
        "cancel_url": cancel_url,
        "crumbs": [(_("Users"), reverse("accounts:user-list")), (title, None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)
