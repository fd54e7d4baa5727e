"""The three forms of the loss: worked numbers, what they scale with, where they separate, their gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.stages.objective import Block, Weights, objective, real_moments
from wddkit.stages.statistics import Moments

FORMS = ("paper", "official", "normalised")


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


# Three images in two classes, two features, one layer of two channels and one of a single channel.
WORKED = Block(
    indices=np.arange(3),
    labels=torch.tensor([0, 0, 1]),
    share=tensor([[0.25, 0.75, 0], [0, 0, 1]]),
    targets=tensor([[0, 0], [0, 0], [1, 1]]),
    spread=tensor([2, 2, 4]),
    real={
        "a": (tensor([[0, 1], [2, 2]]), tensor([[1, 3], [4, 1]])),
        "b": (tensor([[0], [0]]), tensor([[1], [9]])),
    },
)
FEATURES = tensor([[1, 0], [0, 2], [3, 1]])
LOGITS = tensor([[0, 0], [math.log(3), 0], [0, 0]])  # cross-entropies log 2, log 4/3, log 2
MEANS = {"a": tensor([[1, 1], [1, 1], [2, 5]]), "b": tensor([[2], [-2], [0]])}
SQUARES = {"a": tensor([[2, 4], [2, 4], [8, 26]]), "b": tensor([[5], [5], [1]])}
MOMENTS = {name: torch.stack([MEANS[name], SQUARES[name]]) for name in MEANS}
# Class 0: a: mean (1, 1), variance (1, 3); b: mean .25 * 2 - .75 * 2 = -1, variance 5 - 1 = 4.
# Class 1: a: mean (2, 5), variance (4, 1); b: mean 0, variance 1.
PAPER = (1 + 0) + 9 + ((1 + 9) + 64)  # (class 0, a), (class 1, a), (class 0, b), (class 1, b)
OFFICIAL = ((1 + 0) + (3 + 0)) / 2 + ((1 + 3) + (0 + 8)) / 2


def normalised_by_hand():
    """Mean over channels, mean over layers, sum over classes; floor: a thousandth of a layer's mean variance."""

    def error(mean, variance, real_mean, real_variance):
        floor = 1e-3 * np.mean(real_variance) + 1e-12
        terms = [
            ((m - rm) ** 2 + (math.sqrt(v + floor) - math.sqrt(rv + floor)) ** 2) / (rv + floor)
            for m, v, rm, rv in zip(mean, variance, real_mean, real_variance, strict=True)
        ]
        return np.mean(terms)

    first = (error([1, 1], [1, 3], [0, 1], [1, 3]) + error([-1], [4], [0], [1])) / 2
    second = (error([2, 5], [4, 1], [2, 2], [4, 1]) + error([0], [1], [0], [9])) / 2
    return first + second


@pytest.mark.parametrize(
    ("form", "feature", "statistics"),
    [
        ("paper", 1 + 4 + 4, PAPER),
        ("official", 3, OFFICIAL),
        ("normalised", 0.25 * 1 / 2 + 0.75 * 4 / 2 + 4 / 4, normalised_by_hand()),
    ],
)
def test_the_forms_are_the_worked_numbers(form, feature, statistics):
    terms = objective(WORKED, FEATURES, None, MOMENTS, Weights(form, statistics=0.5))
    assert float(terms["feature"]) == pytest.approx(feature)
    assert float(terms["statistics"]) == pytest.approx(statistics)
    assert float(terms["loss"]) == pytest.approx(feature + 0.5 * statistics)
    assert terms.keys() == {"loss", "feature", "statistics"}


@pytest.mark.parametrize(
    ("form", "feature"),
    [
        # Class 0 by its masses: .25 (1, 0) + .75 (0, 2) = (1/4, 3/2); with equal ones (1/2, 1). Class 1: (2, 0).
        ("paper", 2 * (0.25 + 1) + 4),
        ("official", math.sqrt(2 * (0.25 + 1) + 4)),
        ("normalised", (1 / 16 + 9 / 4) / 2 + 4 / 4),
    ],
)
def test_the_pairing_mean_draws_mean_features_to_mean_targets(form, feature):
    terms = objective(replace(WORKED, pairing="mean"), FEATURES, None, MOMENTS, Weights(form, statistics=0))
    assert float(terms["feature"]) == pytest.approx(feature)


