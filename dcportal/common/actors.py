"""Who does something: the first argument of every action."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["user", "token", "node", "system"]
ROLES = ("viewer", "user", "operator", "admin")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API token acting for one, a node's agent, or a process of the portal.

    `role` is the site-wide role, `teams` maps the uid of each team to the role held in it, `scopes`
    limits a token (empty for people: no limit). `via` says how it came in: web, api, socket, command.
    """

    kind: Kind
    uid: str
    name: str
    role: str = "viewer"
    teams: dict[str, str] = field(default_factory=dict)
    scopes: frozenset[str] = frozenset()
    user_id: int | None = None
    ip: str | None = None
    request_id: str = ""
    via: str = "web"

    def has_role(self, role: str) -> bool:
        """True when the site-wide role is `role` or a stronger one."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)

    def has_team_role(self, team_uid: str, role: str) -> bool:
        """True when the role held in the team is `role` or a stronger one."""
        held = self.teams.get(team_uid)
        return held is not None and ROLES.index(held) >= ROLES.index(role)

    def may(self, scope: str) -> bool:
        """True for people and the system; for a token only when it was given `scope`, or `admin`."""
        return self.kind != "token" or scope in self.scopes or "admin" in self.scopes


def system_actor(name: str) -> Actor:
    """A process of the portal itself, such as the scheduler."""
    return Actor(kind="system", uid=name, name=name, role="admin", via="system")
