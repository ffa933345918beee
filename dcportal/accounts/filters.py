"""What lists of people, teams and tokens can be narrowed by."""

import django_filters
from django.utils.translation import gettext_lazy as _

from dcportal.accounts.models import ApiToken, Role, Team, User
from dcportal.common.rest.filters import SearchFilter, UidFilter, YesNoFilter


class UserFilters(django_filters.FilterSet):
    search = SearchFilter("username", "full_name", "email")
    role = django_filters.ChoiceFilter(choices=Role.choices, label=_("Role"))
    active = YesNoFilter(field_name="is_active", label=_("Active"))
    team = UidFilter(field_name="memberships__team", queryset=Team.objects.all(), label=_("Team"))

    class Meta:
        model = User
        fields: list[str] = []


class TeamFilters(django_filters.FilterSet):
    search = SearchFilter("name", "description")

    class Meta:
        model = Team
        fields: list[str] = []


class TokenFilters(django_filters.FilterSet):
    search = SearchFilter("name", "prefix", "user__username")

    class Meta:
        model = ApiToken
        fields: list[str] = []
