"""The signed-in person's own settings."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.i18n import set_language as django_set_language

from dcportal.accounts import actions, queries
from dcportal.accounts.forms import PasswordForm, ProfileForm
from dcportal.accounts.identify import actor_of
from dcportal.accounts.models import User
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted


def profile(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone, theme; and what one is in which team."""
    actor = actor_of(request)
    user = queries.get_user(actor, actor_uid(request))
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST":
        saved = attempted(
            form,
            lambda: actions.edit_profile(actor, user, form.values(), utcnow(), form.expected_revision),
        )
        if saved:
            messages.success(request, _("Saved."))
            return redirect("accounts:profile")
    memberships = user.memberships.select_related("team").order_by("team__name")
    context = {"form": form, "person": user, "memberships": memberships}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("current", "password", "again")
def password(request: HttpRequest) -> HttpResponse:
    """Set one's own password; this browser stays signed in, all others are signed out."""
    actor = actor_of(request)
    user = queries.get_user(actor, actor_uid(request))
    form = PasswordForm(request.POST or None, user=user)
    if request.method == "POST":
        saved = attempted(form, lambda: _set(request, user, form))
        if saved:
            update_session_auth_hash(request, saved)
            messages.success(request, _("Your password is set. All other browsers are signed out."))
            return redirect("accounts:profile")
    context = {
        "form": form,
        "title": _("Set a password"),
        "submit_label": _("Set password"),
        "cancel_url": reverse("accounts:profile"),
        "crumbs": [(_("Profile"), reverse("accounts:profile")), (_("Password"), None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out of all other browsers."""
    actor = actor_of(request)
    user = actions.end_sessions(actor, queries.get_user(actor, actor_uid(request)), utcnow())
    update_session_auth_hash(request, user)
    messages.success(request, _("All other browsers are signed out."))
    return redirect("accounts:profile")


def actor_uid(request: HttpRequest) -> str:
    """Uid of the signed-in person."""
    assert isinstance(request.user, User)
    return request.user.uid


def _set(request: HttpRequest, user: User, form: PasswordForm) -> User:
    given = form.cleaned_data
    return actions.set_password(
        actor_of(request), user, given["password"], utcnow(), current=given.get("current")
    )


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """The language menu: a cookie for everybody, and the profile of who is signed in.

    The profile wins over the cookie, so without this the menu would do nothing for its owner.
    """
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        actor = actor_of(request)
        user = queries.get_user(actor, actor_uid(request))
        actions.edit_profile(actor, user, {"language": chosen}, utcnow())
    return django_set_language(request)
