"""Texts of the reason codes that the inventory stores or sends."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "beyond_rack": _("It would reach U {top}; rack {rack} ends at U {height}."),
    "event_accelerator_added": _("A GPU was added."),
    "event_accelerator_appeared": _("A GPU appeared while the agent was running."),
    "event_accelerator_back": _("A GPU answers again."),
    "event_accelerator_claimed": _("It reported the GPU {uuid}, which {owner} reports at the same time."),
    "event_accelerator_lost": _("A GPU stopped answering."),
    "event_accelerator_missing": _("A GPU is gone."),
    "event_accelerator_moved": _("A GPU moved from {from} to {to}."),
    "event_accelerator_returned": _("A GPU is back."),
    "event_accelerator_vanished": _("A GPU vanished while the agent was running."),
    "event_clock_jump": _("Its clock jumped by {seconds} s."),
    "event_driver_back": _("The GPU driver answers again."),
    "event_driver_missing": _("The GPU driver does not answer."),
    "event_energy_reset": _("An energy counter began again at zero."),
    "event_frames_dropped": _("{frames} readings were dropped: the agent could not deliver them in time."),
    "event_machine_replaced": _("The machine was reinstalled or replaced."),
    "event_node_live": _("The node reports."),
    "event_node_lost": _("The node is lost: no reading for long."),
    "event_node_stale": _("The node went silent."),
    "event_node_unknown": _("The node was not seen yet."),
    "event_spill_back": _("The agent can keep unsent readings on disk again."),
    "event_spill_failed": _("The agent cannot keep unsent readings on disk."),
    "event_xid": _("The GPU reported Xid {xid}."),
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
