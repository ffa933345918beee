"""Pages as a reader of Chinese sees them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from dcportal.operations.catalogues import messages
from jobs import builtin

CHINESE = re.compile("[\u4e00-\u9fff]")
PAGES = [
    "/",
    "/jobs/",
    "/launch/",
    "/templates/",
    "/queues/",
    "/datasets/",
    "/environments/",
    "/secrets/",
    "/sites/",
    "/racks/",
    "/nodes/",
    "/accelerators/",
    "/node-tokens/",
    "/users/",
    "/teams/",
    "/tokens/",
    "/profile/",
    "/audit/",
]


@pytest.fixture(scope="module")
def english_labels() -> set[str]:
    """Texts that have another Chinese one. Small words are left out, as names may be the same."""
    file = Path(settings.LOCALE_PATHS[0]) / "zh_Hans/LC_MESSAGES/django.po"
    both = [(str(each.id), str(each.string)) for each in messages(file) if isinstance(each.id, str)]
    return {text for text, own in both if text != own and (" " in text or text[0].isupper())} - {"English"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_no_english_label(
    chinese_admin: Client, texts_of: Callable[[str], list[str]], english_labels: set[str], path: str, now
) -> None:
    builtin.ensure(now)
    response = chinese_admin.get(path)
    assert response.status_code == 200
    texts = texts_of(response.content.decode())
    assert [text for text in texts if text in english_labels] == []
    assert any(CHINESE.search(text) for text in texts)


@pytest.mark.parametrize("state", ["running", "succeeded", "failed"])
def test_a_job_and_its_row_show_no_english_label(
    chinese_admin: Client, texts_of, english_labels: set[str], running, state: str
) -> None:
    reason = {"code": "out_of_memory", "params": {}, "v": 1} if state == "failed" else None
    attempt = running(state=state, reason=reason)
    for path in (f"/jobs/{attempt.job.uid}/", "/jobs/"):
        texts = texts_of(chinese_admin.get(path).content.decode())
        assert [text for text in texts if text in english_labels] == []


def test_the_launch_page_names_settings_and_templates_in_chinese(chinese_admin: Client, now) -> None:
    builtin.ensure(now)
    page = chinese_admin.get("/launch/").content.decode()
    assert {
        word for word in ("手写数字 CNN", "时间上限", "学习率", "检查点间隔", "(步)") if word not in page
    } == set()


def test_scripts_get_their_words_in_chinese(chinese_admin: Client) -> None:
    assert "\\u7a7a\\u95f2" in chinese_admin.get("/i18n/catalogue.js").content.decode()


def test_a_refusal_of_the_api_is_said_in_chinese(chinese_admin: Client) -> None:
    answer = chinese_admin.post("/api/v1/jobs/", {"job": {}}, content_type="application/json").json()
    assert CHINESE.search(str(answer))
