"""KIP: the tangent kernel against closed forms and wide networks, labels and gradients against least squares."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from method_toys import EveryStep, coloured, recovered, run, task_of

from wddkit.data import ImageSet
from wddkit.methods import KIP, Context
from wddkit.methods.regression import tangent_kernel
from wddkit.stages.recover import to_normalised
from wddkit.stages.relabel import with_soft_labels

POINTS = hnp.arrays(np.float64, (7, 5), elements=st.floats(-3, 3, allow_subnormal=False))


def kernel(a, b, depth):
    return tangent_kernel(torch.from_numpy(a), torch.from_numpy(b), depth=depth).numpy()


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def oracle(a, b, depth):
    """The recursion in NumPy, by angles alone: the arc-cosine kernels of order 0 and 1."""
    length = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1) / a.shape[1]
    t = np.arccos(np.clip(a @ b.T / a.shape[1] / length, -1, 1))
    theta = length * np.cos(t)
    for _ in range(depth):
        cosine = (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi
        theta = theta * (1 - t / np.pi) + length * cosine
        t = np.arccos(np.clip(cosine, -1, 1))
    return theta


def test_without_hidden_layers_the_kernel_is_linear():
    a, b = gaussian(4, 6), gaussian(3, 6, seed=1)
    np.testing.assert_allclose(kernel(a, b, 0), a @ b.T / 6, atol=1e-14)


@pytest.mark.parametrize(("angle", "factor"), [(0, 2), (np.pi / 2, 1 / np.pi), (np.pi, 0), (np.pi / 3, None)])
def test_one_hidden_layer_has_the_closed_form_on_unit_vectors(angle, factor):
    a, b = np.array([[np.sqrt(2), 0]]), np.sqrt(2) * np.array([[np.cos(angle), np.sin(angle)]])  # |a|^2 / d = 1
    closed = (np.sin(angle) + 2 * (np.pi - angle) * np.cos(angle)) / np.pi
    assert kernel(a, b, 1) == pytest.approx(closed if factor is None else factor, abs=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_kernel_is_the_recursion_of_arc_cosine_kernels(depth):
    a, b = gaussian(6, 8), gaussian(5, 8, seed=1)
    np.testing.assert_allclose(kernel(a, b, depth), oracle(a, b, depth), rtol=1e-10)
    diagonal = (depth + 1) * (a**2).mean(axis=1)  # each layer adds the squared length
    np.testing.assert_allclose(np.diag(kernel(a, a, depth)), diagonal, rtol=1e-6)


def wide_network_kernel(points, depth, width, seed):
    """Inner products of the gradients of one random ReLU network with He's scale, by its weights."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [points.shape[1], *[width] * depth, 1]
    weights = [torch.randn(m, n, generator=generator, dtype=torch.float64).requires_grad_() for n, m in pairwise(sizes)]
    x = torch.from_numpy(points)
    for i, w in enumerate(weights):
        x = x @ w.T / x.shape[1] ** 0.5
        x = 2**0.5 * x.relu() if i < depth else x
    J = torch.stack(
        [torch.cat([g.ravel() for g in torch.autograd.grad(out, weights, retain_graph=True)]) for out in x[:, 0]]
    )
    return (J @ J.T).numpy()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_kernel_is_the_tangent_kernel_of_wide_random_networks(depth):
    points = gaussian(4, 6)
    found = np.array([wide_network_kernel(points, depth, 400, seed) for seed in range(32)])
    exact, error = kernel(points, points, depth), found.std(axis=0) / np.sqrt(32)
    # Four standard errors of the mean, and 1 % for what a width of 400 is from infinity.
    assert (np.abs(found.mean(axis=0) - exact) < 4 * error + 0.01 * exact.max()).all()
    assert error.max() < 0.03 * exact.max()


@given(POINTS, st.integers(0, 4))
def test_the_kernel_is_symmetric_and_has_no_negative_eigenvalues(points, depth):
    K = kernel(points, points, depth)
    np.testing.assert_allclose(K, K.T, atol=1e-12 * (1 + abs(K).max()))
    assert np.linalg.eigvalsh((K + K.T) / 2).min() > -1e-6 * (1 + K.max())


@given(POINTS, st.floats(0.1, 10))
def test_the_kernel_scales_with_the_length_of_its_inputs(points, scale):
    np.testing.assert_allclose(
        kernel(scale * points, points, 2), scale * kernel(points, points, 2), atol=1e-6 * scale * 20
    )


def test_the_gradient_is_finite_for_equal_opposite_and_empty_inputs():
    points = gaussian(6, 5)
    points[1], points[2], points[3] = points[0], -points[0], 0
    a = torch.from_numpy(points).requires_grad_()
    for depth in (1, 2, 5):
        (gradient,) = torch.autograd.grad(tangent_kernel(a, a, depth=depth).square().sum(), a)
        assert gradient.isfinite().all()


def problem(task, method, u, step=0):
    """The matrix A [t, s] that predicts real images from labels of the images u, and the real labels, in NumPy."""
    positions, net = method_batch(task, method, step), task.teacher("float64")
    x = to_normalised(net, task.train.images[positions]).flatten(1).numpy()
    s = u.reshape(len(u), -1)
    K_ss, K_ts = oracle(s, s, method.depth), oracle(x, s, method.depth)
    A = K_ts @ np.linalg.inv(K_ss + method.reg * np.diag(K_ss).mean() * np.eye(len(s)))
    return A, np.eye(3)[task.train.labels[positions]] - 1 / 3


