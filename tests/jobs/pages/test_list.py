"""The jobs list: rows, filters in the address, bulk actions, CSV, and what it costs."""

import re
from pathlib import Path

import pytest
from django.contrib.messages import get_messages

from dcportal.common.reasons import reason
from jobs.models import Job
from tests.fixtures.budgets import BUDGETS, queries_of

pytestmark = pytest.mark.django_db
URL = "/jobs/"
REPOSITORY = Path(__file__).parents[3]


def text_of(answer):
    return answer.content.decode()


@pytest.fixture
def owner_client(client_of):
    return client_of("owner")


def set_columns(job, **columns):
    Job.objects.filter(pk=job.pk).update(**columns)


def cell_of(html, job):
    """The row of a job."""
    return next(row for row in html.split("<tr ") if f"/jobs/{job.uid}/" in row)


def test_an_empty_list_says_what_a_job_is_and_how_to_start_one(owner_client):
    html = text_of(owner_client.get(URL))
    assert "No job yet" in html
    assert "dcp submit digits-cnn --wait" in html


def test_a_list_without_a_match_offers_all_jobs(owner_client, submitted):
    submitted("owner")
    assert "No job matches" in text_of(owner_client.get(URL, {"q": "nothing-like-it"}))


def test_rows_carry_what_the_script_of_lists_looks_for(owner_client, submitted):
    job = submitted("owner")
    html = text_of(owner_client.get(URL))
    script = (REPOSITORY / "static/js/list.js").read_text()
    for hook in ("data-row", "data-list-all", "data-bulk", "data-bulk-count", "data-bulk-note"):
        assert f"[{hook}" in script
        assert f"{hook}" in html
    assert 'data-actions="cancel hold"' in cell_of(html, job)


def test_jobs_of_other_teams_are_not_listed(client_of, submitted):
    job = submitted("owner", name="ours")
    assert job.uid not in text_of(client_of("stranger").get(URL))


def test_a_teammate_sees_the_job_and_may_do_nothing_to_it(client_of, submitted):
    job = submitted("owner")
    assert 'data-actions=""' in cell_of(text_of(client_of("teammate").get(URL)), job)


def test_a_succeeded_job_says_how_good_it_was(owner_client, submitted):
    job = submitted("owner")
    figures = {"loss": {"value": 0.1}, "evaluation/accuracy": {"value": 0.93}}
    set_columns(job, state="succeeded", latest_metrics=figures)
    assert "Accuracy, evaluation 93.0 %" in text_of(owner_client.get(URL))


def test_a_failed_job_says_why_in_its_own_words(owner_client, submitted):
    job = submitted("owner")
    told = reason("user_error", message="Traceback\nValueError: <bad>", rank=0)
    set_columns(job, state="failed", reason=told)
    assert "The program failed. ValueError: &lt;bad&gt;" in text_of(owner_client.get(URL))


def test_filters_are_removable_chips_and_stay_in_the_address(owner_client, submitted):
    submitted("owner", name="wanted")
    submitted("owner", name="other")
    html = text_of(owner_client.get(URL, {"q": "want", "state": "waiting"}))
    assert "wanted" in html
    assert ">other<" not in html
    assert re.search(r'chip-remove" href="\?q=want"', html)


def test_a_saved_view_is_marked_where_the_address_says_it(owner_client):
    html = text_of(owner_client.get(URL, {"state": "waiting"}))
    assert re.search(r'href="\?state=waiting" aria-current="page"', html)


def test_views_say_how_many_are_open(owner_client, submitted):
    submitted("owner")
    submitted("owner")
    assert re.search(r'href="\?state=waiting">Waiting 2<', text_of(owner_client.get(URL)))


@pytest.mark.parametrize(
    "query", [{"page": "0"}, {"page": "x"}, {"page": "9" * 30}, {"ordering": "owner"}, {"state": "odd"}]
)
def test_a_wrong_parameter_is_refused_by_name(owner_client, query):
    answer = owner_client.get(URL, query)
    assert answer.status_code in {400, 422}
    assert next(iter(query)) in text_of(answer)


def test_pages_follow_each_other(owner_client, submitted):
    template = submitted("owner")
    for _number in range(55):
        template.pk, template.uid, template._state.adding = None, f"{_number:012d}".replace("l", "k"), True
        template.save()
    first = text_of(owner_client.get(URL))
    assert first.count("data-row") == 50
    assert 'href="?page=2" rel="next"' in first
    assert text_of(owner_client.get(URL, {"page": 2})).count("data-row") == 6


def test_csv_holds_the_filtered_list_and_no_formula(owner_client, submitted):
    submitted("owner", name="=1+1")
    submitted("owner", name="plain")
    answer = owner_client.get("/jobs/csv/", {"q": "1+1"})
    text = b"".join(answer.streaming_content).decode()
    assert "'=1+1" in text
    assert "plain" not in text
    assert text.startswith("uid,name,state")


def bulk(client, action, *jobs, **more):
    return client.post("/jobs/bulk/", {"action": action, "uid": [job.uid for job in jobs], **more})


def test_bulk_does_what_it_can_and_says_why_not_the_rest(owner_client, submitted):
    waiting, ended = submitted("owner"), submitted("owner", name="over")
    set_columns(ended, state="succeeded")
    answer = bulk(owner_client, "hold", waiting, ended)
    waiting.refresh_from_db()
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert waiting.desired == "hold"
    assert said[0] == "Asked for 1 job."
    assert said[1].startswith("1 job was left as it is: over: This is not possible any more")


def test_bulk_does_not_reach_jobs_of_other_teams(client_of, submitted):
    job = submitted("owner")
    bulk(client_of("stranger"), "cancel", job)
    job.refresh_from_db()
    assert job.desired == "run"


def test_an_unknown_bulk_action_is_refused(owner_client, submitted):
    assert bulk(owner_client, "explode", submitted("owner")).status_code == 422


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/jobs/\r\nX: 1", "javascript:alert(1)"]
)
def test_bulk_goes_back_to_this_site_only(owner_client, submitted, target):
    answer = bulk(owner_client, "hold", submitted("owner"), next=target)
    assert answer.status_code == 302
    assert answer.url.startswith("/jobs/")
    assert "\n" not in answer.url


def test_the_list_costs_the_same_queries_for_any_number_of_rows(owner_client, submitted):
    submitted("owner")
    few = queries_of(owner_client, "page /jobs/")
    for number in range(20):
        submitted("owner", name=f"job-{number}")
    assert queries_of(owner_client, "page /jobs/") == few
    assert few <= BUDGETS["page /jobs/"]
