"""Engines by name. Wiring registers them once at start; the scheduler asks by the name on the node."""

from jobs.engines.base import Engine

_engines: dict[str, Engine] = {}


class NoSuchEngine(KeyError):
    """No engine of this name is configured here."""


def register(engine: Engine) -> None:
    """Make `engine` known under its own name; a later one of the same name takes its place."""
    _engines[engine.name] = engine


def get(name: str) -> Engine:
    """Engine called `name`. Raises NoSuchEngine."""
    try:
        return _engines[name]
    except KeyError:
        raise NoSuchEngine(name) from None


def names() -> list[str]:
    """Names of all engines, sorted."""
    return sorted(_engines)


def clear() -> None:
    """Forget all engines (tests)."""
    _engines.clear()
