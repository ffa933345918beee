"""Forms of what operators enter."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dcportal.common.forms import ActionForm, RecordForm, choice_of
from dcportal.inventory import queries
from dcportal.inventory.models import Node, NodeToken, NodeType, Rack, Room, Row, Site


class SiteForm(RecordForm):
    class Meta:
        model = Site
        fields = ["name", "kind", "timezone", "address"]
        help_texts = {"timezone": _("For schedules and tariffs, such as Europe/Berlin.")}


class RoomForm(RecordForm):
    site = choice_of(queries.sites(), label=_("Site"))

    class Meta:
        model = Room
        fields = ["site", "name"]


class RowForm(RecordForm):
    room = choice_of(queries.rooms(), label=_("Room"))

    class Meta:
        model = Row
        fields = ["room", "name"]


class RackForm(RecordForm):
    row = choice_of(queries.rows(), label=_("Row"))

    class Meta:
        model = Rack
        fields = ["row", "name", "height_units", "power_limit_kilowatts"]
        help_texts = {"power_limit_kilowatts": _("What the rack may draw at most; leave empty if unknown.")}


class NodeTypeForm(RecordForm):
    class Meta:
        model = NodeType
        fields = [
            "manufacturer",
            "model",
            "height_units",
            "accelerator_model",
            "accelerator_count",
            "idle_watts",
            "typical_watts",
            "maximum_watts",
        ]


class NodeForm(RecordForm):
    node_type = choice_of(queries.node_types(), label=_("Type"), required=False)
    site = choice_of(queries.sites(), label=_("Site"), required=False)
    rack = choice_of(queries.racks(), label=_("Rack"), required=False)

    class Meta:
        model = Node
        fields = ["name", "node_type", "site", "rack", "position_units", "serial", "lifecycle"]
        help_texts = {"name": _("Its host name: the agent of that machine will take this entry over.")}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["rack"].label_from_instance = _rack_label  # type: ignore[attr-defined]


class DrainForm(ActionForm):
    """Why no more jobs shall start; whoever waits reads it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, help_text=_("Shown to everybody whose job waits for this node.")
    )


class NodeTokenForm(RecordForm):
    class Meta:
        model = NodeToken
        fields = ["name", "accepts_at_once", "may_simulate"]
        help_texts = {
            "name": _("What it is for, such as the name of the node."),
            "accepts_at_once": _("Otherwise the node stays “new” until an operator accepts it."),
            "may_simulate": _("For demonstration: everything it reports is marked simulated for ever."),
        }


def _rack_label(rack: Rack) -> str:
    return f"{rack.row.room.site.name} / {rack.row.room.name} / {rack.row.name} / {rack.name}"
