"""The same run on one rank, on two, and in slices: same figures, same weights to 1e-6."""

import pytest
import torch

CNN = {
    "train.model.name": "cnn",
    "train.dataset.name": "digits",
    "train.model.cnn.channels": "[8]",
    "train.model.cnn.blocks": 1,
    "train.model.cnn.dropout": 0.0,
    "train.batch_size": 31,
    "train.evaluation_batch_size": 17,
}
GPT = {
    "train.model.name": "gpt",
    "train.dataset.name": "python_topics",
    "train.dataset.evaluation_share": 0.002,
    "train.model.gpt.layers": 1,
    "train.model.gpt.heads": 2,
    "train.model.gpt.width": 16,
    "train.model.gpt.context": 12,
    "train.model.gpt.dropout": 0.0,
    "train.batch_size": 7,
}


def assert_same(run, reference, tolerance):
    assert run.codes == [0] * len(run.codes), run.log()
    for found, expected in zip(run.evaluations(), reference.evaluations(), strict=True):
        assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)
    weights, expected = run.state(8)["model"], reference.state(8)["model"]
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=tolerance * 10)


@pytest.mark.parametrize("settings", [{}, CNN, GPT], ids=["mlp", "cnn", "gpt"])
def test_two_ranks_and_uneven_slices_learn_the_same_as_one_rank(ranks, settings):
    sgd = {"train.optimiser.name": "sgd", **settings}
    alone = ranks.run("alone", 1, sgd)
    assert alone.codes == [0], alone.log()
    assert_same(ranks.run("two", 2, sgd), alone, 1e-6)
    assert_same(ranks.run("slices", 2, {**sgd, "train.accumulation": 3}), alone, 1e-6)


def test_step_losses_are_means_over_all_samples_of_all_ranks(ranks):
    settings = {"train.log_every_steps": 8, "train.evaluate_every_steps": 0, "train.optimiser.name": "sgd"}

    def weighted(run):
        steps = run.events("step")
        spans = [step["step_to"] - step["step_from"] + 1 for step in steps]
        assert sum(spans) == 8
        losses = [step["metrics"]["loss"] for step in steps]
        return sum(span * loss for span, loss in zip(spans, losses, strict=True)) / 8

    alone = weighted(ranks.run("alone", 1, settings))
    assert weighted(ranks.run("two", 2, settings)) == pytest.approx(alone, abs=1e-6)


def test_bf16_learns_nearly_the_same_and_keeps_weights_in_32_bit(ranks):
    exact = ranks.run("exact", 1)
    short = ranks.run("short", 1, {"train.precision": "bf16"})
    assert short.codes == [0], short.log()
    assert {tensor.dtype for tensor in short.state(8)["model"].values()} == {torch.float32}
    assert short.evaluations()[-1]["loss"] == pytest.approx(exact.evaluations()[-1]["loss"], rel=0.05)
