"""Checks of text with a meaning: paths, commits, addresses, times, variable names."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from trainer.spec.problems import Problem, child

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
GIT_ADDRESS = re.compile(r"(https?|ssh|file)://\S+|[\w.-]+@[\w.-]+:[^\s:]\S*")
PASSWORD = re.compile(r"\w+://[^/\s]*:[^/\s]*@|https?://[^/\s]+@")
RESERVED_NAMES = frozenset(
    {
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "GROUP_RANK",
        "GROUP_WORLD_SIZE",
        "ROLE_RANK",
        "ROLE_WORLD_SIZE",
        "MASTER_ADDR",
        "MASTER_PORT",
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "NVIDIA_VISIBLE_DEVICES",
    }
)


def absolute_path(pointer: str, value: str) -> list[Problem]:
    """An absolute path without `.`, `..` or doubled slashes, so that what is shown is what is read."""
    if not value.startswith("/"):
        return [Problem(pointer, "not_absolute")]
    parts = value.rstrip("/").split("/")[1:]
    plain = all(part not in ("", ".", "..") for part in parts)
    return [] if plain else [Problem(pointer, "path_not_plain")]


def commit(pointer: str, value: str) -> list[Problem]:
    """7 to 64 hexadecimal digits; a branch name would mean another program tomorrow."""
    return [] if COMMIT.fullmatch(value) else [Problem(pointer, "not_a_commit")]


def git_address(pointer: str, value: str) -> list[Problem]:
    """An address git may fetch. Its `ext::` transport would run a command, so schemes are listed."""
    if not GIT_ADDRESS.fullmatch(value) or value.startswith("-"):
        return [Problem(pointer, "not_a_git_address")]
    return [Problem(pointer, "secret_in_address")] if PASSWORD.match(value) else []


def time(pointer: str, value: str) -> list[Problem]:
    """ISO 8601 with a time zone."""
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    return [] if aware else [Problem(pointer, "not_a_time")]


def variable_name(pointer: str, name: str) -> list[Problem]:
    """A name a shell accepts and that neither the portal nor torchrun sets itself."""
    if not VARIABLE_NAME.fullmatch(name):
        return [Problem(pointer, "not_a_variable_name", {"name": name[:80]})]
    reserved = name in RESERVED_NAMES or name.startswith(("DCP_", "TORCHELASTIC_"))
    return [Problem(pointer, "reserved_name", {"name": name})] if reserved else []


def variables(pointer: str, pairs: dict[str, str]) -> list[Problem]:
    """NAME=value pairs for the environment."""
    return [problem for name in pairs for problem in variable_name(child(pointer, name), name)]


def variable_names(pointer: str, names: list[str]) -> list[Problem]:
    """Names of variables, each once."""
    found = [
        problem for index, name in enumerate(names) for problem in variable_name(child(pointer, index), name)
    ]
    twice = [index for index, name in enumerate(names) if name in names[:index]]
    return found + [Problem(child(pointer, at), "duplicate", {"value": names[at]}) for at in twice]


FORMATS: dict[str, Callable[[str, Any], list[Problem]]] = {
    "absolute_path": absolute_path,
    "commit": commit,
    "git_address": git_address,
    "time": time,
    "variables": variables,
    "variable_names": variable_names,
}
