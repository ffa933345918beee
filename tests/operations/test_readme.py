"""The README stays true: its commands and files exist, its settings are all there are."""

import re

from dcportal.setup import places

README = places.REPOSITORY / "README.md"
SETTING = re.compile(
    r"""\b(?:text|secret|flag|whole_number|names)\(\s*f?["']([A-Z][A-Z0-9_]+)["']"""
    r"""|environ(?:\.get\(|\[)\s*["'](DCP_[A-Z0-9_]+)["']"""
)
#: Set by the portal for jobs, or by tests that crash a program on purpose.
NOT_OURS = {
    "DCP_JOB_ID",
    "DCP_ATTEMPT",
    "DCP_RUN_DIR",
    "DCP_EVENTS",
    "DCP_CHECKPOINT_DIR",
    "DCP_RESUME_FROM",
    "DCP_CRASH_AT",
}


def settings_read() -> set[str]:
    found = set()
    for package in ("dcportal", "jobs", "monitoring"):
        for file in (places.REPOSITORY / package).rglob("*.py"):
            found |= {first or second for first, second in SETTING.findall(file.read_text())}
    return found - NOT_OURS


def test_every_setting_is_documented() -> None:
    text = README.read_text()

    assert sorted(name for name in settings_read() if f"`{name}`" not in text) == []


def test_no_setting_is_documented_that_nobody_reads() -> None:
    table = README.read_text().partition("## Settings")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)`", table, re.MULTILINE))

    assert sorted(documented - settings_read() - {"TORCH"}) == []


def test_every_make_command_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (places.REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", README.read_text()))

    assert named
    assert named <= targets


def test_every_manage_command_of_the_readme_exists() -> None:
    commands = {
        file.stem
        for file in places.REPOSITORY.glob("**/management/commands/*.py")
        if ".venv" not in file.parts
    }
    named = set(re.findall(r"manage\.py ([a-z_-]+)", README.read_text()))

    assert named - {"test", "migrate"} <= commands


def test_every_file_of_the_readme_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())

    assert links
    assert [link for link in links if not (places.REPOSITORY / link).exists()] == []


def test_every_package_of_the_readme_has_one_of_its_own() -> None:
    table = README.read_text().partition("## Packages")[2].partition("\n## ")[0]
    packages = re.findall(r"^\| `([a-z_/]+)`", table, re.MULTILINE)

    assert packages
    assert [package for package in packages if not (places.REPOSITORY / package / "README.md").exists()] == []


def test_every_app_is_in_the_readme() -> None:
    apps = {
        str(file.parent.relative_to(places.REPOSITORY))
        for package in ("dcportal", "jobs", "monitoring")
        for file in (places.REPOSITORY / package).rglob("apps.py")
    }

    assert sorted(app for app in apps if f"| `{app}` |" not in README.read_text()) == []
