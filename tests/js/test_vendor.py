"""The set-up step that fills static/vendor, and the promise that pages ask no other host."""

import json
import re
from pathlib import Path

import pytest

from dcportal.common import vendor

REPOSITORY = Path(__file__).resolve().parents[2]
SVG = """<svg
  width="24"
>
  <path stroke="none" d="M0 0h24v24H0z" fill="none" />
  <path d="M7 4v16" />
</svg>"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small repository, and an `npm ci` that puts one package of each kind where npm would."""
    wanted = {"files": {"left": {"dist/left.js": "left.js"}}, "icons": {"play": "player-play"}}
    (tmp_path / "package.json").write_text(json.dumps({"vendor": wanted}))
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / ".npmrc").write_text("")
    monkeypatch.setattr(vendor, "install", lambda repository, scratch: fake_modules(scratch / "node_modules"))
    return tmp_path


def fake_modules(modules: Path) -> None:
    left = modules / "left"
    (left / "dist").mkdir(parents=True)
    (left / "dist" / "left.js").write_text("go();\n//# sourceMappingURL=left.js.map\n")
    (left / "LICENSE").write_text("MIT text")
    (left / "package.json").write_text('{"version": "1.2.3", "license": "MIT"}')
    icons = modules / "@tabler" / "icons"
    (icons / "icons" / "outline").mkdir(parents=True)
    (icons / "icons" / "outline" / "player-play.svg").write_text(SVG)
    (icons / "package.json").write_text('{"version": "3.0.0", "license": "MIT"}')


def test_files_come_with_their_licence_version_and_hash(checkout):
    vendor.refresh(checkout)
    folder = checkout / "static" / "vendor"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [(entry["file"], entry["version"], entry["licence"]) for entry in manifest["files"]] == [
        ("left.js", "1.2.3", "MIT"),
        ("icons.svg", "3.0.0", "MIT"),
    ]
    assert manifest["files"][0]["sha256"] == vendor.sha256(folder / "left.js")
    assert (folder / "licences" / "left.txt").read_text() == "MIT text"


def test_scripts_do_not_point_at_a_source_map_that_is_not_served(checkout):
    vendor.refresh(checkout)
    assert (checkout / "static" / "vendor" / "left.js").read_text() == "go();\n"


def test_words_written_for_bundlers_are_handed_to_plotly(tmp_path):
    (tmp_path / "zh.js").write_text("module.exports = {name: 'zh'};")
    wrap = vendor.WRAPPED["plotly.js-locales"]
    vendor.copy_without_map(tmp_path / "zh.js", tmp_path / "out.js", *wrap)
    text = (tmp_path / "out.js").read_text()
    assert text.startswith("(function (module) {")
    assert "Plotly.register(module.exports)" in text


def test_the_sprite_holds_our_names_without_the_bounding_path(checkout):
    vendor.refresh(checkout)
    sprite = (checkout / "static" / "vendor" / "icons.svg").read_text()
    assert '<symbol id="play" viewBox="0 0 24 24"><path d="M7 4v16" /></symbol>' in sprite


def test_a_refreshed_folder_is_current_until_lock_or_file_changes(checkout):
    assert not vendor.is_current(checkout)
    vendor.refresh(checkout)
    assert vendor.is_current(checkout)
    script = checkout / "static" / "vendor" / "left.js"
    script.write_text("changed")
    assert not vendor.is_current(checkout)
    vendor.refresh(checkout)
    (checkout / "package-lock.json").write_text('{"changed": true}')
    assert not vendor.is_current(checkout)


def test_a_failed_install_leaves_the_old_files(checkout, monkeypatch):
    vendor.refresh(checkout)

    def fail(repository: Path, scratch: Path) -> None:
        raise vendor.VendorError("no network")

    monkeypatch.setattr(vendor, "install", fail)
    with pytest.raises(vendor.VendorError):
        vendor.refresh(checkout)
    assert (checkout / "static" / "vendor" / "left.js").exists()


def test_a_command_that_fails_says_what_it_printed(tmp_path):
    with pytest.raises(vendor.VendorError, match="broken pin"):
        vendor.run(["sh", "-c", "echo broken pin >&2; exit 3"], tmp_path)


def test_the_lock_pins_exactly_and_names_no_address():
    lock = json.loads((REPOSITORY / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("resolved" not in entry and entry["integrity"] for entry in packages.values())
    pins = json.loads((REPOSITORY / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())


def test_the_browsers_plotly_has_the_minor_version_of_the_servers():
    import plotly

    head = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text()[:200]
    ours = json.loads((REPOSITORY / "package.json").read_text())["dependencies"][
        "plotly.js-cartesian-dist-min"
    ]
    assert f"plotly.js v{ours.rsplit('.', 1)[0]}." in head


@pytest.mark.parametrize("folder", ["templates", "static/js", "static/css"])
def test_no_page_names_another_host(folder):
    named = {
        f"{path.relative_to(REPOSITORY)}: {address}"
        for path in (REPOSITORY / folder).rglob("*.*")
        if path.suffix in {".html", ".js", ".css"}
        for address in re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'<)]*", path.read_text())
        if "www.w3.org" not in address and ".example" not in address
    }
    assert named == set()


@pytest.mark.parametrize("folder", ["templates"])
def test_no_template_holds_inline_script_or_style(folder):
    found = [
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / folder).rglob("*.html")
        if re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", path.read_text())
    ]
    assert found == []


def test_every_icon_used_is_in_the_sprite():
    known = set(json.loads((REPOSITORY / "package.json").read_text())["vendor"]["icons"])
    pattern = re.compile(
        r"{%\s*icon\s+[\"']([a-z-]+)[\"']|icon_name=[\"']([a-z-]+)[\"']|\bicon\([\"']([a-z-]+)[\"']"
    )
    used = {
        name
        for root in ("templates", "static/js")
        for path in (REPOSITORY / root).rglob("*.*")
        for groups in pattern.findall(path.read_text())
        for name in groups
        if name
    }
    assert used - known == set()


def test_every_state_has_an_icon_of_the_sprite():
    from dcportal.common.templatetags.ui import LOOKS

    known = set(json.loads((REPOSITORY / "package.json").read_text())["vendor"]["icons"])
    assert {look.icon for look in LOOKS.values()} - known == set()
