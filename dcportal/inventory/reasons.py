"""Texts of the reason codes that the inventory stores or sends."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "beyond_rack": _("It would reach U {top}; rack {rack} ends at U {height}."),
    "nodes_would_not_fit": _("Node {node} would no longer fit into rack {rack}."),
    "position_needs_rack": _("Choose the rack that this position belongs to."),
    "rack_in_other_site": _("Rack {rack} stands in another site."),
    "rack_overloaded": _(
        "Rack {rack} could then draw {drawn_kilowatts} kW; its limit is {limit_kilowatts} kW."
    ),
    "rack_too_low": _("Something stands as high as U {top}."),
    "rack_too_weak": _("What stands in it can draw {drawn_kilowatts} kW."),
    "simulation_of_real_node": _("A token for simulation cannot name a real node."),
    "unit_taken": _("U {unit} is taken by {node}."),
    "watch_only_no_engine": _(
        "No engine can start jobs on this node: it is not the machine the portal runs on."
    ),
    "watch_only_simulated": _("Simulated for demonstration; no job can run here."),
    "watch_only_not_accepted": _("Accept this node before jobs may run on it."),
}
