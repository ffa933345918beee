"""The right to start an attempt, won once.

The first act of whatever an engine launches. A claim is a folder put in place by one rename, complete
with its owner, so that no crash leaves a claim without one.
"""

import os
import secrets
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Any

from jobs.engines.runner import folder


class Verdict(StrEnum):
    """`won` and `again` may start; `duplicate` must end at once with exit code 0."""

    WON = "won"
    AGAIN = "again"
    DUPLICATE = "duplicate"


def claim(path: Path, engine_id: str, restart_count: int = 0) -> Verdict:
    """Claim the attempt whose claim folder is `path`.

    The same engine id may claim again with a higher restart count (a requeue inside the engine), each
    count once. Raises OSError when the folder cannot be written.
    """
    owner = {"engine_id": engine_id, "restart_count": restart_count, "at": folder.now()}
    if _publish(path, owner):
        return Verdict.WON
    first = folder.read_json(path / "owner.json") or {}
    if first.get("engine_id") != engine_id or restart_count <= first.get("restart_count", 0):
        return Verdict.DUPLICATE
    return Verdict.AGAIN if _publish(path / f"restart-{restart_count}", owner) else Verdict.DUPLICATE


def owner_of(path: Path) -> dict[str, Any] | None:
    """The newest claim in `path`: engine_id, restart_count, at; None when unclaimed."""
    first = folder.read_json(path / "owner.json")
    if first is None:
        return None
    again = [found for entry in path.glob("restart-*") if (found := folder.read_json(entry / "owner.json"))]
    return max([first, *again], key=lambda owner: owner.get("restart_count", 0))


def _publish(path: Path, owner: dict[str, Any]) -> bool:
    """Rename a filled folder to `path`; False when a filled one is there already."""
    made = path.with_name(f".claim.{secrets.token_hex(6)}")
    made.mkdir(mode=0o700)
    try:
        folder.write_json(made / "owner.json", owner, durable=True)
        os.rename(made, path)
    except FileExistsError:
        return False
    except OSError as error:
        if not path.is_dir():
            raise error
        return False
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return True
