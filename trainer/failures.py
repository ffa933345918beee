"""Why a run ended before its time: one exception per cause, each with its exit code.

torchrun flattens exit codes, so the `error` and `end` events carry code and exit code as well.
"""

from __future__ import annotations

from typing import Any

DONE = 0
BAD_INPUT = 65
USER_ERROR = 70
DIVERGED = 71
OUT_OF_MEMORY = 72
STORAGE_FAILED = 74
STOPPED = 75
PEER_LOST = 1
"""Another rank died first; its own `error` event tells the cause."""


class Failure(Exception):
    """A run that cannot go on. `code` and `params` are stable, the message is English for the log."""

    exit_code = USER_ERROR

    def __init__(self, code: str, message: str, **params: Any) -> None:
        self.code, self.message, self.params = code, message, params
        super().__init__(message)


class InputRefused(Failure):
    """Configuration or data cannot be run; trying again would not help."""

    exit_code = BAD_INPUT


class Diverged(Failure):
    """Loss or gradient is no longer a number."""

    exit_code = DIVERGED


class StorageFailed(Failure):
    """A checkpoint could not be written or none of them could be read."""

    exit_code = STORAGE_FAILED


class Stopped(Failure):
    """Asked to stop; everything is saved."""

    exit_code = STOPPED
