"""Query budgets of the lists of jobs and of what they are made from: the same for 1 row and for 40."""

import sys

import pytest

from dcportal.common.changes import create
from dcportal.notify.actions import add_webhook
from dcportal.notify.models import Notice
from jobs import actions
from jobs.models import Attempt, Job
from jobs.states import AttemptState, JobState
from tests.api.conftest import caller  # noqa: F401
from tests.fixtures.budgets import BUDGETS, keys_of, queries_of
from tests.fixtures.routes import operations, pages

OURS = {"jobs", "environments", "datasets", "secrets", "queues"}
PAGES = OURS | {"templates", "?overview"}
CALLS = OURS | {"job-templates", "code-uploads", "webhooks", "notices"}
NO_ROWS = {"GET me"}


@pytest.fixture
def fill(submitted, node_with, person, actor_named, a_request, now, tmp_path):
    """`fill(40, first=1)`: that many rows of everything, half of the jobs running."""
    owner, operator = actor_named("owner"), actor_named("operator")

    def make(count, first=0):
        for number in range(first, first + count):
            job, node = submitted(name=f"j{number}"), node_with(f"n{number}", gpus=1)
            if number % 2 == 0:
                _start(job, node, now)
            actions.save_template(owner, f"t{number}", a_request(), now)
            actions.add_environment(owner, f"e{number}", sys.executable, now)
            actions.add_dataset(owner, f"d{number}", str(tmp_path), now)
            actions.add_secret(owner, f"S{number}", "x", now)
            actions.add_queue(operator, f"q{number}", now)
            actions.add_upload(owner, f"u{number}.zip", [b"PK"], now)
            team = person("owner").memberships.get().team
            add_webhook(owner, team, f"w{number}", "https://93.184.216.34/x", now)
            notice = Notice(user=person("operator"), event="job.ended", subject_uid=job.uid, payload={})
            create(notice, now)

    return make


def _start(job, node, now):
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, running_at=now)
    Attempt.objects.create(
        job=job,
        number=1,
        tag=f"{job.uid}.1",
        node=node,
        engine="fake",
        state=AttemptState.RUNNING,
        accelerator_uuids=[f"GPU-{node.name}-0"],
        run_dir="/nowhere",
        created_at=now,
        updated_at=now,
    )


def test_pages_stay_within_their_budgets_whatever_their_rows(client_of, fill):
    client, keys = client_of("operator"), keys_of("page", PAGES)
    fill(1)
    few = {key: queries_of(client, key) for key in keys}
    fill(40, first=1)
    assert {key: queries_of(client, key) for key in keys} == few
    assert {key: count for key, count in few.items() if count > BUDGETS[key]} == {}


def test_list_operations_stay_within_their_budgets_whatever_their_rows(caller, fill):  # noqa: F811
    who, keys = caller("operator"), keys_of("api", CALLS)
    fill(1)
    few = {key: queries_of(who.client, key, headers=who.headers) for key in keys}
    fill(40, first=1)
    assert {key: queries_of(who.client, key, headers=who.headers) for key in keys} == few
    assert {key: count for key, count in few.items() if count > BUDGETS[key]} == {}


def test_every_list_of_the_portal_has_a_budget():
    """Found by walking the addresses, so that no list can be added without one."""
    shown = {f"page /{page.path}" for page in pages() if page.key.endswith(("-list", ":list"))}
    listed = {
        f"api /{operation.path}"
        for operation in operations()
        if operation.method == "GET" and operation.key.count("/") == 0 and operation.key not in NO_ROWS
    }
    assert len(shown) > 15
    assert len(listed) > 15
    assert shown | listed <= set(BUDGETS)
