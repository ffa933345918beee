"""A request reads the same in TOML, on the command line and in the form."""

import tomllib

from jobs.notation import compact, to_cli, to_toml

REQUEST = {
    "job": {"name": "digits", "env": {"A": "1"}},
    "resources": {"ranks": 2, "gpus": 0},
    "train": {"model": {"name": "cnn", "cnn": {"blocks": 3}, "gpt": {"layers": 9}}, "batch_size": 64},
}


def test_toml_reads_back_as_the_compact_request():
    assert tomllib.loads(to_toml(REQUEST)) == compact(REQUEST)


def test_settings_of_a_model_that_is_not_chosen_are_left_out():
    assert compact(REQUEST)["train"]["model"] == {"name": "cnn", "cnn": {"blocks": 3}}


def test_defaults_are_left_out():
    assert "batch_size" not in compact(REQUEST)["train"]


def test_an_empty_training_section_stays_because_it_says_what_to_run():
    assert compact({"job": {"name": "x"}, "train": {"batch_size": 64}})["train"] == {}


def test_the_command_line_says_only_what_differs_from_the_template():
    changed = {**REQUEST, "resources": {"ranks": 4, "gpus": 0}}
    assert to_cli(changed, "digits-cnn", REQUEST) == "dcp submit digits-cnn \\\n  --resources.ranks 4"


def test_a_command_goes_behind_two_dashes():
    line = to_cli({"job": {"name": "x"}, "command": ["python", "a b.py"]})
    assert line.endswith("-- python 'a b.py'")


def test_none_never_reaches_toml():
    assert "team" not in to_toml({"job": {"name": "x", "team": None}, "command": ["true"]})
