"""A parameter that is one of a few known words is shown in the reader's language."""

import pytest
from django.utils.translation import override

from dcportal.common import reasons


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "This is not possible any more: the job is succeeded."),
        ("zh-hans", "已无法执行：作业状态为成功。"),
    ],
)
def test_a_state_inside_a_sentence(language: str, sentence: str) -> None:
    with override(language):
        assert reasons.text("job_is", {"state": "succeeded"}) == sentence


def test_a_role_inside_a_sentence() -> None:
    assert reasons.text("needs_role", {"role": "operator"}) == "This needs the role operator."
    with override("zh-hans"):
        assert reasons.text("needs_role", {"role": "operator"}) == "需要运维员角色才能执行此操作。"
