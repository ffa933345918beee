"""git as a subprocess that can neither ask, nor hang, nor run what a repository's owner put in its way.

No prompts, only https, ssh and file, no hooks, no file-system monitor, no background maintenance; every
call has a time limit and takes its helpers with it when it is over.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

from jobs.engines.code.refusal import Refused

CLONE_SECONDS = 900.0
LOOK_SECONDS = 60.0
MAX_DIFF_BYTES = 16 * 2**20
_PROTOCOL = re.compile(r"(https|ssh|file)://|[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:(?!/)")
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
    "advice.detachedHead": "false",
    "submodule.recurse": "false",
}


def variables() -> dict[str, str]:
    """Environment for every call."""
    settings: dict[str, str] = {}
    for number, (key, value) in enumerate(_SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **os.environ,
        **settings,
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/true",
        "SSH_ASKPASS": "/bin/true",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C.UTF-8",
    }


def run(*arguments: str, cwd: Path, seconds: float = LOOK_SECONDS) -> subprocess.CompletedProcess[bytes]:
    """`git arguments` in `cwd`. Raises Refused when git is missing or takes longer than `seconds`."""
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=cwd,
            env=variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Refused("/code/git", "git_missing") from error
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Refused("/code/git", "git_timed_out", seconds=seconds) from error
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def fetch(address: str, commit: str | None, target: Path) -> str:
    """Check out `commit` (None: newest of the default branch) of `address` in `target`; its full hash.

    Only the wanted commit travels where the server allows it. Raises Refused.
    """
    if not _PROTOCOL.match(address):
        raise Refused("/code/git", "git_protocol_refused", address=address)
    if commit is not None and len(commit) in (40, 64) and _fetch_one(address, commit, target):
        return head(target) or commit
    if commit is None:
        _clone("--depth=1", address, target)
        return head(target) or ""
    if not (target / ".git").exists():
        _clone("--no-checkout", address, target)
    else:
        _ok(run("fetch", "--", address, "+refs/*:refs/remotes/all/*", cwd=target, seconds=CLONE_SECONDS))
    return _check_out(commit, target)


def head(folder: Path) -> str | None:
    """Full hash of the checked-out commit of the repository that `folder` lies in, None outside of one."""
    done = run("rev-parse", "--verify", "HEAD", cwd=folder)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def is_dirty(folder: Path) -> bool:
    """True when files below `folder` differ from the commit, or are neither in it nor ignored."""
    done = run("status", "--porcelain", "--untracked-files=normal", "--", ".", cwd=folder)
    return done.returncode != 0 or bool(done.stdout.strip())


def diff(folder: Path) -> bytes:
    """What differs from the commit, as a patch, cut at 16 MiB."""
    wanted = ("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--", ".")
    return run(*wanted, cwd=folder).stdout[:MAX_DIFF_BYTES]


def listed_files(folder: Path) -> list[str] | None:
    """Tracked and new files below `folder`, without ignored ones; None outside of a repository."""
    done = run("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=folder)
    if done.returncode != 0:
        return None
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted({name for name in names if name})


def _clone(option: str, address: str, target: Path) -> None:
    _ok(run("clone", option, "--", address, str(target), cwd=target.parent, seconds=CLONE_SECONDS))


def _fetch_one(address: str, commit: str, target: Path) -> bool:
    target.mkdir(parents=True, exist_ok=True)
    _ok(run("init", "--quiet", cwd=target))
    got = run("fetch", "--depth=1", "--", address, commit, cwd=target, seconds=CLONE_SECONDS)
    return got.returncode == 0 and run("checkout", "--quiet", "--detach", commit, cwd=target).returncode == 0


def _check_out(commit: str, target: Path) -> str:
    done = run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}", cwd=target)
    if done.returncode != 0:
        raise Refused("/code/commit", "no_such_commit", commit=commit)
    full = done.stdout.decode().strip()
    _ok(run("checkout", "--quiet", "--detach", full, cwd=target))
    return full


def _ok(done: subprocess.CompletedProcess[bytes]) -> None:
    """Raise Refused with git's own last words."""
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reasons = [word for word in words if word.startswith(("fatal:", "error:"))]
        raise Refused("/code/git", "git_failed", detail=" ".join(reasons or words[-3:])[:500])
