"""InfiniBand and RoCE ports, from the counters in /sys/class/infiniband.

RDMA traffic passes the network interfaces by: on a GPU cluster these counters are where it shows.
"""

from __future__ import annotations

from pathlib import Path

from monitoring.agent.collectors.base import Values
from monitoring.agent.collectors.host import Rates
from monitoring.protocol import ColumnGroup

METRICS = ["network_receive_bytes_per_second", "network_transmit_bytes_per_second", "network_errors_total"]
_LOOK_SECONDS = 30.0
_MOST_PORTS = 32
_WORD_BYTES = 4  # port_*_data count 32-bit words
_ERRORS = ("symbol_error", "port_rcv_errors", "port_xmit_discards", "link_downed")


class FabricCollector:
    """One group per port, entity `net:<device>:<port>`."""

    name = "fabric"

    def __init__(self, *, sys_root: Path = Path("/sys")) -> None:
        self._folder = sys_root / "class/infiniband"
        self._rates = Rates()
        self._ports: dict[str, Path] = {}
        self._looked_at = -_LOOK_SECONDS

    def refresh(self, monotonic: float) -> bool:
        """Look for new ports now and then."""
        if monotonic - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = monotonic
        before, self._ports = self._ports, _find_ports(self._folder)
        return before.keys() != self._ports.keys()

    def groups(self) -> list[ColumnGroup]:
        """Traffic and errors of each port."""
        return [ColumnGroup(f"net:{name}", METRICS) for name in self._ports]

    def read(self, monotonic: float) -> Values:
        """One value per column; rates are None at the first reading."""
        return [value for name, port in self._ports.items() for value in self._port(name, port, monotonic)]

    def close(self) -> None:
        """Nothing is held open."""

    def _port(self, name: str, port: Path, monotonic: float) -> Values:
        counters = port / "counters"
        received, sent = _count(counters / "port_rcv_data"), _count(counters / "port_xmit_data")
        errors = [count for count in (_count(counters / error) for error in _ERRORS) if count is not None]
        return [
            self._rate(name, 0, received, monotonic),
            self._rate(name, 1, sent, monotonic),
            sum(errors) if errors else None,
        ]

    def _rate(self, name: str, field: int, words: int | None, monotonic: float) -> int | None:
        if words is None:
            return None
        rate = self._rates.rate(name, field, monotonic, words * _WORD_BYTES)
        return None if rate is None else round(rate)


def _find_ports(folder: Path) -> dict[str, Path]:
    ports = sorted(folder.glob("*/ports/*"))
    found = {f"{port.parent.parent.name}:{port.name}": port for port in ports if (port / "counters").is_dir()}
    return dict(list(found.items())[:_MOST_PORTS])


def _count(path: Path) -> int | None:
    try:
        return int(path.read_bytes())
    except (OSError, ValueError):  # "N/A (no PMA)" on virtual functions
        return None
