"""How far the installation is, for the first page."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from dcportal.common import units
from dcportal.inventory.models import Node
from dcportal.setup import trainer_status
from dcportal.setup.trainer_status import TrainerStatus
from monitoring.agent.collectors import power


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the card "Setting up"; status: done, waiting, warning or failed."""

    title: str
    status: str
    icon: str
    note: str = ""
    ratio: float | None = None
    command: str = ""


ICONS = {"done": "circle-check", "waiting": "loader", "warning": "alert", "failed": "circle-cross"}


def item(title: str, status: str, **rest: Any) -> Item:
    return Item(title, status, ICONS[status], **rest)


def items(node: Node | None) -> list[Item]:
    """Portal, agent, trainer, and what this host cannot measure."""
    lines = [item(_("Portal and database"), "done"), agent_item(node)]
    status = trainer_status.read()
    if status is not None:
        lines.append(trainer_item(status))
    meter = power_item(node)
    return [*lines, meter] if meter else lines


def open_ones(lines: list[Item]) -> list[Item]:
    """What is not done."""
    return [line for line in lines if line.status != "done"]


def is_moving(lines: list[Item]) -> bool:
    """Whether asking again soon can say something new."""
    return any(line.status == "waiting" for line in lines)


def agent_item(node: Node | None) -> Item:
    if node is None:
        return item(_("Agent on this machine"), "waiting", note=_("no word yet"))
    return item(_("Agent on this machine"), "done", note=node.agent_version)


def trainer_item(status: TrainerStatus) -> Item:
    """The trainer's environment: what is happening, how much has come, or what mends it."""
    if status.is_ready and status.torch:
        return item(_("Trainer"), "done", note=f"torch {status.torch.version}")
    if status.phase == "skipped":
        return item(_("Trainer not installed"), "warning", note=_("skipped"), command=status.mend)
    if status.phase == "failed":
        return item(_("Trainer could not be installed"), "failed", note=status.error, command=status.mend)
    if status.is_interrupted:
        return item(_("Trainer half installed"), "warning", note=_("interrupted"), command="make run")
    return item(_("Trainer with torch"), "waiting", note=progress_note(status), ratio=status.done_ratio)


def progress_note(status: TrainerStatus) -> str:
    words = {
        "choosing": _("choosing the build of torch"),
        "sizing": _("asking how large it is"),
        "downloading": _("downloading"),
        "installing": _("installing"),
        "checking": _("checking"),
    }
    note = words.get(status.phase, status.phase)
    if status.download_bytes:
        note += f" · {units.bytes_human(status.download_bytes)}"
    return note


def power_item(node: Node | None) -> Item | None:
    """The fix for CPU power counters that only root may read."""
    if node is None or power.UNREADABLE not in (node.facts.get("notes") or []):
        return None
    note = _("charts show no watts for this node")
    return item(_("CPU power not readable"), "warning", note=note, command=power.how_to_make_readable())
