"""Query parameters of the telemetry API, checked one by one so that a refusal names the field."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from dcportal.common.problems import Invalid, Problem
from dcportal.common.text import unstorable
from monitoring import catalog
from monitoring.queries import MAX_POINTS, SHARES

MAX_ENTITIES = 64
MAX_METRICS = 16
MAX_DAYS = 5 * 366
DEFAULT_POINTS = 600
_RELATIVE = re.compile(r"-(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_KNOWN = {"entity", "metric", "from", "to", "points", "range", "spread", "format"}


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """What `/telemetry/series` is asked for."""

    entities: list[str]
    metrics: list[str]
    start: datetime
    end: datetime
    points: int
    spread: bool


def series_request(query: QueryDict, now: datetime) -> SeriesRequest:
    """The request in `query`. Raises Invalid with a problem for each wrong parameter."""
    problems: list[Problem] = [
        Problem(f"/{name}", "unknown_field", {"name": name}) for name in query if name not in _KNOWN
    ]
    entities, metrics = _listed(query, "entity"), _listed(query, "metric")
    problems += _names(entities, metrics)
    start = _moment(_reach(query), "from", now, problems)
    end = _moment(query.get("to", ""), "to", now, problems)
    points = _points(query.get("points", ""), problems)
    if end <= start and not problems:
        problems.append(Problem("/to", "range_empty"))
    if end - start > timedelta(days=MAX_DAYS):
        problems.append(Problem("/from", "range_too_long", {"maximum_days": MAX_DAYS}))
    spread = _choice(query, "spread", ("0", "1"), problems) == "1"
    if problems:
        raise Invalid(problems)
    return SeriesRequest(entities, metrics, start, end, points, spread)


def _reach(query: QueryDict) -> str:
    """`from`, or the page's short form `range=24h`; `live` means the last five minutes."""
    asked = query.get("range", "")
    if asked:
        return "-5m" if asked == "live" else f"-{asked}"
    return query.get("from", "-1h")


def _listed(query: QueryDict, name: str) -> list[str]:
    """Given several times, or once with commas."""
    return list(dict.fromkeys(part for value in query.getlist(name) for part in value.split(",") if part))


def _names(entities: list[str], metrics: list[str]) -> list[Problem]:
    problems = [
        Problem(f"/{name}", "required")
        for name, given in (("entity", entities), ("metric", metrics))
        if not given
    ]
    for name, given, most in (("entity", entities, MAX_ENTITIES), ("metric", metrics, MAX_METRICS)):
        if len(given) > most:
            problems.append(Problem(f"/{name}", "too_many_entities", {"maximum": most}))
    problems += [Problem("/entity", "unstorable_text") for each in entities if unstorable(each)][:1]
    unknown = [metric for metric in metrics if catalog.find(SHARES.get(metric, metric)) is None]
    return problems + [Problem("/metric", "metric_unknown", {"value": metric[:80]}) for metric in unknown[:1]]


def _moment(text: str, name: str, now: datetime, problems: list[Problem]) -> datetime:
    try:
        return _parsed(text, now)
    except (ValueError, OverflowError, OSError):
        problems.append(Problem(f"/{name}", "time_malformed"))
        return now


def _parsed(text: str, now: datetime) -> datetime:
    if not text or text == "now":
        return now
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now - timedelta(seconds=int(relative[1]) * _SECONDS[relative[2]])
    moment = datetime.fromtimestamp(float(text), UTC) if _is_number(text) else parse_datetime(text)
    if moment is None or moment.year < 2000 or moment.year > 2200:
        raise ValueError(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text))


def _points(text: str, problems: list[Problem]) -> int:
    if not text:
        return DEFAULT_POINTS
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        problems.append(Problem("/points", "not_a_number"))
        return DEFAULT_POINTS
    if not 1 <= int(text) <= MAX_POINTS:
        problem = ("too_small", {"minimum": 1}) if int(text) < 1 else ("too_large", {"maximum": MAX_POINTS})
        problems.append(Problem("/points", *problem))
    return int(text)


def _choice(query: QueryDict, name: str, choices: tuple[str, ...], problems: list[Problem]) -> str:
    value = query.get(name, choices[0])
    if value not in choices:
        problems.append(Problem(f"/{name}", "unknown_choice", {"value": value[:80]}))
    return value
