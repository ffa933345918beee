"""Every code that is stored or sent has a text, and every event's parameters fit its text."""

import pytest

from dcportal.common import reasons
from jobs import reasons as own
from jobs.engines.runner.outcome import EXIT_REASONS
from jobs.engines.texts import TEXTS
from jobs.scheduler.causes import _POINTLESS, _SEEN_FROM_OUTSIDE
from jobs.scheduler.effects import _CATEGORIES
from jobs.scheduler.policy import WAIT_CODES
from trainer.spec.problems import CODES


@pytest.mark.parametrize("code", sorted({*WAIT_CODES, *TEXTS, *CODES, *_POINTLESS, *_SEEN_FROM_OUTSIDE}))
def test_a_code_has_a_text(code: str) -> None:
    assert code in reasons.codes()


@pytest.mark.parametrize("code", sorted({*EXIT_REASONS.values(), *_CATEGORIES.values()}))
def test_a_cause_needs_no_parameter_that_may_be_missing(code: str) -> None:
    assert "{" not in reasons.text(code, {"exit_code": 1})


def test_a_list_and_a_type_are_shown_in_words() -> None:
    assert reasons.text("not_a_choice", {"choices": ["a", "b"]}) == "Choose one of: a, b."
    assert reasons.text("wrong_type", {"expected": "integer"}) == "Expected a whole number."


def test_no_code_is_given_two_texts() -> None:
    parts = [own.WAITING, own.EVENTS, own.CAUSES, own.REFUSALS, own.PROBLEMS]
    codes = [code for part in parts for code in part]
    assert len(codes) == len(set(codes))
