"""The requirement files agree with each other, and every direct dependency has its reason."""

import re
from pathlib import Path

import pytest

from dcportal.setup import environments, places

FILES = [
    places.PORTAL_REQUIREMENTS,
    places.TRAINER_REQUIREMENTS,
    places.DEV_REQUIREMENTS,
    places.TRAINER_DEV_REQUIREMENTS,
]
BROUGHT = "# --- brought by the above ---"
#: Direct dependencies that no line of ours imports by name, with who does.
USED_BY_NAME_ONLY = {
    "brotli",
    "drf-spectacular-sidecar",
    "httptools",
    "psycopg",
    "psycopg-binary",
    "psycopg-pool",
    "uvicorn",
    "uvloop",
}
MODULES = {
    "Django": "django",
    "djangorestframework": "rest_framework",
    "django-filter": "django_filters",
    "django-environ": "environ",
    "django-axes": "axes",
    "django-csp": "csp",
    "nvidia-ml-py": "pynvml",
    "Babel": "babel",
}


def pins(file: Path) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s#]+)", file.read_text(), re.MULTILINE)
    return {normal(name): version for name, version in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(file: Path) -> list[str]:
    return [line for line in file.read_text().split(BROUGHT)[0].splitlines() if "==" in line]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_line_is_an_exact_pin(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith(("#", "-r "))]

    assert [line for line in lines if not re.match(r"^[A-Za-z0-9_.-]+==[^\s#]+(  # .+)?$", line)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_direct_dependency_has_its_reason(file: Path) -> None:
    assert [line for line in direct(file) if "  # " not in line] == []


def test_no_package_is_pinned_to_two_versions() -> None:
    versions: dict[str, set[str]] = {}
    for file in FILES:
        for name, version in pins(file).items():
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_one_file_holds_everything() -> None:
    everything = (places.REPOSITORY / "requirements.txt").read_text()

    assert "-r dcportal/requirements.txt" in everything
    assert "-r trainer/requirements.txt" in everything


def test_the_portal_never_gets_torch() -> None:
    assert "torch" not in pins(places.PORTAL_REQUIREMENTS) | pins(places.DEV_REQUIREMENTS)


def test_the_trainer_never_gets_django() -> None:
    assert "django" not in pins(places.TRAINER_REQUIREMENTS) | pins(places.TRAINER_DEV_REQUIREMENTS)


def test_the_bootstrap_brings_the_uv_that_is_pinned() -> None:
    assert pins(places.DEV_REQUIREMENTS)["uv"] == environments.UV_VERSION


def test_every_direct_dependency_of_the_portal_is_used() -> None:
    names = [line.partition("==")[0] for line in direct(places.PORTAL_REQUIREMENTS)]
    code = "\n".join(
        file.read_text()
        for package in ("dcportal", "jobs", "monitoring")
        for file in (places.REPOSITORY / package).rglob("*.py")
    )
    unused = [
        name
        for name in names
        if name not in USED_BY_NAME_ONLY and not is_used(MODULES.get(name, name.replace("-", "_")), code)
    ]

    assert unused == []


def is_used(module: str, code: str) -> bool:
    """Imported, or named in a setting as the dotted path Django resolves."""
    return re.search(rf"(import|from) {module}\b|[\"']{module}[.\"']", code) is not None
