"""The same runs on a GPU; skipped where torch can use none."""

import pytest
import torch

from tests.trainer.training.test_equality import CNN
from tests.trainer.training.test_resume import assert_bitwise_equal

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch can use no GPU here")
GPU = {**CNN, "train.device": "cuda"}


def test_a_gpu_learns_what_a_cpu_learns(ranks):
    plain = {"train.optimiser.name": "sgd"}
    found = ranks.run("gpu", 1, {**GPU, **plain})
    assert found.codes == [0], found.log()
    expected = ranks.run("cpu", 1, {**CNN, **plain, "train.device": "cpu"})
    assert found.evaluations()[-1]["loss"] == pytest.approx(expected.evaluations()[-1]["loss"], rel=1e-3)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_on_a_gpu_resumes_to_the_last_bit(ranks, precision):
    settings = {**GPU, "train.precision": precision, "train.model.cnn.dropout": 0.3}
    straight = ranks.run("straight", 1, settings)
    assert straight.codes == [0], straight.log()
    resumed = ranks.run("resumed", 1, settings, resume=straight.checkpoint(4))
    assert_bitwise_equal(resumed.state(8), straight.state(8))


def test_as_many_ranks_as_gpus_meet_over_nccl(ranks):
    count = min(2, torch.cuda.device_count())
    run = ranks.run("run", count, GPU)
    assert run.codes == [0] * count, run.log()


def test_a_rank_without_a_gpu_is_refused(ranks):
    run = ranks.run("run", 1, GPU, environ={"LOCAL_RANK": torch.cuda.device_count()})
    assert run.codes == [65]
    assert run.events("error")[0]["code"] == "gpu_unusable"
