"""Compiles and judges the catalogues with Babel, so that no gettext has to be installed on the machine."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def compile_catalogues(folder: Path) -> list[Path]:
    """Write every `.mo` that is missing or older than its `.po`; returns those written."""
    return [compile_one(source) for source in sources(folder) if is_old(source)]


def sources(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*/LC_MESSAGES/*.po"))


def is_old(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns


def compile_one(source: Path) -> Path:
    """Fuzzy entries stay out, as with msgfmt: an unsure translation is worse than the English text."""
    with open(source, "rb") as file:
        catalogue = read_po(file)
    target = source.with_suffix(".mo")
    fresh = target.with_suffix(f".{os.getpid()}.new")
    with open(fresh, "wb") as file:
        write_mo(file, catalogue, use_fuzzy=False)
    fresh.replace(target)
    return target


def incomplete(folder: Path) -> list[str]:
    """`file: message` for every entry without a sure translation; English ones stand for themselves."""
    return [
        f"{source.relative_to(folder)}: {text}"
        for source in sources(folder)
        if not source.is_relative_to(folder / "en")
        for text in untranslated(source)
    ]


def untranslated(source: Path) -> Iterator[str]:
    for message in messages(source):
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.fuzzy or not all(texts):
            yield message.id if isinstance(message.id, str) else message.id[0]


def changed_places(folder: Path) -> list[str]:
    """`file: message` for every translation whose `{x}` or `%(x)s` places are not those of the English."""
    return [
        f"{source.relative_to(folder)}: {english}"
        for source in sources(folder)
        for english, text in pairs(source)
        if text and set(PLACE.findall(text)) != set(PLACE.findall(english))
    ]


def pairs(source: Path) -> Iterator[tuple[str, str]]:
    """English text and translation; with the plural English text where there is one, as zh has no other."""
    for message in messages(source):
        yield last(message.id), last(message.string)


def last(text: str | Sequence[str] | None) -> str:
    """The text itself, or the last of its plural forms."""
    return text if isinstance(text, str) else (text or [""])[-1]


def messages(source: Path) -> list[Message]:
    """All entries but the header."""
    with open(source, "rb") as file:
        return [message for message in read_po(file) if message.id]
