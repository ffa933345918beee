"""pytest fixtures around the NVML stub. Use: `from tests.fakes.nvml.fixtures import nvml_stub  # noqa: F401`.

`nvml_stub` works inside the test's process (the library is loaded under NVML's own soname, so the
real pynvml finds it) and for child processes (`nvml_stub.environment`).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.nvml.build import NoCompiler, build
from tests.fakes.nvml.scenario import Scenario


@dataclass(frozen=True)
class NvmlStub:
    """The compiled library, the scenario it plays, and the environment that makes a process use it."""

    library: Path
    scenario: Scenario

    @property
    def environment(self) -> dict[str, str]:
        """os.environ plus what a child process needs."""
        return os.environ | library_environment(self.library, self.scenario.path)


def library_environment(library: Path, scenario: Path) -> dict[str, str]:
    """The variables that put `library` in place of the driver's, playing `scenario`."""
    return {"LD_LIBRARY_PATH": str(library.parent), "DCP_FAKE_NVML": str(scenario)}


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stub, compiled once per test process; skips with the reason where there is no compiler."""
    try:
        return build(tmp_path_factory.mktemp("nvml"))
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.fixture
def nvml_stub(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NvmlStub]:
    """Eight GPUs, in this process and for children. Without a scenario the stub has no driver."""
    scenario = Scenario(tmp_path / "scenario")
    monkeypatch.setenv("DCP_FAKE_NVML", str(scenario.path))
    ctypes.CDLL(str(nvml_library), mode=ctypes.RTLD_GLOBAL)
    yield NvmlStub(nvml_library, scenario)
    _shut_down()


def _shut_down() -> None:
    import pynvml

    try:
        while True:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return
