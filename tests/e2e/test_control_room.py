"""The main job, end to end, in a real browser: sign in, watch, launch, finish, cancel."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.trainer_env]

PATIENCE_MS = 120_000
LONG_SCRIPT = "import time; print('working', flush=True); time.sleep(600)"
SERIOUS = {"serious", "critical"}
PAGES = ["/?overview", "/launch/", "/jobs/", "/nodes/", "/tokens/", "/audit/"]


def launch(page: Page, template: str, **settings: str) -> str:
    """Launch from the form; returns the uid of the job."""
    page.get_by_role("link", name=re.compile(template)).first.click()
    for name, value in settings.items():
        page.locator(f"[name='{name.replace('__', '.')}']").fill(value)
    page.get_by_role("button", name="Launch job").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-z]{12}/"))
    return page.url.rstrip("/").rpartition("/")[2]


def expect_state(page: Page, word: str) -> None:
    expect(page.locator("#job-badge")).to_have_text(word, timeout=PATIENCE_MS)


def test_the_node_page_shows_this_machine_and_its_points_move(visitor):
    page = visitor.open("/?overview")
    found = page.request.get(f"{visitor.portal.address}/api/v1/nodes/").json()["results"]
    page = visitor.open(f"/nodes/{found[0]['uid']}/")
    expect(page.locator("[data-module~=chart]").first).to_contain_text("%", timeout=20_000)
    expect(page.locator("[data-freshness-age]")).to_contain_text("fresh")
    visitor.assert_clean()


def test_a_job_launched_from_the_form_learns_and_succeeds(visitor):
    page = visitor.open("/launch/")
    launch(page, "Tabular MLP", train__epochs="40", job__name="walk-mlp")
    expect_state(page, "Succeeded")
    expect(page.get_by_role("heading", name="Loss")).to_be_visible(timeout=20_000)
    expect(page.locator("[data-log-lines]")).to_contain_text("step")
    visitor.assert_clean()


def test_a_value_out_of_range_is_marked_at_its_field(visitor):
    page = visitor.open("/launch/")
    page.get_by_role("link", name=re.compile("Tabular MLP")).first.click()
    page.locator("[name='train.epochs']").fill("-3")
    expect(page.locator("[data-field='train.epochs'] .field-error")).to_contain_text("at least 1")
    visitor.assert_clean()


def test_form_and_toml_are_the_same_request(visitor):
    page = visitor.open("/launch/")
    page.get_by_role("link", name=re.compile("Digits CNN")).first.click()
    page.locator("[name='train.epochs']").fill("7")
    expect(page.locator("[data-toml]")).to_have_value(re.compile("epochs = 7"), timeout=20_000)
    visitor.assert_clean()


def test_a_cancelled_job_names_each_process_and_when_it_was_gone(visitor):
    page = visitor.open("/launch/")
    command = f"python\n-c\n{LONG_SCRIPT}"
    launch(page, "Own script", command=command, job__name="walk-long", resources__ranks="1")
    expect(page.locator("[data-log-lines]")).to_contain_text("working", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Cancel job").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel job").click()
    expect_state(page, "Cancelled")
    expect(page.get_by_text("no process left")).to_be_visible()
    assert page.locator(".stop-processes tbody tr").count() >= 1
    visitor.assert_clean()


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_clean_in_the_dark_on_a_phone(visitor_with, path):
    visitor = visitor_with(width=390, height=844, color_scheme="dark")
    page = visitor.open(path)
    page.wait_for_load_state("networkidle")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{path} is {overflow} px wider than the screen"
    visitor.assert_clean()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visitor_with, path, scheme):
    visitor = visitor_with(color_scheme=scheme)
    page = visitor.open(path)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page).response["violations"]
    serious = [(each["id"], each["nodes"][0]["html"][:160]) for each in found if each["impact"] in SERIOUS]
    assert serious == []
