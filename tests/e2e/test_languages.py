"""The portal in the language of the browser, until a person chooses another one."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize(
    ("path", "heading"), [("/?overview", "总览"), ("/launch/", "启动作业"), ("/jobs/", "作业")]
)
@pytest.mark.parametrize("width", [390, 1440])
def test_a_chinese_browser_gets_chinese_that_fits(visitor_with, path: str, heading: str, width: int) -> None:
    visitor = visitor_with(width=width, locale="zh-CN")
    page = visitor.open(path)
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
    assert not page.evaluate(SCROLLS_SIDEWAYS)
    visitor.assert_clean()


def test_words_of_scripts_are_chinese_too(visitor_with) -> None:
    visitor = visitor_with(locale="zh-CN")
    page = visitor.open("/?overview")
    expect(page.locator("[data-freshness-age]")).to_contain_text("遥测", timeout=20_000)
    assert page.evaluate("django.gettext('Copied')") == "已复制"
    visitor.assert_clean()
