"""Compiles the translation catalogues with Babel, so that no gettext has to be installed on the machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


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
    with open(source, "rb") as file:
        for message in read_po(file):
            if not message.id:
                continue
            texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
            if message.fuzzy or not all(texts):
                yield message.id if isinstance(message.id, str) else message.id[0]
