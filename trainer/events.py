"""Event lines: what a running job tells the portal, one JSON object a line in `<folder>/<rank>.jsonl`.

Written by `event_writer` (the trainer and `trainer.report` use it), read by the portal's follower through
`read_lines`, which trusts nothing in it. A line has at most 4 KiB. Fields by kind are listed in README.md.
Standard library only and quick to import: user scripts pay for it.
"""

from __future__ import annotations

VERSION = 1
LINE_BYTES = 4096
FILE_BYTES = 64 * 2**20
STEP_LINES_A_SECOND = 10
KINDS = ("step", "eval", "checkpoint", "phase", "heartbeat", "notice", "error", "end")
CUT = "…"


class Event:
    """One line as read. `data` holds what is not common to all kinds."""

    __slots__ = ("data", "kind", "mono", "rank", "restart", "seq", "t", "version")

    def __init__(self, version, seq, t, mono, rank, restart, kind, data):  # type: ignore[no-untyped-def]
        self.version: int = version
        self.seq: int = seq
        self.t: float = t
        self.mono: float = mono
        self.rank: int = rank
        self.restart: int = restart
        self.kind: str = kind
        self.data: dict = data


def encode(head: dict, data: dict) -> bytes:
    """One line of at most LINE_BYTES; long texts are cut, and where that is not enough fields go."""
    line = _dumps({**head, **data})
    longest = 1024
    while len(line) > LINE_BYTES and longest >= 16:
        shorter = {name: _shortened(value, longest) for name, value in data.items()}
        line = _dumps({**head, "cut": True, **shorter})
        longest //= 2
    return line if len(line) <= LINE_BYTES else _dumps({**head, "cut": True})


def read_lines(chunk: bytes) -> tuple[list[Event], int, int]:
    """(events, bytes used, lines that were no event) of a piece of a file that begins at a line.

    The rest after the last newline is left for the next call, unless it is longer than any line may be.
    """
    used = chunk.rfind(b"\n") + 1
    lines = chunk[:used].split(b"\n")[:-1]
    if not used and len(chunk) > LINE_BYTES:
        return [], len(chunk), 1
    events = [read_line(line) for line in lines]
    blank = sum(not line.strip() for line in lines)
    found = [event for event in events if event is not None]
    return found, used, len(lines) - len(found) - blank


def read_line(line: bytes) -> Event | None:
    """The event of one line, or None where it is torn, too long or not of this form."""
    if len(line) >= LINE_BYTES:
        return None
    import json

    try:
        fields = json.loads(line, parse_constant=lambda _name: None)
        return _event(fields) if isinstance(fields, dict) else None
    except (ValueError, RecursionError, TypeError, KeyError, OverflowError):
        return None


def _event(fields: dict) -> Event | None:
    kind = fields.pop("kind")
    if not isinstance(kind, str) or not 0 < len(kind) <= 32 or not kind.isprintable():
        return None
    whole = [_whole(fields.pop(name, 0)) for name in ("v", "seq", "rank", "restart")]
    version, seq, rank, restart = whole
    t, mono = _finite(fields.pop("t", None)), _finite(fields.pop("mono", None))
    return Event(version, seq, t, mono, rank, restart, kind, fields)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise ValueError(value)
    return value


def _finite(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e15:
        raise ValueError(value)
    return float(value)


def _dumps(fields: dict) -> bytes:
    import json  # with `re` 6 ms: left to the first line, by when a training script has loaded it anyway

    try:
        text = json.dumps(fields, separators=(",", ":"), allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(_without_nan(fields), separators=(",", ":"), default=str)
    return text.encode() + b"\n"


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _without_nan(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, float) and not float("-inf") < value < float("inf"):
        return None
    return value


def _shortened(value: object, longest: int) -> object:
    if isinstance(value, dict):
        return {str(name)[:longest]: _shortened(inner, longest) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(inner, longest) for inner in value[:longest]]
    if isinstance(value, str) and len(value) > longest:
        return value[:longest] + CUT
    return value
