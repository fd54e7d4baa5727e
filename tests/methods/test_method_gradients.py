"""DC, DSA and LCMat: distances by hand, one step and the training in between by hand, and matched gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from method_toys import EveryStep, coloured, cut, recovered, run, task_of

from wddkit.augment import Augment, draw
from wddkit.data import ImageSet
from wddkit.methods import Context
from wddkit.methods.gradients import DC, DSA, LCMat, derivatives, gradient_distance, last_layer_curvature
from wddkit.nets import Network, build
from wddkit.nets.base import Net
from wddkit.stages import recover
from wddkit.stages.recover import bounds, to_normalised

NETWORK = Network(width=8, depth=1, growth=1, norm="instance", pooling="flatten")
SMALL = {"ipc": 2, "steps": 4, "batch": 24, "network": NETWORK, "augment": Augment()}


def drawn_network(task, number=0):
    _, channels, size, _ = task.train.images.shape
    seed = Context().stream("network", number)
    net = build(NETWORK, classes=3, channels=channels, size=size, normalisation=task.normalisation, seed=seed)
    return net.double()


def class_gradients(net, images, label, **options):
    loss = F.cross_entropy(net.head(net.backbone(images)), torch.full((len(images),), label))
    return torch.autograd.grad(loss, list(net.parameters()), **options)


def objective(net, task, u):
    """DC's sum over classes, layers and rows, written out again."""
    total = torch.zeros((), dtype=torch.float64)
    for c in range(3):
        real = to_normalised(net, task.train.images[task.train.of_class(c)])
        pairs = zip(
            class_gradients(net, real, c),
            class_gradients(net, u.reshape(3, -1, *u.shape[1:])[c], c, create_graph=True),
            strict=True,
        )
        for a, b in ((a, b) for a, b in pairs if a.ndim > 1):
            for row_a, row_b in zip(a.reshape(len(a), -1), b.reshape(len(b), -1), strict=True):
                total = total + 1 - row_a @ row_b / ((row_a @ row_a).sqrt() * (row_b @ row_b).sqrt() + 1e-6)
    return total


def test_the_distance_and_its_gradient_are_those_worked_out_by_hand():
    real = [torch.tensor([[3.0, 4.0], [1.0, 0.0]], dtype=torch.float64), torch.ones(5, dtype=torch.float64)]
    weights = torch.tensor([[4.0, 3.0], [0.0, 2.0]], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    distance = gradient_distance(real, [weights, bias])
    assert distance.item() == pytest.approx((1 - 24 / 25) + 1, abs=1e-6)  # a bias is left out
    gradient, of_bias = torch.autograd.grad(distance, (weights, bias), allow_unused=True)
    # -(a / |a||b| - (a.b) b / |a||b|^3), row by row
    np.testing.assert_allclose(gradient, [[0.0336, -0.0448], [-0.5, 0.0]], atol=1e-6)
    assert of_bias is None


def test_a_convolution_has_one_row_for_each_of_its_output_channels():
    a = torch.tensor([1.0, 0.0, 0.0, 1.0]).reshape(2, 1, 1, 2)
    b = torch.tensor([1.0, 1.0, 0.0, -2.0]).reshape(2, 1, 1, 2)
    assert gradient_distance([a], [b]).item() == pytest.approx((1 - 2**-0.5) + 2, abs=1e-5)


def test_rows_without_a_gradient_count_one_and_stay_finite():
    weights = torch.zeros(2, 3, requires_grad=True)
    distance = gradient_distance([torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])], [weights])
    assert distance.item() == 2
    assert torch.autograd.grad(distance, weights)[0].isfinite().all()


def test_the_curvature_of_the_last_layer_is_that_worked_out_by_hand():
    z, logits = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, math.log(3)]])  # p = 1/4, 3/4; p (1 - p) = 3/16
    np.testing.assert_allclose(last_layer_curvature(z, logits), np.array([[1, 4, 1], [1, 4, 1]]) * 3 / 16, rtol=1e-6)
    twice = last_layer_curvature(torch.tensor([[1.0, 2.0], [3.0, 0.0]]), logits.repeat(2, 1))
    np.testing.assert_allclose(twice, np.array([[5, 2, 1], [5, 2, 1]]) * 3 / 16, rtol=1e-6)


def test_the_curvature_is_the_diagonal_of_the_hessian_whatever_the_labels():
    generator = torch.Generator().manual_seed(0)
    z, weights = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (7, 3))
    bias = torch.randn(3, 1, generator=generator, dtype=torch.float64)
    layer = torch.cat([weights, bias], dim=1)
    for labels in (torch.zeros(7, dtype=torch.long), torch.arange(7) % 3):

        def loss(w, labels=labels):
            return F.cross_entropy(z @ w[:, :4].T + w[:, 4], labels)

        hessian = torch.autograd.functional.hessian(loss, layer).reshape(15, 15)
        found = last_layer_curvature(z, z @ weights.T + bias.T)
        np.testing.assert_allclose(found.flatten(), hessian.diagonal(), atol=1e-12)


