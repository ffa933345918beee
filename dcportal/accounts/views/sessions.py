"""Coming in and going: password, one-time link, sign-out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from dcportal.accounts import actions
from dcportal.accounts.actions.links import usable_link
from dcportal.accounts.identify import actor_of, client_ip, user_actor
from dcportal.common.clock import utcnow

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(LoginView):
    """One answer for a wrong name and a wrong password; django-axes slows down guessing."""

    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user: Any = form.get_user()
        login(self.request, user)
        actions.note_sign_in(_actor_of(self.request, user), user, utcnow())
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        name = str(form.data.get("username", ""))
        actions.note_failed_sign_in(name, client_ip(self.request), utcnow())
        return self.render_to_response(self.get_context_data(form=form), status=422)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this browser's session."""
    actions.note_sign_out(actor_of(request), request.user, utcnow())  # type: ignore[arg-type]
    logout(request)
    return redirect("accounts:sign-in")


@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET asks for one click (mail scanners open links too); POST spends the link and signs in."""
    now = utcnow()
    if request.method == "GET":
        context = {"person": usable_link(secret, now).user}
        response = render(request, "accounts/link.html", context)
        # With no-referrer browsers send `Origin: null`, which the CSRF check rightly refuses.
        response.headers["Referrer-Policy"] = "strict-origin"
        return response
    user = actions.redeem_sign_in_link(secret, now, client_ip(request))
    login(request, user, backend=BACKEND)
    actions.note_sign_in(_actor_of(request, user), user, now)
    if not user.has_usable_password():
        messages.info(request, _("Set a password under your profile to sign in without a link."))
    return redirect("dashboard:overview")


def locked_out(request: HttpRequest, credentials: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
    """What django-axes shows after too many wrong passwords."""
    response = render(request, "accounts/locked_out.html", status=429)
    response.headers["Retry-After"] = "900"
    return response


def _actor_of(request: HttpRequest, user: Any) -> Any:
    return user_actor(user, ip=client_ip(request), request_id=getattr(request, "request_id", ""))
