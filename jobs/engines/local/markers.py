"""Which attempts a poll has to look at: one empty file per tag below `<runs>/.local`."""

from pathlib import Path

FOLDER = ".local"


def set_live(runs: Path, tag: str) -> None:
    """Make `tag` part of every poll. Raises OSError."""
    folder = runs / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / tag).touch()


def clear(runs: Path, tag: str) -> None:
    """Leave `tag` out of polls from now on."""
    (runs / FOLDER / tag).unlink(missing_ok=True)


def tags(runs: Path) -> list[str]:
    """All tags with a marker, sorted."""
    try:
        return sorted(path.name for path in (runs / FOLDER).iterdir())
    except FileNotFoundError:
        return []
