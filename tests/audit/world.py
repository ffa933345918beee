"""A small site with one of everything, for tests that call every write route."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dcportal.accounts import actions as accounts
from dcportal.accounts.models import Membership, User
from dcportal.common.actors import system_actor
from dcportal.common.clock import utcnow
from dcportal.inventory import actions as inventory
from dcportal.inventory.models import Node, NodeType, Rack, Room, Row, Site
from tests.inventory.conftest import gpu, hello_of

ACTOR = system_actor("test")


@dataclass
class World:
    """`spare_*` rows are used by nothing, so that they can be deleted."""

    site: Site
    room: Room
    row: Row
    rack: Rack
    node_type: NodeType
    node: Node
    spare_site: Site
    spare_node: Node
    node_token: Any
    user: User
    team: Any
    spare_team: Any
    membership: Membership
    other_membership: Membership
    token: Any
    other_token: Any
    spare_room: Room
    spare_row: Row
    newcomer: User
    link_secret: str


def build_world(person: Any, team_named: Any, now: datetime) -> World:
    """The owner's world: a rack in a room, a reporting node, a team, a token."""

    def add(kind: Any, **values: Any) -> Any:
        return inventory.add_record(ACTOR, kind, values, now)

    site = add(Site, name="FRA1")
    room = add(Room, site=site, name="Hall 1")
    row = add(Row, room=room, name="A")
    user = person("owner")
    newcomer = person("stranger")
    node_token, secret = inventory.create_node_token(ACTOR, {"name": "a01"}, now)
    uid = inventory.node_hello(secret, hello_of("a01", gpu("A")), now).node_uid
    expiry = {"name": "t", "role": "viewer", "scopes": ["read"], "expires_at": utcnow() + timedelta(days=9)}
    return World(
        site=site,
        room=room,
        row=row,
        rack=add(Rack, row=row, name="A01"),
        node_type=add(NodeType, manufacturer="Dell", model="XE9680"),
        node=Node.objects.get(uid=uid),
        spare_site=add(Site, name="Spare"),
        spare_node=add(Node, name="planned-1"),
        node_token=node_token,
        user=user,
        team=team_named("research"),
        spare_team=accounts.create_team(ACTOR, {"name": "spare"}, now),
        membership=Membership.objects.get(user=user),
        other_membership=Membership.objects.get(user=person("lead")),
        token=accounts.create_token(ACTOR, user, expiry, now)[0],
        other_token=accounts.create_token(ACTOR, newcomer, expiry, now)[0],
        spare_room=add(Room, site=site, name="Spare"),
        spare_row=add(Row, room=room, name="Spare"),
        newcomer=newcomer,
        link_secret=accounts.issue_sign_in_link(newcomer, ACTOR, utcnow()),
    )
