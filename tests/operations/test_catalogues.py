"""Catalogues are compiled without gettext, and their gaps are found."""

import gettext
import os
from pathlib import Path

import pytest

from dcportal.operations.catalogues import compile_catalogues, incomplete

HEADER = (
    'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=1; plural=0;\\n"\n\n'
)


@pytest.fixture
def locale(tmp_path: Path) -> Path:
    for language in ("en", "zh_Hans"):
        (tmp_path / language / "LC_MESSAGES").mkdir(parents=True)
    write(tmp_path, "en", 'msgid "Rack"\nmsgstr ""\n')
    write(tmp_path, "zh_Hans", 'msgid "Rack"\nmsgstr "机架"\n')
    return tmp_path


def write(locale: Path, language: str, entries: str) -> Path:
    file = locale / language / "LC_MESSAGES/django.po"
    file.write_text(HEADER + entries)
    return file


def test_a_compiled_catalogue_answers(locale: Path) -> None:
    written = compile_catalogues(locale)

    assert len(written) == 2
    chinese = gettext.translation("django", locale, ["zh_Hans"])
    assert chinese.gettext("Rack") == "机架"


def test_only_changed_catalogues_are_compiled_again(locale: Path) -> None:
    compile_catalogues(locale)
    assert compile_catalogues(locale) == []

    changed = write(locale, "zh_Hans", 'msgid "Rack"\nmsgstr "机柜"\n')
    later = changed.with_suffix(".mo").stat().st_mtime_ns + 10**9
    os.utime(changed, ns=(later, later))

    assert compile_catalogues(locale) == [changed.with_suffix(".mo")]


def test_no_catalogues_yet_is_fine(tmp_path: Path) -> None:
    assert compile_catalogues(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    "entry",
    [
        'msgid "Node"\nmsgstr ""\n',
        '#, fuzzy\nmsgid "Node"\nmsgstr "节点"\n',
        'msgid "Node"\nmsgid_plural "Nodes"\nmsgstr[0] ""\n',
    ],
)
def test_missing_and_unsure_translations_are_named(locale: Path, entry: str) -> None:
    write(locale, "zh_Hans", entry)

    assert incomplete(locale) == ["zh_Hans/LC_MESSAGES/django.po: Node"]


def test_english_needs_no_translation(locale: Path) -> None:
    assert incomplete(locale) == []
