"""Parts of the loop by themselves: order, schedule, evaluation, data, optimisers, models."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import datasets
from sklearn.metrics import accuracy_score, f1_score

from trainer import optimisers
from trainer.batches import Batches, slices
from trainer.clipping import Clipping
from trainer.data import catalog as data_catalog
from trainer.data.samples import Samples, Windows
from trainer.evaluation import Evaluation
from trainer.models import catalog as model_catalog
from trainer.order import Order, epoch_order
from trainer.precision import autocast
from trainer.schedule import Schedule
from trainer.spec.train import DATASETS, MODEL_DATASETS, MODELS, OptimiserConfig
from trainer.spec.validation import parse_train, validate
from trainer.world import World

CPU = torch.device("cpu")
ALONE = World(0, 1, 0, CPU)
EXAMPLES = Path(__file__).parents[3] / "trainer" / "examples"


def config(**settings):
    return parse_train(settings)


def test_an_epoch_holds_every_sample_once_and_the_next_has_another_order():
    first, second = epoch_order(1, 0, 100), epoch_order(1, 1, 100)
    assert first.sort().values.tolist() == list(range(100))
    assert not torch.equal(first, second)
    assert torch.equal(first, epoch_order(1, 0, 100))
    assert not torch.equal(first, epoch_order(2, 0, 100))


def batches(rank=0, ranks=1):
    """Batches of 15 out of 50 samples that hold their own number."""
    samples = Samples(torch.arange(50.0), torch.arange(50))
    return Batches(samples, Order(5, 50, 15, rank, ranks), CPU)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_ranks_share_each_batch_without_gap_or_overlap(count):
    for step in range(7):
        parts = [batches(rank, count).at(step) for rank in range(count)]
        inputs, targets = (torch.cat(column) for column in zip(*parts, strict=True))
        assert torch.equal(targets, batches().at(step)[1])
        assert torch.equal(inputs, targets.float())


def test_an_epoch_gives_as_many_whole_batches_as_fit():
    order = Order(5, 50, 15, 0, 1)
    assert order.steps_per_epoch == 3
    assert [order.place(step)[0] for step in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    seen = torch.cat([batches().at(step)[1] for step in range(3)])
    assert len(seen.unique()) == 45


def test_a_batch_depends_on_its_step_alone():
    ahead = batches()
    later = ahead.at(7)[1].clone()
    ahead.at(0)
    assert torch.equal(ahead.at(7)[1], later)


def test_large_data_is_picked_by_index_and_gives_the_same_batches(monkeypatch):
    expected = [batches().at(step) for step in range(5)]
    monkeypatch.setattr("trainer.batches.SHUFFLED_BYTES", 0)
    for step, (inputs, targets) in enumerate(expected):
        found = batches().at(step)
        assert torch.equal(found[0], inputs)
        assert torch.equal(found[1], targets)


def test_slices_differ_by_at_most_one_and_lose_nothing():
    parts = [torch.arange(10)[part] for part in slices(10, 4)]
    assert sorted(len(part) for part in parts) == [2, 2, 3, 3]
    assert torch.cat(parts).tolist() == list(range(10))


def test_the_rate_rises_then_falls_along_half_a_cosine():
    settings = {"schedule": {"warmup_steps": 10, "final_ratio": 0.1}, "optimiser": {"learning_rate": 2.0}}
    schedule = Schedule(config(**settings), 110)
    assert schedule.rate(0) == pytest.approx(0.2)
    assert schedule.rate(9) == pytest.approx(2.0)
    assert schedule.rate(60) == pytest.approx(2.0 * (0.1 + 0.9 / 2))
    assert schedule.rate(110) == pytest.approx(0.2)


def test_a_constant_rate_stays_after_the_warm_up():
    settings = {"schedule": {"name": "constant", "warmup_steps": 2}, "optimiser": {"learning_rate": 1.0}}
    schedule = Schedule(config(**settings), 50)
    assert [schedule.rate(step) for step in (0, 1, 30, 49)] == [0.5, 1.0, 1.0, 1.0]


class Fixed(torch.nn.Module):
    """Answers with logits that lie in the inputs."""

    def forward(self, inputs):
        return inputs


@pytest.mark.parametrize("classes", [3, 40])
def test_figures_are_those_of_scikit_learn(classes):
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(101, classes, generator=generator)
    targets = torch.randint(0, classes, (101,), generator=generator)
    measured = Evaluation(Samples(logits, targets), classes, 16, autocast("fp32", CPU), ALONE).measure(
        Fixed()
    )
    guesses = logits.argmax(1)
    assert measured["accuracy"] == accuracy_score(targets, guesses)
    assert measured["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, targets).item())
    if classes == 3:
        assert measured["macro_f1"] == pytest.approx(f1_score(targets, guesses, average="macro"))


def test_breast_cancer_is_scikit_learns_table():
    data = data_catalog.load(config(model={"name": "mlp"}, dataset={"name": "breast_cancer"}))
    rows = len(data.train) + len(data.evaluation)
    expected = datasets.load_breast_cancer()
    assert (rows, data.input_shape, data.classes) == (569, (30,), 2)
    assert int(data.train.targets.sum() + data.evaluation.targets.sum()) == int(expected.target.sum())
    assert data.train.inputs.mean(0).abs().max() < 1e-5
    assert data.train.inputs.std(0).sub(1).abs().max() < 1e-5


def test_digits_are_scikit_learns_images():
    data = data_catalog.load(config())
    images = torch.cat([data.evaluation.inputs, data.train.inputs])
    labels = torch.cat([data.evaluation.targets, data.train.targets])
    expected = datasets.load_digits()
    ours = sorted(zip(labels.tolist(), (images * 16).flatten(1).tolist(), strict=True))
    theirs = sorted(zip(expected.target.tolist(), expected.data.tolist(), strict=True))
    assert ours == theirs


def test_held_back_samples_do_not_depend_on_the_seed():
    one, two = data_catalog.load(config(seed=1)), data_catalog.load(config(seed=2))
    assert torch.equal(one.evaluation.inputs, two.evaluation.inputs)


def test_text_windows_are_pieces_of_the_text_and_their_next_letters():
    settings = {"model": {"name": "gpt", "gpt": {"context": 20}}, "dataset": {"name": "python_topics"}}
    data = data_catalog.load(config(**settings))
    inputs, targets = data.train.take(torch.tensor([0, 5, len(data.train) - 1]))
    assert inputs.shape == targets.shape == (3, 20)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert data.classes == int(torch.cat([data.train.tokens, data.evaluation.tokens]).max()) + 1


def test_evaluation_windows_do_not_overlap():
    windows = Windows(torch.arange(101), context=10, stride=10)
    inputs, targets = windows.take(torch.arange(len(windows)))
    assert inputs.flatten().tolist() == list(range(100))
    assert targets.flatten().tolist() == list(range(1, 101))


@pytest.mark.parametrize(("model", "dataset"), [(m, d) for m in MODELS for d in MODEL_DATASETS[m]])
def test_every_model_learns_from_every_data_set_it_names(model, dataset):
    settings = config(model={"name": model}, dataset={"name": dataset}, batch_size=4)
    data = data_catalog.load(settings)
    network = model_catalog.build(settings, data)
    inputs, targets = data.train.take(torch.tensor([1, 2, 3]))
    logits = network(inputs)
    assert logits.shape == (*targets.shape, data.classes)
    again = model_catalog.build(settings, data)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])


def test_the_catalogues_hold_exactly_the_names_of_the_spec():
    assert set(data_catalog.LOADERS) == set(DATASETS)
    assert set(model_catalog.BUILDERS) == set(MODELS)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_optimisers_move_weights_and_spare_biases_from_decay(name):
    model = torch.nn.Linear(4, 2)
    optimiser = optimisers.build(OptimiserConfig(name=name, weight_decay=0.5), model)
    decays = [group["weight_decay"] for group in optimiser.param_groups]
    before = model.weight.detach().clone()
    model(torch.ones(1, 4)).sum().backward()
    optimiser.step()
    assert decays == [0.5, 0.0]
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("limit", [0.1, 1e6])
@pytest.mark.parametrize("small", [0, 10**9])
def test_clipping_is_that_of_torch(name, limit, small, monkeypatch):
    monkeypatch.setattr("trainer.clipping.SMALL", small)
    results = []
    for ours in (True, False):
        torch.manual_seed(1)
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 2))
        optimiser = optimisers.build(OptimiserConfig(name=name, epsilon=1e-2), model)
        clipping = Clipping(list(model.parameters()), optimiser, limit)
        for _ in range(3):
            model(torch.randn(5, 4)).square().sum().backward()
            if ours:
                clipping.apply()
            else:
                torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
            optimiser.step()
            optimiser.zero_grad()
        results.append(torch.cat([each.flatten() for each in model.parameters()]))
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-6)


def test_future_letters_do_not_change_what_the_gpt_says():
    settings = config(model={"name": "gpt", "gpt": {"dropout": 0.0}}, dataset={"name": "python_topics"})
    network = model_catalog.build(settings, data_catalog.load(settings)).eval()
    tokens = torch.randint(0, 50, (1, 16))
    changed = tokens.clone()
    changed[0, 10:] = 1
    np.testing.assert_allclose(
        network(tokens)[0, :10].detach(), network(changed)[0, :10].detach(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_request_is_sound(file):
    assert validate(tomllib.loads(file.read_text())) == []
