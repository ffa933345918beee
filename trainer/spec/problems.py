"""What is wrong with a request: one `Problem` per field, as a code with parameters.

Form, REST, CLI and TOML all show the problems that `validation.validate` returns. A code never
changes its meaning once released; `CODES` is the one table of them with their English text, which
the portal translates (the texts are marked for extraction by `_`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


def _(text: str) -> str:
    """Mark a text for the translators; stands in for gettext, which this package must not import."""
    return text


@dataclass(frozen=True)
class Problem:
    """One thing to mend. `pointer` is a JSON pointer (RFC 6901) into the request, "" for the whole."""

    pointer: str
    code: str
    params: dict[str, Any] = field(default_factory=dict)


CODES: dict[str, str] = {
    "unknown_key": _("There is no setting named {key}; the nearest is {nearest}."),
    "required": _("This is needed."),
    "wrong_type": _("Expected {expected}."),
    "too_small": _("Must be at least {minimum}."),
    "too_large": _("Must be at most {maximum}."),
    "not_above": _("Must be more than {minimum}."),
    "not_below": _("Must be less than {maximum}."),
    "not_a_choice": _("Choose one of: {choices}."),
    "too_short": _("Must not be empty."),
    "too_long": _("Must have at most {maximum} characters."),
    "too_many": _("Must have at most {maximum} entries."),
    "too_few": _("Must have at least {minimum} entries."),
    "duplicate": _("{value} is given twice."),
    "nul_character": _("Must not hold a NUL character."),
    "lone_surrogate": _("Holds half of a surrogate pair, which is no valid text."),
    "control_character": _("Must be one line of text without control characters."),
    "integer_out_of_range": _("Whole numbers must lie between {minimum} and {maximum}."),
    "not_finite": _("Must be a finite number."),
    "too_deep": _("Must not be nested deeper than {maximum} levels."),
    "bad_toml": _("This is not valid TOML: {detail}"),
    "bad_json": _("This is not valid JSON: {detail}"),
    "bad_assignment": _("Expected name=value, for example train.optimiser.learning_rate=0.01."),
    "unsupported_schema": _("This portal reads schema version {supported}."),
    "command_or_train": _("Give either a command or a trainer configuration."),
    "command_and_train": _("Give a command or a trainer configuration, not both."),
    "exclusive": _("Cannot be used together with {other}."),
    "needs": _("Only has a meaning together with {other}."),
    "not_absolute": _("Must be an absolute path, beginning with /."),
    "path_not_plain": _("Must be a plain path without . or .. parts."),
    "not_a_commit": _("Must be a commit hash of 7 to 64 hexadecimal digits."),
    "not_a_git_address": _("Must be an https://, ssh://, file:// or user@host:path address."),
    "secret_in_address": _("Must not hold a password; register it as a secret instead."),
    "not_a_time": _("Must be a date and time with a time zone, such as 2026-11-24T18:00:00Z."),
    "not_a_variable_name": _("{name} is no name for an environment variable."),
    "reserved_name": _("{name} is set by the portal itself."),
    "more_ranks_than_gpus": _("{ranks} ranks cannot share {gpus} GPUs; choose at most {gpus} ranks."),
    "does_not_divide": _("Must be a multiple of {divisor}."),
    "batch_below_slices": _("Must be at least ranks times accumulation, {minimum}."),
    "dataset_does_not_fit": _("The model {model} learns from: {choices}."),
}


EXPECTED: dict[str, str] = {
    "string": _("text"),
    "integer": _("a whole number"),
    "number": _("a number"),
    "boolean": _("true or false"),
    "string_list": _("a list of texts"),
    "integer_list": _("a list of whole numbers"),
    "number_list": _("a list of numbers"),
    "string_map": _("names with texts"),
    "table": _("a group of settings"),
    "name": _("names that are text"),
}


class SpecInvalid(ValueError):
    """A request that cannot be run. `problems` says why, field by field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(in_english(problem) for problem in self.problems))


def text(problem: Problem, translate: Callable[[str], str] = str) -> str:
    """Sentence for `problem`; `translate` turns the English text into the reader's (gettext fits)."""
    shown = {name: _shown(value) for name, value in problem.params.items()}
    if problem.code == "wrong_type":
        shown["expected"] = translate(EXPECTED[problem.params["expected"]])
    return translate(CODES[problem.code]).format(**shown)


def in_english(problem: Problem) -> str:
    """`/train/epochs: Must be at least 1.`, as the command line prints it."""
    return f"{problem.pointer or '/'}: {text(problem)}"


def child(pointer: str, key: str | int) -> str:
    """Pointer of an entry below `pointer`, escaped as RFC 6901 wants."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
