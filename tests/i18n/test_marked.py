"""Marked texts are found in all three sorts of sources, as GNU gettext finds them."""

from pathlib import Path

import pytest

from dcportal.operations.marked import forgotten, in_python, in_script, in_template


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ('_("Rack")', {("", "Rack")}),
        ('x = gettext_lazy("A " "long one")', {("", "A long one")}),
        ('ngettext("%(n)d job", "%(n)d jobs", n)', {("", "%(n)d job")}),
        ('pgettext("GPU", "Memory")', {("GPU", "Memory")}),
        ("f\"{_('a')}\"", {("", "a")}),
        ("_(variable)", set()),
        ('other("Rack")', set()),
    ],
)
def test_python(source: str, texts: set[tuple[str, str]]) -> None:
    assert set(in_python(source)) == texts


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("<p title=\"{% translate 'Rack' %}\">bare</p>", {("", "Rack")}),
        ('{% translate "Live" context "telemetry" %}', {("telemetry", "Live")}),
        ('{% badge "ok" _("in sync") %}', {("", "in sync")}),
        ("{% blocktranslate %}Account of {{ name }}{% endblocktranslate %}", {("", "Account of %(name)s")}),
        (
            "{% blocktranslate count n=n %}{{ n }} node{% plural %}{{ n }} nodes{% endblocktranslate %}",
            {("", "%(n)s node")},
        ),
        ('{% translate "agent\'s" %}', {("", "agent's")}),
    ],
)
def test_templates(source: str, texts: set[tuple[str, str]]) -> None:
    assert set(in_template(source)) == texts


def test_scripts(tmp_path: Path) -> None:
    script = tmp_path / "a.js"
    script.write_text('say(gettext("Node"));\nngettext("%(n)s line", "%(n)s lines", n);\n// gettext("no")\n')
    assert set(in_script(script)) == {("", "Node"), ("", "%(n)s line")}


def test_a_forgotten_and_a_left_over_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/views.py").write_text('_("New here")\n')
    catalogue = tmp_path / "locale/zh_Hans/LC_MESSAGES/django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid "Gone"\nmsgstr "没了"\n')

    assert forgotten(tmp_path, tmp_path / "locale") == [
        "zh_Hans/LC_MESSAGES/django.po: not collected: New here",
        "zh_Hans/LC_MESSAGES/django.po: no longer used: Gone",
    ]
