"""Nothing that a stranger can type makes these pages fail: 4xx or a clean page, never a 5xx."""

import pytest

from jobs import builtin
from jobs.forms.request import RequestForm

pytestmark = pytest.mark.django_db

# As they stand in an address: NUL, half a surrogate, bytes that are no UTF-8, markup, huge numbers.
CORPUS = [
    "%00", "a%00b", "%ED%A0%80", "%FF%FE", "%3Cscript%3E", "'%22--", "../../../etc/passwd", "%2e%2e%2f",
    "9" * 400, "-1", "1e309", "NaN", "%E2%80%AE", "%F0%9F%92%A5", "%0d%0aX-Y:1", "x" * 3000, "%7B%7D",
]  # fmt: skip
PLAIN = [
    "\x00", "a\x00b", "\ud800", "<script>", "'\"--", "../..", "9" * 400, "-1", "1e309", "NaN", "\u202e",
    "\r\nX: 1", "x" * 20000, "{}", "[]", "\U0001f4a5", "inf", "0x10", "1_000", "٣",
]  # fmt: skip
LISTS = {
    "/jobs/": ["page", "ordering", "q", "state", "owner", "team", "node", "queue", "kind", "template",
               "parent", "created_after", "ended_before", "gpus_min", "mine"],
    "/jobs/csv/": ["ordering", "q", "state", "created_after"],
    "/launch/": ["template", "clone"],
    "/search/": ["q"],
    "/": ["overview"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def ground(node_with, now):
    builtin.ensure(now)
    return node_with("n1", gpus=2)


@pytest.fixture
def browser(client_of):
    """A signed-in browser that takes a 500 for an answer instead of raising."""
    client = client_of("owner")
    client.raise_request_exception = False
    return client


def raw(value):
    """A form value as bytes (in a list, since the test client would send bytes one by one)."""
    return [value.encode("utf-8", "surrogatepass")]


def is_clean(answer):
    return 200 <= answer.status_code < 500


@pytest.mark.parametrize("path", LISTS)
def test_no_query_parameter_breaks_a_page(browser, submitted, path):
    submitted("owner")
    asked = [f"{path}?{name}={value}" for name in LISTS[path] for value in CORPUS]
    assert [address for address in asked if not is_clean(browser.get(address))] == []


def test_no_uid_in_an_address_breaks_a_page(browser):
    forms = ["/jobs/{}/", "/jobs/{}/live/", "/jobs/{}/side/", "/jobs/{}/curves/",
             "/jobs/{}/attempts/1/run.sh", "/nodes/{}/live/", "/templates/{}/"]  # fmt: skip
    asked = [form.format(value) for form in forms for value in CORPUS if "/" not in value]
    assert [address for address in asked if browser.get(address).status_code not in {400, 404, 422}] == []


def test_no_uid_of_a_button_breaks_it(browser):
    forms = ["/jobs/{}/cancel/", "/jobs/{}/hold/", "/jobs/{}/template/", "/jobs/{}/webhooks/"]
    asked = [form.format(value) for form in forms for value in CORPUS if "/" not in value]
    assert [address for address in asked if browser.post(address).status_code not in {400, 404, 422}] == []


@pytest.mark.parametrize("name", ["attempt", "after_step", "hardware_after"])
def test_no_parameter_of_a_jobs_page_breaks_it(browser, running, name):
    uid = running().job.uid
    asked = [f"/jobs/{uid}/{part}?{name}={value}" for part in ("", "curves/") for value in CORPUS]
    assert [address for address in asked if not is_clean(browser.get(address))] == []


@pytest.mark.parametrize("path", ["/launch/", "/launch/draft/", "/launch/template/"])
def test_no_value_of_the_launch_form_breaks_it(browser, path):
    names = list(RequestForm(initial_request={"train": {}}).fields)
    bad = []
    for value in PLAIN:
        text = raw(value)
        answer = browser.post(path, dict.fromkeys(names, text) | {"template_name": text})
        if not is_clean(answer):
            bad.append((value[:20], answer.status_code))
    assert bad == []


@pytest.mark.parametrize("value", PLAIN, ids=ascii)
def test_no_toml_breaks_the_draft(browser, value):
    for text in (value, f'[job]\nname = "{value}"\n', f"[train]\nepochs = {value}\n", f"[{value}]\n"):
        toml = raw(text)
        assert is_clean(browser.post("/launch/draft/", {"source": "toml", "toml": toml})), text


def test_no_field_of_a_bulk_action_breaks_it(browser, submitted):
    job = submitted("owner")
    bad = []
    for value in PLAIN:
        text = raw(value)
        sent = [{"action": "hold", "uid": text}, {"action": text, "uid": job.uid},
                {"action": "hold", "uid": job.uid, "next": text}]  # fmt: skip
        bad += [each for each in sent if not is_clean(browser.post("/jobs/bulk/", each))]
    assert bad == []


def test_no_name_of_a_template_or_webhook_breaks_its_button(browser, running):
    uid = running().job.uid
    bad = []
    for value in PLAIN:
        text = raw(value)
        for path, sent in (("template/", {"name": text}), ("webhooks/", {"name": text, "url": text})):
            if not is_clean(browser.post(f"/jobs/{uid}/{path}", sent)):
                bad.append((path, value[:20]))
    assert bad == []
