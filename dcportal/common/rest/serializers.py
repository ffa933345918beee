"""Serializers that name unknown fields and give only the fields asked for."""

from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field

from dcportal.common.problems import Invalid, Problem, invalid

MOST_NAMED = 20
"""Of unknown keys: a hostile body with 20,000 of them would be answered with megabytes."""


class Strict(serializers.Serializer):
    """Refuses keys it does not know and does not write, instead of dropping them silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            unknown = [name for name in data if name not in writable]
            if unknown:
                raise Invalid(
                    Problem(_pointer(n), "unknown_field", {"name": n[:80]}) for n in unknown[:MOST_NAMED]
                )
        return super().to_internal_value(data)


class Sparse(serializers.Serializer):
    """Gives only the fields named by `?fields=uid,name`."""

    def get_fields(self) -> dict[str, Field]:
        fields = super().get_fields()
        request = self.context.get("request")
        if request is None or request.method != "GET":
            return fields
        wanted = request.query_params.get("fields")
        return fields if wanted is None else _chosen(fields, wanted)


class RecordSerializer(Sparse, Strict, serializers.ModelSerializer):
    """A row with uid, revision and times; the action is the one validator of meaning."""

    def get_extra_kwargs(self) -> dict[str, Any]:
        """Uniqueness is checked by the action, in its transaction."""
        extra = super().get_extra_kwargs()
        model: Any = self.Meta.model
        for field in model._meta.concrete_fields:
            if field.unique and field.name in self.Meta.fields:
                extra.setdefault(field.name, {}).setdefault("validators", [])
        return extra

    def get_validators(self) -> list[Any]:
        return []


def by_uid(queryset: Any, **options: Any) -> serializers.SlugRelatedField:
    """A reference to another row, written and read as its uid."""
    return serializers.SlugRelatedField(slug_field="uid", queryset=queryset, **options)


def _chosen(fields: dict[str, Field], wanted: str) -> dict[str, Field]:
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    for name in names:
        if name not in fields:
            raise invalid("/fields", "bad_parameter", name="fields", value=name[:80])
    return {name: fields[name] for name in names} if names else fields


def _pointer(name: str) -> str:
    return "/" + name[:80].replace("~", "~0").replace("/", "~1")
