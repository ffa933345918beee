"""The first lines of an action: may this actor do that at all?"""

from dcportal.common.actors import Actor
from dcportal.common.problems import Forbidden


def require_role(actor: Actor, role: str, scope: str) -> None:
    """Refuse an actor below the site-wide `role`, and a token that was not given `scope`."""
    require_scope(actor, scope)
    if actor.kind == "node" or not actor.has_role(role):
        raise Forbidden("needs_role", role=role)


def require_scope(actor: Actor, scope: str) -> None:
    """Refuse a token that was not given `scope`; people and the portal itself have no such limit."""
    if not actor.may(scope):
        raise Forbidden("needs_scope", scope=scope)
