"""The pairing of images and targets by transport: against brute force, the exact distance, and the fixed pairing."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_toys import block_of, noise, tiny_net

from wddkit.ot import Measure, w2_squared
from wddkit.ot.losses import w2_squared as w2_loss
from wddkit.stages import objective as module
from wddkit.stages.descent import Descent
from wddkit.stages.objective import Block, Weights, objective, target_distances
from wddkit.stages.recover import recover

FORMS = ("paper", "official", "normalised")
each_form = pytest.mark.parametrize("form", FORMS)
seeds = st.integers(0, 2**32 - 1)


def tensor(values):
    return torch.as_tensor(np.asarray(values, dtype=np.float64))


def drawn(seed, *, classes=3, ipc=4, d=3, equal=False, together=False):
    """A block of whole classes without layers, and features that are nowhere near their targets."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), ipc)
    share = (labels == np.arange(classes)[:, None]) * (1 if equal else 0.1 + rng.random(len(labels)))
    share = share.sum(axis=0, keepdims=True) if together else share
    block = Block(
        indices=np.arange(len(labels)),
        labels=torch.from_numpy(labels),
        share=tensor(share / share.sum(axis=1, keepdims=True)),
        targets=tensor(rng.normal(size=(len(labels), d))),
        spread=tensor((1 + rng.random(classes))[labels]),
        real={},
        pairing="transport",
    )
    return block, tensor(rng.normal(size=(len(labels), d)))


def term(block, features, form):
    return objective(block, features, None, {}, Weights(form))["feature"].item()


def fixed(block):
    return replace(block, pairing="fixed")


def classes_of(block):
    labels = block.labels.numpy()
    return [np.flatnonzero(labels == c) for c in np.unique(labels)]


@each_form
def test_images_that_stand_on_each_others_targets_cost_nothing(form):
    block, _ = drawn(0, classes=1, ipc=2, equal=True)
    swapped = block.targets.flip(0)
    assert term(fixed(block), swapped, form) > 0.1
    assert term(block, swapped, form) == pytest.approx(0, abs=2e-6)  # official: the root of its clamp


@each_form
def test_images_of_one_class_are_not_drawn_to_the_targets_of_another(form):
    block, _ = drawn(1, classes=2, ipc=1)
    swapped = block.targets.flip(0)
    assert term(block, swapped, form) == term(fixed(block), swapped, form) > 0.1


@settings(max_examples=20)
@given(seeds)
def test_with_equal_masses_it_is_the_best_of_all_assignments(seed):
    block, z = drawn(seed, equal=True)
    total, weighted = 0.0, 0.0
    for at in classes_of(block):
        C = ((z[at][:, None] - block.targets[at]) ** 2).sum(dim=2).numpy()
        best = min(C[range(4), order].sum() for order in itertools.permutations(range(4)))
        total, weighted = total + best, weighted + best / 4 / block.spread[at[0]].item()
    assert term(block, z, "paper") == pytest.approx(total, rel=1e-10)
    assert term(block, z, "official") == pytest.approx(np.sqrt(total), rel=1e-10)
    assert term(block, z, "normalised") == pytest.approx(weighted, rel=1e-10)


@settings(max_examples=20)
@given(seeds, st.booleans())
def test_the_normalised_term_is_the_squared_w2_of_images_and_targets_over_the_spread(seed, together):
    block, z = drawn(seed, together=together)
    mass, expected = block.share.sum(dim=0).numpy(), 0.0
    for at in classes_of(block):
        w = mass[at] / mass[at].sum()
        value = w2_squared(Measure(z[at].numpy(), w), Measure(block.targets[at].numpy(), w))
        expected += mass[at].sum() * value / block.spread[at[0]].item()
    assert term(block, z, "normalised") == pytest.approx(expected, rel=1e-9)


@each_form
@settings(max_examples=25)
@given(seed=seeds, together=st.booleans())
def test_no_term_is_larger_than_with_the_fixed_pairing(form, seed, together):
    block, z = drawn(seed, together=together)
    assert term(block, z, form) <= term(fixed(block), z, form) * (1 + 1e-12)


@each_form
@settings(max_examples=15)
@given(seed=seeds, factor=st.floats(0.2, 5), size=st.floats(-3, 3))
def test_where_every_target_is_best_with_its_own_image_the_pairings_are_equal(form, seed, factor, size):
    block, _ = drawn(seed)
    z = factor * block.targets + size  # a gradient of a convex function is an optimal map
    assert term(block, z, form) == pytest.approx(term(fixed(block), z, form), rel=1e-9, abs=1e-9)


