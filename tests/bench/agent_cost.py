"""agent/cpu and agent/rss: the real agent at 1 Hz on the 8-GPU NVML stub, sending to a local socket.

    python -m tests.bench.agent_cost [--seconds 60]

CPU is user + system time of the agent's process between two moments well after its start, so it
holds collectors, encoding and the websocket, and not the imports. The stub prices Python, ctypes
and the socket; a real driver adds its own system calls. Where `prometheus-node-exporter` is installed
(or DCP_BENCH_NODE_EXPORTER names it), it runs beside the agent and is scraped once a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from monitoring import protocol
from tests.fakes.nvml.build import NoCompiler, build

ROOT = Path(__file__).resolve().parents[2]
CPU_GOAL_PERCENT, RSS_GOAL_MEBIBYTES = 0.3, 32.0
GPUS, WARM_UP_SECONDS = 8, 10.0


class NodeExporter:
    """The peer, scraped once a second. It has no GPU readings and sends nothing by itself."""

    def __init__(self, program: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self._url = f"http://{address}/metrics"
        self._stop = threading.Event()
        self._process = subprocess.Popen(
            [program, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL
        )
        self._cpu = 0.0
        threading.Thread(target=self._scrape, daemon=True).start()

    def begin(self) -> None:
        """CPU counts from here."""
        self._cpu = cpu_seconds(self._process.pid)

    def result(self, elapsed: float) -> tuple[float, float]:
        """(% of a core, MiB) since `begin`."""
        return 100 * (cpu_seconds(self._process.pid) - self._cpu) / elapsed, rss_mebibytes(self._process.pid)

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._process.terminate()
        self._process.wait(10)

    def _scrape(self) -> None:
        while not self._stop.wait(1.0):
            try:
                urllib.request.urlopen(self._url, timeout=5).read()
            except OSError:
                continue


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
    program = os.environ.get("DCP_BENCH_NODE_EXPORTER") or shutil.which("prometheus-node-exporter")
    peer = NodeExporter(program) if program else None
    try:
        time.sleep(WARM_UP_SECONDS)
        cpu, began, samples = cpu_seconds(agent.pid), time.monotonic(), sink.samples
        if peer:
            peer.begin()
        time.sleep(seconds)
        cpu, elapsed = cpu_seconds(agent.pid) - cpu, time.monotonic() - began
        theirs = peer.result(elapsed) if peer else None
        report((100 * cpu / elapsed, rss_mebibytes(agent.pid)), theirs)
        count = sink.samples - samples
        print(f"  {count} samples of {sink.columns} columns, {sink.bytes} B, in {elapsed:.0f} s")
    finally:
        agent.terminate()
        agent.wait(10)
        sink.close()
        if peer:
            peer.close()


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


def report(ours: tuple[float, float], theirs: tuple[float, float] | None) -> None:
    """Two rows: CPU and memory."""
    goals = (("cpu at 1 Hz", "% of a core", CPU_GOAL_PERCENT), ("rss", "MiB", RSS_GOAL_MEBIBYTES))
    for number, (name, unit, goal) in enumerate(goals):
        verdict = "ok" if ours[number] <= goal else "short"
        peer = (
            f"node_exporter scraped at 1 Hz {theirs[number]:.2f} {unit}"
            if theirs
            else "node_exporter not installed"
        )
        print(f"agent/{name} | {ours[number]:.3f} {unit} | <= {goal} {unit} | {verdict} | {peer}")


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
