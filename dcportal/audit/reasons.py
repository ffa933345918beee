"""Sentences for what the trail names by code."""

from django.utils.translation import gettext_lazy as _

VIA = {
    "web": _("Page"),
    "api": _("API"),
    "agent": _("Agent"),
    "socket": _("Socket"),
    "command": _("Command line"),
    "system": _("Portal"),
}
