"""Each entry point starts without the other side's packages; import-linter cannot see into `__init__`."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = """
import importlib.abc, sys
class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(f'{{name}} is walled off here')
sys.meta_path.insert(0, Wall())
import {module}
"""
DJANGO = {"django", "rest_framework", "channels"}
TORCH = {"torch", "sklearn", "scipy"}
STDLIB_ONLY = DJANGO | TORCH | {"numpy", "msgspec", "psutil", "pynvml"}

DJANGO_FREE = [
    "trainer.spec",
    "trainer.events",
    "trainer.report",
    "monitoring.protocol",
    "monitoring.catalog",
    "monitoring.agent.__main__",
    "jobs.engines.runner.__main__",
    "jobs.scheduler.policy",
    "jobs.scheduler.placement",
    "dcportal.inventory.limits",
    "dcportal.cli.__main__",
    "dcportal.setup.commands",
]
ONLY_STDLIB = ["trainer.spec", "trainer.events", "trainer.report", "dcportal.setup.commands", "dcportal.env"]
PORTAL = ["dcportal.asgi", "dcportal.operations.management.commands.portal"]


def imports(module: str, without: set[str], before: str = "") -> subprocess.CompletedProcess[str]:
    code = before + BLOCK.format(blocked=without, module=module)
    return subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.parametrize("module", DJANGO_FREE)
def test_it_starts_without_django(module: str) -> None:
    done = imports(module, DJANGO)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ONLY_STDLIB)
def test_it_needs_nothing_but_python(module: str) -> None:
    done = imports(module, STDLIB_ONLY)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", PORTAL)
def test_the_portal_starts_without_torch(module: str, tmp_path: Path) -> None:
    settings = f"import os; os.environ['DCP_DATA_DIR'] = {str(tmp_path)!r}\n"
    setup = "os.environ['DJANGO_SETTINGS_MODULE'] = 'dcportal.settings'; import django; django.setup()\n"

    done = imports(module, TORCH, before=settings + setup)

    assert done.returncode == 0, done.stderr


def test_packages_on_django_free_paths_are_empty() -> None:
    folders = {(REPOSITORY / module.replace(".", "/")).parent for module in DJANGO_FREE}
    on_the_path = {
        up for folder in folders for up in (folder, *folder.parents) if up.is_relative_to(REPOSITORY)
    }
    inits = [folder / "__init__.py" for folder in on_the_path if folder != REPOSITORY]

    assert [str(file) for file in inits if file.exists() and file.read_text().strip()] == []