def test_derivatives_of_a_linear_network_are_the_closed_form_of_softmax_regression():
    net = Net(torch.nn.Flatten(), torch.nn.Linear(4, 3), mean=(0.5,), std=(1.0,)).double()
    x = torch.randn(5, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (weight, bias), curvature = derivatives(net, x, 2)
    z = x.flatten(1).numpy()
    W, b = (p.detach().numpy() for p in net.head.parameters())
    e = np.exp(z @ W.T + b)
    p = e / e.sum(axis=1, keepdims=True)
    wrong = p - np.array([0, 0, 1])
    np.testing.assert_allclose(weight, wrong.T @ z / 5, atol=1e-12)
    np.testing.assert_allclose(bias, wrong.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(curvature[:, :4], (p * (1 - p)).T @ z**2 / 5, atol=1e-12)
    assert not curvature.requires_grad


def test_one_step_goes_down_the_gradient_of_the_distance_of_gradients(task):
    snapshots = run(DC(**SMALL, lr=0.01), task, precision="float64")
    net = drawn_network(task)
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    loss = objective(net, task, u)
    (gradient,) = torch.autograd.grad(loss, u)
    expected = torch.clamp(u.detach() - 0.01 * gradient, *bounds(net))
    np.testing.assert_allclose(recovered(snapshots, 1), expected, atol=1e-10)
    assert snapshots[1].scalars == {"loss": pytest.approx(loss.item(), rel=1e-10)}
    assert gradient.abs().max() > 1e-3


def test_between_two_steps_the_network_is_trained_on_the_images_by_sgd_with_momentum(task):
    snapshots = run(DC(**SMALL, outer=3, inner=2, net_lr=0.1), task, precision="float64")
    net, labels = drawn_network(task), torch.tensor([0, 0, 1, 1, 2, 2])
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
    losses = []
    for step in (0, 1, 2):
        u = torch.from_numpy(recovered(snapshots, step))
        for _ in range(2 if step else 0):
            sgd.zero_grad()
            F.cross_entropy(net.head(net.backbone(u)), labels).backward()
            sgd.step()
        losses.append(objective(net, task, u).item())
    assert [s.scalars["loss"] for s in snapshots[1:4]] == pytest.approx(losses, rel=1e-8)
    # After `outer` steps another network takes its place, untrained.
    fresh = objective(drawn_network(task, 1), task, torch.from_numpy(recovered(snapshots, 3))).item()
    assert snapshots[4].scalars["loss"] == pytest.approx(fresh, rel=1e-8)
    assert fresh != pytest.approx(losses[0], rel=1e-3)


@pytest.mark.parametrize(("ipc", "loops"), [(1, (1, 100)), (10, (10, 10)), (50, (50, 2)), (200, (200, 1))])
def test_a_network_lives_as_many_steps_as_there_are_images_a_class(ipc, loops):
    assert DC(ipc=ipc).loops == loops
    assert DC(ipc=ipc, outer=4, inner=0).loops == (4, 0)


def test_both_sides_of_a_class_see_one_view_and_the_trained_network_other_ones(task, monkeypatch):
    found = []
    monkeypatch.setattr(recover, "draw", lambda a, at, *, key: found.append(draw(a, at, key=key)) or found[-1])
    run(DSA(**{**SMALL, "steps": 2, "augment": DSA().augment}, outer=2, inner=1), task)
    first, inner, second = found[:6], found[6], found[7:]
    assert len(second) == 6
    for real, synthetic in zip([*first[::2], *second[::2]], [*first[1::2], *second[1::2]], strict=True):
        assert (len(real), len(synthetic)) == (24, 2)
        assert len(np.unique(np.concatenate([real, synthetic]), axis=0)) == 1
    views = {side[0].tobytes() for side in first[::2] + second[::2]}
    assert len(views) == 6  # a view for each class and step
    assert len(np.unique(inner, axis=0)) == len(inner) == 6


@pytest.mark.slow
def test_dsa_without_a_view_is_dc_and_lcmat_without_rho_is_dsa(task):
    dc, dsa = run(DC(**SMALL), task), run(DSA(**SMALL), task)
    np.testing.assert_array_equal(dc[-1].distilled.images, dsa[-1].distilled.images)
    options = {**SMALL, "augment": DSA().augment}
    dsa, lcmat = run(DSA(**options), task), run(LCMat(**options, rho=0), task)
    np.testing.assert_array_equal(dsa[-1].distilled.images, lcmat[-1].distilled.images)
    assert (dsa[-1].distilled.images != dc[-1].distilled.images).any()


def test_one_step_of_lcmat_adds_half_rho_times_the_gap_of_curvatures(task):
    snapshots = run(LCMat(**SMALL, lr=0.01, rho=3.0), task, precision="float64")
    net = drawn_network(task)
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    gap = torch.zeros((), dtype=torch.float64)
    for c in range(3):
        real = to_normalised(net, task.train.images[task.train.of_class(c)])
        diagonals = []
        for images in (real, u[2 * c : 2 * c + 2]):
            z = net.backbone(images)
            p = net.head(z).softmax(dim=1)
            features = torch.cat([z, torch.ones(len(z), 1)], dim=1)
            diagonals.append(torch.einsum("ik,ij->kj", p - p**2, features**2) / len(z))
        gap = gap + (diagonals[0] - diagonals[1]).abs().sum()
    loss = objective(net, task, u)
    (gradient,) = torch.autograd.grad(loss + 1.5 * gap, u)
    expected = torch.clamp(u.detach() - 0.01 * gradient, *bounds(net))
    np.testing.assert_allclose(recovered(snapshots, 1), expected, atol=1e-10)
    found = {"loss": (loss + 1.5 * gap).item(), "gradients": loss.item(), "curvature": gap.item()}
    assert snapshots[1].scalars == {name: pytest.approx(value, rel=1e-10) for name, value in found.items()}


@pytest.mark.slow
def test_gradients_come_closer_on_networks_that_were_never_seen(task):
    snapshots = list(DC(**{**SMALL, "steps": 40}, lr=0.1, outer=2, inner=2).distill(task, Context(snapshots=2)))
    start, end = (to_normalised(task.teacher("float64"), s.distilled.images) for s in (snapshots[0], snapshots[-1]))
    fresh = [drawn_network(task, 1000 + i) for i in range(5)]
    before, after = (np.array([objective(net, task, u).item() for net in fresh]) for u in (start, end))
    assert (after < before).all()
    assert after.mean() < 0.7 * before.mean()


@pytest.mark.slow
def test_a_larger_rho_brings_the_curvatures_closer(task):
    options = {**SMALL, "steps": 30, "outer": 1}
    little, much = (run(LCMat(**options, rho=rho, lr=0.05), task) for rho in (1e-6, 10.0))
    curvature = [np.mean([s.scalars["curvature"] for s in way[-10:]]) for way in (little, much)]
    assert curvature[1] < 0.8 * curvature[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DC, DSA, LCMat])
def test_the_defaults_run_on_digits_of_8_px(kind, digits):
    *_, last = kind(ipc=2, steps=2, batch=8, outer=2, inner=1).distill(digits, Context())
    assert last.step == 2
    assert np.isfinite(last.scalars["loss"])


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_networks_of_other_norms_serve_too(norm, task):
    network = Network(width=8, depth=2, growth=1, norm=norm)
    losses = [s.scalars["loss"] for s in run(DC(**{**SMALL, "network": network}, inner=2), task)[1:]]
    assert np.isfinite(losses).all()
    assert min(losses) > 0


@pytest.mark.slow
def test_classes_of_alike_images_and_of_just_enough_of_them_stay_finite(kept):
    few = task_of(cut(coloured(), (2, 24, 5)), kept)
    pixels = few.train.images.copy()
    pixels[few.train.of_class(1)] = 255
    alike = replace(few, train=ImageSet(pixels, few.train.labels))
    for method in (DC(**SMALL), LCMat(**SMALL), DC(**{**SMALL, "ipc": 1})):
        snapshots = run(method, alike)
        assert np.isfinite([s.scalars["loss"] for s in snapshots[1:]]).all()
        assert all(np.isfinite(s.state["u"]).all() for s in snapshots[:-1])


@pytest.mark.slow
def test_the_knob_for_the_rate_moves_pixels_faster(task):
    def moved(**knobs):
        snapshots = run(DC(**SMALL), task, EveryStep(knobs=knobs))
        return np.abs(recovered(snapshots, 1) - recovered(snapshots, 0)).mean()

    assert moved(lr=1e-6) < 1e-3 * moved()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch is 0; expected at least 1"),
        ({"outer": 0}, "outer is 0; expected at least 1"),
        ({"inner": -1}, "inner is -1; expected at least 0"),
        ({"net_lr": 0.0}, r"expected net_lr above 0 and rho of at least 0, got 0.0 and 1.0"),
        ({"rho": -1.0}, r"expected net_lr above 0 and rho of at least 0, got 0.01 and -1.0"),
        ({"rho": float("nan")}, r"expected net_lr above 0 and rho of at least 0, got 0.01 and nan"),
        ({"steps": 0}, "expected steps of at least 1 and lr above 0, got 0 and 0.1"),
    ],
)
def test_values_that_mean_nothing_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        LCMat(**options)
