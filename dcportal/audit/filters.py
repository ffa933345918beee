"""What the trail can be narrowed by, on its page and over REST."""

import django_filters
from django.utils.translation import gettext_lazy as _

from dcportal.audit.models import AuditEntry
from dcportal.audit.reasons import VIA
from dcportal.common.rest.filters import SearchFilter


class AuditFilters(django_filters.FilterSet):
    search = SearchFilter("actor_name", "target_name", "verb", "request_id")
    verb = django_filters.CharFilter(label=_("What"), max_length=64)
    actor = django_filters.CharFilter(field_name="actor_uid", label=_("Who"), max_length=64)
    target = django_filters.CharFilter(field_name="target_uid", label=_("Target"), max_length=64)
    target_type = django_filters.CharFilter(label=_("Kind of target"), max_length=64)
    via = django_filters.ChoiceFilter(choices=list(VIA.items()), label=_("Through"))
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", label=_("Since"))
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", label=_("Until"))

    class Meta:
        model = AuditEntry
        fields: list[str] = []
