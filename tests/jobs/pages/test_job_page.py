"""What the job page says in each state."""

import re

import pytest

from dcportal.common.changes import create
from dcportal.common.reasons import reason
from dcportal.notify.models import Webhook
from jobs.engines.runner.logstore import SUFFIX
from jobs.models import Job, JobTemplate

pytestmark = pytest.mark.django_db


def text_of(answer):
    return answer.content.decode()


def card(html, title_id):
    """The section labelled by `title_id`."""
    found = re.search(rf'<section[^>]*aria-labelledby="{title_id}".*?</section>', html, re.S)
    assert found, title_id
    return found.group()


@pytest.fixture
def page_of(client_of):
    def get(job: Job, who="owner", path="", **query):
        return client_of(who).get(f"/jobs/{job.uid}/{path}", query)

    return get


def test_a_queued_job_says_where_it_stands(submitted, page_of):
    html = text_of(page_of(submitted()))
    assert 'id="job-badge"' in html
    assert "Queued" in html
    assert "Not placed yet." in html


def test_the_live_part_brings_the_badge_beside_the_title(running, page_of):
    answer = page_of(running().job, path="live/")
    assert 'id="job-badge" hx-swap-oob="true"' in text_of(answer)


def test_the_page_itself_holds_the_badge_once(running, page_of):
    assert text_of(page_of(running().job)).count('id="job-badge"') == 1


def test_only_the_newest_of_several_best_checkpoints_is_called_best(running, checkpoint_at, page_of):
    attempt = running()
    for step in (1, 2, 3):
        checkpoint_at(attempt, step, is_best=step < 3)
    rows = card(text_of(page_of(attempt.job)), "checkpoints-title").split("row-line")
    assert ["best" in row for row in rows[1:]] == [False, True, False]


def test_the_best_checkpoint_is_shown_however_old_it_is(running, checkpoint_at, page_of):
    attempt = running()
    for step in range(1, 15):
        checkpoint_at(attempt, step, is_best=step == 1)
    html = card(text_of(page_of(attempt.job)), "checkpoints-title")
    assert "step 1<" in html or "step 1 " in html
    assert html.count("row-line") == 11


def test_a_failure_shows_its_message_and_rank_escaped(running, page_of):
    told = reason("user_error", message="bad <b>shape</b>\nlast words", detail="ValueError", rank=1)
    attempt = running(state="failed", reason=told, cause=told)
    html = card(text_of(page_of(attempt.job)), "failure-title")
    assert "bad &lt;b&gt;shape&lt;/b&gt;" in html
    assert "rank 1" in html
    assert "ValueError" in html
    assert 'data-log-find="last words"' in html


def test_a_failure_without_a_message_shows_the_end_of_its_log(running, page_of, tmp_path):
    told = reason("exit_code", exit_code=1)
    attempt = running(state="failed", reason=told, cause=told)
    logs = tmp_path / attempt.job.uid / "1" / "work" / "logs"
    logs.mkdir(parents=True)
    lines = [b"2026-11-24T13:32:07.000Z 0 one\n", b"2026-11-24T13:32:08.000Z 0 \x1b[31mBoom: <i>\x1b[0m\n"]
    (logs / f"{0:016d}{SUFFIX}").write_bytes(b"".join(lines))
    html = card(text_of(page_of(attempt.job)), "failure-title")
    assert "Boom: &lt;i&gt;" in html
    assert "\x1b" not in html


def test_a_job_that_runs_has_no_failure(running, page_of):
    assert "failure-title" not in text_of(page_of(running().job))


def test_figures_have_words_and_units(running, page_of):
    attempt = running()
    Job.objects.filter(pk=attempt.job.pk).update(
        latest_metrics={"evaluation/accuracy": {"value": 0.9298}, "samples_per_second": {"value": 24749.2}}
    )
    html = card(text_of(page_of(attempt.job)), "latest-title")
    assert "Accuracy, evaluation" in html
    assert "93.0 %" in html
    assert "24,749" in html


