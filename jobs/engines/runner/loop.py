"""The runner's one thread: output, dead children, orders to stop, heartbeat, in turns."""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable

from jobs.engines.runner import census, folder, processes
from jobs.engines.runner.census import Census
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.launching import Started
from jobs.engines.runner.logpump import LogPump
from jobs.engines.runner.logstore import LogStore
from jobs.engines.runner.recorder import Recorder
from jobs.engines.runner.spec import RunnerSpec
from jobs.engines.runner.stopping import Stop, StopOrder

TURN_SECONDS = 0.25
EAGER_SECONDS = 30.0
SNAPSHOT_SECONDS = 5.0
# For daemons that a program leaves behind when it ends by itself.
LEFT_OVER_GRACE_SECONDS = 2.0
DRAIN_SECONDS = 2.0


class Loop:
    """Runs programs one after the other in one container, until each is gone with all it started."""

    def __init__(
        self,
        spec: RunnerSpec,
        files: RunFolder,
        container: Container,
        people: Census,
        pump: LogPump,
        store: LogStore,
        recorder: Recorder,
    ) -> None:
        self._spec = spec
        self._files = files
        self._container = container
        self._census = people
        self._pump = pump
        self._store = store
        self._recorder = recorder
        self._selector = selectors.DefaultSelector()
        self._main_pid = 0
        self._status: int | None = None
        self._deadline: float | None = None
        self._next_snapshot = 0.0
        self._eager_until = 0.0
        self._names: dict[tuple[int, int], dict[str, object]] = {}
        self._cancel_seen: int | None = None
        self._terminated = False
        self._ranks_expected = 0
        self.stop: Stop | None = None
        self._wake = self._listen_to_signals()

    @property
    def asked_to_stop(self) -> str | None:
        """Why somebody or something asked for the end, None when nobody did."""
        if self.stop is None or self.stop.order.why == "left_over":
            return None
        return self.stop.order.why

    def run(
        self, started: Started, source: bytes, ranks: int = 0, time_limit_seconds: float | None = None
    ) -> int:
        """Supervise the started program to its end; its raw wait status.

        source: whose lines its own output is. ranks: how many of torchrun's ranks must appear before it
        counts as running; 0 = it runs now.
        """
        self._begin(started, ranks, time_limit_seconds)
        self.watch(started.output, source)
        while not self._is_over():
            self._turn()
        self._drain()
        assert self._status is not None
        return self._status

    def watch(self, fd: int, source: bytes) -> None:
        """Take `fd` among the pipes that are read."""
        self._pump.add(fd, source)
        self._selector.register(fd, selectors.EVENT_READ, self._read)

    def check_orders(self) -> str | None:
        """An order to stop that came while no program ran."""
        order = StopOrder.from_json(folder.read_json(self._files.cancel))
        return order.why if order else "node_shutdown" if self._terminated else None

    def _begin(self, started: Started, ranks: int, limit: float | None) -> None:
        now = time.monotonic()
        if self.asked_to_stop is None:
            self.stop = None  # of daemons that the program before this one had left
        self._main_pid = started.process.pid
        self._process = started.process
        self._status = None
        self._deadline = now + limit if limit is not None else None
        self._eager_until = now + EAGER_SECONDS
        self._next_snapshot = now
        self._ranks_expected = ranks

    def _is_over(self) -> bool:
        if self._status is None:
            return False
        if self.stop is None and self._census.left():
            self._start_stop(StopOrder("left_over", LEFT_OVER_GRACE_SECONDS))
        return self.stop is None or self.stop.is_over

    def _turn(self) -> None:
        for key, _ in self._selector.select(0.05 if self.stop else TURN_SECONDS):
            read: Callable[[int], None] = key.data
            read(key.fd)
        self._reap()
        now = time.monotonic()
        self._pump.tick(now)
        self._recorder.beat(now, self._store.counts)
        self._look_for_orders(now)
        self._snapshot(now)
        if self.stop is not None:
            self.stop.step(now, main_is_gone=self._status is not None)

    def _read(self, fd: int) -> None:
        if not self._pump.read(fd, time.monotonic()):
            self._forget(fd)

    def _forget(self, fd: int) -> None:
        self._selector.unregister(fd)
        self._pump.drop_stream(fd)

    def _reap(self) -> None:
        """Collect the program and, as sub-reaper, whatever it orphaned."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._main_pid:
                    self._status = status
                    self._process.returncode = os.waitstatus_to_exitcode(status)

    def _look_for_orders(self, now: float) -> None:
        if self._status is not None and self.stop is None:
            return
        order = self._new_order(now)
        if order is None:
            return
        if self.stop is None:
            self._start_stop(order)
        else:
            self.stop.hurry(order.grace_seconds, now)

    def _new_order(self, now: float) -> StopOrder | None:
        """The newest order that was not yet carried out: a person's first, then the clock's."""
        try:
            changed = self._files.cancel.stat().st_mtime_ns
        except OSError:
            changed = None
        if changed is not None and changed != self._cancel_seen:
            self._cancel_seen = changed
            return StopOrder.from_json(folder.read_json(self._files.cancel))
        if self._terminated:
            self._terminated = False
            return StopOrder("node_shutdown", self._spec.grace_seconds)
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            return StopOrder("time_limit", self._spec.grace_seconds)
        return None

    def _start_stop(self, order: StopOrder) -> None:
        now = time.monotonic()
        self.stop = Stop(self._files, self._container, self._census, order, now, self._polite)
        if order.why != "left_over":
            self._recorder.phase("stopping")
            self._pump.remark(f"stopping: {order.why}, SIGKILL in {order.grace_seconds:g} s")
        self.stop.begin()

    def _polite(self) -> list[int]:
        return census.addressees(self._main_pid) if self._status is None else []

    def _snapshot(self, now: float) -> None:
        if now < self._next_snapshot:
            return
        self._next_snapshot = now + (0.25 if now < self._eager_until else SNAPSHOT_SECONDS)
        inside = self._census.inside()
        ranks = {pid: processes.rank(pid) for pid in inside} if self._ranks_expected else {}
        if self._ranks_expected and len({r for r in ranks.values() if r is not None}) >= self._ranks_expected:
            self._ranks_expected = 0
            self._recorder.phase("running")
            self._names.clear()
        self._recorder.note(processes=[self._named(pid, stat) for pid, stat in sorted(inside.items())])

    def _named(self, pid: int, stat: processes.Stat) -> dict[str, object]:
        """Described once a process, as names cost two more reads of /proc; exec changes them early on."""
        key = (pid, stat.start_ticks)
        if key not in self._names or time.monotonic() < self._eager_until:
            self._names[key] = census.described(pid, stat)
        return self._names[key]

    def _drain(self) -> None:
        """Read what still lies in the pipes; nobody is left to write more."""
        until = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < until and (ready := self._ready_pipes()):
            for fd in ready:
                self._read(fd)
        for fd in list(self._pump.streams):
            self._forget(fd)
        self._recorder.log_counts(self._store.counts)

    def _ready_pipes(self) -> list[int]:
        return [key.fd for key, _ in self._selector.select(0) if key.fd in self._pump.streams]

    def _listen_to_signals(self) -> int:
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        self._selector.register(reader, selectors.EVENT_READ, self._drain_wake)
        return reader

    def _drain_wake(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(fd, 4096)

    def _on_term(self, *_: object) -> None:
        self._terminated = True
