"""Texts of the reason codes that monitoring stores or sends."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "metric_unknown": _("There is no metric {value}."),
    "time_malformed": _("Write a time as 2026-11-22T14:00:00Z, as Unix seconds, or as -1h before now."),
    "range_empty": _("The end must lie after the start."),
    "range_too_long": _("At most {maximum_days} days at once."),
    "too_many_entities": _("At most {maximum} entities at once."),
    "not_a_number": _("Write a whole number."),
}
