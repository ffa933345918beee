"""CPU of the job pages over 100,000 jobs: list, filtered list, last pages, one job, launch, node, overview.

The whole stack answers (middleware, session, database, rendering), in one process, without a server. The
database is SQLite with the portal's own options. Peer: NetBox 4.4's HTML list of 50 on the same kind of
machine (shared/anchors/ui-ecosystem.md section 5: 937 ms of CPU).
Run: python -m tests.bench.pages_jobs
"""

import gc
import os
import sys
import tempfile
import time
from datetime import timedelta
from statistics import median

JOBS = 100_000
EVENTS, CHECKPOINTS, POINTS = 60, 40, 1000
WARM_UP, ROUNDS = 5, 30
PEER = "NetBox list 937"
STATES = ("succeeded", "failed", "cancelled", "succeeded", "succeeded")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="dcp-bench-") as folder:
        os.environ.update({"DCP_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"})
        import django

        django.setup()
        _run()


def _run() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    settings.DATABASES["default"]["NAME"] = os.path.join(os.environ["DCP_DATA_DIR"], "bench.sqlite3")
    call_command("migrate", verbosity=0)
    user, job, node = _fill()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    rows = [
        ("jobs_list_50", "/jobs/", 150.0),
        ("jobs_list_50_mine_failed", "/jobs/?owner=me&state=failed", 150.0),
        ("jobs_list_50_search", "/jobs/?q=sweep-0099", 150.0),
        ("jobs_list_50_page_100", "/jobs/?page=100", 150.0),
        ("job_page", f"/jobs/{job.uid}/", 120.0),
        ("job_live_fragment", f"/jobs/{job.uid}/live/", 30.0),
        ("job_side_fragment", f"/jobs/{job.uid}/side/", 30.0),
        ("launch_page", "/launch/", 150.0),
        ("overview", "/?overview", 120.0),
        ("node_live_fragment", f"/nodes/{node.uid}/live/", 120.0),
    ]
    for name, path, goal in rows:
        milliseconds, size = _measured(client, path)
        _print(f"pages/{name}", milliseconds, "ms CPU", goal, PEER)
        if name in {"jobs_list_50", "job_page"}:
            _print(f"pages/{name}_size", size / 1000, "KB", 120.0, "NetBox list 242")


def _measured(client, path: str) -> tuple[float, int]:
    """Median CPU of one answer in milliseconds, and its size in bytes."""
    spent = []
    for number in range(WARM_UP + ROUNDS):
        start = time.process_time()
        answer = client.get(path)
        body = answer.content
        elapsed = (time.process_time() - start) * 1000
        assert answer.status_code == 200, (path, answer.status_code, body[:300])
        if number >= WARM_UP:
            spent.append(elapsed)
    gc.collect()
    return median(spent), len(body)


def _print(name: str, value: float, unit: str, goal: float, peer: str) -> None:
    verdict = "ok" if value <= goal else "short"
    sys.stdout.write(f"{name} | {value:.1f} {unit} | <= {goal:g} | {verdict} | {peer}\n")


def _fill():
    """A user, a running job with curves, events and checkpoints, and its node; 100,000 jobs around it."""
    from dcportal.accounts.actions import create_user
    from dcportal.accounts.models import Membership, Team
    from dcportal.common.actors import system_actor
    from dcportal.common.changes import create
    from dcportal.common.clock import utcnow
    from jobs import builtin

    now = utcnow()
    user = create_user(system_actor("bench"), {"username": "bench", "role": "user"}, now)
    team = create(Team(name="research"), now)
    create(Membership(user=user, team=team, role="user"), now)
    builtin.ensure(now)
    node = _node(now)
    _past_jobs(user, team, now)
    return user, _running_job(user, team, node, now), node


def _node(now):
    from dcportal.common.changes import create
    from dcportal.inventory.models import Accelerator, Node

    columns = {"admission": "accepted", "launch_engine": "local", "cpu_count": 224, "liveness": "live"}
    node = create(Node(name="gpu-a01-1", memory_bytes=2 * 10**12, **columns), now)
    for index in range(8):
        create(
            Accelerator(uuid=f"GPU-{index}", node=node, index=index, model="H100", memory_bytes=80 * 10**9),
            now,
        )
    return node


def _past_jobs(user, team, now) -> None:
    from jobs.models import Job, Queue

    queue = Queue.objects.get(is_default=True)
    request = {"schema": 1, "job": {"name": "sweep"}, "command": ["python", "train.py", "--lr", "0.1"] * 20}
    Job.objects.bulk_create(
        (
            Job(
                name=f"sweep-{number:06d}",
                team=team,
                owner=user,
                queue=queue,
                request=request,
                request_schema=1,
                request_hash=f"{number:064x}",
                state=STATES[number % len(STATES)],
                reason={"code": "exit_code", "params": {"exit_code": 1}, "v": 1},
                ranks=2,
                progress_step=500,
                progress_total=1000,
                queued_at=now,
                running_at=now,
                ended_at=now - timedelta(minutes=number),
                created_at=now,
                updated_at=now,
            )
            for number in range(JOBS)
        ),
        batch_size=2000,
    )


def _running_job(user, team, node, now):
    from dcportal.common.changes import create
    from jobs.models import Attempt, Checkpoint, Job, JobEvent

    job = Job.objects.order_by("-id").first()
    columns = {"state": "running", "ended_at": None, "gpus": 8, "ranks": 8, "latest_metrics": {"loss": 0.5}}
    Job.objects.filter(pk=job.pk).update(**columns)
    gpus = [f"GPU-{index}" for index in range(8)]
    columns = {"engine": "local", "run_dir": "/none", "state": "running", "accelerator_uuids": gpus}
    columns |= {"starting_at": now, "running_at": now}
    attempt = create(Attempt(job=job, number=1, tag=f"{job.uid}.1", node=node, **columns), now)
    for step in range(CHECKPOINTS):
        saved = {"path": f"step-{step}", "size_bytes": 10**9, "saved_at": now + timedelta(seconds=step)}
        create(Checkpoint(job=job, attempt=attempt, step=step, is_best=True, **saved), now)
    JobEvent.objects.bulk_create(
        JobEvent(job=job, seq=number + 1, at=now, kind="state", code="job_running")
        for number in range(EVENTS)
    )
    _curves(job, attempt, now)
    return job


def _curves(job, attempt, now) -> None:
    from jobs.scheduler import curves

    points = {
        name: [(step, now.timestamp() + step, 1 / (step + 1)) for step in range(POINTS)]
        for name in ("loss", "evaluation/loss", "evaluation/accuracy", "learning_rate", "samples_per_second")
    }
    curves.append(attempt, points)


if __name__ == "__main__":
    main()
