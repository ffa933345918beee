"""What fits where: pure checks of places, without Django or a database.

Units are rack units counted from the bottom, 1 first; power is in watts.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from trainer.spec.problems import Problem


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands in a rack: its lowest unit, its height, and what it can draw at most."""

    name: str
    position_units: int | None
    height_units: int
    maximum_watts: float | None = None

    @property
    def top_units(self) -> int | None:
        """The highest unit taken; None for something without a position."""
        return None if self.position_units is None else self.position_units + self.height_units - 1


@dataclass(frozen=True, slots=True)
class Cabinet:
    """A rack: its height, and its power limit where one is known."""

    name: str
    height_units: int
    power_limit_watts: float | None = None


def check_placing(slot: Slot, cabinet: Cabinet, others: Iterable[Slot]) -> list[Problem]:
    """What forbids putting `slot` into `cabinet` beside the `others`, most telling first."""
    others = list(others)
    return [*_beyond(slot, cabinet), *_overlaps(slot, others), *_overload(slot, cabinet, others)]


def check_cabinet(cabinet: Cabinet, slots: Iterable[Slot]) -> list[Problem]:
    """What forbids giving a rack these limits while `slots` stand in it."""
    slots = list(slots)
    tallest = max((slot.top_units or 0 for slot in slots), default=0)
    problems = []
    if tallest > cabinet.height_units:
        problems.append(Problem("/height_units", "rack_too_low", {"top": tallest}))
    drawn = sum(slot.maximum_watts or 0 for slot in slots)
    if cabinet.power_limit_watts is not None and drawn > cabinet.power_limit_watts:
        problems.append(
            Problem("/power_limit_kilowatts", "rack_too_weak", {"drawn_kilowatts": _kilowatts(drawn)})
        )
    return problems


def free_units(cabinet: Cabinet, slots: Iterable[Slot]) -> list[int]:
    """The units that nothing stands in, lowest first."""
    taken = {unit for slot in slots for unit in _units(slot)}
    return [unit for unit in range(1, cabinet.height_units + 1) if unit not in taken]


def _units(slot: Slot) -> range:
    if slot.position_units is None:
        return range(0)
    return range(slot.position_units, slot.position_units + slot.height_units)


def _beyond(slot: Slot, cabinet: Cabinet) -> list[Problem]:
    if slot.top_units is None or slot.top_units <= cabinet.height_units:
        return []
    params = {"top": slot.top_units, "rack": cabinet.name, "height": cabinet.height_units}
    return [Problem("/position_units", "beyond_rack", params)]


def _overlaps(slot: Slot, others: list[Slot]) -> list[Problem]:
    units = set(_units(slot))
    for other in others:
        shared = units.intersection(_units(other))
        if shared:
            params = {"unit": min(shared), "node": other.name}
            return [Problem("/position_units", "unit_taken", params)]
    return []


def _overload(slot: Slot, cabinet: Cabinet, others: list[Slot]) -> list[Problem]:
    if cabinet.power_limit_watts is None or slot.maximum_watts is None:
        return []
    drawn = sum(other.maximum_watts or 0 for other in others) + slot.maximum_watts
    if drawn <= cabinet.power_limit_watts:
        return []
    params = {
        "rack": cabinet.name,
        "drawn_kilowatts": _kilowatts(drawn),
        "limit_kilowatts": _kilowatts(cabinet.power_limit_watts),
    }
    return [Problem("/rack", "rack_overloaded", params)]


def _kilowatts(watts: float) -> float:
    return round(watts / 1000, 2)
