"""Two real ranks with gloo through the real engine; needs the trainer's environment."""

import pytest

from jobs.engines.base import CodeSource, State
from tests.jobs.engines import programs
from tests.jobs.engines.conftest import carrying

pytestmark = pytest.mark.trainer_env


@pytest.fixture
def ranks(bench, tmp_path, trainer_python):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/train.py").write_text(programs.RANKS)

    def launch(*arguments: str, **fields) -> str:
        code = CodeSource(path=tmp_path / "code")
        return bench.launch(
            "jobaaa",
            "python",
            "train.py",
            *arguments,
            code=code,
            interpreter=trainer_python,
            ranks=2,
            **fields,
        )

    return launch


def test_two_ranks_meet_and_each_has_its_own_log(bench, ranks):
    tag = ranks("a b")
    seen_ranks = set()
    report = bench.until(
        tag, lambda found: seen_ranks.update(p.rank for p in found.processes) or found.state.is_final
    )
    assert report.state is State.SUCCEEDED, bench.log(tag)
    for rank in ("0", "1"):
        expected = f"rank {rank} of 2 sum 3 args ['a b']".encode()
        assert expected in bench.texts(tag, rank)
    assert {0, 1} <= seen_ranks


def test_a_failing_rank_is_named_with_its_exit_code(bench, ranks):
    report = bench.end_of(ranks("fail"))
    assert report.state is State.FAILED
    assert (report.reason.code, report.reason.params) == ("exit_code", {"exit_code": 7, "rank": 1})


def test_a_cancel_ends_launcher_and_ranks(bench, ranks):
    tag = ranks("wait")
    bench.until(tag, lambda _: b"sum 3" in bench.log(tag, "0") and b"sum 3" in bench.log(tag, "1"))
    bench.engine.cancel(tag, 20)
    report = bench.end_of(tag)
    assert report.state is State.CANCELLED
    assert carrying(tag) == set()
    assert {process.rank for process in report.stop.processes} >= {0, 1}


def test_one_rank_needs_no_torchrun_and_no_change(bench, tmp_path, trainer_python):
    (tmp_path / "train.py").write_text(programs.RANKS)
    tag = bench.launch("jobaaa", "train.py", code=CodeSource(path=tmp_path), interpreter=trainer_python)
    report = bench.end_of(tag)
    assert report.state is State.SUCCEEDED, bench.log(tag)
    assert b"rank 0 of 1 sum 1 args []" in bench.texts(tag, "0")


def test_our_trainer_runs_from_a_configuration(bench, trainer_python):
    config = {"epochs": 3, "batch_size": 64, "dataset": {"name": "breast_cancer"}, "model": {"name": "mlp"}}
    tag = bench.launch("jobaaa", trainer_config=config, interpreter=trainer_python, ranks=2)
    report = bench.end_of(tag)
    assert report.state is State.SUCCEEDED, (report.problems, bench.log(tag))
    work = bench.engine.folder(tag).work
    events = (work / "events/0.jsonl").read_bytes()
    assert b'"kind":"step"' in events.replace(b" ", b"")
    assert list((work / "checkpoints").iterdir())
