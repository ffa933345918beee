"""Who a process is, from a /proc that a test writes."""

from __future__ import annotations

from pathlib import Path

from monitoring.agent.processes import UNKNOWN, ProcessReader


def process(proc: Path, pid: int, *, name: str = "python", start: int = 777, environ: bytes = b"") -> None:
    folder = proc / str(pid)
    folder.mkdir(exist_ok=True)
    fields = " ".join(["S", *["0"] * 18, str(start), "0"])
    (folder / "stat").write_text(f"{pid} ({name}) {fields}")
    (folder / "cgroup").write_text("0::/dcportal.slice/job-1.scope\n")
    (folder / "environ").write_bytes(environ)


def test_name_start_cgroup_and_job_are_read(tmp_path):
    process(tmp_path, 5, environ=b"A=1\0DCP_JOB_ID=k3y\0DCP_ATTEMPT=1\0")
    found = ProcessReader(tmp_path).identity(5)
    assert (found.name, found.start_ticks) == ("python", 777)
    assert found.cgroup == "/dcportal.slice/job-1.scope"
    assert found.job_tag == "k3y.1"
    assert found.user


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields(tmp_path):
    process(tmp_path, 5, name="a ) (b) 1")
    found = ProcessReader(tmp_path).identity(5)
    assert (found.name, found.start_ticks) == ("a ) (b) 1", 777)


def test_half_a_tag_is_no_tag(tmp_path):
    process(tmp_path, 5, environ=b"DCP_JOB_ID=k3y\0")
    assert ProcessReader(tmp_path).identity(5).job_tag is None


def test_a_process_that_is_gone_is_unknown(tmp_path):
    assert ProcessReader(tmp_path).identity(5) == UNKNOWN


def test_a_pid_that_is_reused_is_somebody_else(tmp_path):
    process(tmp_path, 5, name="old", start=1)
    reader = ProcessReader(tmp_path)
    reader.identity(5)
    process(tmp_path, 5, name="new", start=2)
    assert reader.identity(5).name == "new"


def test_hostile_names_are_made_harmless(tmp_path):
    folder = tmp_path / "5"
    process(tmp_path, 5)
    (folder / "stat").write_bytes(b"5 (\x1b[31m\xff\x00x) S" + b" 0" * 18 + b" 9 0")
    name = ProcessReader(tmp_path).identity(5).name
    assert name.isprintable()
    assert name.endswith("x")


def test_the_deepest_v1_path_stands_in_for_a_v2_one(tmp_path):
    process(tmp_path, 5)
    (tmp_path / "5" / "cgroup").write_text("3:memory:/a/b/c\n1:cpu:/a\n")
    assert ProcessReader(tmp_path).identity(5).cgroup == "/a/b/c"
