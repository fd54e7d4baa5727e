"""The supervised loop: schedules, batches, views, weights, and that it leaves the world as it was."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toys import noise, tiny_net
from torch import nn

from wddkit.augment import Augment, apply, draw
from wddkit.nets import to_arrays
from wddkit.stages.training import Training, accuracy, pixels, predict, train

PLAIN = {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.0, "lr": 1.0}
CROPS = Augment(crop=(0.3, 0.9), flip=0.5, shift=0.1)


class Scalar(nn.Module):
    """One number, the output for every image."""

    def __init__(self, value=0.0):
        super().__init__()
        self.p = nn.Parameter(torch.tensor(value, dtype=torch.float64))

    def forward(self, x):
        return self.p.expand(len(x))


def recorded(training, images, *, net=None, weights=None, views=None, seed=0):
    """What the loss was called with, and the losses that were reported."""
    calls, losses = [], []

    def loss(outputs, x, positions, numbers):
        calls.append((x.detach().clone(), positions, numbers))
        return outputs * torch.from_numpy(positions + 1.0)

    def tick(stage, done, total, scalars):
        losses.append((stage, done, total, float(scalars["loss"])))

    train(net or Scalar(1.0), images, loss, training, seed=seed, weights=weights, views=views, tick=tick)
    return calls, losses


def rates(**options):
    """The learning rate of each step: a gradient of one moves the number by it."""
    net, at = Scalar(), []
    training = Training(batch=1, **{**PLAIN, **options})
    train(net, torch.zeros(1, 1, 1, 1), lambda out, *_: out, training, seed=0, tick=lambda *_: at.append(-net.p.item()))
    return np.diff([0.0, *at])


def test_the_rate_rises_in_the_warm_up_and_falls_by_a_cosine_to_zero():
    expected = [(i + 1) / 4 for i in range(4)] + [0.5 * (1 + math.cos(math.pi * i / 16)) for i in range(16)]
    np.testing.assert_allclose(rates(steps=20, warmup=0.2), expected, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_without_a_warm_up_the_cosine_starts_at_once(steps):
    expected = [0.5 * (1 + math.cos(math.pi * i / steps)) for i in range(steps)]
    np.testing.assert_allclose(rates(steps=steps, warmup=0.0), expected, atol=1e-12)


def test_the_other_schedules_are_flat_or_fall_to_a_tenth_half_way():
    assert rates(steps=5, warmup=0.0, schedule="constant", lr=0.3) == pytest.approx([0.3] * 5)
    assert rates(steps=6, warmup=0.0, schedule="step") == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1])
    assert rates(steps=4, warmup=1.0) == pytest.approx([0.25, 0.5, 0.75, 1])


def test_sgd_and_adamw_take_their_textbook_first_step():
    for options, expected in [
        ({"optimiser": "sgd", "weight_decay": 0.1}, 2 - 0.5 * (1 + 0.1 * 2)),
        ({"optimiser": "adamw", "weight_decay": 0.1}, 2 * (1 - 0.5 * 0.1) - 0.5),
    ]:
        net = Scalar(2.0)
        training = Training(steps=1, batch=1, lr=0.5, warmup=0.0, **options)
        train(net, torch.zeros(1, 1, 1, 1), lambda out, *_: out, training, seed=0)
        assert net.p.item() == pytest.approx(expected, abs=1e-7)


def test_momentum_adds_up_past_gradients():
    net = Scalar()
    training = Training(steps=3, batch=1, **{**PLAIN, "momentum": 0.5}, schedule="constant", warmup=0.0)
    train(net, torch.zeros(1, 1, 1, 1), lambda out, *_: out, training, seed=0)
    assert net.p.item() == pytest.approx(-(1 + 1.5 + 1.75))


def test_frozen_parameters_do_not_move():
    net = tiny_net()
    net.head.requires_grad_()
    before = to_arrays(net)
    labels = torch.arange(6) % 3
    train(
        net,
        pixels(noise(6), like=net.mean),
        lambda s, x, at, _: nn.functional.cross_entropy(s, labels[at], reduction="none"),
        Training(steps=3, batch=3),
        seed=0,
    )
    moved = {name for name, value in to_arrays(net).items() if not np.array_equal(value, before[name])}
    assert {name for name in moved if "norm" not in name} == {"head.weight", "head.bias"}


@settings(max_examples=25)
@given(st.integers(1, 8), st.integers(1, 10), st.integers(1, 2**40))
def test_every_epoch_shows_every_image_once_in_an_order_of_the_seed_alone(n, batch, seed):
    images = torch.zeros(n, 1, 2, 2)
    calls, _ = recorded(Training(steps=9, batch=batch), images, seed=seed)
    positions = np.concatenate([at for _, at, _ in calls])
    numbers = np.concatenate([number for *_, number in calls])
    assert len(positions) == 9 * min(batch, n)
    assert np.array_equal(numbers, np.arange(len(positions)) // n)
    for epoch in range(len(positions) // n):
        assert sorted(positions[epoch * n : (epoch + 1) * n]) == list(range(n))
    other, _ = recorded(Training(steps=30, batch=1, lr=9.0), images, seed=seed, net=Scalar(-5.0))
    cut = min(30, len(positions))
    assert np.concatenate([at for _, at, _ in other])[:cut].tolist() == positions[:cut].tolist()


def test_a_view_depends_on_its_image_and_number_alone():
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = []
    for batch, steps in ((3, 8), (6, 4), (4, 6)):
        calls, _ = recorded(Training(steps=steps, batch=batch, augment=CROPS), images)
        seen.append({(p, k): x[i] for x, at, n in calls for i, (p, k) in enumerate(zip(at, n, strict=True))})
    assert seen[0].keys() == seen[1].keys() == seen[2].keys()
    assert all(torch.equal(seen[0][key], other[key]) for key in seen[0] for other in seen[1:])
    assert len({tuple(view.ravel()[:8].tolist()) for view in seen[0].values()}) == 24  # no view comes twice


def test_without_an_augmentation_images_are_shown_as_they_are():
    images = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    calls, _ = recorded(Training(steps=5, batch=2), images)
    assert all(torch.equal(x, images[at]) for x, at, _ in calls)


def test_a_shared_view_is_one_a_step_and_another_at_the_next():
    images = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)).repeat(6, 1, 1, 1)
    augment = Augment(crop=(0.3, 0.9), flip=0.5, shared=True)
    calls, _ = recorded(Training(steps=5, batch=3, augment=augment), images)
    assert all(torch.equal(x, x[:1].expand_as(x)) for x, *_ in calls)
    assert len({tuple(x[0].ravel().tolist()) for x, *_ in calls}) == 5


def test_stored_views_take_the_place_of_fresh_ones():
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    table = draw(CROPS, np.arange(8), key=1).reshape(4, 2, -1)
    training = Training(steps=6, batch=3, augment=Augment(jitter=0.5))
    calls, _ = recorded(training, images, views=lambda at, number: table[at, number % 2])
    for x, at, number in calls:
        assert torch.equal(x, apply(images[at], torch.from_numpy(table[at, number % 2])))


def test_the_reported_loss_is_the_weighted_mean_of_the_batch():
    weights = torch.tensor([0.0, 1.0, 3.0, 0.5], dtype=torch.float64)
    training = Training(steps=8, batch=3, lr=1e-30)
    calls, losses = recorded(training, torch.zeros(4, 1, 1, 1), weights=weights)
    for (_, at, _), (stage, _, total, value) in zip(calls, losses, strict=True):
        assert value == pytest.approx(np.average(at + 1.0, weights=weights[at]))
        assert (stage, total) == ("train", 8)
    assert [done for _, done, *_ in losses] == list(range(1, 9))
    calls, losses = recorded(training, torch.zeros(4, 1, 1, 1))
    assert [value for *_, value in losses] == pytest.approx([np.mean(at + 1.0) for _, at, _ in calls])


def test_a_batch_whose_weights_are_all_zero_moves_nothing():
    net = Scalar(1.0)
    weights = torch.tensor([0.0, 1.0], dtype=torch.float64)
    _, losses = recorded(Training(steps=2, batch=1, **PLAIN), torch.zeros(2, 1, 1, 1), net=net, weights=weights)
    assert sorted(value for *_, value in losses)[0] == 0
    assert math.isfinite(net.p.item())


class Forgetful(nn.Module):
    """A network with dropout, which draws from torch's global generator."""

    def __init__(self):
        super().__init__()
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(12, 2)
        nn.init.ones_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.drop(x.flatten(1)))


