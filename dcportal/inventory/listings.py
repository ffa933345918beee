"""The lists of the inventory: which columns, filters and orders each has."""

from functools import partial
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from dcportal.common import units
from dcportal.common.listing import Column, Listing
from dcportal.common.templatetags.ui import state_badge
from dcportal.inventory import cells, filters, queries
from dcportal.inventory.models import Accelerator, NodeToken
from dcportal.inventory.states import state_of


def _name(row: Any) -> str:
    return row.name


def _below(*relations: str) -> Any:
    def decorate(rows: list[Any]) -> None:
        for relation in relations:
            queries.count_below(rows, relation)

    return decorate


SITES = Listing(
    title=_("Sites"),
    subtitle=_("Places with their own power contract, climate and time zone."),
    columns=[
        Column("name", _("Site"), partial(cells.link, "site"), _name, "name"),
        Column("kind", _("Kind"), lambda site: site.get_kind_display(), lambda site: site.kind, "kind"),
        Column("timezone", _("Time zone"), lambda site: site.timezone),
        Column(
            "rooms",
            _("Rooms"),
            lambda site: cells.counted("room", "site", site, site.num_rooms),
            lambda site: site.num_rooms,
            css="num",
        ),
        Column(
            "nodes",
            _("Nodes"),
            lambda site: cells.counted("node", "site", site, site.num_nodes),
            lambda site: site.num_nodes,
            css="num",
        ),
        Column(
            "simulated",
            "",
            lambda site: state_badge("simulated") if site.is_simulated else " ",
            lambda site: site.is_simulated,
        ),
    ],
    filters=filters.SiteFilters,
    shown_filters=["kind"],
    ordering="name",
    empty_title=_("No sites yet"),
    empty_text=_("A site holds rooms, rows and racks. Nodes work without one; capacity and energy need it."),
    decorate=_below("rooms", "nodes"),
    file_name="sites",
    icon="site",
)

ROOMS = Listing(
    title=_("Rooms"),
    subtitle=_("Halls within a site."),
    columns=[
        Column("name", _("Room"), partial(cells.link, "room"), _name, "name"),
        Column(
            "site",
            _("Site"),
            lambda room: cells.link("site", room.site, css=""),
            lambda room: room.site.name,
            "site__name",
        ),
        Column(
            "rows",
            _("Rows"),
            lambda room: cells.counted("row", "room", room, room.num_rows),
            lambda room: room.num_rows,
            css="num",
        ),
    ],
    filters=filters.RoomFilters,
    shown_filters=["site"],
    ordering="name",
    empty_title=_("No rooms yet"),
    empty_text=_("A room is a hall of a site; rows of racks stand in it."),
    decorate=_below("rows"),
    file_name="rooms",
    icon="building",
)

ROWS = Listing(
    title=_("Rows"),
    subtitle=_("Lines of racks within a room."),
    columns=[
        Column("name", _("Row"), partial(cells.link, "row"), _name, "name"),
        Column(
            "room",
            _("Room"),
            lambda row: cells.link("room", row.room, css=""),
            lambda row: row.room.name,
            "room__name",
        ),
        Column("site", _("Site"), lambda row: row.room.site.name, ordering="room__site__name"),
        Column(
            "racks",
            _("Racks"),
            lambda row: cells.counted("rack", "row", row, row.num_racks),
            lambda row: row.num_racks,
            css="num",
        ),
    ],
    filters=filters.RowFilters,
    ordering="name",
    empty_title=_("No rows yet"),
    empty_text=_("A row is a line of racks within a room."),
    decorate=_below("racks"),
    file_name="rows",
    icon="columns",
)

RACKS = Listing(
    title=_("Racks"),
    subtitle=_("Cabinets: so many height units, so many kilowatts."),
    columns=[
        Column("name", _("Rack"), partial(cells.link, "rack"), _name, "name"),
        Column("row", _("Row"), lambda rack: rack.row.name, ordering="row__name"),
        Column("room", _("Room"), lambda rack: rack.row.room.name, ordering="row__room__name"),
        Column("site", _("Site"), lambda rack: rack.row.room.site.name, ordering="row__room__site__name"),
        Column(
            "height_units",
            _("Height (U)"),
            lambda rack: rack.height_units,
            ordering="height_units",
            css="num",
        ),
        Column(
            "power_limit_kilowatts",
            _("Power limit"),
            lambda rack: cells.power_limit(rack.power_limit_kilowatts),
            lambda rack: rack.power_limit_kilowatts,
            "power_limit_kilowatts",
            "num",
        ),
        Column(
            "nodes",
            _("Nodes"),
            lambda rack: cells.counted("node", "rack", rack, rack.num_nodes),
            lambda rack: rack.num_nodes,
            css="num",
        ),
    ],
    filters=filters.RackFilters,
    shown_filters=["site"],
    ordering="name",
    empty_title=_("No racks yet"),
    empty_text=_("Draw the first rack by hand: its row, height and power limit."),
    decorate=_below("nodes"),
    file_name="racks",
    icon="rack",
)

NODE_TYPES = Listing(
    title=_("Node types"),
    subtitle=_("Models of machine, with rated power: what a rack can still take is computed from them."),
    columns=[
        Column("model", _("Type"), lambda kind: cells.link("node-type", kind, str(kind)), str, "model"),
        Column(
            "height_units",
            _("Height (U)"),
            lambda kind: kind.height_units,
            ordering="height_units",
            css="num",
        ),
        Column(
            "accelerators",
            _("GPUs"),
            lambda kind: (
                f"{kind.accelerator_count} × {kind.accelerator_model}" if kind.accelerator_count else ""
            ),
            lambda kind: kind.accelerator_count,
            "accelerator_count",
        ),
        Column(
            "maximum_watts",
            _("Maximum power"),
            lambda kind: units.watts_human(kind.maximum_watts),
            lambda kind: kind.maximum_watts,
            "maximum_watts",
            "num",
        ),
        Column(
            "nodes",
            _("Nodes"),
            lambda kind: cells.counted("node", "node_type", kind, kind.num_nodes),
            lambda kind: kind.num_nodes,
            css="num",
        ),
    ],
    filters=filters.NodeTypeFilters,
    ordering="model",
    empty_title=_("No node types yet"),
    empty_text=_("A type gives its nodes a height and rated watts."),
    decorate=_below("nodes"),
    file_name="node-types",
    icon="template",
)

