"""API tokens: list, form, the one showing of a secret."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dcportal.accounts import actions, queries
from dcportal.accounts.filters import TokenFilters
from dcportal.accounts.forms import TokenForm
from dcportal.accounts.identify import actor_of
from dcportal.accounts.models import ApiToken, Scope
from dcportal.accounts.views.profile import actor_uid
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted
from dcportal.common.listing import Column, Listing, respond
from dcportal.common.templatetags.ui import state_badge


def _state(token: ApiToken) -> SafeString:
    return state_badge(state_of(token, utcnow()))


def _scopes(token: ApiToken) -> str:
    names = dict(Scope.choices)
    return ", ".join(str(names.get(scope, scope)) for scope in token.scopes)


def _when(moment: datetime | None) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""


def _end(token: ApiToken) -> SafeString | str:
    """A button while the token lives. The form's token for CSRF comes from `main.js` by data-post."""
    if state_of(token, utcnow()) != "on":
        return ""
    url = reverse("accounts:token-detail", args=[token.uid])
    return format_html('<a class="btn btn-small" href="{}">{}</a>', url, _("Revoke…"))


def state_of(token: ApiToken, now: datetime) -> str:
    """`on`, `expired` or `revoked`."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "on"


TOKENS = Listing(
    title=gettext_lazy("API tokens"),
    subtitle=gettext_lazy("For scripts, pipelines and dcp; each stands for one person."),
    columns=[
        Column(
            "name",
            gettext_lazy("Name"),
            lambda token: format_html('{}<span class="table-sub mono">{}…</span>', token.name, token.prefix),
            lambda token: token.name,
            "name",
        ),
        Column("state", gettext_lazy("State"), _state, lambda token: state_of(token, utcnow())),
        Column("user", gettext_lazy("User"), lambda token: token.user.username, ordering="user__username"),
        Column("role", gettext_lazy("Role"), lambda token: token.get_role_display()),
        Column("scopes", gettext_lazy("May"), _scopes, lambda token: " ".join(token.scopes)),
        Column(
            "expires_at",
            gettext_lazy("Ends"),
            lambda token: _when(token.expires_at) or _("never"),
            lambda token: token.expires_at,
        ),
        Column(
            "last_used_at",
            gettext_lazy("Last used"),
            lambda token: _when(token.last_used_at),
            lambda token: token.last_used_at,
        ),
        Column("end", "", _end, lambda token: ""),
    ],
    filters=TokenFilters,
    ordering="-id",
    empty_title=gettext_lazy("No tokens yet"),
    empty_text=gettext_lazy("A token lets a script or dcp act for you, within the limits you choose."),
    file_name="tokens",
    icon="key",
)


def token_list(request: HttpRequest) -> HttpResponseBase:
    """One's own tokens; administrators see everybody's."""
    context = {"create_url": reverse("accounts:token-create"), "create_label": _("New token")}
    return respond(request, TOKENS, queries.tokens_visible_to(actor_of(request)), context)


@never_cache
def token_create(request: HttpRequest) -> HttpResponse:
    """A new token for oneself; the secret is on the page that follows, once."""
    actor = actor_of(request)
    user = queries.get_user(actor, actor_uid(request))
    form = TokenForm(request.POST or None, user=user)
    crumbs = [(_("API tokens"), reverse("accounts:token-list")), (_("New token"), None)]
    if request.method == "POST":
        made = attempted(form, lambda: actions.create_token(actor, user, form.values(), utcnow()))
        if made:
            return _secret_page(request, *made)
    context = {
        "form": form,
        "title": _("New token"),
        "submit_label": _("Create token"),
        "cancel_url": reverse("accounts:token-list"),
        "crumbs": crumbs,
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)


def token_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """One token and the button that ends it."""
    token = queries.get_token(actor_of(request), uid)
    context = {
        "token": token,
        "state": state_of(token, utcnow()),
        "scopes": _scopes(token),
        "crumbs": [(_("API tokens"), reverse("accounts:token-list")), (token.name, None)],
    }
    return render(request, "accounts/token_detail.html", context)


@require_POST
def token_revoke(request: HttpRequest, uid: str) -> HttpResponse:
    """End a token at once."""
    actor = actor_of(request)
    actions.revoke_token(actor, queries.get_token(actor, uid), utcnow())
    return redirect("accounts:token-list")


def _secret_page(request: HttpRequest, token: ApiToken, secret: str) -> HttpResponse:
    address = request.build_absolute_uri("/").rstrip("/")
    context = {
        "title": token.name,
        "explanation": _("Use it in the header “Authorization: Bearer …”, or give it to dcp login."),
        "secret": secret,
        "command": f"curl -H 'Authorization: Bearer {secret}' {address}/api/v1/me",
        "done_url": reverse("accounts:token-list"),
        "crumbs": [(_("API tokens"), reverse("accounts:token-list")), (token.name, None)],
    }
    return render(request, "records/secret.html", context)
