"""Filters that know units: templates never format a number themselves."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone

from dcportal.common import reasons, units

register = template.Library()


@register.filter
def ratio_percent(value: float | None) -> str:
    """0.463 -> `46 %`; missing -> `–`."""
    return units.percent(value)


@register.filter
def bytes_human(value: float | None) -> str:
    return units.bytes_human(value)


@register.filter
def watts_human(value: float | None) -> str:
    return units.watts_human(value)


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds or a timedelta -> `2 h 04 min`."""
    return units.duration(value)


@register.filter
def clock_time(value: datetime | None) -> str:
    """`14:32:07` in the reader's time zone."""
    return timezone.localtime(value).strftime("%H:%M:%S") if value else units.MISSING


@register.filter
def or_missing(value: Any) -> Any:
    """The value, or `–` for None and empty text; 0 stays 0."""
    return units.MISSING if value is None or value == "" else value


@register.filter
def reason_text(stored: dict[str, Any] | None) -> str:
    """A stored `{code, params}` as a sentence in the reader's language."""
    return reasons.text_of(stored)


@register.filter
def event_words(code: str, params: dict[str, Any] | None = None) -> str:
    """A hardware event as a sentence; a kind that this release does not know shows its own name."""
    known = f"event_{code}"
    return reasons.text(known, params) if reasons.is_known(known) else code.replace("_", " ")
