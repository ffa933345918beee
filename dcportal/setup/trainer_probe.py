"""Asks the trainer's environment about itself; also for `doctor`."""

import json
import subprocess
from pathlib import Path
from typing import Any

from dcportal.setup import places
from dcportal.setup.trainer_status import Torch

PROBE_SECONDS = 300


def probe(python: Path) -> dict[str, Any]:
    """What the environment says of itself: {"problems": [...], "torch": {...} | None}."""
    script = Path(__file__).with_name("torch_probe.py")
    done = subprocess.run(
        [python, script, places.TRAINER_REQUIREMENTS],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=PROBE_SECONDS,
    )
    if done.returncode:
        return {"problems": [(done.stderr.strip().splitlines() or ["no answer"])[-1]], "torch": None}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def torch_of(answer: dict[str, Any]) -> Torch | None:
    facts = answer["torch"]
    return facts and Torch(**{**facts, "architectures": tuple(facts["architectures"])})
