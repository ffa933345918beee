"""Asks the trainer's environment what it can do, once it is installed and whenever it was installed anew.

Importing torch takes 6 s, so the interpreter is run in a thread and its answer is stored by a later tick.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from dcportal.setup import trainer_status
from jobs import torch_check
from jobs.models import Environment
from jobs.scheduler.lease import Lease
from jobs.scheduler.snapshot import is_installed


class TrainerCheck:
    """One check at a time."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._running: Future[dict[str, Any]] | None = None

    def look(self, lease: Lease, now: datetime) -> None:
        """Store an answer that has come, or ask when there is a reason to."""
        if self._running is not None:
            if self._running.done():
                self._store(lease, self._running.result(), now)
                self._running = None
            return
        environment = Environment.objects.filter(is_default=True).first()
        if environment is not None and self._is_due(environment):
            self._pool = self._pool or ThreadPoolExecutor(1, "dcp-trainer-check")
            self._running = self._pool.submit(torch_check.examine, environment.interpreter)

    def _is_due(self, environment: Environment) -> bool:
        if not is_installed(environment.interpreter):
            return False
        if environment.checked_at is None:
            return True
        status = trainer_status.read()
        changed_at = status.updated_at if status is not None else None
        return changed_at is not None and datetime.fromtimestamp(changed_at, UTC) > environment.checked_at

    def _store(self, lease: Lease, found: dict[str, Any], now: datetime) -> None:
        with lease.transaction(now):
            Environment.objects.filter(is_default=True).update(
                check_result=found, checked_at=now, updated_at=now
            )
