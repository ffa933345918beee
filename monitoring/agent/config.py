"""Options of `python -m monitoring.agent`, each also an environment variable."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FLEET = re.compile(r"(\d{1,4})x(\d{1,2})\Z")
_MOST_NODES, _MOST_GPUS = 4096, 64


@dataclass(frozen=True, slots=True)
class Fleet:
    """A made-up fleet: `nodes` with `gpus` GPUs each."""

    nodes: int
    gpus: int

    def __str__(self) -> str:
        return f"{self.nodes}x{self.gpus}"


@dataclass(frozen=True, slots=True)
class Config:
    """How this agent runs. `fleet` None: this machine; else made-up nodes only."""

    url: str
    token_file: Path | None
    data_dir: Path
    ca_file: Path | None
    fleet: Fleet | None
    seed: int
    interval_seconds: float
    per_core: bool
    once: bool
    doctor: bool
    log_level: str


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Config:
    """The configuration. Prints help or an error and raises SystemExit as argparse does."""
    found = _parser(environ).parse_args(argv)
    return Config(
        url=found.url,
        token_file=found.token_file,
        data_dir=found.data_dir,
        ca_file=found.ca_file,
        fleet=found.simulate,
        seed=found.seed,
        interval_seconds=found.interval,
        per_core=found.per_core,
        once=found.once,
        doctor=found.doctor,
        log_level=found.log_level,
    )


def read_token(path: Path | None) -> str:
    """The node token in `path`. Raises OSError; an empty file reads as an empty token."""
    return path.read_text().strip() if path else ""


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m monitoring.agent",
        description="Measures this node (or a made-up fleet) once a second and delivers it to the portal.",
    )
    add = parser.add_argument
    add(
        "--url",
        default=environ.get("DCP_AGENT_URL", "ws://127.0.0.1:8000/ws/agent/"),
        type=_url,
        help="the portal's agent socket, ws:// or wss:// (DCP_AGENT_URL)",
    )
    add(
        "--token-file",
        type=Path,
        default=_path(environ.get("DCP_AGENT_TOKEN_FILE")),
        help="file with this node's token (DCP_AGENT_TOKEN_FILE)",
    )
    add(
        "--data-dir",
        type=Path,
        default=Path(environ.get("DCP_AGENT_DATA_DIR", "var/agent")),
        help="folder for unsent readings and the node's uid (DCP_AGENT_DATA_DIR, default var/agent)",
    )
    add(
        "--ca-file",
        type=Path,
        default=_path(environ.get("DCP_AGENT_CA_FILE")),
        help="certificate authority of a wss:// portal (DCP_AGENT_CA_FILE; default: the system's)",
    )
    add(
        "--simulate",
        type=_fleet,
        metavar="NODESxGPUS",
        help="send a made-up fleet instead of this machine, e.g. 16x8",
    )
    add("--seed", type=int, default=1, help="which made-up fleet (default 1)")
    add("--interval", type=_interval, default=1.0, help="seconds between readings, 0.1 to 60 (default 1)")
    add("--per-core", action="store_true", help="also send the utilisation of each CPU core")
    add("--once", action="store_true", help="read once, print it as JSON and end")
    add("--doctor", action="store_true", help="print what this agent finds here and what it cannot read")
    add(
        "--log-level",
        default=environ.get("DCP_AGENT_LOG_LEVEL", "INFO").upper(),
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="(DCP_AGENT_LOG_LEVEL)",
    )
    return parser


def _url(text: str) -> str:
    if not re.match(r"wss?://[^/]+", text):
        raise argparse.ArgumentTypeError("must begin with ws:// or wss:// and name a host")
    return text


def _fleet(text: str) -> Fleet:
    match = _FLEET.match(text)
    if not match:
        raise argparse.ArgumentTypeError("nodes x GPUs per node, e.g. 16x8")
    fleet = Fleet(int(match[1]), int(match[2]))
    if not 1 <= fleet.nodes <= _MOST_NODES or fleet.gpus > _MOST_GPUS:
        raise argparse.ArgumentTypeError(f"1 to {_MOST_NODES} nodes with 0 to {_MOST_GPUS} GPUs each")
    return fleet


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a number of seconds") from None
    if not 0.1 <= seconds <= 60:
        raise argparse.ArgumentTypeError("0.1 to 60 seconds")
    return seconds


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
