"""Filters that pages and REST share; a value that cannot be is named, never ignored."""

import re
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from dcportal.common.ids import UID_PATTERN

UID = re.compile(UID_PATTERN)


class UidField(forms.ModelChoiceField):
    """A row named by its uid."""

    def __init__(self, queryset: Any, **options: Any) -> None:
        super().__init__(queryset, to_field_name="uid", **options)

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not UID.fullmatch(str(value)):
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value}
            )
        return super().to_python(value)


class UidFilter(django_filters.ModelChoiceFilter):
    """`?rack=<uid>`: rows of that rack."""

    field_class = UidField

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("null_label", None)
        super().__init__(*args, **options)

    @property
    def field(self) -> forms.Field:
        if not hasattr(self, "_field"):
            queryset = self.get_queryset(None)
            self._field = UidField(queryset, required=False, label=self.label)
        return self._field


class SearchFilter(django_filters.CharFilter):
    """`?search=`: every word must occur in one of the given columns."""

    def __init__(self, *columns: str, **options: Any) -> None:
        options.setdefault("label", _("Search"))
        options.setdefault("max_length", 200)
        super().__init__(**options)
        self.columns = columns

    def filter(self, rows: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        for word in (value or "").split()[:8]:
            found = Q()
            for column in self.columns:
                found |= Q(**{f"{column}__icontains": word})
            rows = rows.filter(found)
        return rows


class YesNoFilter(django_filters.ChoiceFilter):
    """`?simulated=true`; anything but true or false is refused (a plain BooleanFilter ignores it).

    `is_true` is what the column must be for a yes.
    """

    def __init__(self, *, is_true: bool = True, **options: Any) -> None:
        self.is_true = is_true
        options.setdefault("choices", [("true", _("Yes")), ("false", _("No"))])
        super().__init__(**options)

    def filter(self, rows: QuerySet[Any], value: str | None) -> QuerySet[Any]:
        return rows if not value else rows.filter(**{self.field_name: (value == "true") == self.is_true})
