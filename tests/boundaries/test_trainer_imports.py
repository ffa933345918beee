"""Of the trainer, the portal knows the description of a job and the event lines, nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ALLOWED = ("trainer.spec", "trainer.events")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_foreign(name: str) -> bool:
    inside = name == "trainer" or name.startswith("trainer.")
    return inside and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in ALLOWED)


@pytest.mark.parametrize("package", ["dcportal", "jobs", "monitoring"])
def test_the_portal_imports_only_spec_and_events(package: str) -> None:
    found = [
        f"{file.relative_to(REPOSITORY)}: {name}"
        for file in sorted((REPOSITORY / package).rglob("*.py"))
        for name in imported(file)
        if is_foreign(name)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("name", "foreign"),
    [("trainer.spec.job", False), ("trainer.events", False), ("trainer.loop", True), ("trainers", False)],
)
def test_the_wall_tells_inside_from_outside(name: str, foreign: bool) -> None:
    assert is_foreign(name) is foreign
