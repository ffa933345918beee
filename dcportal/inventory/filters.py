"""What lists of the inventory can be narrowed by, on pages and over REST alike."""

import django_filters
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dcportal.common.rest.filters import SearchFilter, UidFilter, YesNoFilter
from dcportal.inventory.models import Accelerator, Node, NodeToken, NodeType, Rack, Room, Row, Site
from dcportal.inventory.models.nodes import Admission, Lifecycle, Liveness
from dcportal.inventory.models.sites import SiteKind


def _simulated() -> YesNoFilter:
    return YesNoFilter(field_name="is_simulated", label=_("Simulated"))


class SiteFilters(django_filters.FilterSet):
    search = SearchFilter("name", "address")
    kind = django_filters.ChoiceFilter(choices=SiteKind.choices, label=_("Kind"))
    simulated = _simulated()

    class Meta:
        model = Site
        fields: list[str] = []


class RoomFilters(django_filters.FilterSet):
    search = SearchFilter("name", "site__name")
    site = UidFilter(queryset=Site.objects.all(), label=_("Site"))

    class Meta:
        model = Room
        fields: list[str] = []


class RowFilters(django_filters.FilterSet):
    search = SearchFilter("name", "room__name", "room__site__name")
    room = UidFilter(queryset=Room.objects.select_related("site"), label=_("Room"))
    site = UidFilter(field_name="room__site", queryset=Site.objects.all(), label=_("Site"))

    class Meta:
        model = Row
        fields: list[str] = []


class RackFilters(django_filters.FilterSet):
    search = SearchFilter("name", "row__name", "row__room__name", "row__room__site__name")
    site = UidFilter(field_name="row__room__site", queryset=Site.objects.all(), label=_("Site"))
    room = UidFilter(field_name="row__room", queryset=Room.objects.select_related("site"), label=_("Room"))
    row = UidFilter(queryset=Row.objects.select_related("room__site"), label=_("Row"))

    class Meta:
        model = Rack
        fields: list[str] = []


class NodeTypeFilters(django_filters.FilterSet):
    search = SearchFilter("manufacturer", "model", "accelerator_model")

    class Meta:
        model = NodeType
        fields: list[str] = []


class NodeFilters(django_filters.FilterSet):
    search = SearchFilter("name", "serial", "rack__name", "unschedulable_reason")
    site = UidFilter(queryset=Site.objects.all(), label=_("Site"))
    rack = UidFilter(queryset=Rack.objects.all(), label=_("Rack"))
    node_type = UidFilter(queryset=NodeType.objects.all(), label=_("Type"))
    liveness = django_filters.ChoiceFilter(choices=Liveness.choices, label=_("Liveness"))
    admission = django_filters.ChoiceFilter(choices=Admission.choices, label=_("Admission"))
    lifecycle = django_filters.ChoiceFilter(choices=Lifecycle.choices, label=_("Lifecycle"))
    schedulable = YesNoFilter(label=_("Takes jobs"))
    simulated = _simulated()

    class Meta:
        model = Node
        fields: list[str] = []


class AcceleratorFilters(django_filters.FilterSet):
    search = SearchFilter("uuid", "model", "node__name", "pci_bus_id")
    node = UidFilter(queryset=Node.objects.all(), label=_("Node"))
    model = django_filters.CharFilter(label=pgettext_lazy("hardware", "Model"), max_length=100)
    missing = YesNoFilter(field_name="missing_since__isnull", is_true=False, label=_("Missing"))
    simulated = _simulated()

    class Meta:
        model = Accelerator
        fields: list[str] = []


class NodeTokenFilters(django_filters.FilterSet):
    search = SearchFilter("name", "prefix")

    class Meta:
        model = NodeToken
        fields: list[str] = []
