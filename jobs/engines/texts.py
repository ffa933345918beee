"""English sentences for every code that engines, runner and preparation can give.

Plain strings, marked for the translators by `_`; `jobs.reasons` wraps and registers them. Parameters are
those that stand in the code's `params`.
"""


def _(text: str) -> str:
    """Mark a text for the translators; stands in for gettext, which this package must not import."""
    return text


# Why an attempt ended, as seen by whoever watched its processes.
ENDINGS: dict[str, str] = {
    "cannot_start": _("Could not be started: something in the request has to be mended first."),
    "command_not_executable": _("The command was found but could not be run (exit code 126)."),
    "command_not_found": _("The command was not found (exit code 127)."),
    "killed_for_memory": _("Killed because it used more memory than it was given."),
    "signal": _("Ended by signal {name}."),
    "runner_died": _("Its supervisor on the machine died; what it had started was ended."),
    "node_shutdown": _("The machine was shutting down."),
    "held": _("Stopped because it was put on hold."),
    "left_over": _("Processes that the program had left behind were ended."),
}
# What has to be mended before an attempt can start; each comes with a pointer into the request.
PROBLEMS: dict[str, str] = {
    "program_not_found": _("There is no program {program} that could be run."),
    "torch_missing": _("{interpreter} has no PyTorch, which several ranks need."),
    "start_refused": _("The program could not be started: {detail}"),
    "preparation_failed": _("The code could not be prepared; the log says more."),
    "no_such_account": _("There is no account {account} on this machine."),
    "disk_full": _("No space is left in {path}."),
    "no_such_folder": _("There is no folder {path}."),
    "not_a_folder": _("{path} is no folder."),
    "unreadable": _("{path} cannot be read."),
    "folder_too_large": _("The folder holds too much to be copied; put data elsewhere or ignore it in git."),
    "git_missing": _("git is not installed on this machine."),
    "git_failed": _("git could not fetch the code: {detail}"),
    "git_timed_out": _("git took longer than {seconds} seconds."),
    "git_protocol_refused": _("Only https, ssh and file addresses can be fetched."),
    "no_such_commit": _("The repository has no commit {commit}."),
    "archive_missing": _("The uploaded archive is no longer there."),
    "archive_unreadable": _("The archive is damaged: {detail}"),
    "archive_kind_unknown": _("This is no zip or tar archive."),
    "archive_encrypted": _("The archive is encrypted."),
    "archive_entry_outside": _("The archive holds {name}, which leads out of its folder."),
    "archive_entry_kind": _("The archive holds {name}, which is neither file nor folder."),
    "archive_too_large": _("The archive holds too many files or too many bytes."),
    "interpreter_missing": _("There is no Python at {path}."),
    "interpreter_not_executable": _("{path} may not be run."),
    "interpreter_failed": _("{path} does not work as a Python: {detail}"),
    "interpreter_timed_out": _("{path} did not answer within {seconds} seconds."),
}
# Why the local engine has no better container level (`Probe.notes`).
LEVELS: dict[str, str] = {
    "no_cgroup_v2": _("This machine has no control groups of version 2."),
    "cgroup_not_writable": _("Control groups are not handed down to the portal's account."),
    "no_bubblewrap": _("bubblewrap is not installed."),
    "no_user_namespace": _("User namespaces are not open to the portal's account."),
}
TEXTS: dict[str, str] = {**ENDINGS, **PROBLEMS, **LEVELS}
