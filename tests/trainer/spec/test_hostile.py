"""Whatever comes in, the validator answers with problems; what it accepts keeps its meaning."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.spec.fields import leaves
from trainer.spec.job import JobSpec
from trainer.spec.notation import as_dict, canonical_json, from_text, place
from trainer.spec.problems import text
from trainer.spec.validation import parse, validate

ANY_TEXT = st.text(st.characters(), max_size=40)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
LEAVES = st.sampled_from(leaves(JobSpec))


def check(request):
    problems = validate(request)
    for problem in problems:
        assert text(problem)
        json.dumps([problem.pointer, problem.params], allow_nan=False).encode()
        problem.pointer.encode()
        assert "\0" not in problem.pointer
    if not problems:
        canonical = canonical_json(request)
        assert canonical_json(json.loads(canonical)) == canonical
        assert parse(as_dict(parse(request))) == parse(request)


@given(ANY)
@settings(max_examples=200, deadline=None)
def test_any_value_is_answered(value):
    check(value)


@given(st.lists(st.tuples(LEAVES, ANY), max_size=3), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_value_at_any_setting_is_answered(changes, trains):
    request = {"job": {"name": "x"}, **({"train": {}} if trains else {"command": ["ls"]})}
    for leaf, value in changes:
        if isinstance(request.get(leaf.name.split(".")[0], {}), dict):
            place(request, leaf.name, value)
    check(request)


@given(LEAVES, ANY_TEXT)
@settings(max_examples=300, deadline=None)
def test_any_text_in_any_form_input_is_answered(leaf, typed):
    request = {"job": {"name": "x"}, "train": {}}
    place(request, leaf.name, from_text(leaf, typed))
    check(request)
