"""A request to stop: SIGTERM or Ctrl-C sets a flag, the loop looks at it where all ranks can agree.

A rank that left by itself would leave the others waiting in a collective.
"""

from __future__ import annotations

import signal
from types import FrameType


class StopRequest:
    """Listens from `listen` on. A second Ctrl-C interrupts at once."""

    def __init__(self) -> None:
        self.is_set = False

    def listen(self) -> None:
        """Take over SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.is_set and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.is_set = True
