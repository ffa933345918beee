"""JSON, TOML, assignments, canonical text and hash."""

import json

import pytest

from trainer.spec.fields import leaves
from trainer.spec.job import JobSpec
from trainer.spec.notation import (
    as_dict,
    assign,
    canonical_json,
    from_json,
    from_text,
    from_toml,
    place,
    spec_hash,
)
from trainer.spec.problems import SpecInvalid
from trainer.spec.validation import parse, validate

REQUEST = {"job": {"name": "x"}, "train": {"optimiser": {"learning_rate": 1}}}


def leaf(name):
    return next(found for found in leaves(JobSpec) if found.name == name)


def test_requests_that_mean_the_same_have_the_same_text_and_hash():
    spelled = {
        "train": {"optimiser": {"learning_rate": 1.0, "name": "adamw"}, "epochs": 120},
        "job": {"name": "x", "team": None},
        "schema": 1,
    }
    assert canonical_json(REQUEST) == canonical_json(spelled)
    assert spec_hash(REQUEST) == spec_hash(spelled)
    assert len(spec_hash(REQUEST)) == 64


def test_the_canonical_text_is_a_sound_request_with_the_same_hash():
    again = json.loads(canonical_json(REQUEST))
    assert validate(again) == []
    assert canonical_json(again) == canonical_json(REQUEST)


def test_minus_zero_and_zero_are_one():
    def text(zero):
        return canonical_json({"job": {"name": "x"}, "train": {"optimiser": {"weight_decay": zero}}})

    assert text(-0.0) == text(0)


def test_canonical_text_of_an_unsound_request_is_refused():
    with pytest.raises(SpecInvalid):
        canonical_json({"job": {}})


def test_a_spec_as_dict_holds_no_none_and_no_tuple():
    plain = as_dict(parse(REQUEST))
    assert "team" not in plain["job"]
    assert plain["train"]["model"]["cnn"]["channels"] == [32, 64]


def test_toml_reads_dates_as_text():
    raw = from_toml('[job]\nname = "x"\nnot_before = 2026-11-24T18:00:00Z\n[train]\n')
    assert validate(raw) == []
    assert raw["job"]["not_before"] == "2026-11-24T18:00:00+00:00"


@pytest.mark.parametrize("broken", ["a = ", "[a]\n[a]", "a = 1\na = 2", "\0", "a=" + "[" * 100_000])
def test_broken_toml_is_a_problem_not_a_crash(broken):
    with pytest.raises(SpecInvalid) as caught:
        from_toml(broken)
    assert caught.value.problems[0].code == "bad_toml"


@pytest.mark.parametrize("broken", ["{", "[" * 200_000, b"\xff\xfe\xff", "1" * 5000])
def test_broken_json_is_a_problem_not_a_crash(broken):
    with pytest.raises(SpecInvalid) as caught:
        from_json(broken)
    assert caught.value.problems[0].code == "bad_json"


def test_assignments_take_the_type_of_their_setting():
    request = {"job": {"name": "x"}}
    assign(request, ["train.epochs=3", "train.model.mlp.hidden=8,16", "train.compile=true"])
    assert request["train"] == {"epochs": 3, "model": {"mlp": {"hidden": [8, 16]}}, "compile": True}


def test_an_assignment_of_the_wrong_type_is_named_at_its_pointer():
    request = {"job": {"name": "x"}}
    assign(request, ["train.epochs=many"])
    [problem] = validate(request)
    assert (problem.pointer, problem.code) == ("/train/epochs", "wrong_type")


@pytest.mark.parametrize("assignment", ["train.epochs", "=1"])
def test_an_assignment_without_name_or_value_is_refused(assignment):
    with pytest.raises(SpecInvalid):
        assign({}, [assignment])


def test_an_assignment_below_a_plain_value_is_refused():
    with pytest.raises(SpecInvalid):
        place({"train": 1}, "train.epochs", 2)


def test_texts_of_form_inputs_become_values():
    assert from_text(leaf("job.time_limit_seconds"), "") is None
    assert from_text(leaf("command"), "python\ntrain.py\n") == ["python", "train.py"]
    assert from_text(leaf("job.env"), "A=1\nB=x=y") == {"A": "1", "B": "x=y"}
    assert from_text(leaf("job.env"), "nonsense") == "nonsense"
    assert from_text(leaf("train.optimiser.learning_rate"), "1e-3") == 0.001
    assert from_text(leaf("train.compile"), "perhaps") == "perhaps"
