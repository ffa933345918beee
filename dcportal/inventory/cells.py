"""How one fact of the inventory looks in a table's cell."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from dcportal.common import reasons, units
from dcportal.common.templatetags.ui import state_badge
from dcportal.inventory.models import Node
from dcportal.inventory.states import is_launchable, state_of


def link(kind: str, row: Any, text: str | None = None, css: str = "table-name") -> SafeString:
    """The row's name as a link to its page."""
    url = reverse(f"inventory:{kind}-detail", args=[row.uid])
    return format_html('<a class="{}" href="{}">{}</a>', css, url, row.name if text is None else text)


def when(moment: datetime | None) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""


def counted(kind: str, parameter: str, row: Any, count: int) -> SafeString | str:
    """A number that leads to the list of what it counts."""
    if not count:
        return "0"
    return format_html(
        '<a href="{}?{}={}">{}</a>', reverse(f"inventory:{kind}-list"), parameter, row.uid, count
    )


def node_name(node: Node) -> SafeString:
    """Name, and below it what kind of machine it is."""
    kind = str(node.node_type) if node.node_type else ""
    sub = format_html('<span class="table-sub">{}</span>', kind) if kind else ""
    return format_html("{}{}", link("node", node, css="table-name mono"), sub)


def node_state(node: Node) -> SafeString:
    """The badge of its state, and one more when it is simulated."""
    badge = state_badge(state_of(node), title=node.unschedulable_reason)
    return format_html("{} {}", badge, state_badge("simulated")) if node.is_simulated else badge


def node_gpus(node: Any) -> str:
    """`8 × NVIDIA H100`; what is missing is said."""
    if not node.accelerator_count and not node.missing_count:
        return ""
    text = f"{node.accelerator_count} × {node.accelerator_model}" if node.accelerator_count else "0"
    missing = _("%(n)d missing") % {"n": node.missing_count}  # xgettext does not look into f-strings
    return f"{text} ({missing})" if node.missing_count else text


def node_jobs(node: Node) -> SafeString | str:
    """Whether jobs can start here; the reason against it is the badge's hint."""
    if node.watch_only_reason:
        return state_badge("watch_only", title=reasons.text_of(node.watch_only_reason))
    if not is_launchable(node):
        return state_badge("drained", title=node.unschedulable_reason) if node.launch_engine else ""
    return node.launch_engine


def node_place(node: Node) -> SafeString | str:
    if node.rack is None:
        return node.site.name if node.site else ""
    position = f" · U {node.position_units}" if node.position_units else ""
    return link("rack", node.rack, f"{node.rack.name}{position}", css="")


def node_memory(node: Node) -> str:
    return units.bytes_human(node.memory_bytes)


def power_limit(kilowatts: float | None) -> str:
    return "" if kilowatts is None else f"{kilowatts:g} kW"
