"""Which engines this site has. Web and scheduler call it at their start; the registry holds the result."""

from pathlib import Path

from django.conf import settings

from jobs.engines import registry


def register_engines() -> None:
    """Make the configured engines known; engines that are known already stay as they are."""
    if "local" not in registry.names():
        from jobs.engines.local.engine import LocalEngine

        registry.register(LocalEngine(Path(settings.RUNS_DIR), hidden=[Path(settings.DATA_DIR)]))
