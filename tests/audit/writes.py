"""Every write of accounts, inventory and audit: how to call it, what it leaves in the trail, who may.

The key is a route of `tests.fixtures.routes`. `least` is the weakest site role that may call it;
`self` marks what everybody may do to what is their own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.audit.world import World

Make = Callable[[World], Any]


@dataclass(frozen=True)
class Write:
    """`path` and `body` are made from the world; `verb` is what the audit line says."""

    path: Make
    verb: str
    least: str
    body: Make = field(default=lambda world: {})


def _to(path: str, **names: str) -> Make:
    """`_to("nodes/{0}/accept", node="uid")`: the path with uids of the world's rows."""

    def make(world: World) -> str:
        uids = [getattr(getattr(world, name), attribute) for name, attribute in names.items()]
        return path.format(*uids)

    return make


def _form(path: str, verb: str, least: str, body: Make = lambda world: {}, **names: str) -> Write:
    return Write(_to(f"/{path}/", **names), verb, least, body)


def _call(path: str, verb: str, least: str, body: Make = lambda world: {}, **names: str) -> Write:
    return Write(_to(path, **names), verb, least, body)


SITE = {"name": "MUC1", "kind": "core", "timezone": "UTC", "address": ""}
RACK = {"name": "A09", "height_units": 42}
TYPE = {"manufacturer": "Dell", "model": "R760", "height_units": 2, "accelerator_count": 0}
PROFILE = {"full_name": "O", "email": "", "language": "en", "timezone": "UTC", "theme": "dark"}
TOKEN = {"name": "ci", "role": "viewer", "scopes": ["read"]}
UID = "uid"

