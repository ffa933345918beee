"""Sites, rooms, rows, racks, node types and nodes as people enter, change and delete them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import ProtectedError

from dcportal.audit.actions import record
from dcportal.common.access import require_role
from dcportal.common.actors import Actor
from dcportal.common.base import Record
from dcportal.common.changes import create, require_revision, snapshot, update
from dcportal.common.problems import Conflict, Problem
from dcportal.common.usage import require_unused
from dcportal.common.validation import check_known, check_row
from dcportal.common.zones import zone_names
from dcportal.inventory.models import Node, NodeType, Rack, Room, Row, Site
from dcportal.inventory.placing import problems_of_node, problems_of_rack, problems_of_type

RecordT = TypeVar("RecordT", bound=Record)

EDITABLE: dict[type[Record], frozenset[str]] = {
    Site: frozenset({"name", "kind", "timezone", "address"}),
    Room: frozenset({"site", "name"}),
    Row: frozenset({"room", "name"}),
    Rack: frozenset({"row", "name", "height_units", "power_limit_kilowatts"}),
    NodeType: frozenset(
        {
            "manufacturer",
            "model",
            "height_units",
            "accelerator_model",
            "accelerator_count",
            "idle_watts",
            "typical_watts",
            "maximum_watts",
        }
    ),
    Node: frozenset({"name", "node_type", "site", "rack", "position_units", "serial", "lifecycle"}),
}


def add_record(actor: Actor, model: type[RecordT], values: Mapping[str, Any], now: datetime) -> RecordT:
    """Enter a site, room, row, rack, node type or node. Operators only; wrong fields raise Invalid."""
    require_role(actor, "operator", "inventory")
    check_known(values, EDITABLE[model])
    row = model(**values)
    with transaction.atomic():
        _check(row, values)
        create(row, now)
        record(actor, f"{verb_noun(model)}.create", row, before=None, after=snapshot(row), now=now)
    return row


def edit_record(
    actor: Actor, row: RecordT, values: Mapping[str, Any], now: datetime, expected_revision: int | None = None
) -> RecordT:
    """Change some columns; Conflict(`changed_meanwhile`) when somebody else did since it was read."""
    require_role(actor, "operator", "inventory")
    check_known(values, EDITABLE[type(row)])
    require_revision(row, expected_revision)
    before = snapshot(row)
    for name, value in values.items():
        setattr(row, name, value)
    with transaction.atomic():
        _check(row, values)
        update(row, dict(values), now)
        record(actor, f"{verb_noun(type(row))}.edit", row, before=before, after=snapshot(row), now=now)
    return row


def delete_record(actor: Actor, row: Record, now: datetime) -> None:
    """Delete what nothing refers to any more; Conflict(`in_use`) says by what it is still used."""
    require_role(actor, "operator", "inventory")
    require_unused(row)
    with transaction.atomic():
        record(actor, f"{verb_noun(type(row))}.delete", row, before=snapshot(row), after=None, now=now)
        try:
            row.delete()
        except ProtectedError as error:
            raise Conflict("in_use", users=str(len(error.protected_objects))) from error


def verb_noun(model: type[Record]) -> str:
    """`node_type` of NodeType, as in the audit verb `node_type.edit`."""
    return str(model._meta.verbose_name_raw).replace(" ", "_")


def _check(row: Record, values: Mapping[str, Any]) -> None:
    check_row(row, values)
    problems = PROBLEMS_OF.get(type(row), _no_problems)(row)
    if problems:
        check_row(row, {}, problems)


def _problems_of_site(site: Any) -> list[Problem]:
    if site.timezone in zone_names():
        return []
    return [Problem("/timezone", "unknown_choice", {"value": site.timezone})]


def _no_problems(row: Record) -> list[Problem]:
    return []


PROBLEMS_OF: dict[type[Record], Callable[[Any], list[Problem]]] = {
    Site: _problems_of_site,
    Rack: problems_of_rack,
    NodeType: problems_of_type,
    Node: problems_of_node,
}
