"""Refusals and acceptances of the one validator."""

import copy
import math

import pytest

from trainer.spec.problems import CODES, SpecInvalid, text
from trainer.spec.validation import parse, validate


def request(**sections):
    base = {"job": {"name": "digits"}, "train": {}}
    return {name: value for name, value in {**base, **sections}.items() if value is not ...}


def train(**settings):
    return request(train=settings)


def codes(raw):
    return [(problem.pointer, problem.code) for problem in validate(raw)]


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_the_smallest_request_is_sound_and_filled_with_defaults():
    spec = parse(request())
    assert spec.train.optimiser.name == "adamw"
    assert spec.resources.ranks == 2
    assert spec.command is None


def test_a_command_in_place_of_a_trainer_configuration_is_sound():
    spec = parse(request(train=..., command=["python", "train.py"], code={"path": "/srv/code"}))
    assert spec.command == ("python", "train.py")
    assert spec.train is None


CASES = [
    (None, ("", "wrong_type")),
    ([], ("", "wrong_type")),
    (request(job={}), ("/job/name", "required")),
    (request(job=...), ("/job/name", "required")),
    (request(job={"name": None}), ("/job/name", "wrong_type")),
    (request(job={"name": " "}), ("/job/name", "too_short")),
    (request(job={"name": "x" * 121}), ("/job/name", "too_long")),
    (request(job={"name": "a\nb"}), ("/job/name", "control_character")),
    (request(job={"name": "a\0b"}), ("/job/name", "nul_character")),
    (request(job={"name": "a\ud800b"}), ("/job/name", "lone_surrogate")),
    (request(job={"name": "x", "priority": 2**63}), ("/job/priority", "integer_out_of_range")),
    (request(job={"name": "x", "priority": 1001}), ("/job/priority", "too_large")),
    (request(job={"name": "x", "preemptible": 1}), ("/job/preemptible", "wrong_type")),
    (request(job={"name": "x", "not_before": "soon"}), ("/job/not_before", "not_a_time")),
    (request(job={"name": "x", "not_before": "2026-11-24T18:00"}), ("/job/not_before", "not_a_time")),
    (request(job={"name": "x", "env": {"A B": "1"}}), ("/job/env/A B", "not_a_variable_name")),
    (request(job={"name": "x", "env": {"a/b~c": "1"}}), ("/job/env/a~1b~0c", "not_a_variable_name")),
    (request(job={"name": "x", "env": {"DCP_JOB_ID": "1"}}), ("/job/env/DCP_JOB_ID", "reserved_name")),
    (request(job={"name": "x", "env": {"RANK": "1"}}), ("/job/env/RANK", "reserved_name")),
    (request(job={"name": "x", "env": {"A": 1}}), ("/job/env/A", "wrong_type")),
    (request(job={"name": "x", "env": {"A": "\0"}}), ("/job/env/A", "nul_character")),
    (request(resources={"ranks": "2"}), ("/resources/ranks", "wrong_type")),
    (request(resources={"ranks": 2.0}), ("/resources/ranks", "wrong_type")),
    (request(resources={"ranks": True}), ("/resources/ranks", "wrong_type")),
    (request(resources={"ranks": 0}), ("/resources/ranks", "too_small")),
    (request(resources={"ranks": 3, "gpus": 2}), ("/resources/ranks", "more_ranks_than_gpus")),
    (request(resources={"gpu_type": "H100"}), ("/resources/gpu_type", "needs")),
    (request(resources=None), ("/resources", "wrong_type")),
    (request(code={"path": "srv"}), ("/code/path", "not_absolute")),
    (request(code={"path": "/srv/../etc"}), ("/code/path", "path_not_plain")),
    (request(code={"path": "/srv", "upload": "u"}), ("/code/upload", "exclusive")),
    (request(code={"commit": "abcdef1"}), ("/code/commit", "needs")),
    (request(code={"git": "https://h/r", "commit": "main"}), ("/code/commit", "not_a_commit")),
    (request(code={"git": "ext::sh -c id"}), ("/code/git", "not_a_git_address")),
    (request(code={"git": "--upload-pack=x"}), ("/code/git", "not_a_git_address")),
    (request(code={"git": "https://u:p@h/r"}), ("/code/git", "secret_in_address")),
    (request(code={"git": "https://token@h/r"}), ("/code/git", "secret_in_address")),
    (request(environment={"interpreter": "python3"}), ("/environment/interpreter", "not_absolute")),
    (request(environment={"ref": "a", "interpreter": "/p"}), ("/environment/interpreter", "exclusive")),
    (request(secrets={"names": ["A", "A"]}), ("/secrets/names/1", "duplicate")),
    (request(secrets={"names": ["a-b"]}), ("/secrets/names/0", "not_a_variable_name")),
    (request(secrets={"names": "A"}), ("/secrets/names", "wrong_type")),
    (request(command=["x"]), ("/command", "command_and_train")),
    (request(train=...), ("/command", "command_or_train")),
    (request(train=..., command=[]), ("/command", "too_few")),
    (request(train=..., command="ls"), ("/command", "wrong_type")),
    (request(train=..., command=["a"] * 1025), ("/command", "too_many")),
    (request(schema=2), ("/schema", "unsupported_schema")),
    (request(extra=1), ("/extra", "unknown_key")),
    ({**request(), 7: 1}, ("", "wrong_type")),
    (request(job={"name": "x", "a\0": 1}), ("/job", "nul_character")),
    (train(batch_size=-1), ("/train/batch_size", "too_small")),
    (train(batch_size=3, accumulation=2), ("/train/batch_size", "batch_below_slices")),
    (train(device="cuda"), ("/train/device", "needs")),
    (train(precision="fp8"), ("/train/precision", "not_a_choice")),
    (train(optimiser={"learning_rate": math.nan}), ("/train/optimiser/learning_rate", "not_finite")),
    (train(optimiser={"learning_rate": math.inf}), ("/train/optimiser/learning_rate", "not_finite")),
    (train(optimiser={"learning_rate": 0}), ("/train/optimiser/learning_rate", "not_above")),
    (train(optimiser={"beta1": 1}), ("/train/optimiser/beta1", "not_below")),
    (train(optimiser=3), ("/train/optimiser", "wrong_type")),
    (train(model={"mlp": {"hidden": [8, 0]}}), ("/train/model/mlp/hidden/1", "too_small")),
    (train(model={"mlp": {"hidden": [8, "8"]}}), ("/train/model/mlp/hidden/1", "wrong_type")),
    (train(model={"cnn": {"channels": []}}), ("/train/model/cnn/channels", "too_few")),
    (train(model={"name": "gpt"}), ("/train/dataset/name", "dataset_does_not_fit")),
    (train(model={"gpt": {"width": 130}}), ("/train/model/gpt/width", "does_not_divide")),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), CASES, ids=[case[1][0] + " " + case[1][1] for case in CASES])
