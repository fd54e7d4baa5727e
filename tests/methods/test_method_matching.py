"""DM, M3D, sliced Wasserstein: distances and steps by hand, networks by step, matched sets on networks never seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from method_toys import RANDOM_NETWORK, EveryStep, coloured, cut, recovered, run, small, task_of

from wddkit.augment import Augment, draw
from wddkit.data import ImageSet
from wddkit.data.shapes import ShapesConfig, shapes
from wddkit.methods import DM, M3D, Context, SlicedW, matching
from wddkit.methods.pixels import real_positions
from wddkit.nets import Network, build
from wddkit.ot.distances import unit_vectors
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


@pytest.mark.slow
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


def by_hand_mmd(x, s, bandwidths):
    """The squared discrepancy and its gradient in s, pair by pair; the bandwidth, of all pairs, is held."""
    points = np.concatenate([x, s])
    apart = ((points[:, None] - points) ** 2).sum(axis=2)
    n, m = len(points), len(s)
    value, gradient = 0.0, np.zeros_like(s)
    for h in np.array(bandwidths) * apart.sum() / (n * (n - 1)):

        def k(a, b, h=h):
            return np.exp(-((a[:, None] - b) ** 2).sum(axis=2) / h)

        value += k(x, x).mean() + k(s, s).mean() - 2 * k(x, s).mean()
        for j in range(m):
            to_own = (k(s[j : j + 1], s).T * (s - s[j])).sum(axis=0) * 2 / h
            to_real = (k(s[j : j + 1], x).T * (x - s[j])).sum(axis=0) * 2 / h
            gradient[j] += 2 * to_own / m**2 - 2 * to_real / (m * len(x))
    return value, gradient


def by_hand_sliced(x, s, directions, seed):
    """d times the sliced distance and its gradient in s, where each of s has an equal share of the sorted x."""
    (n, d), m = x.shape, len(s)
    apart = x.mean(axis=0) - s.mean(axis=0)
    value, gradient = (apart**2).sum(), np.tile(-2 * apart / m, (m, 1))
    theta = unit_vectors(d, directions, seed)
    for direction in theta:
        p, q = (x - x.mean(axis=0)) @ direction, (s - s.mean(axis=0)) @ direction
        shares = np.sort(p).reshape(m, n // m)
        pull = np.zeros(m)
        for rank, j in enumerate(np.argsort(q)):
            value += d * ((shares[rank] - q[j]) ** 2).sum() / n / len(theta)
            pull[j] = -2 * (shares[rank] - q[j]).sum() / n
        gradient += d * (pull - pull.mean())[:, None] * direction / len(theta)
    return value, gradient


def clouds(n=12, m=3, d=4):
    random = np.random.default_rng(0)
    return random.normal(size=(n, d)), random.normal(size=(m, d)) + 0.3


def value_and_gradient(distance, x, s):
    own = torch.from_numpy(s).requires_grad_()
    value = distance(torch.from_numpy(x), own)
    return value.item(), torch.autograd.grad(value, own)[0].numpy()


def test_the_discrepancy_of_three_points_on_a_line_is_the_number_on_paper():
    # Squared gaps 4, 1/4 and 9/4: their mean is 13 / 6.
    x, s, h = np.array([[0.0], [2.0]]), np.array([[0.5]]), 13 / 6
    value, gradient = value_and_gradient(lambda a, b: matching.mmd_squared(a, b, (1.0,)), x, s)
    near, far = np.exp(-0.25 / h), np.exp(-2.25 / h)
    assert value == pytest.approx((1 + np.exp(-4 / h)) / 2 + 1 - near - far, rel=1e-12)
    assert gradient.item() == pytest.approx((near - 3 * far) / h, rel=1e-12)


def test_the_discrepancy_and_its_gradient_are_the_sums_over_pairs():
    x, s = clouds()
    value, gradient = value_and_gradient(lambda a, b: matching.mmd_squared(a, b, (0.5, 2.0)), x, s)
    expected, expected_gradient = by_hand_mmd(x, s, (0.5, 2.0))
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-12)


def test_the_discrepancy_is_zero_for_equal_sets_and_sees_more_than_means():
    x, _ = clouds()
    same, _ = value_and_gradient(lambda a, b: matching.mmd_squared(a, b, (1.0,)), x, x.copy())
    spread, _ = value_and_gradient(lambda a, b: matching.mmd_squared(a, b, (1.0,)), x, 2 * x - x.mean(axis=0))
    assert same == pytest.approx(0, abs=1e-12)
    assert spread > 0.01


def test_the_sliced_distance_of_points_on_a_line_is_the_number_on_paper():
    x, s = np.array([[0.0], [2.0]]), np.array([[0.5]])
    value, gradient = value_and_gradient(lambda a, b: matching.sliced_distance(a, b, 5, 0), x, s)
    assert value == pytest.approx((0.25 + 2.25) / 2, rel=1e-12)
    assert gradient.item() == pytest.approx(2 * (0.5 - 1), rel=1e-12)


def test_the_sliced_distance_and_its_gradient_are_those_of_sorted_projections():
    x, s = clouds()
    value, gradient = value_and_gradient(lambda a, b: matching.sliced_distance(a, b, 7, 3), x, s)
    expected, expected_gradient = by_hand_sliced(x, s, 7, 3)
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-12)


RELATIVES = {
    "m3d": (M3D, {"bandwidths": (0.5, 1.0)}, lambda x, s, _: by_hand_mmd(x, s, (0.5, 1.0))),
    "sliced-w": (SlicedW, {"directions": 6}, lambda x, s, c: by_hand_sliced(x, s, 6, c.stream("directions", 0))),
}


@pytest.mark.parametrize("name", RELATIVES)
def test_one_step_of_a_relative_goes_down_the_gradient_that_its_distance_has_by_hand(name, task):
    kind, options, by_hand = RELATIVES[name]
    method = kind(ipc=2, steps=3, lr=0.01, network=RANDOM_NETWORK, batch=24, augment=Augment(), **options)
    snapshots = run(method, task, precision="float64", seed=5)
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    net = random_network(task, Context(seed=5).stream("network", 0)).double()
    loss, gradient = 0.0, torch.zeros_like(u)
    for c in range(3):
        with torch.no_grad():
            x = net.backbone(to_normalised(net, task.train.images[task.train.of_class(c)]))
        s = net.backbone(u[2 * c : 2 * c + 2])
        value, pull = by_hand(x.numpy(), s.detach().numpy(), Context(seed=5))
        loss += value
        gradient += torch.autograd.grad(s, u, torch.from_numpy(pull))[0]
    # Adam's first moment with beta 0.5, from nothing, is half the gradient; its first step has one length everywhere.
    np.testing.assert_allclose(2 * recovered(snapshots, 1, "exp_avg"), gradient, atol=1e-12)
    expected = torch.clamp(u.detach() - 0.01 * gradient / (gradient.abs() + 1e-8), *recover.bounds(net))
    np.testing.assert_allclose(recovered(snapshots, 1), expected, atol=1e-9)
    assert snapshots[1].scalars["loss"] == pytest.approx(loss, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [M3D, SlicedW])
def test_the_distance_of_a_relative_falls_on_networks_that_were_never_seen(kind, task):
    method = kind(ipc=2, steps=40, lr=0.05, network=RANDOM_NETWORK, batch=24)
    snapshots = list(method.distill(task, Context(snapshots=2)))

    def left(snapshot, seed):
        net = random_network(task, 10**6 + seed)
        images = torch.from_numpy(snapshot.distilled.images) / 255
        total = 0.0
        for c in range(3):
            real = torch.from_numpy(task.train.images[task.train.of_class(c)]) / 255
            x, s = (net.embed(each).detach() for each in (real, images[2 * c : 2 * c + 2]))
            total += float(
                matching.mmd_squared(x, s, (0.5, 1.0, 2.0)) if kind is M3D else matching.sliced_distance(x, s, 64, 0)
            )
        return total

    before, after = (np.array([left(s, seed) for seed in range(6)]) for s in (snapshots[0], snapshots[-1]))
    assert after.mean() < 0.9 * before.mean()


def test_a_network_of_m3d_serves_as_many_steps_as_asked(task, monkeypatch):
    fresh, numbers = matching.fresh_network, []
    monkeypatch.setattr(
        matching,
        "fresh_network",
        lambda task, context, network, number, *, like: (
            numbers.append(number) or fresh(task, context, network, number, like=like)
        ),
    )
    run(small("m3d", steps=5, iterations=2), task)
    assert numbers == [0, 0, 1, 1, 2]


def test_m3d_matches_the_tiles_of_a_formation(task):
    last = run(small("m3d", factor=2), task)[-1].distilled
    assert last.formation == 2
    assert last.training.images.shape == (24, *task.train.images.shape[1:])


@pytest.mark.parametrize("name", ["dm", "m3d", "sliced-w"])
def test_a_class_of_one_image_throughout_stays_finite(name, kept):
    pixels = coloured().train.images.copy()
    pixels[coloured().train.of_class(1)] = 77
    flat = replace(task_of(coloured(), kept), train=ImageSet(pixels, coloured().train.labels))
    snapshots = run(small(name), flat)
    assert all(np.isfinite(s.state["u"]).all() for s in snapshots[:-1])


@pytest.mark.parametrize("name", ["dm", "m3d", "sliced-w"])
def test_a_class_may_have_no_more_images_than_are_distilled(name, kept):
    few = task_of(cut(coloured(), (24, 1, 2)), kept)
    snapshots = run(small(name, ipc=1), few)
    assert np.isfinite([s.scalars["loss"] for s in snapshots[1:]]).all()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (M3D, {"bandwidths": ()}, r"bandwidths of m3d: expected at least one, all above 0, got \(\)"),
        (M3D, {"bandwidths": (1.0, 0.0)}, r"bandwidths of m3d: .* got \(1\.0, 0\.0\)"),
        (M3D, {"iterations": 0}, r"iterations of m3d: expected at least 1 step a network, got 0"),
        (SlicedW, {"directions": 0}, r"directions of sliced-w: expected at least 1, got 0"),
    ],
)
def test_values_that_make_no_sense_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)


def test_a_factor_that_does_not_divide_the_images_is_refused(task):
    with pytest.raises(ValueError, match=r"factor 3 does not divide the image size 8; expected one of its divisors"):
        run(small("m3d", factor=3), task)