ENTROPIES = np.log([2, 4 / 3, 2])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("paper", ENTROPIES.sum()),
        ("official", ENTROPIES.mean()),
        ("normalised", 0.25 * ENTROPIES[0] + 0.75 * ENTROPIES[1] + ENTROPIES[2]),
    ],
)
def test_cross_entropy_stands_in_for_targets_or_beside_them(form, expected):
    alone = objective(replace(WORKED, targets=None), FEATURES, LOGITS, MOMENTS, Weights(form, statistics=0))
    assert float(alone["feature"]) == pytest.approx(expected)
    beside = objective(WORKED, FEATURES, LOGITS, MOMENTS, Weights(form, statistics=0, cross_entropy=2))
    assert float(beside["cross_entropy"]) == pytest.approx(expected)
    assert float(beside["loss"]) == pytest.approx(float(beside["feature"]) + 2 * expected)


def test_the_normalised_statistics_are_a_squared_wasserstein_distance_of_gaussians_over_the_variance():
    layer = {"l": (tensor([[0.3]]), tensor([[1.7]]))}
    block = replace(WORKED, share=tensor([[1, 0, 0]]), real=layer)
    moments = {"l": tensor([[[1.1], [0], [0]], [[1.1**2 + 0.6], [0], [0]]])}
    found = objective(block, FEATURES, None, moments, Weights("normalised"))["statistics"]
    expected = ((1.1 - 0.3) ** 2 + (math.sqrt(0.6) - math.sqrt(1.7)) ** 2) / 1.7
    assert float(found) == pytest.approx(expected, rel=2e-3)  # the floor is a thousandth


def random_block(seed, *, classes=3, ipc=2):
    """A block of whole classes with random masses, two layers, and the values that go into its loss."""
    rng = np.random.default_rng(seed)
    n, labels = classes * ipc, np.repeat(np.arange(classes), ipc)
    share = (labels == np.arange(classes)[:, None]) * rng.random(n)
    real = {
        name: (tensor(rng.normal(size=(classes, k))), tensor(rng.random((classes, k))))
        for name, k in (("a", 3), ("b", 5))
    }
    block = Block(
        indices=np.arange(n),
        labels=torch.from_numpy(labels),
        share=tensor(share / share.sum(axis=1, keepdims=True)),
        targets=tensor(rng.normal(size=(n, 4))),
        spread=tensor((1 + rng.random(classes))[labels]),
        real=real,
    )
    means = {name: tensor(rng.normal(size=(n, m.shape[1]))) for name, (m, _) in real.items()}
    moments = {name: torch.stack([m, m**2 + tensor(rng.random(m.shape))]) for name, m in means.items()}
    return block, tensor(rng.normal(size=(n, 4))), tensor(rng.normal(size=(n, classes))), moments


def part_of(block, features, logits, moments, group, ipc=2):
    """The same of one class alone."""
    at = slice(group * ipc, (group + 1) * ipc)
    alone = Block(
        indices=block.indices[at],
        labels=block.labels[at],
        share=block.share[group : group + 1, at],
        targets=None if block.targets is None else block.targets[at],
        spread=block.spread[at],
        real={name: (m[group : group + 1], v[group : group + 1]) for name, (m, v) in block.real.items()},
    )
    return alone, features[at], logits[at], {name: each[:, at] for name, each in moments.items()}


@pytest.mark.parametrize("form", ["paper", "normalised"])
@pytest.mark.parametrize("target", [True, False])
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_loss_of_all_classes_is_the_sum_of_the_losses_of_each(form, target, seed):
    block, *values = random_block(seed)
    block = block if target else replace(block, targets=None)
    weights = Weights(form, statistics=0.7, cross_entropy=0.3)
    whole = objective(block, *values, weights)
    parts = [objective(*part_of(block, *values, group), weights) for group in range(3)]
    for name, value in whole.items():
        assert float(value) == pytest.approx(sum(float(part[name]) for part in parts), rel=1e-10)


def test_the_official_form_does_not_separate_over_classes():
    block, *values = random_block(0)
    whole = objective(block, *values, Weights("official"))
    parts = [objective(*part_of(block, *values, group), Weights("official")) for group in range(3)]
    assert float(whole["feature"]) == pytest.approx(math.sqrt(sum(float(part["feature"]) ** 2 for part in parts)))
    assert float(whole["statistics"]) == pytest.approx(np.mean([float(part["statistics"]) for part in parts]))


@pytest.mark.parametrize(("form", "factor"), [("paper", 4), ("official", 2), ("normalised", 1)])
def test_four_times_the_batch_scales_the_feature_term(form, factor):
    block, features, _, moments = random_block(1)
    four = replace(
        block,
        share=block.share.repeat(1, 4) / 4,
        targets=block.targets.repeat(4, 1),
        spread=block.spread.repeat(4),
        labels=block.labels.repeat(4),
    )
    many = {name: each.repeat(1, 4, 1) for name, each in moments.items()}
    small = objective(block, features, None, moments, Weights(form))
    large = objective(four, features.repeat(4, 1), None, many, Weights(form))
    assert float(large["feature"]) == pytest.approx(factor * float(small["feature"]))
    assert float(large["statistics"]) == pytest.approx(float(small["statistics"]))


