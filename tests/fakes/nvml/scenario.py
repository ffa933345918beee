"""Writes scenario files for the NVML stub. The grammar is in README.md."""

from __future__ import annotations

import os
from pathlib import Path

_BYTES_OF_A_LINE = 500


class Scenario:
    """A scenario file and its lines. Each change is written at once and seen by the next NVML call."""

    def __init__(self, path: Path, *, gpus: int = 8) -> None:
        self.path = path
        self.lines = [f"gpus {gpus}"]
        self._write()

    def add(self, line: str) -> None:
        """Append one line; a later line overrules an earlier one."""
        assert len(line) < _BYTES_OF_A_LINE
        self.lines.append(line)
        self._write()

    def remove(self, line: str) -> None:
        """Take one line back."""
        self.lines.remove(line)
        self._write()

    def gpu(self, index: int | str, **values: int | str) -> None:
        """Set readings of one GPU ("*": of all)."""
        for key, value in values.items():
            self.add(f"gpu {index} {key} {value}")

    def _write(self) -> None:
        # replaced, not rewritten: the stub never reads half a file, and a new inode has a new mtime
        temporary = self.path.with_suffix(".new")
        temporary.write_text("\n".join(self.lines) + "\n")
        os.replace(temporary, self.path)
