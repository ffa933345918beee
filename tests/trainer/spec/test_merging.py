"""Requests laid over one another."""

import pytest

from trainer.spec.merging import merged, value_at


def test_sections_are_joined_and_lists_replaced() -> None:
    base = {"resources": {"ranks": 2, "gpus": 1}, "command": ["a", "b"]}

    assert merged(base, {"resources": {"gpus": 4}, "command": ["c"]}) == {
        "resources": {"ranks": 2, "gpus": 4},
        "command": ["c"],
    }


@pytest.mark.parametrize(
    ("base", "over"),
    [
        ({"code": {"path": "/srv/code"}}, {"code": {"git": "https://example.org/a.git"}}),
        ({"environment": {"ref": "site"}}, {"environment": {"interpreter": "/opt/python"}}),
        ({"command": ["python"]}, {"train": {"epochs": 1}}),
        ({"train": {"epochs": 1}}, {"command": ["python"]}),
    ],
)
def test_what_excludes_the_other_takes_its_place(base: dict, over: dict) -> None:
    assert merged(base, over) == over


def test_variables_are_replaced_as_a_whole() -> None:
    assert merged({"job": {"env": {"A": "1"}}}, {"job": {"env": {"B": "2"}}}) == {"job": {"env": {"B": "2"}}}


def test_neither_side_is_changed_by_a_merge_or_by_its_result() -> None:
    base, over = {"job": {"name": "a"}}, {"job": {"env": {"A": "1"}}}
    merged(base, over)["job"]["env"]["A"] = "2"

    assert (base, over) == ({"job": {"name": "a"}}, {"job": {"env": {"A": "1"}}})


def test_a_missing_value_is_told_from_none() -> None:
    request = {"job": {"name": None}}

    assert value_at(request, "job.name", "missing") is None
    assert value_at(request, "job.queue", "missing") == "missing"
    assert value_at(request, "job.name.more", "missing") == "missing"
