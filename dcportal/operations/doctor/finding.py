"""One line of `manage.py doctor`."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and the command or setting that mends it (empty when all is well)."""

    check: str
    level: Level
    text: str
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def warn(check: str, text: str, mend: str) -> Finding:
    """Something is missing that the portal can work without."""
    return Finding(check, "warn", text, mend)


def fail(check: str, text: str, mend: str) -> Finding:
    """The portal, or what it is for, does not work like this."""
    return Finding(check, "fail", text, mend)