NODES = Listing(
    title=_("Nodes"),
    subtitle=_("Machines that report, and those that are planned."),
    columns=[
        Column("name", _("Node"), cells.node_name, _name, "name"),
        Column("state", _("State"), cells.node_state, state_of, "liveness"),
        Column("accelerators", _("GPUs"), cells.node_gpus),
        Column("cpu_count", _("CPUs"), lambda node: node.cpu_count, ordering="cpu_count", css="num"),
        Column(
            "memory_bytes",
            _("Memory"),
            cells.node_memory,
            lambda node: node.memory_bytes,
            "memory_bytes",
            "num",
        ),
        Column("jobs", _("Jobs"), cells.node_jobs, lambda node: node.launch_engine),
        Column(
            "rack",
            _("Place"),
            cells.node_place,
            lambda node: node.rack.name if node.rack else "",
            "rack__name",
        ),
        Column(
            "last_seen_at",
            _("Last seen"),
            lambda node: cells.when(node.last_seen_at),
            lambda node: node.last_seen_at,
            "last_seen_at",
            "nowrap",
        ),
        Column("uid", "uid", lambda node: node.uid, csv_only=True),
        Column("admission", "", lambda node: node.admission, csv_only=True),
        Column("lifecycle", "", lambda node: node.lifecycle, csv_only=True),
        Column("is_simulated", "", lambda node: node.is_simulated, csv_only=True),
    ],
    filters=filters.NodeFilters,
    shown_filters=["site", "liveness", "admission", "simulated"],
    ordering="name",
    empty_title=_("No nodes yet"),
    empty_text=_("A node appears here by itself when its agent says hello. Make a token for it first."),
    decorate=queries.count_accelerators,  # type: ignore[arg-type]
    file_name="nodes",
    icon="rack",
)


def _gpu_state(accelerator: Accelerator) -> Any:
    if accelerator.missing_since is not None:
        title = _now("since %(time)s") % {"time": cells.when(accelerator.missing_since)}
        return state_badge("missing", title=title)
    return state_badge("simulated" if accelerator.is_simulated else "reporting")


ACCELERATORS = Listing(
    title=_("Accelerators"),
    subtitle=_("Every GPU that was ever reported, known by its UUID wherever it is plugged in."),
    columns=[
        Column(
            "uuid",
            _("UUID"),
            lambda gpu: cells.link("accelerator", gpu, gpu.uuid, "table-name mono"),
            lambda gpu: gpu.uuid,
            "uuid",
        ),
        Column("state", _("State"), _gpu_state, lambda gpu: "missing" if gpu.missing_since else "reporting"),
        Column("model", pgettext_lazy("hardware", "Model"), lambda gpu: gpu.model, ordering="model"),
        Column(
            "node",
            _("Node"),
            lambda gpu: cells.link("node", gpu.node, css="mono"),
            lambda gpu: gpu.node.name,
            "node__name",
        ),
        Column("index", _("Index"), lambda gpu: gpu.index, css="num"),
        Column(
            "memory_bytes",
            pgettext_lazy("GPU", "Memory"),
            lambda gpu: units.bytes_human(gpu.memory_bytes),
            lambda gpu: gpu.memory_bytes,
            "memory_bytes",
            "num",
        ),
        Column(
            "power_limit_watts",
            _("Power limit"),
            lambda gpu: units.watts_human(gpu.power_limit_watts),
            lambda gpu: gpu.power_limit_watts,
            "power_limit_watts",
            "num",
        ),
    ],
    filters=filters.AcceleratorFilters,
    shown_filters=["missing", "simulated"],
    ordering="node__name",
    empty_title=_("No accelerators yet"),
    empty_text=_("They appear when a node with NVIDIA GPUs and a driver says hello."),
    file_name="accelerators",
    icon="cpu",
)


def _token_state(token: NodeToken) -> Any:
    return state_badge("revoked" if token.revoked_at else "on")


NODE_TOKENS = Listing(
    title=_("Node tokens"),
    subtitle=_("Secrets by which agents prove which nodes they may write."),
    columns=[
        Column(
            "name",
            _("Name"),
            lambda token: format_html(
                '{}<span class="table-sub mono">{}…</span>', cells.link("node-token", token), token.prefix
            ),
            _name,
            "name",
        ),
        Column("state", _("State"), _token_state, lambda token: "revoked" if token.revoked_at else "on"),
        Column("nodes", _("Nodes"), lambda token: ", ".join(node.name for node in token.nodes.all()[:5])),
        Column(
            "accepts_at_once",
            _("Accepts at once"),
            lambda token: _now("yes") if token.accepts_at_once else _now("no"),
            lambda token: token.accepts_at_once,
        ),
        Column(
            "last_used_at",
            _("Last used"),
            lambda token: cells.when(token.last_used_at),
            lambda token: token.last_used_at,
            css="nowrap",
        ),
    ],
    filters=filters.NodeTokenFilters,
    ordering="-id",
    empty_title=_("No node tokens yet"),
    empty_text=_("Make one for each node, and start its agent with it."),
    file_name="node-tokens",
    icon="key",
)
