"""What still holds on to a row, so that it cannot be deleted."""

from collections.abc import Iterator

from django.db import models

from dcportal.common.problems import Conflict


def require_unused(row: models.Model) -> None:
    """Raise Conflict(`in_use`) naming what refers to `row` and how often, as `3 racks, 2 nodes`."""
    users = [f"{count} {name}" for name, count in _users_of(row)]
    if users:
        raise Conflict("in_use", users=", ".join(users))


def _users_of(row: models.Model) -> Iterator[tuple[str, int]]:
    for relation in row._meta.related_objects:
        if getattr(relation, "on_delete", None) is not models.PROTECT:
            continue
        model = relation.related_model
        count = model._base_manager.filter(**{relation.field.name: row}).count()
        if count:
            meta = model._meta
            yield str(meta.verbose_name if count == 1 else meta.verbose_name_plural), count
