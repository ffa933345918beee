"""Follows an installer's output: which phase it is in, how many bytes have come."""

import re
from pathlib import Path

from dcportal.setup.download_plan import Plan

UV_DOWNLOADED = re.compile(r"^\s*Downloaded ([A-Za-z0-9_.-]+)")
INSTALLING = ("Installing collected packages", "Prepared ")


class Progress:
    """One installation. pip writes what it fetches into `scratch`; uv names each file that has arrived."""

    def __init__(self, plan: Plan, scratch: Path) -> None:
        self.plan = plan
        self.scratch = scratch
        self.phase = "downloading"
        self._arrived = 0

    def saw(self, line: str) -> None:
        """Take one line of the installer's output into account."""
        if line.startswith(INSTALLING):
            self.phase = "installing"
            self._arrived = self.plan.download_bytes or 0
        match = UV_DOWNLOADED.match(line)
        if match:
            self._arrived += self.plan.sizes.get(match[1].lower().replace("_", "-")) or 0

    @property
    def done_bytes(self) -> int | None:
        if self.plan.download_bytes is None:
            return None
        if self.plan.tool == "pip" and self.phase == "downloading":
            self._arrived = max(self._arrived, bytes_below(self.scratch))
        return self._arrived


def bytes_below(folder: Path) -> int:
    """Size of the files below `folder`; files that vanish meanwhile count as nothing."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
