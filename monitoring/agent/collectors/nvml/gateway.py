"""The one door to NVML. Runs the unmodified `pynvml` and turns its errors into three answers.

A value; None (this GPU or driver does not tell); or an exception the collector acts on: `GpuLost`
or `DriverGone`. Nobody else imports pynvml.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

import pynvml

log = logging.getLogger("dcportal.agent")

_LOST = frozenset(
    {pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED, pynvml.NVML_ERROR_GPU_NOT_FOUND}
)
_GONE = frozenset(
    {
        pynvml.NVML_ERROR_UNINITIALIZED,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
        pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
        pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
    }
)
_NEVER = frozenset(
    {
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_INVALID_ARGUMENT,
        pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
        pynvml.NVML_ERROR_DEPRECATED,
    }
)


class GpuLost(Exception):
    """This GPU has fallen off the bus or needs a reset; the others go on."""


class DriverGone(Exception):
    """No library, no driver, or it was unloaded. `code` is NVML's error number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Gateway:
    """Asks NVML. Remembers what a GPU does not support, so that it is asked once and not each second."""

    def __init__(self) -> None:
        self._unsupported: set[tuple[str, int]] = set()
        self._unknown: set[str] = set()
        self._lock = threading.Lock()
        self._is_open = False

    def open(self) -> None:
        """Initialise NVML, afresh when it was open: that is what finds new GPUs. Raises DriverGone."""
        self.close()
        self.forget()
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise DriverGone(error.value, str(error)) from None
        except OSError as error:  # a library that cannot be loaded
            raise DriverGone(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, str(error)) from None
        self._is_open = True

    def close(self) -> None:
        """Give NVML back; harmless when it is not open."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            pynvml.nvmlShutdown()
        except pynvml.NVMLError as error:
            log.info("nvml: shutdown: %s", error)

    def forget(self) -> None:
        """Ask again for what was not supported (a mode may have changed)."""
        self._unsupported.clear()

    def ask(self, function: str, *args: Any, key: int = -1) -> Any:
        """`pynvml.<function>(*args)`, or None when that is not to be had.

        `key` is the GPU's index: what one does not support another may. Raises GpuLost, DriverGone.
        """
        if (function, key) in self._unsupported:
            return None
        try:
            return getattr(pynvml, function)(*args)
        except pynvml.NVMLError as error:
            return self._without(function, key, error)
        except AttributeError:  # a pynvml that is older than this agent
            self._note_unknown(function, key)
            return None

    def _without(self, function: str, key: int, error: pynvml.NVMLError) -> None:
        if error.value in _LOST:
            raise GpuLost(function) from None
        if error.value in _GONE:
            raise DriverGone(error.value, str(error)) from None
        if error.value == pynvml.NVML_ERROR_FUNCTION_NOT_FOUND:
            self._note_unknown(function, key)
        elif error.value in _NEVER:
            self._unsupported.add((function, key))

    def _note_unknown(self, function: str, key: int) -> None:
        self._unsupported.add((function, key))
        with self._lock:
            if function in self._unknown:
                return
            self._unknown.add(function)
        log.warning("nvml: this driver has no %s; its metrics stay empty", function)