def test_a_flaw_is_named_at_its_place(raw, expected):
    before = copy.deepcopy(raw)
    assert codes(raw) == [expected]
    assert raw == before
    for problem in validate(raw):
        assert text(problem)


def test_an_unknown_key_names_the_nearest_here_or_where_it_belongs():
    [slip] = validate(train(optimiser={"learning_rte": 1}))
    assert slip.params == {"key": "learning_rte", "nearest": "learning_rate"}
    [misplaced] = validate(train(learning_rate=1))
    assert misplaced.params["nearest"] == "optimiser.learning_rate"


def test_deep_nesting_is_refused_without_recursing():
    assert [code for _pointer, code in codes(request(extra=nested(10_000)))] == ["too_deep"]
    assert ("/extra", "unknown_key") in codes(request(extra=nested(20)))


def test_several_flaws_are_all_named_at_once():
    raw = train(batch_size="x", optimiser={"name": "sgdd", "learning_rate": -1})
    assert {pointer for pointer, _code in codes(raw)} == {
        "/train/batch_size",
        "/train/optimiser/name",
        "/train/optimiser/learning_rate",
    }


def test_parse_raises_with_every_problem_in_english():
    with pytest.raises(SpecInvalid, match=r"/train/epochs: Must be at least 1\."):
        parse(train(epochs=0))


def test_null_stands_for_nothing_given_where_nothing_is_allowed():
    spec = parse(request(job={"name": "x", "time_limit_seconds": None}))
    assert spec.job.time_limit_seconds is None


def test_every_code_has_a_text_that_formats():
    for code, template in CODES.items():
        assert template.endswith((".", "}")), code


def test_user_loader_and_python_variables_are_let_through():
    assert codes(request(job={"name": "x", "env": {"LD_PRELOAD": "x", "PYTHONPATH": "y"}})) == []