PAGES: dict[str, Write] = {
    "inventory:site-create": _form("sites/new", "site.create", "operator", lambda w: SITE),
    "inventory:site-edit": _form("sites/{0}/edit", "site.edit", "operator", lambda w: SITE, site=UID),
    "inventory:site-delete": _form("sites/{0}/delete", "site.delete", "operator", spare_site=UID),
    "inventory:room-create": _form(
        "rooms/new", "room.create", "operator", lambda w: {"site": w.site.uid, "name": "Hall 2"}
    ),
    "inventory:room-edit": _form(
        "rooms/{0}/edit", "room.edit", "operator", lambda w: {"site": w.site.uid, "name": "H"}, room=UID
    ),
    "inventory:room-delete": _form("rooms/{0}/delete", "room.delete", "operator", spare_room=UID),
    "inventory:row-create": _form(
        "rows/new", "row.create", "operator", lambda w: {"room": w.room.uid, "name": "B"}
    ),
    "inventory:row-edit": _form(
        "rows/{0}/edit", "row.edit", "operator", lambda w: {"room": w.room.uid, "name": "C"}, row=UID
    ),
    "inventory:row-delete": _form("rows/{0}/delete", "row.delete", "operator", spare_row=UID),
    "inventory:rack-create": _form(
        "racks/new", "rack.create", "operator", lambda w: {"row": w.row.uid, **RACK}
    ),
    "inventory:rack-edit": _form(
        "racks/{0}/edit", "rack.edit", "operator", lambda w: {"row": w.row.uid, **RACK}, rack=UID
    ),
    "inventory:rack-delete": _form("racks/{0}/delete", "rack.delete", "operator", rack=UID),
    "inventory:node-type-create": _form("node-types/new", "node_type.create", "operator", lambda w: TYPE),
    "inventory:node-type-edit": _form(
        "node-types/{0}/edit", "node_type.edit", "operator", lambda w: TYPE, node_type=UID
    ),
    "inventory:node-type-delete": _form(
        "node-types/{0}/delete", "node_type.delete", "operator", node_type=UID
    ),
    "inventory:node-create": _form(
        "nodes/new", "node.create", "operator", lambda w: {"name": "b01", "lifecycle": "planned"}
    ),
    "inventory:node-edit": _form(
        "nodes/{0}/edit",
        "node.edit",
        "operator",
        lambda w: {"name": "a01", "lifecycle": "failed"},
        node=UID,
    ),
    "inventory:node-delete": _form("nodes/{0}/delete", "node.delete", "operator", spare_node=UID),
    "inventory:node-accept": _form("nodes/{0}/accept", "node.accept", "operator", node=UID),
    "inventory:node-revoke": _form("nodes/{0}/revoke", "node.revoke", "operator", node=UID),
    "inventory:node-drain": _form(
        "nodes/{0}/drain", "node.drain", "operator", lambda w: {"reason": "fan"}, node=UID
    ),
    "inventory:node-resume": _form("nodes/{0}/resume", "node.resume", "operator", node=UID),
    "inventory:node-token-create": _form(
        "node-tokens/new", "node_token.create", "operator", lambda w: {"name": "b01"}
    ),
    "inventory:node-token-revoke": _form(
        "node-tokens/{0}/revoke", "node_token.revoke", "operator", node_token=UID
    ),
    "accounts:sign-out": _form("sign-out", "session.end", "viewer"),
    "accounts:profile": _form("profile", "user.edit_profile", "viewer", lambda w: PROFILE),
    "set_language": Write(
        lambda w: "/i18n/setlang/", "user.edit_profile", "viewer", lambda w: {"language": "zh-hans"}
    ),
    "accounts:password": _form(
        "profile/password",
        "user.set_password",
        "viewer",
        lambda w: {
            "current": "correct horse battery",
            "password": "another long phrase 9",
            "again": "another long phrase 9",
        },
    ),
    "accounts:end-sessions": _form("profile/end-sessions", "user.end_sessions", "viewer"),
    "accounts:user-create": _form(
        "users/new", "user.create", "admin", lambda w: {"username": "new", "role": "user"}
    ),
    "accounts:user-edit": _form(
        "users/{0}/edit", "user.edit", "admin", lambda w: {"full_name": "X", "role": "viewer"}, user=UID
    ),
    "accounts:user-deactivate": _form("users/{0}/deactivate", "user.deactivate", "admin", user=UID),
    "accounts:user-reactivate": _form("users/{0}/reactivate", "user.reactivate", "admin", user=UID),
    "accounts:user-end-sessions": _form("users/{0}/end-sessions", "user.end_sessions", "admin", newcomer=UID),
    "accounts:user-link": _form("users/{0}/link", "link.issue", "admin", user=UID),
    "accounts:team-create": _form("teams/new", "team.create", "operator", lambda w: {"name": "new"}),
    "accounts:team-edit": _form(
        "teams/{0}/edit", "team.edit", "operator", lambda w: {"name": "renamed"}, team=UID
    ),
    "accounts:team-delete": _form("teams/{0}/delete", "team.delete", "admin", spare_team=UID),
    "accounts:member-add": _form(
        "teams/{0}/members",
        "team.add_member",
        "operator",
        lambda w: {"user": w.newcomer.uid, "role": "user"},
        team=UID,
    ),
    "accounts:member-change": Write(
        lambda w: f"/teams/{w.team.uid}/members/{w.membership.uid}/",
        "team.change_member",
        "operator",
        lambda w: {"role": "viewer"},
    ),
    "accounts:member-remove": Write(
        lambda w: f"/teams/{w.team.uid}/members/{w.other_membership.uid}/remove/",
        "team.remove_member",
        "operator",
    ),
    "accounts:token-create": _form("tokens/new", "token.create", "viewer", lambda w: TOKEN),
    "accounts:token-revoke": _form("tokens/{0}/revoke", "token.revoke", "admin", other_token=UID),
}

