"""The tables of moves."""

import itertools

import pytest

from jobs.states import (
    ATTEMPT_LIVE,
    ATTEMPT_MOVES,
    ATTEMPT_TERMINAL,
    JOB_MOVES,
    JOB_TERMINAL,
    AttemptState,
    JobState,
    may_move,
)

ALLOWED = {
    "draft": {"queued", "cancelled"},
    "queued": {"held", "starting", "failed", "cancelled"},
    "held": {"queued", "cancelled"},
    "starting": {"running", "stopping", "queued", "succeeded", "failed", "cancelled"},
    "running": {"stopping", "queued", "succeeded", "failed", "cancelled"},
    "stopping": {"queued", "succeeded", "failed", "cancelled"},
}


@pytest.mark.parametrize(("old", "new"), itertools.product(JobState.values, JobState.values))
def test_a_job_moves_only_as_the_design_says(old: str, new: str) -> None:
    assert may_move(JOB_MOVES, old, new) is (new in ALLOWED.get(old, set()))


def test_terminal_states_are_never_left() -> None:
    assert not any(JOB_MOVES[state] for state in JOB_TERMINAL)
    assert not any(ATTEMPT_MOVES[state] for state in ATTEMPT_TERMINAL)


def test_every_state_is_in_the_tables() -> None:
    assert set(JOB_MOVES) == set(JobState.values)
    assert set(ATTEMPT_MOVES) == set(AttemptState.values) == ATTEMPT_LIVE | ATTEMPT_TERMINAL


def test_an_attempt_never_goes_back() -> None:
    assert not may_move(ATTEMPT_MOVES, "running", "submitted")
    assert may_move(ATTEMPT_MOVES, "prepared", "running")
