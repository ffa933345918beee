"""Seconds from monotonic clocks: jitter, skew, steps."""

from monitoring.ingest.clocks import BootClock

NOW = 1_800_000_000_000


def seconds(ticks: list[tuple[int, int]]) -> list[int]:
    clock = BootClock.pinned(*ticks[0], NOW)
    return [clock.second(monotonic, wall, NOW) - NOW // 1000 for monotonic, wall in ticks]


def test_jitter_neither_doubles_nor_drops_a_second() -> None:
    ticks = [(i * 1000 + late, NOW + i * 1000 + 999 + late) for i, late in enumerate([0, 3, 0, 40, 0, 12])]
    assert seconds(ticks) == [0, 1, 2, 3, 4, 5]


def test_a_small_step_of_the_wall_clock_is_ignored() -> None:
    assert seconds([(0, NOW), (1000, NOW + 1000), (2000, NOW + 500), (3000, NOW + 1500)]) == [0, 1, 2, 3]


def test_after_a_large_step_towards_our_time_it_is_pinned_again() -> None:
    behind = NOW - 60_000
    clock = BootClock.pinned(0, behind, NOW)
    assert clock.second(1000, behind + 1000, NOW + 1000) == (behind + 1000) // 1000
    assert clock.second(2000, NOW + 2000, NOW + 2000) == NOW // 1000 + 2


def test_a_clock_ahead_of_ours_is_not_believed() -> None:
    clock = BootClock.pinned(0, NOW + 86_400_000, NOW)
    assert clock.second(1000, NOW + 86_401_000, NOW + 1000) == NOW // 1000 + 1
    assert clock.skew == 86_400_000


def test_a_replay_keeps_its_own_time() -> None:
    clock = BootClock.pinned(5_000, NOW - 3_600_000, NOW)
    assert clock.second(6_000, NOW - 3_599_000, NOW) == NOW // 1000 - 3599


def test_only_newer_samples_count_as_alive() -> None:
    clock = BootClock.pinned(5_000, NOW, NOW)
    assert [clock.advances(at) for at in (5_000, 6_000, 5_500, 6_000, 7_000)] == [
        True,
        True,
        False,
        False,
        True,
    ]