OPERATIONS: dict[str, Write] = {
    "POST sites": _call("sites", "site.create", "operator", lambda w: SITE),
    "PATCH sites/{uid}": _call("sites/{0}", "site.edit", "operator", lambda w: SITE, site=UID),
    "DELETE sites/{uid}": _call("sites/{0}", "site.delete", "operator", spare_site=UID),
    "POST rooms": _call("rooms", "room.create", "operator", lambda w: {"site": w.site.uid, "name": "H2"}),
    "PATCH rooms/{uid}": _call("rooms/{0}", "room.edit", "operator", lambda w: {"name": "H"}, room=UID),
    "DELETE rooms/{uid}": _call("rooms/{0}", "room.delete", "operator", spare_room=UID),
    "POST rows": _call("rows", "row.create", "operator", lambda w: {"room": w.room.uid, "name": "B"}),
    "PATCH rows/{uid}": _call("rows/{0}", "row.edit", "operator", lambda w: {"name": "C"}, row=UID),
    "DELETE rows/{uid}": _call("rows/{0}", "row.delete", "operator", spare_row=UID),
    "POST racks": _call("racks", "rack.create", "operator", lambda w: {"row": w.row.uid, **RACK}),
    "PATCH racks/{uid}": _call("racks/{0}", "rack.edit", "operator", lambda w: RACK, rack=UID),
    "DELETE racks/{uid}": _call("racks/{0}", "rack.delete", "operator", rack=UID),
    "POST node-types": _call("node-types", "node_type.create", "operator", lambda w: TYPE),
    "PATCH node-types/{uid}": _call(
        "node-types/{0}", "node_type.edit", "operator", lambda w: TYPE, node_type=UID
    ),
    "DELETE node-types/{uid}": _call("node-types/{0}", "node_type.delete", "operator", node_type=UID),
    "POST nodes": _call("nodes", "node.create", "operator", lambda w: {"name": "b01"}),
    "PATCH nodes/{uid}": _call(
        "nodes/{0}", "node.edit", "operator", lambda w: {"lifecycle": "failed"}, node=UID
    ),
    "DELETE nodes/{uid}": _call("nodes/{0}", "node.delete", "operator", spare_node=UID),
    "POST nodes/{uid}/accept": _call("nodes/{0}/accept", "node.accept", "operator", node=UID),
    "POST nodes/{uid}/revoke": _call("nodes/{0}/revoke", "node.revoke", "operator", node=UID),
    "POST nodes/{uid}/drain": _call(
        "nodes/{0}/drain", "node.drain", "operator", lambda w: {"reason": "fan"}, node=UID
    ),
    "POST nodes/{uid}/resume": _call("nodes/{0}/resume", "node.resume", "operator", node=UID),
    "POST node-tokens": _call("node-tokens", "node_token.create", "operator", lambda w: {"name": "b"}),
    "POST node-tokens/{uid}/revoke": _call(
        "node-tokens/{0}/revoke", "node_token.revoke", "operator", node_token=UID
    ),
    "POST users": _call("users", "user.create", "admin", lambda w: {"username": "new"}),
    "PATCH users/{uid}": _call("users/{0}", "user.edit", "admin", lambda w: {"role": "viewer"}, newcomer=UID),
    "POST users/{uid}/deactivate": _call("users/{0}/deactivate", "user.deactivate", "admin", newcomer=UID),
    "POST users/{uid}/reactivate": _call("users/{0}/reactivate", "user.reactivate", "admin", newcomer=UID),
    "POST teams": _call("teams", "team.create", "operator", lambda w: {"name": "new"}),
    "PATCH teams/{uid}": _call("teams/{0}", "team.edit", "operator", lambda w: {"name": "r"}, team=UID),
    "DELETE teams/{uid}": _call("teams/{0}", "team.delete", "admin", spare_team=UID),
    "POST teams/{uid}/members": _call(
        "teams/{0}/members",
        "team.add_member",
        "operator",
        lambda w: {"user": w.newcomer.uid, "role": "user"},
        team=UID,
    ),
    "PATCH teams/{uid}/members/{member_uid}": Write(
        lambda w: f"teams/{w.team.uid}/members/{w.membership.uid}",
        "team.change_member",
        "operator",
        lambda w: {"role": "viewer"},
    ),
    "DELETE teams/{uid}/members/{member_uid}": Write(
        lambda w: f"teams/{w.team.uid}/members/{w.other_membership.uid}",
        "team.remove_member",
        "operator",
    ),
    "POST tokens": _call("tokens", "token.create", "viewer", lambda w: TOKEN),
    "POST tokens/{uid}/revoke": _call("tokens/{0}/revoke", "token.revoke", "admin", other_token=UID),
}

OPEN: dict[str, Write] = {
    "accounts:link": Write(lambda w: f"/link/{w.link_secret}/", "link.redeem", "nobody"),
    "accounts:sign-in": Write(
        lambda w: "/sign-in/",
        "session.begin",
        "nobody",
        lambda w: {"username": "owner", "password": "correct horse battery"},
    ),
}
"""Writes of visitors who are not signed in."""

READ_ONLY = {
    "healthz",
    "readyz",
    "javascript-catalog",
    "api:schema",
    "api:docs",
    "api:None",
    "audit:list",
    "audit:detail",
    "inventory:accelerator-list",
    "inventory:accelerator-detail",
    "inventory:node-token-list",
    "inventory:node-token-detail",
    "accounts:user-list",
    "accounts:user-detail",
    "accounts:team-list",
    "accounts:team-detail",
    "accounts:token-list",
    "accounts:token-detail",
    *(f"inventory:{kind}-list" for kind in ("site", "room", "row", "rack", "node-type", "node")),
    *(f"inventory:{kind}-detail" for kind in ("site", "room", "row", "rack", "node-type", "node")),
}
"""Pages that write nothing; a test sends them a POST and looks at the statements."""
