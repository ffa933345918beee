"""Icons and state badges: hue, icon and word always come together, from one table."""

from dataclasses import dataclass

from django import template
from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

register = template.Library()


@dataclass(frozen=True)
class Look:
    """How one state is shown: badge tone (a class of components.css), icon id, word."""

    tone: str
    icon: str
    word: Promise


LOOKS: dict[str, Look] = {
    # jobs and attempts
    "draft": Look("neutral", "edit", _("Draft")),
    "queued": Look("neutral", "clock", _("Queued")),
    "held": Look("neutral", "pause", _("Held")),
    "prepared": Look("neutral", "clock", _("Prepared")),
    "submitted": Look("neutral", "clock", _("Submitted")),
    "starting": Look("starting", "loader", _("Starting")),
    "running": Look("accent", "play", _("Running")),
    "stopping": Look("warning", "stop", _("Stopping")),
    "succeeded": Look("ok", "check", _("Succeeded")),
    "failed": Look("critical", "cross", _("Failed")),
    "cancelled": Look("neutral", "ban", _("Cancelled")),
    "preempted": Look("neutral", "requeue", _("Preempted")),
    "lost": Look("critical", "circle-cross", _("Lost")),
    # nodes and accelerators
    "planned": Look("neutral", "calendar", _("Planned")),
    "active": Look("ok", "circle-check", _("Active")),
    "retired": Look("neutral", "archive", _("Retired")),
    "new": Look("starting", "plus", _("New")),
    "accepted": Look("ok", "circle-check", _("Accepted")),
    "revoked": Look("critical", "ban", _("Revoked")),
    "live": Look("ok", "activity", _("Live")),
    "reporting": Look("ok", "activity", _("Reporting")),
    "stale": Look("warning", "offline", _("Stale")),
    "silent": Look("warning", "offline", _("Silent")),
    "never": Look("neutral", "offline", _("Never heard")),
    "drained": Look("neutral", "tool", _("Drained")),
    "draining": Look("warning", "tool", _("Draining")),
    "watch_only": Look("neutral", "eye", _("Watch only")),
    "free": Look("ok", "circle", _("Free")),
    "busy": Look("accent", "play", _("Busy")),
    "foreign": Look("warning", "alert", _("Foreign process")),
    "missing": Look("critical", "circle-cross", _("Missing")),
    "healthy": Look("ok", "check", _("Healthy")),
    "throttled": Look("warning", "temperature", _("Throttled")),
    "simulated": Look("simulated", "flask", _("Simulated")),
    # checks
    "holds": Look("ok", "circle-check", _("Holds")),
    "at_risk": Look("warning", "alert", _("At risk")),
    "fails": Look("critical", "circle-cross", _("Fails")),
    "ready": Look("ok", "check", _("Ready")),
    "checking": Look("starting", "loader", _("Checking")),
    "unchecked": Look("neutral", "clock", _("Not checked")),
    "on": Look("ok", "check", _("On")),
    "off": Look("neutral", "ban", _("Off")),
    "done": Look("ok", "check", _("Done")),
    "expired": Look("neutral", "clock", _("Expired")),
}


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """The drawing `name` of the sprite, hidden from screen readers; `css` adds classes."""
    href = f"{static('vendor/icons.svg')}#{name}"
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>', css, href)


@register.simple_tag
def state_badge(state: str, word: str | Promise = "", title: str = "") -> SafeString:
    """The badge of a job, attempt, node or check state; `word` replaces the usual word.

    An unknown state is shown neutral with its own name, so that a new state is never invisible.
    """
    look = LOOKS.get(str(state)) or Look("neutral", "circle", str(state))  # type: ignore[arg-type]
    return badge(look.tone, look.icon, word or look.word, title)


@register.simple_tag
def badge(tone: str, icon_name: str, word: str | Promise, title: str = "") -> SafeString:
    """A badge of one tone (neutral accent ok warning critical starting simulated)."""
    drawing = icon(icon_name) if icon_name else ""
    plain = "" if icon_name else " badge-plain"
    hint = format_html(' title="{}"', title) if title else ""
    return format_html('<span class="badge badge-{}{}"{}>{}{}</span>', tone, plain, hint, drawing, word)


@register.filter
def state_icon(state: str) -> str:
    """Icon id of a state, for places that show it without a badge."""
    look = LOOKS.get(str(state))
    return look.icon if look else "circle"


@register.filter
def state_tone(state: str) -> str:
    """Tone of a state: the suffix of `badge-`, `tone-` and `step-`."""
    look = LOOKS.get(str(state))
    return look.tone if look else "neutral"


@register.filter
def initials(name: str) -> str:
    """`Maria König` -> `MK`; one letter for one word."""
    words = str(name).replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def same_as(value: str | None, words: str) -> bool:
    """Whether the value is one of the space-separated words."""
    return value in words.split()


@register.filter
def unlocalized(value: float) -> str:
    """A number for an attribute: always with a point, at most four decimals."""
    return f"{float(value):.4f}".rstrip("0").rstrip(".")


@register.filter
def json_script_of(value: object, element_id: str) -> SafeString:
    """Data for a component's script: `<script type="application/json" id="<id>-figure">`, safe to embed.

    Text is taken as JSON already (plotly's own encoder wrote it); anything else is encoded here.
    """
    if not isinstance(value, str):
        return json_script(value, f"{element_id}-figure")
    text = value.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return format_html(
        '<script id="{}-figure" type="application/json">{}</script>', element_id, mark_safe(text)
    )


@register.filter
def percent_width(ratio: float | None) -> str:
    """A ratio 0-1 as a CSS width; missing is no width."""
    return "0" if ratio is None else f"{min(max(float(ratio), 0.0), 1.0) * 100:.1f}%"
