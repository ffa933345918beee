"""Node tokens: list, form, the one showing of a secret."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common.access import require_role
from dcportal.common.clock import utcnow
from dcportal.common.forms import attempted
from dcportal.common.listing import respond
from dcportal.common.problems import NotFound
from dcportal.inventory import actions, cells, listings, queries
from dcportal.inventory.forms import NodeTokenForm
from dcportal.inventory.models import NodeToken


def token_list(request: HttpRequest) -> HttpResponseBase:
    """All node tokens; for operators."""
    require_role(actor_of(request), "operator", "inventory")
    context = {"create_url": reverse("inventory:node-token-create"), "create_label": _("New node token")}
    return respond(request, listings.NODE_TOKENS, queries.node_tokens(), context)


@never_cache
def token_create(request: HttpRequest) -> HttpResponse:
    """A new node token; the secret is on the page that follows, once."""
    actor = actor_of(request)
    require_role(actor, "operator", "inventory")
    form = NodeTokenForm(request.POST or None)
    if request.method == "POST":
        made = attempted(form, lambda: actions.create_node_token(actor, form.values(), utcnow()))
        if made:
            return _secret_page(request, *made)
    context = {
        "form": form,
        "title": _("New node token"),
        "submit_label": _("Create token"),
        "cancel_url": reverse("inventory:node-token-list"),
        "crumbs": [(_("Node tokens"), reverse("inventory:node-token-list")), (_("New node token"), None)],
    }
    return render(request, "records/form.html", context, status=422 if form.errors else 200)


def token_detail(request: HttpRequest, uid: str) -> HttpResponse:
    """One token, the nodes it may write, and the button that ends it."""
    token = _find(request, uid)
    facts = [
        (_("Begins with"), f"{token.prefix}…"),
        (_("Accepts its node at once"), _("yes") if token.accepts_at_once else _("no")),
        (_("Simulated fleet"), _("yes") if token.may_simulate else _("no")),
        (_("Created"), cells.when(token.created_at)),
        (_("Last used"), cells.when(token.last_used_at) or None),
        (_("Revoked"), cells.when(token.revoked_at) or None),
    ]
    context = {
        "token": token,
        "facts": facts,
        "nodes": token.nodes.order_by("name"),
        "crumbs": [(_("Node tokens"), reverse("inventory:node-token-list")), (token.name, None)],
    }
    return render(request, "inventory/node_token_detail.html", context)


@require_POST
def token_revoke(request: HttpRequest, uid: str) -> HttpResponse:
    """End a token; its agent is cut off."""
    actions.revoke_node_token(actor_of(request), _find(request, uid), utcnow())
    return redirect("inventory:node-token-list")


def _find(request: HttpRequest, uid: str) -> NodeToken:
    require_role(actor_of(request), "operator", "inventory")
    token = NodeToken.objects.filter(uid=uid).first()
    if token is None:
        raise NotFound()
    return token


def _secret_page(request: HttpRequest, token: NodeToken, secret: str) -> HttpResponse:
    scheme = "wss" if request.is_secure() else "ws"
    address = f"{scheme}://{request.get_host()}/ws/agent/"
    context = {
        "title": token.name,
        "explanation": _("Write it into a file on the node that only the agent's user can read."),
        "secret": secret,
        "command": f"python -m monitoring.agent --url {address} --token-file agent.token",
        "done_url": reverse("inventory:node-token-list"),
        "crumbs": [(_("Node tokens"), reverse("inventory:node-token-list")), (token.name, None)],
    }
    return render(request, "records/secret.html", context)
