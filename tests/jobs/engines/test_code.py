"""Fetching what a job runs: folders, git, uploads, interpreters; refusals as problems that name the field."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from jobs.engines.base import CodeSource, State
from jobs.engines.code import archive, git, interpreter, tree
from jobs.engines.code.refusal import CODES, Refused

TRAIN = "import helper; print('value', helper.VALUE)"


def repository(folder: Path) -> Path:
    """A git repository of two files, with one commit."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "helper.py").write_text("VALUE = 1")
    _git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "x")
    return _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def zipped(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def tarred(path: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for entry in entries:
            file.addfile(entry, io.BytesIO(b"x" * entry.size))
    return path


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, link, size
    return entry


def refused(action, *arguments):
    with pytest.raises(Refused) as caught:
        action(*arguments)
    return caught.value.problem


def test_an_exact_commit_is_checked_out(tmp_path):
    source = repository(tmp_path / "source")
    first = git.head(source)
    (source / "helper.py").write_text("VALUE = 2")
    second = commit(source)
    for number, wanted in enumerate((first, second, first[:10])):
        target = tmp_path / f"target{number}"
        assert git.fetch(f"file://{source}", wanted, target).startswith(wanted)
        assert (target / "helper.py").read_text() == f"VALUE = {2 if wanted == second else 1}"


def test_no_commit_means_the_newest(tmp_path):
    source = repository(tmp_path / "source")
    (source / "helper.py").write_text("VALUE = 2")
    newest = commit(source)
    assert git.fetch(f"file://{source}", None, tmp_path / "target") == newest


@pytest.mark.parametrize("wanted", ["f" * 40, "abcdef0"])
def test_a_commit_that_is_not_there_is_named(tmp_path, wanted):
    source = repository(tmp_path / "source")
    problem = refused(git.fetch, f"file://{source}", wanted, tmp_path / "target")
    assert (problem.pointer, problem.code, problem.params["commit"]) == (
        "/code/commit",
        "no_such_commit",
        wanted,
    )


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c touch% pwned", "http://example.org/x", "--upload-pack=touch pwned", "/etc", "git://x/y"],
)
def test_other_protocols_are_refused_before_git_is_asked(tmp_path, address):
    assert refused(git.fetch, address, None, tmp_path / "target").code == "git_protocol_refused"


def test_a_repository_that_is_not_there_gives_gits_own_words(tmp_path):
    problem = refused(git.fetch, f"file://{tmp_path}/none", None, tmp_path / "target")
    assert (problem.pointer, problem.code) == ("/code/git", "git_failed")
    assert "none" in problem.params["detail"]


def test_a_repositorys_hooks_and_monitors_do_not_run(tmp_path):
    source = repository(tmp_path / "source")
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    _git(source, "config", "core.fsmonitor", str(trap))
    (source / "helper.py").write_text("VALUE = 2")
    assert git.is_dirty(source)
    assert b"VALUE = 2" in git.diff(source)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_without_git_is_taken_whole_but_for_environments(tmp_path):
    for name in ("train.py", "pkg/model.py", ".venv/bin/python", "__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert tree.source_files(tmp_path) == ["pkg/model.py", "train.py"]


def test_ignored_files_of_a_repository_are_left_out(tmp_path):
    source = repository(tmp_path / "source")
    (source / ".gitignore").write_text("data/\n")
    (source / "data").mkdir()
    (source / "data/huge.bin").write_text("x")
    (source / "new.py").write_text("x")
    assert tree.source_files(source) == [".gitignore", "helper.py", "new.py", "train.py"]


def test_the_fingerprint_tells_content_names_and_modes_apart(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = tree.fingerprint(tmp_path, ["a.py"])
    (tmp_path / "a.py").chmod(0o755)
    second = tree.fingerprint(tmp_path, ["a.py"])
    (tmp_path / "a.py").write_text("2")
    third = tree.fingerprint(tmp_path, ["a.py"])
    assert len({first.sha256, second.sha256, third.sha256}) == 3
    assert (first.num_files, first.size_bytes) == (1, 1)


@pytest.mark.parametrize(("name", "code"), [("none", "no_such_folder"), ("file", "not_a_folder")])
def test_a_path_that_is_no_folder_is_refused(tmp_path, name, code):
    (tmp_path / "file").write_text("x")
    problem = refused(tree.check_folder, tmp_path / name)
    assert (problem.pointer, problem.code) == ("/code/path", code)


@pytest.fixture
def not_root():
    """Root reads everything, so the test goes on as nobody; afterwards as before."""
    before = os.geteuid()
    if before == 0:
        os.setresuid(65534, 65534, 0)
    yield
    if before == 0:
        os.setresuid(0, 0, 0)


def test_an_unreadable_folder_is_refused(not_root):
    with tempfile.TemporaryDirectory() as folder:
        closed = Path(folder) / "closed"
        closed.mkdir(mode=0)
        assert refused(tree.check_folder, closed).code == "unreadable"


@pytest.mark.parametrize(
    "name", ["../evil.py", "/etc/evil.py", "a/../../evil.py", "..\\evil.py", "C:/evil.py", "a\0b"]
)
def test_a_zip_that_leads_outside_is_refused(tmp_path, name):
    made = zipped(tmp_path / "code.zip", ("train.py", b"x"), ("e" * len(name), b"x"))
    made.write_bytes(made.read_bytes().replace(b"e" * len(name), name.encode()))
    problem = refused(archive.unpack, made, tmp_path / "target")
    assert (problem.pointer, problem.code) == ("/code/upload", "archive_entry_outside")
    assert not (tmp_path / "target").exists()


def test_a_link_in_a_zip_is_refused(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    made = zipped(tmp_path / "code.zip", (entry, b"/etc/passwd"))
    assert refused(archive.unpack, made, tmp_path / "target").code == "archive_entry_kind"


def test_a_zip_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    made = zipped(tmp_path / "code.zip", ("zeros", b"\0" * 100_000))
    assert refused(archive.check, made).code == "archive_too_large"


def test_a_zip_whose_header_lies_about_its_size_is_stopped(tmp_path, monkeypatch):
    made = zipped(tmp_path / "code.zip", ("zeros", b"\0" * 100_000))
    made.write_bytes(made.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    assert refused(archive.unpack, made, tmp_path / "target").code in {
        "archive_too_large",
        "archive_unreadable",
    }


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([tar_entry("../evil")], "archive_entry_outside"),
        ([tar_entry("/evil")], "archive_entry_outside"),
        ([tar_entry("l", tarfile.SYMTYPE, "/etc")], "archive_entry_outside"),
        ([tar_entry("l", tarfile.SYMTYPE, "../..")], "archive_entry_outside"),
        ([tar_entry("l", tarfile.LNKTYPE, "../../etc/passwd")], "archive_entry_outside"),
        ([tar_entry("dev", tarfile.CHRTYPE)], "archive_entry_kind"),
        ([tar_entry("pipe", tarfile.FIFOTYPE)], "archive_entry_kind"),
    ],
)
def test_a_tar_that_leads_outside_is_refused(tmp_path, entries, code):
    made = tarred(tmp_path / "code.tgz", tar_entry("train.py", size=3), *entries)
    assert refused(archive.unpack, made, tmp_path / "target").code == code


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04broken", b"\x1f\x8bbroken"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "code.zip").write_bytes(content)
    problem = refused(archive.check, tmp_path / "code.zip")
    assert problem.code in {"archive_kind_unknown", "archive_unreadable"}


def test_a_truncated_archive_is_refused(tmp_path):
    made = tarred(tmp_path / "code.tgz", tar_entry("train.py", size=100_000))
    made.write_bytes(made.read_bytes()[:80])
    assert refused(archive.check, made).code == "archive_unreadable"


def test_a_single_top_folder_is_where_the_program_lies(tmp_path):
    made = zipped(tmp_path / "code.zip", ("repo-main/train.py", b"x"), ("repo-main/a/b.py", b"y"))
    assert archive.unpack(made, tmp_path / "target") == tmp_path / "target/repo-main"


def test_an_archive_that_does_not_fit_on_the_disk_says_so(tmp_path, small_disk):
    made = zipped(tmp_path / "code.zip", ("big", os.urandom(8 * 2**20)))
    assert refused(archive.unpack, made, small_disk / "target").code == "disk_full"


def test_an_interpreter_tells_its_versions():
    found = interpreter.check_environment(Path(sys.executable))
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.torch is None


def test_the_trainers_interpreter_tells_torchs_version(trainer_python):
    found = interpreter.check_environment(trainer_python)
    assert found.torch
    assert found.gloo is True


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [
        (None, 0, "interpreter_missing"),
        ("#!/bin/sh\n", 0o644, "interpreter_not_executable"),
        ("#!/bin/sh\necho nonsense\n", 0o755, "interpreter_failed"),
        ("#!/bin/sh\necho sorry >&2; exit 1\n", 0o755, "interpreter_failed"),
        ("#!/none/python\n", 0o755, "interpreter_failed"),
        ("#!/bin/sh\nexec sleep 600\n", 0o755, "interpreter_timed_out"),
    ],
)
def test_a_broken_interpreter_is_a_problem_with_a_pointer(tmp_path, text, mode, code):
    path = tmp_path / "python"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    problem = refused(interpreter.check_environment, path, 0.5)
    assert (problem.pointer, problem.code) == ("/environment/interpreter", code)
    assert code in CODES


def test_an_attempt_runs_a_commit_and_then_the_changed_one(bench, tmp_path):
    source = repository(tmp_path / "source")
    first = git.head(source)
    (source / "helper.py").write_text("VALUE = 2")
    second = commit(source)
    for number, (wanted, value) in enumerate(((first, b"value 1"), (second, b"value 2")), start=1):
        code = CodeSource(git=f"file://{source}", commit=wanted)
        tag = bench.launch("jobaaa", "python", "train.py", code=code, attempt=number)
        report = bench.end_of(tag)
        assert report.state is State.SUCCEEDED, bench.log(tag)
        assert (report.code.commit, report.code.is_dirty) == (wanted, False)
        assert bench.texts(tag) == [value]


def test_a_folder_is_copied_with_its_differences_recorded(bench, tmp_path):
    source = repository(tmp_path / "source")
    first = git.head(source)
    (source / "helper.py").write_text("VALUE = 3")
    tag = bench.launch("jobaaa", "train.py", code=CodeSource(path=source))
    report = bench.end_of(tag)
    assert bench.texts(tag) == [b"value 3"]
    assert (report.code.commit, report.code.is_dirty, report.code.num_files) == (first, True, 2)
    work = bench.engine.folder(tag).work
    assert b"VALUE = 3" in (work / report.code.diff_file).read_bytes()
    assert (work / "code/helper.py").read_text() == "VALUE = 3"


def test_an_upload_runs(bench, tmp_path):
    made = zipped(tmp_path / "code.zip", ("x/train.py", TRAIN.encode()), ("x/helper.py", b"VALUE = 9"))
    tag = bench.launch("jobaaa", "python", "train.py", code=CodeSource(upload=made))
    assert bench.end_of(tag).state is State.SUCCEEDED
    assert bench.texts(tag) == [b"value 9"]


@pytest.mark.parametrize(
    ("command", "fields", "pointer", "code"),
    [
        (("python", "x.py"), {"code": CodeSource(path=Path("/none"))}, "/code/path", "no_such_folder"),
        (
            ("python", "x.py"),
            {"interpreter": Path("/none/python")},
            "/environment/interpreter",
            "interpreter_missing",
        ),
        (("no-such-program",), {}, "/command/0", "program_not_found"),
        (("python", "x.py"), {"ranks": 2}, "/environment/interpreter", "torch_missing"),
        (("python", "x.py"), {"code": CodeSource(git="file:///none")}, "/code/git", "git_failed"),
    ],
)
def test_what_cannot_start_ends_as_failed_with_the_field_to_mend(bench, command, fields, pointer, code):
    report = bench.end_of(bench.launch("jobaaa", *command, **fields))
    assert (report.state, report.reason.code) == (State.FAILED, "cannot_start")
    assert [(problem.pointer, problem.code) for problem in report.problems] == [(pointer, code)]
    assert report.exit_code is None


def test_a_cancel_during_the_fetch_ends_git_too(bench, tmp_path):
    stuck = tmp_path / "bin"
    stuck.mkdir()
    (stuck / "ssh").write_text("#!/bin/sh\nexec sleep 600.75\n")
    (stuck / "ssh").chmod(0o755)
    tag = bench.launch(
        "jobaaa",
        "python",
        "x.py",
        code=CodeSource(git="ssh://nowhere.invalid/x", commit=None),
        env={"PATH": f"{stuck}:/usr/bin:/bin"},
    )
    bench.until_logged(tag, b"fetching")
    bench.engine.cancel(tag, 0.2)
    assert bench.end_of(tag).state is State.CANCELLED
