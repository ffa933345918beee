"""The form of a log line on disk: `<UTC time> <source>[+] <text>\\n`.

source: a rank (`0`, `1`, ...), `-` for the launcher and programs that are no rank, `=` for the runner's
own remarks. `+` after it: the text goes on in this source's next line (it was longer than 64 KiB, or was
shown before its end came). text: the program's bytes as written, without newline; never decoded here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

LAUNCHER = b"-"
REMARK = b"="
MAX_TEXT_BYTES = 64 * 1024
_LINE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,5}|-|=)(\+?) ?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line taken apart. `text` may hold anything: escape codes, half characters, markup."""

    time: datetime
    source: str
    goes_on: bool
    text: bytes


def stamp(seconds: float) -> bytes:
    """Wall time as it stands at the start of a line."""
    whole = datetime.fromtimestamp(seconds, UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.").encode() + b"%03dZ" % (whole.microsecond // 1000)


def formed(time: bytes, source: bytes, text: bytes, goes_on: bool = False) -> bytes:
    """One whole line, newline included."""
    return b"%s %s%s %s\n" % (time, source, b"+" if goes_on else b"", text)


def parse(line: bytes) -> LogLine | None:
    """Take a line apart; None when it is not of this form."""
    found = _LINE.match(line)
    if found is None:
        return None
    try:
        time = datetime.strptime(found[1].decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return LogLine(time, found[2].decode(), bool(found[3]), line[found.end() :].rstrip(b"\n"))


def source_of(line: bytes) -> bytes:
    """The source of a line, b"" when it has none."""
    return line[25:].partition(b" ")[0].rstrip(b"+") if line[24:25] == b" " else b""
