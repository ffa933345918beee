"""What fits where, checked without a database."""

import pytest

from dcportal.inventory.limits import Cabinet, Slot, check_cabinet, check_placing, free_units

RACK = Cabinet("R1", 42, 10_000)


@pytest.mark.parametrize(
    ("slot", "others", "expected"),
    [
        (Slot("new", 1, 8), [], []),
        (Slot("new", 35, 8), [], []),
        (Slot("new", 36, 8), [], ["beyond_rack"]),
        (Slot("new", 9, 8), [Slot("a", 1, 8)], []),
        (Slot("new", 8, 8), [Slot("a", 1, 8)], ["unit_taken"]),
        (Slot("new", 1, 42), [Slot("a", 20, 1)], ["unit_taken"]),
        (Slot("new", None, 8), [Slot("a", 1, 8)], []),
        (Slot("new", 1, 8, 10_000), [], []),
        (Slot("new", 1, 8, 10_001), [], ["rack_overloaded"]),
        (Slot("new", 9, 8, 4_000), [Slot("a", 1, 8, 7_000)], ["rack_overloaded"]),
        (Slot("new", 9, 8, None), [Slot("a", 1, 8, 70_000)], []),
    ],
)
def test_a_slot_fits_or_the_reason_is_named(slot, others, expected):
    assert [problem.code for problem in check_placing(slot, RACK, others)] == expected


def test_the_unit_and_its_holder_are_named():
    problem = check_placing(Slot("new", 5, 8), RACK, [Slot("a", 1, 8)])[0]
    assert (problem.pointer, problem.params) == ("/position_units", {"unit": 5, "node": "a"})


def test_a_rack_without_limit_is_never_overloaded():
    assert check_placing(Slot("new", 1, 8, 1e9), Cabinet("R", 42), []) == []


def test_a_rack_cannot_shrink_below_what_stands_in_it():
    assert [p.code for p in check_cabinet(Cabinet("R", 10), [Slot("a", 8, 4)])] == ["rack_too_low"]


def test_a_rack_cannot_be_weaker_than_what_stands_in_it():
    problems = check_cabinet(Cabinet("R", 42, 5_000), [Slot("a", 1, 4, 6_000)])
    assert [p.code for p in problems] == ["rack_too_weak"]


def test_free_units_are_those_nothing_stands_in():
    assert free_units(Cabinet("R", 5), [Slot("a", 2, 2)]) == [1, 4, 5]
