"""What holds the processes of one attempt together, so that they can be found and killed whole."""

from typing import Any, Protocol


class Container(Protocol):
    """One attempt's processes. `members` and `kill` also work in a process that reopened it."""

    level: str

    def enter(self) -> None:
        """Called in the child between fork and exec: become a member."""
        ...

    def started(self, pid: int) -> None:
        """Told the pid of each program that was started inside."""
        ...

    def members(self) -> set[int]:
        """Pids inside now, as seen from outside. May hold zombies."""
        ...

    def kill(self) -> None:
        """SIGKILL all members, at once where the kernel can. Repeat until `members` is empty."""
        ...

    def remove(self) -> None:
        """Free what the empty container holds. Never raises."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Enough to reopen it in another process."""
        ...
