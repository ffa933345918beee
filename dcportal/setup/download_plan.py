"""How the trainer's pins are going to be installed, and how much that downloads, asked before it starts.

uv first, because it can name the build (cpu, cu126, cu130); where its index is out of reach, plain pip of the
pinned version, which takes whatever build the configured index offers.
"""

import json
import os
import subprocess
import tomllib
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dcportal.setup import environments, places

RESOLVE_SECONDS = 120


@dataclass(frozen=True)
class Plan:
    """`command` installs everything; `sizes`: bytes to download by package, None where nobody says."""

    tool: str
    command: list[str]
    sizes: dict[str, int | None] = field(default_factory=dict)

    @property
    def download_bytes(self) -> int | None:
        """None when not a single size is known."""
        known = [size for size in self.sizes.values() if size is not None]
        return sum(known) if known else None


def plan(venv: Path, requirements: Path, backend: str, uv: str | None) -> Plan:
    """Raises InstallFailed when pip itself cannot resolve the pins."""
    return (uv and uv_plan(uv, venv, requirements, backend)) or pip_plan(venv, requirements)


def uv_plan(uv: str, venv: Path, requirements: Path, backend: str) -> Plan | None:
    """None where uv cannot reach the build's index."""
    lock = places.setup_dir() / "pylock.toml"
    place = ["--python", str(places.python_of(venv)), f"--torch-backend={backend}"]
    compile_ = [uv, "pip", "compile", "--quiet", *place, "--format", "pylock.toml", "-o", str(lock)]
    if not resolves([*compile_, str(requirements)]):
        return None
    return Plan("uv", [uv, "pip", "install", *place, "-r", str(requirements)], sizes_in_lock(lock))


def resolves(command: list[str]) -> bool:
    surroundings = {**os.environ, "UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "1"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=RESOLVE_SECONDS, env=surroundings
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def sizes_in_lock(lock: Path) -> dict[str, int | None]:
    """Size of the one wheel that uv chose for each package."""
    packages = tomllib.loads(lock.read_text()).get("packages", [])
    return {package["name"]: first_size(package) for package in packages}


def first_size(package: dict) -> int | None:
    wheels = package.get("wheels", [])
    return wheels[0].get("size") if wheels else None


def pip_plan(venv: Path, requirements: Path) -> Plan:
    report = places.setup_dir() / "pip-report.json"
    ask = ["install", "--quiet", "--dry-run", "--report", str(report), "-r", str(requirements)]
    environments.run(environments.pip(venv, *ask))
    sizes = sizes_in_report(json.loads(report.read_text()))
    command = environments.pip(venv, "install", "--progress-bar", "off", "-r", str(requirements))
    return Plan("pip", command, sizes)


def sizes_in_report(report: dict) -> dict[str, int | None]:
    """Ask for the size of every file that pip would fetch; those of this disk cost no download."""
    urls = {item["metadata"]["name"]: item["download_info"]["url"] for item in report.get("install", [])}
    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(urls, pool.map(remote_size, urls.values()), strict=True))


def remote_size(url: str) -> int | None:
    if urllib.parse.urlsplit(url).scheme == "file":
        return 0
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=10) as answer:
            length = answer.headers.get("Content-Length")
    except (OSError, ValueError):
        return None
    return int(length) if length else None
