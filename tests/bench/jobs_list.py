"""List of 100,000 jobs: CPU of one page by REST and by HTML, and of one job page. `make bench ONLY=jobs`.

Prints `area/name | value unit | goal | ok or short | peer`. The peer is the same page of 100 jobs.
"""

# ruff: noqa: E402
import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Callable

FOLDER = tempfile.mkdtemp(prefix="dcp-bench-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ["DCP_DATA_DIR"] = FOLDER
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.test import Client

from dcportal.accounts.models import Membership, Team, User
from dcportal.common.changes import create
from dcportal.common.clock import utcnow
from dcportal.common.ids import new_uid
from jobs.builtin import ensure_queue
from jobs.models import Job
from jobs.states import JobState

MANY, FEW, ROUNDS = 100_000, 100, 15
LIST_GOAL_MS, PAGE_GOAL_MS = 150.0, 120.0
REQUEST = {
    "schema": 1,
    "job": {"name": "bench", "team": "bench", "queue": "default", "priority": 0},
    "command": ["python", "train.py", "--config", "x" * 200],
    "resources": {"ranks": 2, "gpus": 0},
    "secrets": {"names": []},
}


def main() -> None:
    call_command("migrate", verbosity=0)
    people = [person(f"user{number}") for number in range(10)]
    fill(people, FEW)
    few = measured(people[0], "/api/v1/jobs/")
    fill(people, MANY - FEW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    one = Job.objects.filter(owner=people[0]).latest("id").uid
    report("jobs/api-list-100k", measured(people[0], "/api/v1/jobs/"), LIST_GOAL_MS, few)
    report(
        "jobs/api-filtered-100k", measured(people[0], "/api/v1/jobs/?state=failed&q=job-7"), LIST_GOAL_MS, few
    )
    report("jobs/html-list-100k", measured(people[0], "/jobs/"), LIST_GOAL_MS, few)
    report("jobs/html-page", measured(people[0], f"/jobs/{one}/"), PAGE_GOAL_MS, few)


def person(name: str) -> User:
    now = utcnow()
    user = create(User(username=name, role="user"), now)
    team = Team.objects.filter(name=f"team-{name[-1]}").first() or create(Team(name=f"team-{name[-1]}"), now)
    create(Membership(user=user, team=team, role="user"), now)
    return user


def fill(people: list[User], count: int) -> None:
    now, queue = utcnow(), ensure_queue(utcnow())
    states = [JobState.SUCCEEDED] * 7 + [JobState.FAILED, JobState.CANCELLED, JobState.QUEUED]
    teams = {user.pk: user.memberships.get().team for user in people}
    rows = [
        Job(
            uid=new_uid(),
            created_at=now,
            updated_at=now,
            name=f"job-{number}",
            owner=people[number % 10],
            team=teams[people[number % 10].pk],
            queue=queue,
            request=REQUEST,
            request_schema=1,
            request_hash="0" * 64,
            ranks=2,
            state=states[number // 10 % 10],
            queued_at=now,
        )
        for number in range(count)
    ]
    Job.objects.bulk_create(rows, batch_size=2000)


def measured(user: User, path: str) -> float:
    """Median CPU milliseconds of one request in this process, signed in, after a warm-up."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    client.raise_request_exception = False
    return median(lambda: status_200(client, path))


def status_200(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"


def median(call: Callable[[], None]) -> float:
    call()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        taken.append((time.process_time() - began) * 1000)
    return sorted(taken)[len(taken) // 2]


def report(name: str, value: float, goal: float, peer: float) -> None:
    verdict = "ok" if value <= goal else "short"
    print(f"{name} | {value:.1f} ms CPU | <= {goal:.0f} ms CPU | {verdict} | 100 jobs: {peer:.1f} ms CPU")


if __name__ == "__main__":
    main()
