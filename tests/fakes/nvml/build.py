"""Compiles the pretended libnvidia-ml.so.1. No Django, no pytest: the benchmarks use it too."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

SOURCES = sorted(Path(__file__).parent.glob("*.c"))
SONAME = "libnvidia-ml.so.1"


class NoCompiler(Exception):
    """Neither cc nor gcc is installed."""


def build(folder: Path, *, without: Sequence[str] = ()) -> Path:
    """The library in `folder`, which is made. `without` names functions an older driver lacks."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompiler("no C compiler (apt install gcc libc6-dev)")
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / SONAME
    command = [compiler, "-O1", "-shared", "-fPIC", "-pthread", f"-Wl,-soname,{SONAME}"]
    if without:
        hidden = folder / "hidden.map"
        hidden.write_text("{ global: nvml*; local: " + "; ".join(without) + "; };\n")
        command.append(f"-Wl,--version-script={hidden}")
    subprocess.run([*command, "-o", str(library), *map(str, SOURCES)], check=True, capture_output=True)
    return library