def method_batch(task, method, step):
    """All training images where the batch holds them all; their order does not count."""
    assert method.batch >= len(task.train)
    return np.arange(len(task.train))


def objective(A, y):
    """The loss at the best labels, by NumPy's least squares."""
    labels = np.linalg.lstsq(A, y, rcond=None)[0]
    return 0.5 * ((y - A @ labels) ** 2).sum(axis=1).mean(), labels


def test_labels_are_the_least_squares_solution_for_the_saved_images(task):
    method = KIP(ipc=3, steps=4)
    for s in run(method, task, precision="float64"):
        saved = to_normalised(task.teacher("float64"), s.distilled.images).numpy()
        A, y = problem(task, method, saved)
        least, labels = objective(A, y)
        np.testing.assert_allclose(s.arrays["labels"], labels, atol=1e-4 * np.abs(labels).max())
        residual = A.T @ (A @ s.arrays["labels"].astype(float) - y)
        assert np.abs(residual).max() < 1e-5 * np.abs(A.T @ y).max()
        assert s.scalars["kernel_error"] == np.mean((A @ labels).argmax(axis=1) != y.argmax(axis=1))
        for seed in range(20):
            other = s.arrays["labels"] + 1e-2 * gaussian(*labels.shape, seed=seed)
            assert 0.5 * ((y - A @ other) ** 2).sum(axis=1).mean() > least


def test_the_recorded_loss_is_the_objective_before_the_step(task):
    method = KIP(ipc=3, steps=3)
    snapshots = run(method, task, precision="float64")
    for step in (1, 2):
        loss, labels = objective(*problem(task, method, recovered(snapshots, step - 1)))
        assert snapshots[step].scalars["loss"] == pytest.approx(loss, rel=1e-5)
        assert snapshots[step].scalars["label norm"] == pytest.approx(np.linalg.norm(labels), rel=1e-4)


@pytest.mark.parametrize("reg", [1e-2, 1.0])
@pytest.mark.parametrize("depth", [1, 2])
def test_the_gradient_is_that_of_the_objective_with_labels_solved_anew(depth, reg, task):
    method = KIP(ipc=2, steps=4, depth=depth, reg=reg)
    snapshots = run(method, task, precision="float64")
    # Adam's first moment with beta 0.5 is m' = m / 2 + g / 2. Not at the start, whose images are real ones: the kernel
    # has a kink where two images are equal.
    gradient = 2 * recovered(snapshots, 2, "exp_avg") - recovered(snapshots, 1, "exp_avg")
    u = recovered(snapshots, 1)
    for seed in range(5):
        direction, e = gaussian(*u.shape, seed=seed), 1e-5
        values = [objective(*problem(task, method, u + sign * e * direction))[0] for sign in (1, -1)]
        assert (gradient * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * e), rel=1e-3)


def test_the_ridge_decides_the_labels_and_not_the_loss_or_the_images(task):
    little, much = (run(KIP(ipc=2, steps=4, reg=reg), task, precision="float64") for reg in (1e-4, 1e-1))
    for a, b in zip(little[1:], much[1:], strict=True):
        assert a.scalars["loss"] == pytest.approx(b.scalars["loss"], rel=1e-5)
    np.testing.assert_allclose(recovered(little, 3), recovered(much, 3), atol=1e-4)
    assert np.abs(little[-1].distilled.soft - much[-1].distilled.soft).max() > 1e-2


def test_the_loss_and_the_error_of_the_regression_fall(task):
    snapshots = list(KIP(ipc=1, steps=60).distill(task, Context()))
    assert snapshots[-1].scalars["loss"] < 0.6 * snapshots[1].scalars["loss"]
    assert snapshots[-1].scalars["kernel_error"] < snapshots[0].scalars["kernel_error"]


def test_learned_labels_reach_the_distilled_set_and_are_not_replaced(task):
    last = run(KIP(ipc=2, steps=3), task)[-1]
    distilled = last.distilled
    assert distilled.soft_kind == "values"
    np.testing.assert_array_equal(distilled.soft, last.arrays["labels"])
    assert distilled.soft.dtype == np.float32
    assert with_soft_labels(distilled, task.teacher()) is distilled


def test_every_image_is_chosen_from_a_batch_that_goes_round_the_real_set(task):
    method = KIP(ipc=1, steps=3, batch=24)
    drawn = [method._real(task, Context(), step, like=torch.zeros(1))[0] for step in range(3)]
    assert all(len(x) == 24 for x in drawn)
    seen = {image.numpy().tobytes() for x in drawn for image in x}
    real = to_normalised(task.teacher(), task.train.images)
    assert seen == {image.numpy().tobytes() for image in real}


def test_two_equal_images_share_their_label_and_stay_finite(task, kept):
    pixels = task.train.images.copy()
    pixels[task.train.of_class(0)] = pixels[0]
    same = replace(task_of(coloured(), kept), train=ImageSet(pixels, task.train.labels))
    snapshots = run(KIP(ipc=2, steps=3), same)
    first = snapshots[0].distilled
    np.testing.assert_array_equal(first.images[0], first.images[1])
    np.testing.assert_allclose(first.soft[0], first.soft[1], rtol=1e-3)
    assert all(np.isfinite(s.state["u"]).all() for s in snapshots[:-1])


def test_the_knob_for_the_rate_moves_pixels_less(task):
    def moved(**knobs):
        snapshots = run(KIP(ipc=1, steps=2), task, EveryStep(knobs=knobs))
        return np.abs(recovered(snapshots, 1) - recovered(snapshots, 0)).mean()

    assert moved(lr=1e-5) < 0.01 * moved()
