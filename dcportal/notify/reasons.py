"""Texts of the codes of notices and webhooks."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "webhook_not_an_address": _("Must be an https address without user name and password."),
    "webhook_unresolved": _("This name leads to no address."),
    "webhook_plain_http": _("Plain http is only allowed to hosts named in DCP_WEBHOOK_ALLOW."),
    "webhook_private": _("Leads into a private network; the site can allow it in DCP_WEBHOOK_ALLOW."),
    "webhook_foreign_team": _("You do not work in this team."),
}
