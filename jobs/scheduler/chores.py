"""What the scheduler does now and then: probe engines, look after nodes, forget old keys, send notices."""

import logging
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from dcportal.notify.delivery import Courier
from jobs.engines import registry
from jobs.engines.base import EngineError
from jobs.models import EngineStatus, SubmissionKey
from jobs.scheduler.lease import Lease
from jobs.scheduler.trainer_check import TrainerCheck

logger = logging.getLogger(__name__)
PROBE_SECONDS = 60.0
TIDY_SECONDS = 3600.0
DELIVER_SECONDS = 1.0
TRAINER_SECONDS = 5.0


class Chores:
    """Each chore with its own rhythm, by the monotonic clock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._courier = Courier()
        self._trainer = TrainerCheck()

    def run(self, lease: Lease, now: datetime) -> None:
        """Do what is due."""
        if self._is_due("probe", PROBE_SECONDS):
            probe_engines(lease, now)
        if self._is_due("trainer", TRAINER_SECONDS):
            self._trainer.look(lease, now)
        if self._is_due("tidy", TIDY_SECONDS):
            tidy(lease, now)
        if self._is_due("deliver", DELIVER_SECONDS):
            self._courier.pump(now)

    def _is_due(self, name: str, every: float) -> bool:
        at = time.monotonic()
        if at < self._next.get(name, 0.0):
            return False
        self._next[name] = at + every
        return True


def probe_engines(lease: Lease, now: datetime) -> None:
    """Ask each engine what it can do and write down the answer."""
    for name in registry.names():
        try:
            engine = registry.get(name)
            probe = engine.probe()
            nodes = [_plain(asdict(node)) for node in engine.nodes()]
        except EngineError as error:
            logger.warning("engine %s cannot be probed: %s", name, error)
            continue
        with lease.transaction(now):
            EngineStatus.objects.update_or_create(
                name=name,
                defaults={
                    "is_available": probe.is_available,
                    "is_isolated": probe.is_isolated,
                    "probe": _plain(asdict(probe)),
                    "nodes": nodes,
                    "probed_at": now,
                },
            )


def tidy(lease: Lease, now: datetime) -> None:
    """Forget Idempotency-Keys older than a day."""
    with lease.transaction(now):
        SubmissionKey.objects.filter(at__lt=now - timedelta(hours=24)).delete()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
