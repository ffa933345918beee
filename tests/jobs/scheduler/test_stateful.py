"""Random histories of people, engine and crashes: nothing is lost, started twice or given out twice."""

import contextlib
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dcportal.accounts.identify import user_actor
from dcportal.accounts.models import Membership, Team, User
from dcportal.common.changes import create
from dcportal.common.problems import Refusal
from dcportal.inventory.models import Accelerator, Node
from jobs import actions
from jobs.engines import registry
from jobs.engines.base import State
from jobs.engines.runner.claim import owner_of
from jobs.models import AcceleratorClaim, Attempt, Job
from jobs.scheduler import crashpoints
from jobs.scheduler.launching import BARRED
from jobs.states import ATTEMPT_LIVE, JOB_LIVE, JOB_TERMINAL
from tests.jobs.scheduler.conftest import Stage
from tests.jobs.scheduler.scripted import ScriptedEngine
from tests.jobs.scheduler.test_exactly_once import Crash, crash_at

GPUS = 3
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class History(RuleBasedStateMachine):
    """One site with 3 GPUs, one person, one engine that the rules push around."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.changed = override_settings(RUNS_DIR=Path(self.folder.name) / "runs")
        self.changed.enable()
        self.block = transaction.atomic()
        self.block.__enter__()
        registry.clear()
        self.engine = ScriptedEngine()
        registry.register(self.engine)
        self.actor = self._person()
        self._machine()
        self.stage = Stage(START, Path(self.folder.name) / "lock")
        self.ended: dict[int, str] = {}

    def _person(self) -> Any:
        user = create(User(username="ada", role="user"), START)
        team = create(Team(name="research"), START)
        create(Membership(user=user, team=team, role="user"), START)
        return user_actor(user)

    def _machine(self) -> None:
        node = Node(name="n", admission="accepted", launch_engine="fake", cpu_count=64, memory_bytes=2**36)
        create(node, START)
        for index in range(GPUS):
            create(Accelerator(uuid=f"GPU-{index}", node=node, index=index, model="H100"), START)

    def teardown(self) -> None:
        crashpoints.hook = None
        self.stage.lease.give_up()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        self.changed.disable()
        self.folder.cleanup()
        registry.clear()

    # People
    @rule(gpus=st.integers(0, GPUS), retries=st.integers(0, 2), priority=st.integers(-5, 5))
    def submit(self, gpus: int, retries: int, priority: int) -> None:
        request = {
            "job": {"name": "j", "max_retries": retries, "priority": priority},
            "command": ["python", "train.py"],
            "resources": {"gpus": gpus},
        }
        actions.submit(self.actor, request, self.stage.now)

    @precondition(lambda self: Job.objects.exists())
    @rule(which=st.integers(0, 99), wish=st.sampled_from([actions.cancel, actions.hold, actions.release]))
    def wish(self, which: int, wish: Callable[..., Job]) -> None:
        jobs = list(Job.objects.order_by("pk"))
        with contextlib.suppress(Refusal):
            wish(self.actor, jobs[which % len(jobs)], self.stage.now)

    # The engine
    @precondition(lambda self: any(not report.state.is_final for report in self.engine.reports.values()))
    @rule(
        which=st.integers(0, 99),
        to=st.sampled_from(
            [State.RUNNING, State.SUCCEEDED, State.FAILED, State.LOST, State.CANCELLED, State.STOPPING]
        ),
        exit_code=st.sampled_from([0, 1, 65, 75, 137]),
    )
    def engine_moves(self, which: int, to: State, exit_code: int) -> None:
        tags = [tag for tag, report in self.engine.reports.items() if not report.state.is_final]
        tag = tags[which % len(tags)]
        if self._is_barred(tag):
            self.engine.ends(tag, 0, State.CANCELLED)  # "duplicate suppressed"
        elif to.is_final:
            self.engine.ends(tag, 0 if to is State.SUCCEEDED else exit_code or 1, to)
        else:
            self.engine.becomes(tag, to)

    def _is_barred(self, tag: str) -> bool:
        """Whether the scheduler took this attempt's right to start, so that its submission starts nothing."""
        root = Path(Attempt.objects.get(tag=tag).run_dir)
        return (owner_of(root / "control/claim") or {}).get("engine_id") == BARRED

    @rule(is_down=st.booleans())
    def engine_answers_or_not(self, is_down: bool) -> None:
        self.engine.is_down = is_down

    @rule()
    def engine_loses_the_next_reply(self) -> None:
        self.engine.lose_reply = True

    # The scheduler
    @rule(seconds=st.sampled_from([1.0, 5.0, 60.0]))
    def tick(self, seconds: float) -> None:
        try:
            self.stage.tick(seconds=seconds)
        except Crash:
            self.stage.restart()

    @rule(point=st.sampled_from(crashpoints.NAMES))
    def crash_soon(self, point: str) -> None:
        crash_at(point)

    @rule()
    def restart(self) -> None:
        self.stage.restart()

    # What always holds
    @invariant()
    def no_accelerator_is_given_twice(self) -> None:
        taken = list(AcceleratorClaim.objects.filter(to_at=None).values_list("accelerator_uuid", flat=True))
        assert len(taken) == len(set(taken)) <= GPUS

    @invariant()
    def no_attempt_starts_twice(self) -> None:
        assert len(self.engine.starts) == len(set(self.engine.starts))

    @invariant()
    def a_job_has_one_live_attempt_exactly_while_it_is_live(self) -> None:
        for job in Job.objects.all():
            live = Attempt.objects.filter(job=job, state__in=ATTEMPT_LIVE).count()
            assert live == (1 if job.state in JOB_LIVE else 0), (job.state, live)

    @invariant()
    def an_end_stays_the_end(self) -> None:
        for job in Job.objects.filter(state__in=JOB_TERMINAL):
            assert self.ended.setdefault(job.pk, job.state) == job.state

    @invariant()
    def events_have_no_gaps(self) -> None:
        for job in Job.objects.all():
            seqs = list(job.events.order_by("seq").values_list("seq", flat=True))
            assert seqs == list(range(1, job.event_seq + 1))

    @invariant()
    def only_final_reports_free_accelerators(self) -> None:
        """A job is never cancelled while the engine still has processes of it."""
        for attempt in Attempt.objects.exclude(state__in=ATTEMPT_LIVE):
            report = self.engine.reports.get(attempt.tag)
            assert report is None or report.state.is_final or self._is_barred(attempt.tag)


class Drained(History):
    """The same, and in the end everybody cancels: every job must come to an end."""

    def teardown(self) -> None:
        crashpoints.hook = None
        self.engine.is_down = self.engine.lose_reply = False
        try:
            for job in Job.objects.exclude(state__in=JOB_TERMINAL):
                actions.cancel(self.actor, job, self.stage.now + timedelta(seconds=1))
            for _ in range(6):
                self.stage.tick(seconds=10)
                for tag, report in list(self.engine.reports.items()):
                    if report.state is State.STOPPING:
                        self.engine.ends(tag, 143, State.CANCELLED)
            left = list(Job.objects.exclude(state__in=JOB_TERMINAL).values_list("state", "desired"))
            assert left == []
            assert not AcceleratorClaim.objects.filter(to_at=None).exists()
        finally:
            super().teardown()


@pytest.mark.django_db
def test_random_histories_keep_every_promise() -> None:
    run_state_machine_as_test(
        Drained,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
