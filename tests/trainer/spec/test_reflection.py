"""Reflection: what form, CLI, TOML and OpenAPI are generated from."""

from dataclasses import MISSING

from tests.trainer.spec.extending import field_added
from trainer.spec.fields import default_of, leaves, sections, setting
from trainer.spec.job import JobSpec
from trainer.spec.notation import assign, from_toml
from trainer.spec.schema import json_schema
from trainer.spec.train import OptimiserConfig
from trainer.spec.validation import parse, validate


def leaf(name):
    return next(found for found in leaves(JobSpec) if found.name == name)


def test_a_leaf_tells_pointer_type_default_and_limits():
    rate = leaf("train.optimiser.learning_rate")
    assert rate.pointer == "/train/optimiser/learning_rate"
    assert (rate.kind, rate.optional, rate.required) == ("number", False, False)
    assert (rate.default, rate.setting.exclusive_minimum, rate.setting.maximum) == (0.0002, 0, 100)
    assert rate.section == "train.optimiser"


def test_optional_required_and_list_leaves_are_told_apart():
    assert leaf("job.name").required
    assert leaf("job.time_limit_seconds").optional
    assert (leaf("command").kind, leaf("command").item_kind) == ("string_list", "string")
    assert leaf("job.env").kind == "string_map"


def test_every_setting_has_a_label_and_every_choice_holds_its_default():
    for found in leaves(JobSpec):
        assert found.setting.label, found.name
        if found.setting.choices and found.default is not None:
            assert found.default in found.setting.choices


def test_an_optional_leaf_defaults_to_none_so_that_leaving_it_out_means_the_same():
    assert all(found.default is None for found in leaves(JobSpec) if found.optional)


def test_sections_come_before_their_leaves_and_name_what_they_depend_on():
    found = {section.name: section for section in sections(JobSpec)}
    assert found["train"].optional
    assert found["train.model.gpt"].setting.shown_when == ("train.model.name", "gpt")


def test_one_new_field_appears_everywhere_with_the_same_pointer():
    added = setting(0.5, label="Look-ahead", minimum=0, maximum=1)
    with field_added(OptimiserConfig, "look_ahead", float, added):
        request = {"job": {"name": "x"}, "train": {"optimiser": {"look_ahead": 7}}}
        [problem] = validate(request)
        assert (problem.pointer, problem.code) == ("/train/optimiser/look_ahead", "too_large")
        assert leaf("train.optimiser.look_ahead").pointer == problem.pointer
        train = json_schema()["properties"]["train"]["properties"]
        assert train["optimiser"]["properties"]["look_ahead"]["maximum"] == 1
        [from_file] = validate(from_toml('[job]\nname="x"\n[train.optimiser]\nlook_ahead=7'))
        from_line = {"job": {"name": "x"}, "train": {}}
        assign(from_line, ["train.optimiser.look_ahead=7"])
        assert from_file == validate(from_line)[0] == problem
        assert parse({"job": {"name": "x"}, "train": {}}).train.optimiser.look_ahead == 0.5
    assert not hasattr(OptimiserConfig(), "look_ahead")


def test_the_schema_says_required_types_and_limits():
    schema = json_schema()
    assert schema["required"] == ["job"]
    assert schema["properties"]["job"]["required"] == ["name"]
    assert schema["properties"]["job"]["properties"]["time_limit_seconds"]["type"] == ["integer", "null"]
    assert schema["properties"]["resources"]["properties"]["ranks"]["minimum"] == 1
    assert schema["additionalProperties"] is False


def test_mutable_defaults_are_not_shared():
    import dataclasses

    from trainer.spec.job import JobSection

    env = next(item for item in dataclasses.fields(JobSection) if item.name == "env")
    assert default_of(env) == {}
    assert default_of(env) is not default_of(env)
    assert default_of(dataclasses.fields(JobSection)[0]) is MISSING
