"""Texts of the reason codes that the inventory stores or sends."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "watch_only_no_engine": _(
        "No engine can start jobs on this node: it is not the machine the portal runs on."
    ),
    "watch_only_simulated": _("Simulated for demonstration; no job can run here."),
    "watch_only_not_accepted": _("Accept this node before jobs may run on it."),
}