@each_form
def test_the_order_of_targets_of_equal_mass_does_not_matter(form):
    block, z = drawn(2, equal=True)
    order = np.concatenate([np.random.default_rng(0).permutation(at) for at in classes_of(block)])
    other = replace(block, targets=block.targets[order])
    assert term(other, z, form) == pytest.approx(term(block, z, form), rel=1e-12)
    assert term(fixed(other), z, form) != pytest.approx(term(fixed(block), z, form))


@each_form
@pytest.mark.parametrize("equal", [True, False])
def test_gradients_are_those_of_finite_differences(form, equal):
    block, z = drawn(3, equal=equal)
    assert not np.isclose(term(block, z, form), term(fixed(block), z, form))
    loss = lambda z: objective(block, z, None, {}, Weights(form))["loss"]  # noqa: E731  # one line says what it is
    assert torch.autograd.gradcheck(loss, z.requires_grad_())


def test_the_gradient_is_that_of_the_exact_loss():
    block, z = drawn(4, classes=1)
    z.requires_grad_()
    w = block.share[0]
    found = torch.autograd.grad(objective(block, z, None, {}, Weights())["feature"], z)[0]
    expected = torch.autograd.grad(w2_loss(z, block.targets, a=w, b=w) / block.spread[0], z)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-14)


def test_an_image_without_mass_counts_nothing_and_takes_no_target():
    block, z = drawn(5, classes=1)
    share = torch.tensor([[0.5, 0, 0.25, 0.25]], dtype=torch.float64)
    block = replace(block, share=share)
    kept = np.array([0, 2, 3])
    expected = w2_squared(
        Measure(z[kept].numpy(), share[0, kept].numpy()), Measure(block.targets[kept].numpy(), share[0, kept].numpy())
    )
    assert term(block, z, "normalised") == pytest.approx(expected / block.spread[0].item(), rel=1e-10)


def test_the_distances_of_images_are_shares_of_the_plan():
    block, z = drawn(6, classes=1, ipc=2)
    block = replace(block, targets=tensor([[0, 0, 0], [4, 0, 0]]), share=tensor([[0.25, 0.75]]))
    z = tensor([[4, 0, 0], [1, 0, 0]])
    # All of image 0 goes to target 1; image 1 gives a third to target 0 and two thirds to target 1.
    np.testing.assert_allclose(target_distances(block, z, "normalised"), [0, 1 / 3 * 1 + 2 / 3 * 9], rtol=1e-12)
    np.testing.assert_allclose(target_distances(block, z, "paper"), [0, 1], rtol=1e-12)


def test_nothing_is_solved_where_all_are_nearest_to_their_own_target(monkeypatch):
    monkeypatch.setattr(module, "solve", lambda *_: pytest.fail("a plan was asked for"))
    block, _ = drawn(7)
    z = block.targets + 1e-3
    assert term(block, z, "normalised") == pytest.approx(term(fixed(block), z, "normalised"), rel=1e-12)


@each_form
def test_single_precision_is_close_to_double(form):
    block, z = drawn(8)
    single = replace(
        block,
        share=block.share.float(),
        targets=block.targets.float(),
        spread=block.spread.float(),
        pairing="transport",
    )
    found = objective(single, z.float(), None, {}, Weights(form))["feature"]
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(term(block, z, form), rel=1e-5)


def recovered(pairing, *, steps=12):
    """The last moment of a recovery from images in the order of another one's targets."""
    net, labels = tiny_net(), np.repeat(np.arange(3), 10)
    real = noise(30)
    block = replace(block_of(net, real, labels, ipc=4), pairing=pairing)
    start = net.normalise(torch.from_numpy(noise(12, seed=1)).float() / 255)
    stops, weights = frozenset({0, steps}), Weights(statistics=0.1)
    *_, last = recover(net, start, block, weights, Descent(steps=steps), seed=0, stops=stops, knobs={})
    return last


def test_recovery_ends_nearer_to_the_targets_as_a_set_when_the_pairing_is_free():
    free, tied = (recovered(pairing).scalars["feature"] for pairing in ("transport", "fixed"))
    assert free < tied
    assert np.isfinite(recovered("transport").images.numpy()).all()
