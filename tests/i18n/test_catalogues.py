"""The catalogues say all that the sources say, in Chinese too."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, override

from dcportal.common import reasons
from dcportal.operations.catalogues import changed_places, incomplete
from dcportal.operations.marked import forgotten
from monitoring.catalog import METRICS
from trainer.spec.fields import nodes
from trainer.spec.job import JobSpec
from trainer.spec.problems import CODES, EXPECTED

LOCALE = Path(settings.LOCALE_PATHS[0])
CHINESE = re.compile("[\u4e00-\u9fff]")
#: Names that are written alike in both languages, and a text that is all parameter.
ALIKE = {"MLP", "CNN", "GPT", "Dropout", "Beta 1", "Beta 2", "Epsilon", "GPUs", "{message}"}


def in_chinese(text: str | Promise) -> str:
    with override("zh-hans"):
        return gettext(text) if isinstance(text, str) else str(text)


def test_every_text_is_surely_translated() -> None:
    assert incomplete(LOCALE) == []


def test_every_translation_has_the_places_of_its_text() -> None:
    assert changed_places(LOCALE) == []


def test_every_marked_text_is_collected() -> None:
    assert forgotten(settings.BASE_DIR, LOCALE) == [], "call `make messages` and translate what is new"


def test_every_reason_has_a_chinese_sentence() -> None:
    english = [code for code, text in reasons.codes().items() if not is_chinese(text)]
    assert english == []


def test_every_problem_of_a_request_has_a_chinese_sentence() -> None:
    assert [text for text in (*CODES.values(), *EXPECTED.values()) if not is_chinese(text)] == []


def test_every_setting_has_a_chinese_label_help_and_unit() -> None:
    texts = [
        text
        for node in nodes(JobSpec)
        for text in (node.setting.label, node.setting.help, node.setting.unit)
        if text
    ]
    assert texts
    assert [text for text in texts if not is_chinese(text)] == []


def test_every_metric_has_a_chinese_label() -> None:
    assert [metric.id for metric in METRICS.values() if not is_chinese(metric.label)] == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_language_is_compiled(language: str) -> None:
    with override(language):
        assert gettext("Audit trail") == {"en": "Audit trail", "zh-hans": "审计记录"}[language]


def is_chinese(text: str | Promise) -> bool:
    return str(text) in ALIKE or CHINESE.search(in_chinese(text)) is not None
