"""Numbers with units for people. Missing is `–`, never 0."""

from datetime import timedelta

MISSING = "–"


def percent(ratio: float | None, digits: int = 0) -> str:
    return MISSING if ratio is None else f"{ratio * 100:.{digits}f} %"


def bytes_human(value: float | None) -> str:
    """Decimal units up to TB, three significant digits: 71.2 GB."""
    return MISSING if value is None else _scaled(value, "B", ("", "k", "M", "G", "T", "P"))


def watts_human(value: float | None) -> str:
    return MISSING if value is None else _scaled(value, "W", ("", "k", "M"))


def _scaled(value: float, unit: str, prefixes: tuple[str, ...]) -> str:
    for prefix in prefixes[:-1]:
        if abs(value) < 999.5:
            return f"{_three_digits(value)} {prefix}{unit}"
        value /= 1000
    return f"{_three_digits(value)} {prefixes[-1]}{unit}"


def _three_digits(value: float) -> str:
    if value == int(value) or abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def duration(value: float | timedelta | None) -> str:
    """`0.8 s`, `41 min 06 s`, `2 h 04 min`, `3 d 02 h`."""
    if value is None:
        return MISSING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02d} h"
    if hours:
        return f"{hours} h {minute:02d} min"
    return f"{minutes} min {second:02d} s" if minutes else f"{whole} s"
