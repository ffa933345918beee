"""Runs an installer and hands out its lines as they come."""

import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping

QUIET_SECONDS = 0.5


class Failed(Exception):
    """The tool ended with something else than 0."""


def lines_of(command: list[str], environment: Mapping[str, str], keeps_open: int) -> Iterator[str]:
    """Its lines, and "" whenever it was quiet for half a second, so that the bytes move on the page.

    The file descriptor `keeps_open` (the installation's lock) stays open in the tool: one that outlives
    its killed parent still holds it. Raises Failed; leaving the loop early ends the tool.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        pass_fds=(keeps_open,),
    ) as process:
        try:
            yield from until_end(process)
            if process.wait():
                raise Failed(f"exit code {process.returncode}")
        finally:
            process.terminate()


def until_end(process: "subprocess.Popen[str]") -> Iterator[str]:
    lines: queue.Queue[str | None] = queue.Queue()
    pump = threading.Thread(target=hand_over, args=(process, lines), daemon=True)
    pump.start()
    while True:
        try:
            line = lines.get(timeout=QUIET_SECONDS)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line.rstrip()


def hand_over(process: "subprocess.Popen[str]", lines: "queue.Queue[str | None]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)
