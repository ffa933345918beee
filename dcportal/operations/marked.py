"""The texts that are marked for translation, read from the sources without GNU gettext.

`make check` compares them with the catalogues, so that a forgotten `make messages` is seen. Promises
the same texts as `makemessages` finds in the folders named below.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_javascript
from django.utils.translation.template import templatize

from dcportal.operations.catalogues import messages, sources

#: Per catalogue the folders, with the ending of the files in them.
PLACES = {
    "django": (
        ("dcportal", ".py"),
        ("jobs", ".py"),
        ("monitoring", ".py"),
        ("trainer", ".py"),
        ("templates", ".html"),
    ),
    "djangojs": (("static/js", ".js"),),
}
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
_IN_TEMPLATE = re.compile(r"\b(?:_|n?p?gettext)\((?:u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")[,\s]*)+")

Text = tuple[str, str]
"""Context (mostly empty) and English text, the singular one where there are two."""


def forgotten(repository: Path, folder: Path) -> list[str]:
    """`file: message` for every text that is marked in a source and in no catalogue, or the reverse."""
    wanted = {domain: marked(repository, domain) for domain in PLACES}
    lines = []
    for source in sources(folder):
        name, known, texts = source.relative_to(folder), entries(source), wanted[source.stem]
        lines += [f"{name}: not collected: {text}" for _context, text in sorted(texts - known)]
        lines += [f"{name}: no longer used: {text}" for _context, text in sorted(known - texts)]
    return lines


def entries(source: Path) -> set[Text]:
    """Context and English text of everything in a catalogue."""
    return {
        (each.context or "", each.id if isinstance(each.id, str) else each.id[0]) for each in messages(source)
    }


def marked(repository: Path, domain: str) -> set[Text]:
    """All texts of one catalogue."""
    return {
        text
        for folder, ending in PLACES[domain]
        for path in sorted((repository / folder).rglob(f"*{ending}"))
        for text in in_file(path)
        if text[1]
    }


def in_file(path: Path) -> Iterator[Text]:
    if path.suffix == ".py":
        return in_python(path.read_text(encoding="utf-8"))
    if path.suffix == ".js":
        return in_script(path)
    return in_template(path.read_text(encoding="utf-8"))


def in_python(source: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            yield from of_call(name, [getattr(word, "value", None) for word in node.args])


def of_call(name: str, words: list[object]) -> Iterator[Text]:
    """The text of a call, when the function is one that marks and the words are written out."""
    if name in SINGULAR | PLURAL and words and isinstance(words[0], str):
        yield "", words[0]
    if name in CONTEXT and len(words) > 1 and isinstance(words[0], str) and isinstance(words[1], str):
        yield words[0], words[1]


def in_template(source: str) -> Iterator[Text]:
    """Django turns a template into calls between blanks; each is completed and read as Python."""
    for call in _IN_TEMPLATE.finditer(templatize(source)):
        yield from in_python(call.group().rstrip(", \t\r\n") + ")")


def in_script(path: Path) -> Iterator[Text]:
    keywords = dict.fromkeys(("gettext", "ngettext"))
    with open(path, "rb") as file:
        for _line, _name, words, _comments in extract_javascript(file, keywords, [], {}):
            yield "", words if isinstance(words, str) else words[0] or ""
