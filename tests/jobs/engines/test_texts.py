"""Every code an engine can give has a sentence."""

from jobs.engines import texts
from jobs.engines.code.refusal import CODES
from jobs.engines.runner.outcome import EXIT_REASONS


def test_every_problem_of_code_preparation_has_a_sentence():
    assert set(CODES) <= set(texts.PROBLEMS)


def test_what_the_runner_alone_knows_has_a_sentence():
    said_by_jobs_too = {"bad_config_or_data", "user_error", "diverged"}
    said_by_jobs_too |= {"out_of_memory", "storage_failed", "stopped_resumable"}
    assert set(EXIT_REASONS.values()) - said_by_jobs_too <= set(texts.ENDINGS)


def test_no_code_has_two_sentences():
    assert len(texts.TEXTS) == len(texts.ENDINGS) + len(texts.PROBLEMS) + len(texts.LEVELS)