def test_ranks_name_their_gpu_and_process(running, page_of):
    attempt = running(
        processes=[{"pid": 4711, "name": "python", "rank": 1, "signalled": {}, "gone_at": None}]
    )
    html = card(text_of(page_of(attempt.job)), "where-title")
    assert "rank 1" in html
    assert "GPU 1 · pid 4711" in html


def test_the_exit_code_of_a_rank_is_said(running, page_of):
    attempt = running(state="failed", rank_exits={"1": 9}, cause=reason("exit_code", exit_code=9))
    assert "exit code 9" in card(text_of(page_of(attempt.job)), "where-title")


def test_names_of_secrets_are_shown_and_no_value(running, page_of):
    attempt = running()
    request = {**attempt.job.request, "secrets": {"names": ["HF_TOKEN"]}}
    Job.objects.filter(pk=attempt.job.pk).update(request=request)
    assert "HF_TOKEN" in card(text_of(page_of(attempt.job)), "facts-title")


def test_a_stop_names_signals_processes_and_what_is_left(running, page_of, now):
    process = {
        "pid": 7,
        "name": "python",
        "rank": 0,
        "signalled": {"SIGTERM": now.isoformat()},
        "gone_at": None,
    }
    stop = {
        "requested_at": now.isoformat(),
        "why": "cancel",
        "kill_due_at": now.isoformat(),
        "processes": [process],
    }
    html = card(text_of(page_of(running(state="stopping", stop=stop).job)), "stop-title")
    assert "1 process left" in html
    assert "SIGTERM to 1 of 1" in html
    assert "still there" in html
    assert "GPU memory free" in html
    assert "killed from" in html


def test_what_the_hardware_did_is_drawn_before_the_first_step(running, page_of):
    titles = re.findall(r'chart-title" id="([^"]+)-title"', text_of(page_of(running().job)))
    assert titles == ["hardware-gpu_utilisation_ratio", "hardware-gpu_power_draw_watts"]


def test_a_webhook_is_switched_off_by_its_button(running, client_of, page_of, person, now):
    attempt = running()
    hook = a_webhook(attempt.job, person("owner"), now)
    client_of("owner").post(f"/jobs/{attempt.job.uid}/webhooks/{hook.uid}/", {"on": "0"})
    hook.refresh_from_db()
    assert not hook.is_enabled


def test_the_path_of_a_webhook_is_not_shown(running, page_of, person, now):
    attempt = running()
    a_webhook(attempt.job, person("owner"), now)
    html = text_of(page_of(attempt.job))
    assert "hooks.example" in html
    assert "s3cret-path" not in html


def a_webhook(job, owner, now):
    row = Webhook(
        name="runs", url="https://hooks.example/s3cret-path", team=job.team, owner=owner,
        ciphertext=b"x", events=["job.ended"],
    )  # fmt: skip
    return create(row, now)


def test_a_viewer_gets_no_button_that_changes_anything(running, page_of):
    html = text_of(page_of(running().job, who="viewer"))
    assert "Cancel job" not in html
    assert "save-template" not in html
    assert "add-webhook" not in html


def test_a_job_is_saved_as_a_template_under_a_name(running, client_of):
    attempt = running()
    client_of("owner").post(f"/jobs/{attempt.job.uid}/template/", {"name": "kept"})
    assert JobTemplate.objects.filter(name="kept").exists()


SUB_ROUTES = ["", "live/", "side/", "curves/", "attempts/1/run.sh"]
POSTS = ["cancel/", "hold/", "release/", "template/", "webhooks/", "webhooks/abcdefghjkmn/"]


@pytest.mark.parametrize("path", SUB_ROUTES)
def test_a_foreign_teams_job_is_not_found_by_any_address(running, page_of, path):
    assert page_of(running().job, who="stranger", path=path).status_code == 404


@pytest.mark.parametrize("path", POSTS)
def test_a_foreign_teams_job_is_not_found_by_any_button(running, client_of, path):
    attempt = running()
    answer = client_of("stranger").post(f"/jobs/{attempt.job.uid}/{path}")
    attempt.job.refresh_from_db()
    assert (answer.status_code, attempt.job.desired) == (404, "run")
