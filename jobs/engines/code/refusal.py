"""How preparing code fails when the user can mend it: one problem, pointing into the spec."""

from typing import Any

from trainer.spec.problems import Problem

# Every code that this package can give; `jobs.reasons` must hold a text for each.
CODES = (
    "no_such_folder",
    "not_a_folder",
    "unreadable",
    "folder_too_large",
    "git_missing",
    "git_failed",
    "git_timed_out",
    "git_protocol_refused",
    "no_such_commit",
    "archive_missing",
    "archive_unreadable",
    "archive_kind_unknown",
    "archive_encrypted",
    "archive_entry_outside",
    "archive_entry_kind",
    "archive_too_large",
    "disk_full",
    "interpreter_missing",
    "interpreter_not_executable",
    "interpreter_failed",
    "interpreter_timed_out",
)


class Refused(Exception):
    """The code cannot be prepared as asked."""

    def __init__(self, pointer: str, code: str, **params: Any) -> None:
        assert code in CODES, code
        super().__init__(f"{pointer}: {code} {params}")
        self.problem = Problem(pointer, code, params)
