"""Fixtures of the agent's tests: none of them needs Django or a database."""

from __future__ import annotations

from tests.fakes.nvml.fixtures import nvml_library, nvml_stub

__all__ = ["nvml_library", "nvml_stub"]
