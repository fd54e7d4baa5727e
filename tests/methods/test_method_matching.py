"""DM: one step by hand, networks by step and seed, and matched means on networks never seen."""

import numpy as np
import pytest
import torch
from method_toys import RANDOM_NETWORK, EveryStep, recovered, run, small, task_of

from wddkit.augment import Augment, draw
from wddkit.data.shapes import ShapesConfig, shapes
from wddkit.methods import DM, Context
from wddkit.methods.pixels import real_positions
from wddkit.nets import Network, build
from wddkit.stages import recover
from wddkit.stages.recover import to_normalised


def random_network(task, seed, network=RANDOM_NETWORK):
    _, channels, size, _ = task.train.images.shape
    return build(network, classes=3, channels=channels, size=size, normalisation=task.normalisation, seed=seed)


def gaps(net, task, u):
    """Squared distance of the mean features of synthetic and of all real images, summed over classes."""
    net = net.to(u.dtype)
    total = 0.0
    for c in range(3):
        real = to_normalised(net, task.train.images[task.train.of_class(c)])
        own = u.reshape(3, -1, *u.shape[1:])[c]
        total = total + (net.backbone(real).mean(dim=0) - net.backbone(own).mean(dim=0)).square().sum()
    return total


@pytest.mark.parametrize("mirrored", [False, True])
def test_one_step_goes_down_the_gradient_of_the_distance_of_mean_features(mirrored, task):
    augment = Augment(flip=1.0, shared=True) if mirrored else Augment()
    method = DM(ipc=2, steps=3, lr=0.01, network=RANDOM_NETWORK, batch=24, augment=augment)
    snapshots = run(method, task, precision="float64", seed=5)
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    net = random_network(task, Context(seed=5).stream("network", 0)).double()
    loss = torch.zeros((), dtype=torch.float64)
    for c in range(3):
        real, own = task.train.images[task.train.of_class(c)], u[2 * c : 2 * c + 2]
        x = to_normalised(net, real[..., ::-1] if mirrored else real)
        s = own.flip(3) if mirrored else own
        loss = loss + ((net.backbone(x).mean(dim=0) - net.backbone(s).mean(dim=0)) ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, u)
    low, high = recover.bounds(net)
    expected = torch.clamp(u.detach() - 0.01 * gradient, low, high)
    np.testing.assert_allclose(recovered(snapshots, 1), expected, atol=1e-12)
    assert snapshots[1].scalars["loss"] == pytest.approx(loss.item(), rel=1e-10)


def test_the_second_step_meets_another_network_and_keeps_half_the_speed(task):
    method = DM(ipc=2, steps=3, lr=0.01, network=RANDOM_NETWORK, batch=24, augment=Augment())
    snapshots = run(method, task, precision="float64")
    gradients = []
    for step in (0, 1):
        u = torch.from_numpy(recovered(snapshots, step)).requires_grad_()
        net = random_network(task, Context().stream("network", step))
        gradients.append(torch.autograd.grad(gaps(net, task, u), u)[0])
    speed = recovered(snapshots, 2, "momentum_buffer")
    np.testing.assert_allclose(speed, 0.5 * gradients[0] + gradients[1], atol=1e-10)
    assert (gradients[0] - gradients[1]).abs().max() > 1e-3 * gradients[0].abs().max()


def test_real_images_of_a_step_are_a_batch_of_the_class_and_all_come_in_turn(task):
    drawn = [real_positions(task, Context(), 1, step, batch=8) for step in range(3)]
    assert all(len(at) == 8 for at in drawn)
    assert sorted(np.concatenate(drawn)) == task.train.of_class(1).tolist()
    assert len(real_positions(task, Context(), 1, 0, batch=1000)) == 24


def test_both_sides_see_the_same_view(task, monkeypatch):
    found = []
    monkeypatch.setattr(recover, "draw", lambda a, at, *, key: found.append(draw(a, at, key=key)) or found[-1])
    run(small("dm", steps=2), task)
    views = [np.unique(parameters, axis=0) for parameters in found]
    assert all(len(view) == 1 for view in views)
    by_step = np.array(views).reshape(2, 3 * 2, 8)  # step; class and side
    assert (by_step == by_step[:, :1]).all()
    assert (by_step[0] != by_step[1]).any()


def test_mean_features_come_closer_on_networks_that_were_never_seen(task):
    method = DM(ipc=2, steps=60, lr=1.0, network=RANDOM_NETWORK, batch=24)
    snapshots = list(method.distill(task, Context(snapshots=2)))
    start, end = (to_normalised(task.teacher(), s.distilled.images) for s in (snapshots[0], snapshots[-1]))
    with torch.no_grad():
        fresh = [random_network(task, 10**6 + seed) for seed in range(8)]
        before, after = (np.array([float(gaps(net, task, u)) for net in fresh]) for u in (start, end))
    assert (after < before).all()
    assert after.mean() < 0.5 * before.mean()


@pytest.mark.parametrize("size", [8, 12, 16, 28, 32, 64, 96])
def test_the_default_network_tells_images_of_every_size_apart(size):
    normalisation = ((0.5,), (0.25,))
    net = build(DM().network, classes=10, channels=1, size=size, normalisation=normalisation, seed=0)
    x = torch.rand(4, 1, size, size, generator=torch.Generator().manual_seed(0))
    z = net.train().embed(x)
    assert z.isfinite().all()
    assert z.std(dim=0).mean() > 1e-3


def test_the_default_network_runs_on_digits_of_8_px(digits):
    *_, last = DM(ipc=1, steps=2, batch=8).distill(digits, Context())
    assert last.step == 2
    assert np.isfinite(last.scalars["loss"])


def test_a_network_whose_instance_norm_meets_maps_of_one_pixel_is_refused(task):
    deep = Network(depth=4, norm="instance", growth=1)
    with pytest.raises(ValueError, match=r"instance norm of 32 channels on maps of 1 px erases every feature"):
        run(small("dm", network=deep), task)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_random_networks_of_other_norms_serve_too(norm, task):
    network = Network(width=8, depth=3, growth=1, norm=norm)
    losses = [s.scalars["loss"] for s in run(small("dm", network=network), task)[1:]]
    assert np.isfinite(losses).all()
    assert min(losses) > 0


def test_the_knob_for_the_rate_moves_pixels_faster(task):
    def moved(**knobs):
        snapshots = run(small("dm"), task, EveryStep(knobs=knobs))
        return np.abs(recovered(snapshots, 1) - recovered(snapshots, 0)).mean()

    assert moved(lr=1e-6) < 1e-3 * moved()


def test_larger_images_are_matched_too(tmp_path):
    split = shapes(ShapesConfig(classes=3, train=6, val=2, test=2, size=16)).split
    loss = run(small("dm"), task_of(split, tmp_path))[-1].scalars["loss"]
    assert 0 < loss < 1e4
