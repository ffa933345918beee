"""What happens to an attempt whose runner is dead: its container is killed, then its end written down.

Done by the guard, at once, and by the engine, should the guard have died too. Both may work on the same
attempt; each step only brings it nearer to the same end.
"""

import time
from pathlib import Path
from typing import Any

from jobs.engines.runner import folder, outcome
from jobs.engines.runner.census import Census
from jobs.engines.runner.containers.base import Container
from jobs.engines.runner.containers.cgroup import CgroupContainer
from jobs.engines.runner.containers.namespace import NamespaceContainer
from jobs.engines.runner.containers.sweep import SweepContainer
from jobs.engines.runner.folder import RunFolder
from jobs.engines.runner.outcome import Ending
from jobs.engines.runner.processes import Identity
from jobs.engines.runner.spec import RunnerSpec
from jobs.engines.runner.stopping import Stop, StopOrder


def reopen(description: dict[str, Any] | None) -> Container:
    """The container that a runner described in its file."""
    described = description or {}
    if described.get("level") == "cgroup":
        return CgroupContainer(Path(described["path"]))
    if described.get("level") == "namespace":
        wrappers = [Identity.from_json(value) for value in described.get("wrappers", ())]
        return NamespaceContainer([wrapper for wrapper in wrappers if wrapper is not None])
    return SweepContainer(Identity.from_json(described.get("runner")), set(described.get("helpers", ())))


def stop_of(files: RunFolder, spec: RunnerSpec) -> Stop:
    """A stop without grace for what the dead runner left."""
    runner = folder.read_json(files.runner) or {}
    container = reopen(runner.get("container"))
    people = Census(container, spec.tag_variables, own=[runner.get("guard_pid") or 0])
    order = StopOrder("runner_died", 0.0)
    stop = Stop(files, container, people, order, time.monotonic())
    stop.begin()
    return stop


def write_end(files: RunFolder, why: str | None, stop: Stop | None) -> None:
    """exit.json of an attempt that ended without its runner. `why` of a stop somebody had asked for."""
    if files.exit.exists():
        return
    state = folder.read_json(files.state) or {}
    ended = outcome.judge(Ending(status=None, why=why or "runner_died"))
    value = {
        **ended.to_json(),
        "started_at": state.get("started_at"),
        "ended_at": folder.now(),
        "stop": stop.summary() if stop else None,
    }
    files.secrets.unlink(missing_ok=True)
    folder.write_last_words(files, files.exit, value)


def asked_why(files: RunFolder) -> str | None:
    """Why somebody had asked for the end before the runner died, None when nobody had."""
    order = StopOrder.from_json(folder.read_json(files.cancel))
    return order.why if order else None


def finish(files: RunFolder, spec: RunnerSpec) -> None:
    """Kill and wait until nobody is left, then write the end. Returns only then."""
    stop = stop_of(files, spec)
    while not stop.is_over:
        stop.step(time.monotonic(), main_is_gone=True)
        time.sleep(0.05)
    close(files, stop)


def close(files: RunFolder, stop: Stop) -> None:
    """Write the end of what `stop` has finished, and free the container."""
    write_end(files, asked_why(files), stop)
    runner = folder.read_json(files.runner) or {}
    reopen(runner.get("container")).remove()
