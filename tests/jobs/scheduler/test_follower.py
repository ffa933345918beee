"""Reading the event files of jobs: nothing lost, nothing twice, nothing believed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import queries
from jobs.models import Artifact, Attempt, Checkpoint, FollowOffset, Job
from tests.jobs.scheduler.conftest import Stage
from tests.jobs.scheduler.scripted import ScriptedEngine

pytestmark = pytest.mark.django_db
Running = Callable[..., tuple[Job, Attempt]]


class Writer:
    """Writes event lines as a job does."""

    def __init__(self, attempt: Attempt, rank: int = 0) -> None:
        self.work = Path(attempt.run_dir) / "work"
        self.path = self.work / "events" / f"{rank}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.rank = rank
        self.seq = 0

    def line(self, kind: str, **data: Any) -> None:
        head = {"v": 1, "seq": self.seq, "t": 1764079000.0 + self.seq, "mono": 1.0, "rank": self.rank}
        self.seq += 1
        self.raw(json.dumps({**head, "restart": 0, "kind": kind, **data}).encode() + b"\n")

    def raw(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)

    def step(self, number: int, **data: Any) -> None:
        self.line("step", step_from=number, step_to=number, **{"metrics": {"loss": 1.0 / number}, **data})


@pytest.fixture
def followed(running: Running) -> tuple[Job, Attempt, Writer]:
    job, attempt = running()
    return job, attempt, Writer(attempt)


Followed = tuple[Job, Attempt, Writer]


def steps_of(job: Job) -> list[int]:
    curves = queries.curves_of(job)
    return curves[0].steps if curves else []


def test_steps_become_a_curve_and_progress(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    for number in range(1, 11):
        writer.step(number, total_steps=100)
    stage.tick()
    job.refresh_from_db()
    assert steps_of(job) == list(range(1, 11))
    assert (job.progress_step, job.progress_total) == (10, 100)
    assert job.latest_metrics == {"loss": 0.1}


def test_time_left_follows_the_pace(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    began = stage.now.timestamp()
    writer.step(1, total_steps=101, t=began)
    stage.tick()
    writer.step(11, total_steps=101, t=began + 10)
    stage.tick()
    job.refresh_from_db()
    assert job.eta_at is not None
    assert (job.eta_at - job.progress_at).total_seconds() == pytest.approx(90.0)


def test_a_restart_neither_loses_nor_doubles(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    writer.step(1)
    stage.tick()
    writer.step(2)
    stage.restart()
    stage.tick(2)
    writer.step(3)
    stage.tick()
    assert sum(block.num_points for block in job.curves.all()) == 3
    assert steps_of(job) == [1, 2, 3]


def test_a_crash_between_reading_and_storing_loses_nothing(
    stage: Stage, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _attempt, writer = followed
    writer.step(1)

    def boom(*_arguments: Any, **_rest: Any) -> None:
        raise RuntimeError("disk on fire")

    with monkeypatch.context() as patch:
        patch.setattr(FollowOffset, "save", boom)
        stage.tick()
    assert steps_of(job) == []
    stage.tick()
    assert steps_of(job) == [1]


def test_half_a_line_waits_for_its_other_half(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    writer.raw(b'{"v":1,"seq":0,"rank":0,"restart":0,"kind":"step","step_from":1,')
    stage.tick()
    assert steps_of(job) == []
    writer.raw(b'"step_to":1,"metrics":{"loss":2.0}}\n')
    stage.tick()
    assert steps_of(job) == [1]


def test_a_rotated_file_is_read_on(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    writer.step(1)
    stage.tick()
    writer.step(2)
    writer.path.rename(writer.path.with_name("0.1.jsonl"))
    writer.step(3)
    stage.tick()
    assert steps_of(job) == [1, 2, 3]
    assert sum(block.num_points for block in job.curves.all()) == 3


def test_a_full_block_is_followed_by_the_next(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    for number in range(1, 2501):
        writer.step(number)
        if number == 700:
            stage.tick()
    stage.tick(3)
    assert [block.num_points for block in job.curves.order_by("index")] == [1024, 1024, 452]
    assert steps_of(job)[:3] == [1, 2, 3]


HOSTILE = [
    b"\n",
    b"\x00\xff\xfe\n",
    b"not json\n",
    b"[1,2,3]\n",
    b'{"kind":"step"}\n',
    b'{"kind":"step","step_to":"1","metrics":{"loss":1}}\n',
    b'{"kind":"step","step_to":-5,"metrics":{"loss":1}}\n',
    b'{"kind":"step","step_to":99999999999999999999,"metrics":{"loss":1}}\n',
    b'{"kind":"step","step_to":1e400,"metrics":{"loss":1}}\n',
    b'{"kind":"step","step_to":true,"metrics":{"loss":1}}\n',
    b'{"kind":"step","step_to":1,"metrics":{"a\\u0000b":1}}\n',
    b'{"kind":"step","step_to":1,"metrics":{"\\ud800":1}}\n',
    b'{"kind":"step","step_to":1,"metrics":[1]}\n',
    b'{"kind":"step","step_to":1,"t":1e300,"metrics":{}}\n',
    b'{"kind":"checkpoint","step":1,"path":"../../../etc/passwd"}\n',
    b'{"kind":"checkpoint","step":1,"path":"/etc/passwd"}\n',
    b'{"kind":"checkpoint","step":1,"path":7}\n',
    b'{"kind":"checkpoint","step":1,"path":"a\\u0000"}\n',
    b'{"kind":"phase","phase":{"a":1}}\n',
    b'{"kind":"notice","message":"\\ud800 \\u0000 text"}\n',
    b'{"kind":"error","message":["x"],"code":7,"exit_code":"many"}\n',
    b'{"kind":"end","status":"stopped","step":-1}\n',
    b'{"kind":"unheard-of","x":1}\n',
    b"[" * 3000 + b"\n",
    b'{"kind":"step","step_to":1,"metrics":{"x":1' + b" " * 5000 + b"}}\n",
    b"x" * 70000 + b"\n",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_a_hostile_line_harms_nothing(line: bytes, stage: Stage, followed: Followed) -> None:
    job, attempt, writer = followed
    writer.raw(line)
    writer.step(2)
    stage.tick(3)
    assert 2 in queries.curves_of(job, ["loss"])[0].steps
    assert not Checkpoint.objects.filter(attempt=attempt).exists()
    bundle = queries.job_bundle(_owner(job), job.uid, stage.now)
    assert json.dumps([event.params for event in bundle.events])


def _owner(job: Job) -> Any:
    from dcportal.accounts.identify import user_actor

    return user_actor(job.owner)


def test_a_thousand_metrics_become_sixty_four(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    for start in range(0, 1000, 50):
        writer.step(1 + start, metrics={f"m{start + i}": 1.0 for i in range(50)})
    stage.tick(2)
    assert len(queries.metric_names(job)) == 64
    assert FollowOffset.objects.get().lines_skipped > 0


def test_links_and_pipes_among_the_files_are_left_alone(
    stage: Stage, followed: Followed, tmp_path: Path
) -> None:
    job, _attempt, writer = followed
    target = tmp_path / "outside.jsonl"
    target.write_text('{"kind":"step","step_from":1,"step_to":7,"metrics":{"loss":1},"rank":0}\n')
    writer.path.symlink_to(target)
    os.mkfifo(writer.path.with_name("1.jsonl"))
    stage.tick(2)
    assert steps_of(job) == []


def test_a_linked_folder_leads_nowhere(stage: Stage, running: Running, tmp_path: Path) -> None:
    job, attempt = running()
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "0.jsonl").write_text('{"kind":"step","step_to":7,"metrics":{"loss":1}}\n')
    work = Path(attempt.run_dir) / "work"
    work.mkdir(parents=True)
    (work / "events").symlink_to(outside)
    stage.tick(2)
    assert steps_of(job) == []


def test_checkpoints_are_listed_once(stage: Stage, followed: Followed) -> None:
    job, _attempt, writer = followed
    for _ in range(2):
        writer.line("checkpoint", step=200, path=str(writer.work / "checkpoints/200"), bytes=12, best=True)
    stage.tick()
    row = Checkpoint.objects.get(job=job)
    assert (row.step, row.path, row.size_bytes, row.is_best) == (200, "checkpoints/200", 12, True)


def test_the_error_event_tells_the_cause_that_torchrun_flattened(
    stage: Stage, engine: ScriptedEngine, followed: Followed
) -> None:
    job, attempt, writer = followed
    other = Writer(attempt, rank=1)
    other.line("error", code="peer_lost", message="rank 0 is gone", exit_code=1)
    writer.line("error", code="diverged", message="loss is nan at step 7", exit_code=71)
    writer.line("end", status="failed", exit_code=71, step=7)
    engine.ends(attempt.tag, 1)
    stage.tick()
    job.refresh_from_db()
    assert (job.state, job.reason["code"]) == ("failed", "diverged")
    assert job.reason["params"]["message"] == "loss is nan at step 7"


def test_lines_written_just_before_the_end_are_read(
    stage: Stage, engine: ScriptedEngine, followed: Followed
) -> None:
    job, attempt, writer = followed
    for number in range(1, 31):
        writer.step(number)
    engine.ends(attempt.tag)
    stage.tick()
    assert steps_of(job) == list(range(1, 31))


def test_artifacts_are_listed_without_links(stage: Stage, engine: ScriptedEngine, followed: Followed) -> None:
    job, attempt, writer = followed
    folder = writer.work / "artifacts/deep"
    folder.mkdir(parents=True)
    (folder / "model.pt").write_bytes(b"12345")
    (folder / "link").symlink_to("/etc/passwd")
    engine.ends(attempt.tag)
    stage.tick()
    assert list(Artifact.objects.filter(job=job).values_list("path", "size_bytes")) == [("deep/model.pt", 5)]


def test_a_stop_that_saved_is_told(stage: Stage, engine: ScriptedEngine, followed: Followed) -> None:
    job, attempt, writer = followed
    writer.line("end", status="stopped", exit_code=75, step=40)
    engine.ends(attempt.tag, 1)
    stage.tick()
    attempt.refresh_from_db()
    job.refresh_from_db()
    assert (attempt.state, job.requeues_used) == ("preempted", 1)
    assert job.state in ("queued", "starting")
