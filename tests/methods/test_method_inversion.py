"""CDA and EDC: the recovery under other values; soft statistics and flatness by hand, steps by a formula of its own."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from method_toys import EveryStep, answer, bits, coloured, cut, recovered, run, small, task_of

from wddkit.augment import Augment, draw
from wddkit.data import ImageSet
from wddkit.methods import CDA, EDC, METHODS, RDED, WMDD, SRe2L
from wddkit.methods.inversion import Inversion
from wddkit.stages import recover
from wddkit.stages.flatness import Average, flatness
from wddkit.stages.objective import Block, Weights, objective


def tensor(values):
    return torch.tensor(values, dtype=torch.float64).requires_grad_()


# Soft statistics: two images of two classes, one layer of one channel.


def soft_block(balance):
    groups = Block(
        indices=np.arange(2),
        labels=torch.tensor([0, 1]),
        share=torch.eye(2, dtype=torch.float64),
        targets=None,
        spread=torch.ones(2, dtype=torch.float64),
        real={"a": (tensor([[0.0], [3.0]]).detach(), tensor([[1.0], [4.0]]).detach())},
    )
    together = replace(
        groups,
        share=torch.full((1, 2), 0.5, dtype=torch.float64),
        real={"a": (tensor([[1.5]]).detach(), tensor([[4.75]]).detach())},
    )
    return replace(groups, overall=together, balance=balance)


@pytest.mark.parametrize("balance", [0.0, 0.25, 0.5, 1.0])
def test_soft_statistics_are_the_worked_numbers_and_so_is_their_gradient(balance):
    means, squares = tensor([[1.0], [3.0]]), tensor([[2.0], [10.0]])
    logits = torch.zeros(2, 2, dtype=torch.float64)
    terms = objective(soft_block(balance), logits, logits, {"a": torch.stack([means, squares])}, Weights("official"))
    # Class 0: mean 1 (real 0), variance 1 (1). Class 1: 3 (3), 1 (4). Together: 2 (1.5), 6 - 4 = 2 (4.75).
    by_class, together = ((1 + 0) + (0 + 3)) / 2, 0.5 + 2.75
    assert terms["statistics"].item() == pytest.approx(balance * together + (1 - balance) * by_class, abs=1e-5)
    d_means, d_squares = torch.autograd.grad(terms["statistics"], (means, squares))
    # Together: d|m - 1.5| = 1/2 an image, d|v - 4.75| = -(1/2) in squares and +2 m / 2 in means.
    # Class 0: +1 / 2 from its mean. Class 1: -1 / 2 from its variance in the square, and 2 m / 2 in the mean.
    expected = balance * np.array([[2.5], [2.5]]) + (1 - balance) * np.array([[0.5], [3.0]])
    np.testing.assert_allclose(d_means, expected, atol=1e-5)
    expected = balance * np.array([[-0.5], [-0.5]]) + (1 - balance) * np.array([[0.0], [-0.5]])
    np.testing.assert_allclose(d_squares, expected, atol=1e-5)


def test_flatness_and_its_gradient_are_the_worked_numbers():
    logits, average = tensor([[0.0, 0.0], [0.0, 0.0]]), tensor([[4 * math.log(3), 0.0], [1.0, 1.0]])
    apart = flatness(logits, average)
    # At temperature 4 the first average is (3/4, 1/4), all else even.
    assert apart.item() == pytest.approx((0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2)
    d_logits, d_average = torch.autograd.grad(apart, (logits, average), allow_unused=True)
    np.testing.assert_allclose(d_logits, [[-0.25 / 4 / 2, 0.25 / 4 / 2], [0, 0]], atol=1e-12)
    assert d_average is None


def test_the_average_begins_at_the_start_and_takes_a_hundredth_of_each_step():
    average = Average(torch.zeros(1, 1, 2, 2))
    average.update(torch.ones(1, 1, 2, 2))
    np.testing.assert_allclose(average.images, 0.01)
    average.update(torch.ones(1, 1, 2, 2))
    np.testing.assert_allclose(average.images, 0.99 * 0.01 + 0.01)
    again = Average(torch.zeros(1, 1, 2, 2), average.save())
    np.testing.assert_array_equal(again.images, average.images)


# EDC


def edc_loss(task, method, u, average):
    """The paper's objective for three classes in one block, from the networks' own layers."""
    net, labels, inputs = task.teacher("float64"), np.repeat(np.arange(3), method.ipc), {}

    def seen(x):
        for name in ("norm1", "norm2"):
            layer = getattr(net.backbone, name)
            handles.append(layer.register_forward_pre_hook(lambda _, x, name=name: inputs.update({name: x[0]})))
        logits = net.head(net.backbone(x))
        while handles:
            handles.pop().remove()
        return logits, dict(inputs)

    handles = []
    _, real = seen(recover.to_normalised(net, task.train.images))
    averaged, _ = seen(average)
    logits, synthetic = seen(u)
    ranges = [(slice(None), slice(None))]  # all images together, then each class
    ranges += [(np.flatnonzero(labels == c), task.train.of_class(c)) for c in range(3)]
    apart = []
    for own, reals in ranges:
        apart.append(0.0)
        for name in real:
            for moment in (lambda v: v.mean(dim=(0, 2, 3)), lambda v: v.var(dim=(0, 2, 3), correction=0)):
                apart[-1] = apart[-1] + (moment(synthetic[name][own]) - moment(real[name][reals])).norm()
    soft = method.balance * apart[0] + (1 - method.balance) * sum(apart[1:]) / 3
    cross_entropy = -torch.log_softmax(logits, dim=1)[np.arange(len(labels)), labels].mean()
    t, s = torch.softmax(averaged / 4, dim=1).detach(), torch.softmax(logits / 4, dim=1)
    flat = (t * (t / s).log()).sum(dim=1).mean()
    return cross_entropy + method.statistics_weight * soft + method.flatness * flat, flat


def test_two_steps_of_edc_go_down_the_gradient_of_the_papers_objective(task):
    method = EDC(ipc=2, steps=4, lr=0.2, flatness=5.0, balance=0.3, augment=Augment())
    snapshots = run(method, task, precision="float64")
    u = [torch.from_numpy(recovered(snapshots, step)).requires_grad_() for step in range(4)]
    averages = [torch.from_numpy(recovered(snapshots, step, "average")) for step in range(4)]
    np.testing.assert_array_equal(averages[0], u[0].detach())
    np.testing.assert_allclose(averages[1], u[0].detach(), atol=1e-12)
    np.testing.assert_allclose(averages[2], 0.99 * u[0].detach() + 0.01 * u[1].detach(), atol=1e-12)
    memory = torch.zeros_like(u[0])
    for step in range(3):
        loss, flat = edc_loss(task, method, u[step], averages[step])
        assert snapshots[step + 1].scalars["loss"] == pytest.approx(loss.item(), rel=1e-6)
        assert snapshots[step + 1].scalars["flatness"] == pytest.approx(flat.item(), rel=1e-6, abs=1e-12)
        memory = 0.5 * memory + 0.5 * torch.autograd.grad(loss, u[step])[0]
        found = recovered(snapshots, step + 1, "exp_avg")
        np.testing.assert_allclose(found, memory, atol=1e-6 * memory.abs().max())
    assert snapshots[1].scalars["flatness"] == pytest.approx(0, abs=1e-12)
    assert snapshots[3].scalars["flatness"] > 1e-6
    # Adam's first step with betas (0.5, 0.9) is as long in every direction that is not flat.
    d = torch.autograd.grad(edc_loss(task, method, u[0], averages[0])[0], u[0])[0]
    net, large = task.teacher("float64"), d.abs() > 1e-4 * d.abs().max()
    expected = torch.clamp(u[0] - 0.2 * d / (d.abs() + 1e-8), *recover.bounds(net)).detach()
    np.testing.assert_allclose(u[1].detach()[large], expected[large], atol=1e-6)


def test_edc_starts_from_the_images_of_rded(task):
    first = run(small("edc", steps=1), task)[0].distilled
    np.testing.assert_array_equal(first.images, answer(RDED(ipc=2, factor=1), task).images)
    assert first.formation == 1


@pytest.mark.parametrize(("balance", "statistics"), [(1.0, "global"), (0.0, "class")])
def test_at_its_ends_soft_matching_is_one_of_the_other_two(balance, statistics, task):
    soft, plain = (
        run(small("edc", **options), task, precision="float64")
        for options in ({"balance": balance}, {"statistics": statistics})
    )
    for step in (1, 3, 5):
        np.testing.assert_allclose(recovered(soft, step), recovered(plain, step), atol=1e-9)
        assert soft[step].scalars["statistics"] == pytest.approx(plain[step].scalars["statistics"], rel=1e-9)


@pytest.mark.parametrize("form", ["paper", "normalised"])
def test_soft_matching_goes_with_every_form(form, task):
    found = {
        kind: run(small("edc", form=form, statistics=kind, balance=0.25, steps=1), task, precision="float64")[-1]
        for kind in ("class", "global", "soft")
    }
    values = {kind: last.scalars["statistics"] for kind, last in found.items()}
    assert values["soft"] == pytest.approx(0.75 * values["class"] + 0.25 * values["global"], rel=1e-9)


def test_the_loss_of_edc_falls(task):
    loss = [s.scalars["loss"] for s in run(EDC(ipc=3, steps=40), task)[1:]]
    assert np.mean(loss[-5:]) < np.mean(loss[:5])


def test_soft_statistics_bring_the_moments_closer(task):
    snapshots = run(EDC(ipc=2, steps=40, statistics_weight=10.0, start="noise", augment=Augment()), task)
    assert snapshots[-1].scalars["statistics_error"] < snapshots[0].scalars["statistics_error"]


@pytest.mark.slow
def test_flatness_keeps_images_nearer_to_their_average(task):
    free, held = (run(EDC(ipc=2, steps=30, lr=0.2, flatness=f, start="noise"), task) for f in (1e-12, 100.0))
    assert np.mean([s.scalars["flatness"] for s in held[10:]]) < np.mean([s.scalars["flatness"] for s in free[10:]])


@pytest.mark.slow
def test_several_blocks_are_resumed_with_the_average_of_their_own(task, kept):
    method, fresh = small("edc", block=2), task_of(coloured(), kept)
    whole = run(method, task)
    assert max(s.block for s in whole) == 2
    for i in (1, 9, 17):
        rest = list(method.distill(fresh, EveryStep(), whole[i].state))
        assert [bits(r) for r in rest] == [bits(s) for s in whole[i + 1 :]]


@pytest.mark.slow
def test_without_flatness_nothing_is_averaged(task):
    assert "average" not in run(small("wmdd"), task)[-2].state
    last = run(small("edc", flatness=0.0), task)
    assert "average" not in last[2].state
    assert "flatness" not in last[2].scalars


def test_edc_takes_single_images_whole_classes_and_repeated_ones(kept):
    few = task_of(cut(coloured(), (24, 3, 24)), kept)
    pixels = few.train.images.copy()
    pixels[few.train.of_class(1)] = pixels[few.train.of_class(1)[0]]
    same = replace(few, train=ImageSet(pixels, few.train.labels))
    for ipc in (1, 3):
        for snapshot in run(small("edc", ipc=ipc), same):
            assert np.isfinite(list(snapshot.scalars.values())).all()
            assert snapshot.distilled.images.shape == (3 * ipc, 3, 8, 8)


# CDA


def test_cda_is_sre2l_with_a_curriculum_of_crops(task):
    values = {**vars(CDA()), "ipc": 2, "steps": 5}
    as_cda, as_sre2l = (answer(kind(**values), task) for kind in (CDA, SRe2L))
    np.testing.assert_array_equal(as_cda.images, as_sre2l.images)
    assert (as_cda.about, as_sre2l.about) == ({"method": "cda"}, {"method": "sre2l"})
    off = {**values, "curriculum": False, "augment": Augment()}
    np.testing.assert_array_equal(answer(CDA(**off), task).images, answer(SRe2L(ipc=2, steps=5), task).images)


def test_the_crops_of_cda_are_shared_and_shrink_from_the_whole_image_to_the_smallest(task, monkeypatch):
    found = []
    monkeypatch.setattr(recover, "draw", lambda a, at, *, key: found.append((a, draw(a, at, key=key))) or found[-1][1])
    method = CDA(ipc=2, steps=8, augment=replace(CDA().augment, ratio=1.0))
    snapshots = run(method, task)
    smallest = method.augment.crop[0]
    # The authors' milestone of 1: smallest + (1 - smallest) (1 + cos(pi t / T)) / 2; at 0 the image itself, not drawn.
    bounds = [smallest + (1 - smallest) * (1 + math.cos(math.pi * t / 8)) / 2 for t in range(1, 8)]
    np.testing.assert_allclose([a.crop[0] for a, _ in found], bounds)
    assert all(a.crop[1] == 1 and (views == views[0]).all() for a, views in found)
    areas = [4 * views[0, 2] * views[0, 3] for _, views in found]
    assert all(bound - 1e-6 <= area < 1 for bound, area in zip(bounds, areas, strict=True))
    first = run(SRe2L(ipc=2, steps=8), task)[1].scalars
    assert snapshots[1].scalars["loss"] == first["loss"]


@pytest.mark.slow
def test_the_loss_of_cda_on_whole_images_falls(task):
    snapshots = run(CDA(ipc=2, steps=40), task)
    assert snapshots[-1].scalars["loss"] < snapshots[1].scalars["loss"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("balance", 1.5, "expected balance in .0, 1. and flatness of at least 0, got 1.5 and"),
        ("flatness", -1.0, "expected balance in .0, 1. and flatness of at least 0, got 0.5 and -1.0"),
        ("statistics", "sof", "unknown statistics 'sof'. Did you mean 'soft'.* Known: class, global, none, soft"),
        ("start", "crop", "unknown start 'crop'. Did you mean 'crops'.* Known: crops, nearest, noise, real"),
    ],
)
@pytest.mark.parametrize("kind", [WMDD, SRe2L, CDA, EDC])
def test_values_that_mean_nothing_are_refused_at_once(kind, field, value, message):
    with pytest.raises(ValueError, match=message):
        kind(**{field: value})


def test_every_inversion_differs_in_values_alone():
    kinds = {name: kind for name, kind in METHODS.items() if issubclass(kind, Inversion)}
    assert set(kinds) == {"wmdd", "sre2l", "cda", "edc"}
    for kind in kinds.values():
        assert not {name for name, value in vars(kind).items() if callable(value) and not name.startswith("_")}
