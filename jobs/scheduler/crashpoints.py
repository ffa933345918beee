"""Named places where tests kill the scheduler: `DCP_CRASH_AT=<name>` dies there by SIGKILL."""

import os
import signal
from collections.abc import Callable

NAMES = (
    "attempt_written",
    "before_submit",
    "after_submit",
    "engine_id_written",
    "stop_written",
    "after_cancel",
    "before_settle",
    "settled",
)
hook: Callable[[str], None] | None = None
"""Tests in this process raise from here instead of dying."""


def reached(name: str) -> None:
    """Die here when asked to."""
    if hook is not None:
        hook(name)
    elif os.environ.get("DCP_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
