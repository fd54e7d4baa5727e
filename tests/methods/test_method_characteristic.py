"""NCFM: the discrepancy by complex numbers, the climb of psi, one step by hand, and the pool of networks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from method_toys import RANDOM_NETWORK, EveryStep, coloured, cut, recovered, run, small, task_of

from wddkit.augment import Augment
from wddkit.data import ImageSet
from wddkit.methods import NCFM, Context, extractors
from wddkit.methods.characteristic import Sampler, discrepancy
from wddkit.methods.extractors import Extractors
from wddkit.stages.recover import to_normalised
from wddkit.stages.training import Training, accuracy

TRAINING = Training(steps=5)


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def by_hand(f_x, f_s, t, amplitude):
    """The formula of the paper, with angles."""
    phi_x, phi_s = (np.exp(1j * f @ t.T).mean(axis=0) for f in (f_x, f_s))
    apart = (np.abs(phi_x) - np.abs(phi_s)) ** 2
    turned = 2 * np.abs(phi_x) * np.abs(phi_s) * (1 - np.cos(np.angle(phi_x) - np.angle(phi_s)))
    return np.sqrt(amplitude * apart + (1 - amplitude) * turned).mean()


def clouds():
    random = np.random.default_rng(0)
    return random.normal(size=(9, 3)), random.normal(size=(4, 3)) + 0.5, random.uniform(-1, 1, size=(6, 3))


@pytest.mark.parametrize(
    ("own", "amplitude", "expected"),
    [
        ([np.pi], 0.25, 2 * np.sqrt(0.75)),  # -1 against 1: only the phase differs
        ([np.pi], 1.0, 0.0),
        ([np.pi / 2, -np.pi / 2], 0.25, 0.5),  # 0 against 1: only the amplitude differs
        ([np.pi / 2, -np.pi / 2], 0.0, 0.0),
        ([np.pi / 2], 0.5, 1.0),  # i against 1, sqrt(2) apart, over sqrt(2)
    ],
)
def test_the_discrepancy_of_single_numbers_is_the_number_on_paper(own, amplitude, expected):
    value = discrepancy(column(0.0), column(*own), column(1.0), amplitude)
    assert value.item() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("amplitude", [0.0, 0.3, 0.5, 1.0])
def test_the_discrepancy_and_its_gradient_are_those_of_the_papers_formula(amplitude):
    x, s, t = clouds()
    own = torch.from_numpy(s).requires_grad_()
    value = discrepancy(torch.from_numpy(x), own, torch.from_numpy(t), amplitude)
    assert value.item() == pytest.approx(by_hand(x, s, t, amplitude), rel=1e-9)
    gradient = torch.autograd.grad(value, own)[0].numpy()
    for at in np.ndindex(s.shape):
        step = np.zeros_like(s)
        step[at] = 1e-6
        slope = (by_hand(x, s + step, t, amplitude) - by_hand(x, s - step, t, amplitude)) / 2e-6
        assert gradient[at] == pytest.approx(slope, abs=1e-6)


def test_with_equal_weights_it_is_the_distance_in_the_complex_plane():
    x, s, t = clouds()
    apart = np.exp(1j * x @ t.T).mean(axis=0) - np.exp(1j * s @ t.T).mean(axis=0)
    value = discrepancy(*map(torch.from_numpy, (x, s, t)), 0.5)
    assert value.item() == pytest.approx(np.abs(apart).mean() / np.sqrt(2), rel=1e-9)


def test_equal_sets_have_no_discrepancy_and_no_infinite_gradient():
    x, _, t = clouds()
    own = torch.from_numpy(x.copy()).requires_grad_()
    value = discrepancy(torch.from_numpy(x), own, torch.from_numpy(t), 0.5)
    assert value.item() == pytest.approx(0, abs=2e-6)
    assert torch.autograd.grad(value, own)[0].isfinite().all()


def sampler(seed=0, features=3):
    return Sampler(features, seed=seed, like=torch.zeros(1, dtype=torch.float64))


def test_frequencies_lie_between_minus_one_and_one_and_differ_from_step_to_step():
    psi = sampler()
    first, second = (psi.frequencies(50, Context(), step) for step in (0, 1))
    assert first.shape == (50, 3)
    assert first.abs().max() < 1
    assert first.std(dim=0).min() > 0.3
    assert (first - second).abs().max() > 0.1
    torch.testing.assert_close(sampler().frequencies(50, Context(), 0), first, rtol=0, atol=0)
    assert (sampler(1).frequencies(50, Context(), 0) - first).abs().max() > 0.1


def test_psi_climbs_the_gradient_of_the_discrepancy():
    x, s, _ = (torch.from_numpy(each) for each in clouds())
    psi = sampler()

    def value():
        return discrepancy(x, s, psi.frequencies(40, Context(), 0), 0.5)

    weight, before = psi.net[0].weight, psi.net[0].weight.detach().clone()
    slopes = []
    for at in [(0, 0), (3, 5), (63, 63)]:
        found = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[at] = before[at] + sign * 1e-5
                found.append(value().item())
                weight[at] = before[at]
        slopes.append((found[0] - found[1]) / 2e-5)
    start = value()
    psi.climb(start, 0.1)
    moved = [(weight[at] - before[at]).item() for at in [(0, 0), (3, 5), (63, 63)]]
    np.testing.assert_allclose(moved, 0.1 * np.array(slopes), rtol=1e-3, atol=1e-9)
    assert value() > start


def test_the_first_step_descends_what_complex_numbers_and_log_likelihoods_give(task):
    values = {"frequencies": 16, "amplitude": 0.5, "calibration": 2.0, "pool": 2, "training": TRAINING}
    method = NCFM(ipc=2, steps=3, network=RANDOM_NETWORK, batch=24, augment=Augment(), **values)
    snapshots = run(method, task, precision="float64", seed=4)
    context = Context(seed=4, precision="float64")
    like = torch.zeros(1, dtype=torch.float64)
    between, trained = Extractors(task, context, RANDOM_NETWORK, TRAINING, 2, like=like).drawn(0)
    t = Sampler(between.features, seed=context.stream("psi"), like=like).frequencies(16, context, 0).detach()
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    apart, entropy = 0.0, 0.0
    for c in range(3):
        x = to_normalised(trained, task.train.images[task.train.of_class(c)])
        phi = []
        for each in (x, u[2 * c : 2 * c + 2]):
            f = between.backbone(each)
            f = f / f.norm(dim=1, keepdim=True)
            phi.append(torch.exp(1j * (f @ t.T)).mean(dim=0))
        apart = apart + (phi[0] - phi[1]).abs().mean() / 2**0.5
        entropy = entropy - trained.head(trained.backbone(u[2 * c : 2 * c + 2])).log_softmax(dim=1)[:, c].mean()
    loss = 300 * apart + 2.0 * entropy
    gradient = torch.autograd.grad(loss, u)[0]
    scalars = snapshots[1].scalars
    assert scalars["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert scalars["discrepancy"] == pytest.approx(apart.item(), rel=1e-6)
    assert scalars["entropy"] == pytest.approx(entropy.item(), rel=1e-6)
    # Adam's first moment with beta 0.5, from nothing, is half the gradient.
    np.testing.assert_allclose(2 * recovered(snapshots, 1, "exp_avg"), gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_the_networks_lie_between_untrained_and_trained_ones(task):
    pool = Extractors(task, Context(), RANDOM_NETWORK, Training(steps=60, batch=24), 2, like=torch.zeros(1))
    seen = set()
    for step in range(8):
        between, trained = pool.drawn(step)
        number = next(i for i, ends in enumerate(pool.ends) if ends[1] is trained)
        seen.add(number)
        start, end = (torch.cat([w.flatten() for w in net.parameters()]) for net in pool.ends[number])
        weights = torch.cat([w.flatten() for w in between.parameters()])
        share = ((weights - start) @ (end - start) / (end - start).square().sum()).item()
        assert 0 <= share <= 1
        torch.testing.assert_close(weights, start + share * (end - start))
    assert seen == {0, 1}
    untrained, trained = (accuracy(net, task.train.images, task.train.labels) for net in pool.ends[0])
    assert trained > untrained


def test_the_pool_is_trained_once_for_all_seeds(tmp_path, monkeypatch):
    fresh, numbers = task_of(coloured(), tmp_path), []
    train = extractors.train
    monkeypatch.setattr(
        extractors, "train", lambda *args, **options: numbers.append(options["stage"]) or train(*args, **options)
    )
    for seed in (0, 1):
        run(small("ncfm", steps=1), fresh, seed=seed)
    assert numbers == ["extractor 1", "extractor 2"]


def test_what_is_switched_off_does_not_move(task):
    snapshots = run(small("ncfm", sampling_lr=0.0, calibration=0.0), task)
    psi = [s.state["psi|0.weight"] for s in snapshots[:-1]]
    assert all((each == psi[0]).all() for each in psi)
    assert {s.scalars["entropy"] for s in snapshots[1:]} == {0.0}
    moving = [s.state["psi|0.weight"] for s in run(small("ncfm"), task)[:-1]]
    assert all((a != b).any() for a, b in pairwise(moving))


@pytest.mark.slow
def test_the_discrepancy_falls(task):
    method = NCFM(ipc=2, steps=40, lr=0.05, network=RANDOM_NETWORK, batch=24, pool=2, training=TRAINING)
    values = [s.scalars["discrepancy"] for s in run(method, task)[1:]]
    assert np.mean(values[-5:]) < 0.85 * np.mean(values[:5])


def test_tiles_of_a_formation_are_matched_where_a_factor_is_given(task):
    last = run(small("ncfm", factor=2), task)[-1].distilled
    assert last.formation == 2
    assert last.images.shape == (6, *task.train.images.shape[1:])


def test_classes_of_one_image_and_of_equal_images_stay_finite(kept):
    split = cut(coloured(), (24, 1, 5))
    pixels = split.train.images.copy()
    pixels[split.train.of_class(2)] = 0
    odd = replace(task_of(split, kept), train=ImageSet(pixels, split.train.labels))
    snapshots = run(small("ncfm", ipc=1), odd)
    assert all(np.isfinite(s.state["u"]).all() for s in snapshots[:-1])


def test_the_knob_for_the_rate_moves_pixels_less(task):
    def moved(**knobs):
        snapshots = run(small("ncfm", steps=2), task, EveryStep(knobs=knobs))
        return np.abs(recovered(snapshots, 1) - recovered(snapshots, 0)).mean()

    assert moved(lr=1e-5) < 0.01 * moved()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequencies": 1}, r"at least 2 frequencies and a pool of at least 1 network, got 1 and 4"),
        ({"pool": 0}, r"at least 2 frequencies and a pool of at least 1 network, got 256 and 0"),
        ({"amplitude": 1.5}, r"ncfm: expected amplitude, a weight, in \[0, 1\], got 1\.5"),
        ({"sampling_lr": -1.0}, r"ncfm: expected sampling_lr and calibration of at least 0, got -1\.0"),
        ({"calibration": float("nan")}, r"ncfm: expected sampling_lr and calibration .* and nan"),
    ],
)
def test_values_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        NCFM(**options)
