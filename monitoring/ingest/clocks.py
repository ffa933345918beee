"""Which wall second a sample belongs to: the node's monotonic clock, pinned once to a wall clock. Pure."""

from dataclasses import dataclass

TRUST_MILLISECONDS = 5_000
"""A node's clock this far ahead of ours is wrong; behind is allowed, because a replay looks like that."""

JUMP_MILLISECONDS = 2_000


@dataclass(slots=True)
class BootClock:
    """One boot of a node. `offset` = wall minus monotonic, in milliseconds, as we believe it."""

    offset: int
    skew: int = 0
    newest: int = -1

    def advances(self, monotonic_ms: int) -> bool:
        """True for a sample newer than all before it: a live one, not a replay."""
        if monotonic_ms <= self.newest:
            return False
        self.newest = monotonic_ms
        return True

    @classmethod
    def pinned(cls, monotonic_ms: int, wall_ms: int, now_ms: int) -> "BootClock":
        """From the first sample seen. A tick then lies mid-slot, so that jitter of up to half a second
        neither doubles a second nor leaves one out."""
        wall = now_ms if wall_ms - now_ms > TRUST_MILLISECONDS else wall_ms
        return cls(wall // 1000 * 1000 + 500 - monotonic_ms, wall_ms - now_ms)

    def second(self, monotonic_ms: int, wall_ms: int, now_ms: int) -> int:
        """Unix second of a sample. After a step of the node's clock (NTP) it is pinned again, when the new
        wall time agrees better with ours."""
        predicted = self.offset + monotonic_ms
        jumped = abs(wall_ms - predicted) > JUMP_MILLISECONDS
        if jumped and abs(wall_ms - now_ms) < abs(predicted - now_ms):
            self.offset = BootClock.pinned(monotonic_ms, wall_ms, now_ms).offset
        self.skew = wall_ms - now_ms
        return (self.offset + monotonic_ms) // 1000
