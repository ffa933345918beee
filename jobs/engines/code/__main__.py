"""`python -m jobs.engines.code REQUEST ANSWER`: fetch the code of an attempt, look at its interpreter.

Runs inside the attempt's container. Both files are JSON; problems are an answer, not an error, so the
exit code is 0 whenever an answer was written.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs.engines.code import archive, git, interpreter, tree
from jobs.engines.code.refusal import Refused


def prepare(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request: cwd and record, or problems."""
    work = Path(request["work"])
    code = request["code"]
    try:
        cwd = _fetched(code, work)
        answer: dict[str, Any] = {"cwd": str(cwd), "record": _record(code, cwd, work)}
        if request["interpreter"]:
            found = interpreter.look(Path(request["interpreter"]), cwd)
            answer |= {"has_torch": found["torch"], "has_trainer": found["trainer"]}
        return answer
    except Refused as refused:
        return {"cwd": str(work), "problems": [asdict(refused.problem)]}


def _fetched(code: dict[str, Any], work: Path) -> Path:
    """Where the program lies, ready to run."""
    target = work / "code"
    kind = code.get("kind", "none")
    if kind == "git":
        print(f"fetching {code['git']}", flush=True)  # noqa: T201
        git.fetch(code["git"], code.get("commit"), target)
        return target
    if kind == "upload":
        return archive.unpack(Path(code["upload"]), target)
    if kind == "path":
        return _folder(Path(code["path"]), target, bool(code.get("in_place")))
    return work


def _folder(path: Path, target: Path, in_place: bool) -> Path:
    tree.check_folder(path)
    if in_place:
        return path
    tree.copy(path, tree.source_files(path), target)
    target.mkdir(exist_ok=True)
    return target


def _record(code: dict[str, Any], cwd: Path, work: Path) -> dict[str, Any]:
    """What ran: for a folder, commit and differences are those of the folder it was taken from."""
    kind = code.get("kind", "none")
    if kind == "none":
        return {"kind": kind}
    files = sorted(tree.source_files(cwd)) if kind != "path" else tree.source_files(Path(code["path"]))
    record = {"kind": kind, **asdict(tree.fingerprint(cwd, files))}
    if kind == "upload":
        return record
    return record | _history(Path(code["path"]) if kind == "path" else cwd, work)


def _history(folder: Path, work: Path) -> dict[str, Any]:
    try:
        commit = git.head(folder)
    except Refused:
        return {}
    if commit is None:
        return {}
    if not git.is_dirty(folder):
        return {"commit": commit, "is_dirty": False}
    (work / "code.diff").write_bytes(git.diff(folder))
    return {"commit": commit, "is_dirty": True, "diff_file": "code.diff"}


def main(argv: list[str]) -> int:
    """Exit code 0 when the answer was written."""
    request, answer = map(Path, argv)
    value = prepare(json.loads(request.read_text()))
    answer.write_text(json.dumps(value))
    for problem in value.get("problems", ()):
        print(f"{problem['pointer']}: {problem['code']} {problem['params']}", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