@pytest.mark.parametrize("scale", [1e-2, 1e2])
def test_the_normalised_form_knows_no_units(scale):
    block, features, _, moments = random_block(2)
    expected = objective(block, features, None, moments, Weights())
    scaled = replace(
        block,
        targets=scale * block.targets,
        spread=scale**2 * block.spread,
        real={name: (scale * m, scale**2 * v) for name, (m, v) in block.real.items()},
    )
    moments = {name: torch.stack([scale * m, scale**2 * s]) for name, (m, s) in moments.items()}
    found = objective(scaled, scale * features, None, moments, Weights())
    assert float(found["feature"]) == pytest.approx(float(expected["feature"]))
    assert float(found["statistics"]) == pytest.approx(float(expected["statistics"]), rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_perfect_match_costs_nothing_and_has_no_gradient(form):
    block, features, _, _ = random_block(3, ipc=1)
    moments = {name: torch.stack([m, v + m**2]).requires_grad_() for name, (m, v) in block.real.items()}
    features = block.targets.clone().requires_grad_()
    terms = objective(block, features, None, moments, Weights(form))
    assert terms["feature"].item() == pytest.approx(0, abs=2e-6)  # official: the root of its clamp
    assert terms["statistics"].item() == pytest.approx(0, abs=5e-6)
    terms["loss"].backward()
    assert features.grad.abs().max() < 1e-9
    assert all(each.grad.abs().max() < 1e-9 for each in moments.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", [True, False])
def test_gradients_are_those_of_finite_differences(form, target):
    block, features, logits, moments = random_block(4)
    block = block if target else replace(block, targets=None)
    names = list(moments)

    def loss(features, logits, *flat):
        by_name = dict(zip(names, flat, strict=True))
        return objective(block, features, logits, by_name, Weights(form, statistics=0.7, cross_entropy=0.3))["loss"]

    # Twice the mean square: variances well above zero, where the clamp of rounding errors plays no part.
    flat = [torch.stack([m, 2 * s]) for m, s in moments.values()]
    inputs = [value.clone().requires_grad_() for value in (features, logits, *flat)]
    assert torch.autograd.gradcheck(loss, inputs)


def test_channels_that_are_dead_on_real_data_do_not_dominate():
    real = {"a": (tensor([[0.0, 0.0]]), tensor([[0.0, 2.0]]))}
    block = replace(WORKED, share=tensor([[1, 0, 0]]), real=real)
    moments = {"a": tensor([[[0.01, 0], [0, 0], [0, 0]], [[0.01**2, 2], [0, 0], [0, 0]]])}
    found = objective(block, FEATURES, None, moments, Weights("normalised"))["statistics"]
    assert float(found) == pytest.approx(0.01**2 / 1e-3 / 2, rel=1e-6)  # against the floor, a mean of two channels


@pytest.mark.parametrize("form", FORMS)
def test_layers_left_out_do_not_count(form):
    block, features, _, moments = random_block(5)
    only = objective(replace(block, real={"b": block.real["b"]}), features, None, moments, Weights(form))
    other = objective(replace(block, real={"a": block.real["a"]}), features, None, moments, Weights(form))
    both = objective(block, features, None, moments, Weights(form))["statistics"]
    total = float(only["statistics"]) + float(other["statistics"])
    assert float(both) == pytest.approx(total / 2 if form == "normalised" else total)
    assert float(objective(replace(block, real={}), features, None, moments, Weights(form))["statistics"]) == 0


def test_real_moments_are_rows_of_classes_or_of_all_together():
    rng = np.random.default_rng(0)
    moments = Moments(rng.normal(size=(4, 3)), rng.random((4, 3)), np.array([1.0, 2.0, 3.0, 4.0]))
    mean, variance = real_moments({"a": moments}, np.array([3, 1]), like=torch.zeros(1))["a"]
    assert mean.dtype == torch.float32
    np.testing.assert_allclose(mean, moments.mean[[3, 1]], rtol=1e-6)
    np.testing.assert_allclose(variance, moments.variance[[3, 1]], rtol=1e-6)
    mean, variance = real_moments({"a": moments}, None, like=tensor([0.0]))["a"]
    assert torch.equal(mean, torch.from_numpy(moments.overall().mean))
    assert torch.equal(variance, torch.from_numpy(moments.overall().variance))


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"unknown form of the loss 'normalized'\. Did you mean 'normalised'\?"):
        Weights("normalized")
