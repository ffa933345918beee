"""agent/cpu and agent/rss: the real agent at 1 Hz on the 8-GPU NVML stub, sending to a local socket.

    python tests/bench/agent_cost.py [--seconds 60]

CPU is user + system time of the agent's process between two moments well after its start, so it
holds collectors, encoding and the websocket, and not the imports. The stub prices Python, ctypes
and the socket; a real driver adds its own system calls.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from websockets.exceptions import ConnectionClosed  # noqa: E402
from websockets.sync.server import ServerConnection, serve  # noqa: E402

from monitoring import protocol  # noqa: E402
from tests.fakes.nvml.build import NoCompiler, build  # noqa: E402

CPU_GOAL_PERCENT, RSS_GOAL_MEBIBYTES = 0.3, 32.0
GPUS, WARM_UP_SECONDS = 8, 10.0
PEER = "Netdata 1.37 2.3 % / 64 MiB, node_exporter scraped at 1 Hz 0.87 % / 20 MiB (anchor, not this run)"


class Sink:
    """Takes what an agent sends and acknowledges it at once."""

    def __init__(self) -> None:
        self.samples = self.columns = self.bytes = 0
        self._server = serve(self._session, "127.0.0.1", 0, compression=None)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/ws/agent/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    def _session(self, socket: ServerConnection) -> None:
        frames = 0
        try:
            for frame in socket:
                message = protocol.decode_from_agent(frame)
                if isinstance(message, protocol.Hello):
                    self.columns = len(message.layout.columns())
                    reply = protocol.HelloReply(node=message.layout.node, accepted=True, node_uid="n0de")
                    socket.send(protocol.encode(reply))
                    continue
                frames += 1
                if isinstance(message, protocol.Sample):
                    self.samples += 1
                    self.bytes = len(frame)
                    socket.send(protocol.encode(protocol.Ack(frames=frames)))
        except ConnectionClosed:
            return


def main() -> None:
    """Run the agent, print two rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        try:
            library = build(Path(folder) / "stub")
        except NoCompiler as error:
            print(f"agent/cpu | skipped: {error}")
            return
        measure(Path(folder), library, seconds)


def measure(folder: Path, library: Path, seconds: float) -> None:
    """Start the agent on the stub, wait, measure for `seconds`, print."""
    sink = Sink()
    (folder / "scenario").write_text(f"gpus {GPUS}\n")
    (folder / "token").write_text("bench")
    command = [
        sys.executable, "-m", "monitoring.agent", "--url", sink.url,
        "--token-file", str(folder / "token"), "--data-dir", str(folder / "agent"),
    ]  # fmt: skip
    environment = agent_environment(folder, library)
    warm_byte_code(environment)
    agent = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        time.sleep(WARM_UP_SECONDS)
        cpu, began, samples = cpu_seconds(agent.pid), time.monotonic(), sink.samples
        time.sleep(seconds)
        cpu, elapsed = cpu_seconds(agent.pid) - cpu, time.monotonic() - began
        report(100 * cpu / elapsed, rss_mebibytes(agent.pid), elapsed, sink, sink.samples - samples)
    finally:
        agent.terminate()
        agent.wait(10)
        sink.close()


def agent_environment(folder: Path, library: Path) -> dict[str, str]:
    """As installed: byte code is cached, the stub is the NVML library."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return environment | {
        "LD_LIBRARY_PATH": str(library.parent),
        "DCP_FAKE_NVML": str(folder / "scenario"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }


def warm_byte_code(environment: dict[str, str]) -> None:
    """Compiling pynvml at import would leave 8 MiB in the heap that an installed agent never has."""
    imports = "import monitoring.agent.__main__, monitoring.agent.runtime, monitoring.agent.machine"
    subprocess.run([sys.executable, "-c", imports], cwd=ROOT, env=environment, check=True)


def report(cpu_percent: float, rss: float, elapsed: float, sink: Sink, samples: int) -> None:
    """Two rows, then what was going on."""
    cpu_verdict = "ok" if cpu_percent <= CPU_GOAL_PERCENT else "short"
    rss_verdict = "ok" if rss <= RSS_GOAL_MEBIBYTES else "short"
    cpu_text = f"{cpu_percent:.3f} % of a core | <= {CPU_GOAL_PERCENT} %"
    print(f"agent/cpu at 1 Hz | {cpu_text} | {cpu_verdict} | {PEER}")
    print(f"agent/rss | {rss:.1f} MiB | <= {RSS_GOAL_MEBIBYTES:.0f} MiB | {rss_verdict} | {PEER}")
    print(
        f"  {samples} samples of {sink.columns} columns, {sink.bytes} B each, in {elapsed:.0f} s;"
        f" load average {os.getloadavg()[0]:.1f}"
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads, to the nanosecond where the kernel tells."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def rss_mebibytes(pid: int) -> float:
    """Resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