@pytest.mark.parametrize("make", [Forgetful, lambda: tiny_net().requires_grad_()])
def test_training_twice_gives_the_same_bits_and_leaves_torchs_generator_alone(make):
    found = []
    for global_seed in (1, 2):
        size = 2 if make is Forgetful else 8
        net, images = make(), torch.linspace(0, 1, 18 * size**2).view(6, 3, size, size)
        torch.default_generator.manual_seed(global_seed)
        state = torch.get_rng_state()
        train(net, images, lambda s, x, at, _: s[:, 0], Training(steps=4, batch=3, augment=CROPS), seed=5)
        assert torch.equal(torch.get_rng_state(), state)
        assert not any(part.training for part in net.modules())
        found.append(to_arrays(net))
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"steps": 0}, "training: expected steps and batch of at least 1, lr above 0 and warmup in [0, 1]; got Train"),
        ({"batch": 0}, "expected steps and batch of at least 1"),
        ({"lr": 0}, "lr above 0"),
        ({"lr": math.nan}, "lr above 0"),
        ({"warmup": 1.1}, "warmup in [0, 1]"),
        ({"optimiser": "adam"}, "unknown optimiser of training 'adam'. Did you mean 'adamw'? Known: adamw, sgd"),
        ({"schedule": "cosin"}, "unknown schedule of training 'cosin'. Did you mean 'cosine'?"),
    ],
)
def test_values_out_of_range_are_refused(bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Training(**bad)


@given(st.integers(1, 9))
@settings(max_examples=9)
def test_predictions_do_not_depend_on_the_batching(batch):
    net, images = tiny_net(dtype=torch.float64), noise(7)
    expected = net(torch.from_numpy(images).double() / 255)
    torch.testing.assert_close(predict(net.train(), images, batch=batch), expected, rtol=0, atol=1e-12)
    assert not net.training
    z = predict(net, torch.from_numpy(images), part="embed", batch=batch)
    torch.testing.assert_close(net.head(z), expected, rtol=0, atol=1e-12)


def test_no_images_have_no_predictions():
    assert predict(tiny_net(), noise(0)).shape == (0, 3)


def test_accuracy_is_the_share_of_right_answers_in_percent():
    net, images = tiny_net(), noise(8)
    answers = predict(net, images).argmax(dim=1).numpy()
    labels = answers.copy()
    labels[:2] = (labels[:2] + 1) % 3
    assert accuracy(net, images, answers) == 100
    assert accuracy(net, images, labels) == 75


def test_pixels_are_numbers_from_zero_to_one_like_another_tensor():
    grey = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)[:, :, ::-1]  # not contiguous
    found = pixels(grey, like=torch.zeros(1, dtype=torch.float64))
    assert found.dtype == torch.float64
    assert np.array_equal(found.numpy(), grey / 255)
