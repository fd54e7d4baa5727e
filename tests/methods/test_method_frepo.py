"""FRePo: ridge regression and margin by hand, one step of images, labels and network, and the ages of the pool."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from method_toys import EveryStep, coloured, recovered, run, small, task_of

from wddkit.data import ImageSet
from wddkit.methods import Context, FRePo
from wddkit.methods.features import label_margin, regression
from wddkit.nets import Network, build
from wddkit.stages.recover import bounds, to_normalised
from wddkit.stages.relabel import with_soft_labels


def tensor(values):
    return torch.tensor(values, dtype=torch.float64).requires_grad_()


def test_the_regression_and_its_gradient_in_the_labels_are_the_worked_numbers():
    # K_ss = diag(1, 4), lambda = 0.4 * 2.5 = 1, so the weights are 1/2 and 2/5; K_ts = (1 0; 1 2).
    f_t, f_s = tensor([[1.0, 0.0], [1.0, 1.0]]), tensor([[1.0, 0.0], [0.0, 2.0]])
    y_s, y_t = tensor([[1.0, 0.0], [2.0, 0.0]]), tensor([[1.0, 0.0], [1.0, 0.0]])
    loss = regression(f_t, f_s, y_s, y_t, reg=0.4)
    # Predictions 0.5 and 0.5 + 0.8, so residuals -0.5 and 0.3.
    assert loss.item() == pytest.approx(0.5 * (0.25 + 0.09) / 2, abs=1e-10)
    (gradient,) = torch.autograd.grad(loss, y_s)
    np.testing.assert_allclose(gradient, [[(0.5 * -0.5 + 0.5 * 0.3) / 2, 0], [0.4 * 0.3 / 2, 0]], atol=1e-10)


def by_numpy(f_t, f_s, y_s, y_t, reg):
    """The paper's formula with an inverse."""
    K_ss = f_s @ f_s.T
    ridge = np.linalg.inv(K_ss + reg * np.trace(K_ss) / len(K_ss) * np.eye(len(K_ss)))
    return 0.5 * ((y_t - f_t @ f_s.T @ ridge @ y_s) ** 2).sum() / len(f_t)


@pytest.mark.parametrize("reg", [1e-6, 0.1])
def test_the_gradient_in_the_features_is_that_of_the_formula(reg):
    draw = np.random.default_rng(0).normal
    f_t, f_s, y_s, y_t = draw(size=(5, 4)), draw(size=(3, 4)), draw(size=(3, 2)), draw(size=(5, 2))
    torch_f_s = tensor(f_s)
    loss = regression(tensor(f_t), torch_f_s, tensor(y_s), tensor(y_t), reg=reg)
    assert loss.item() == pytest.approx(by_numpy(f_t, f_s, y_s, y_t, reg), rel=1e-9)
    (gradient,) = torch.autograd.grad(loss, torch_f_s)
    for direction, e in ((draw(size=(3, 4)), 1e-6) for _ in range(3)):
        rise = by_numpy(f_t, f_s + e * direction, y_s, y_t, reg) - by_numpy(f_t, f_s - e * direction, y_s, y_t, reg)
        assert (gradient.numpy() * direction).sum() == pytest.approx(rise / (2 * e), rel=1e-5)


def test_the_margin_counts_up_to_the_share_of_a_class():
    labels = tensor([[0.5, 0.1, -0.6], [0.0, 0.1, 0.3]])
    margin = label_margin(labels)
    assert margin.item() == pytest.approx(-(1 / 3 + 0.2) / 2)
    (gradient,) = torch.autograd.grad(margin, labels)
    np.testing.assert_allclose(gradient, [[0, 0, 0], [0, 0.5, -0.5]])


def network(task, number, seed=0):
    """The pool's network of this number, in float64, as it is born."""
    _, channels, size, _ = task.train.images.shape
    seed = Context(seed=seed).stream("network", number)
    net = build(
        small("frepo").network, classes=3, channels=channels, size=size, normalisation=task.normalisation, seed=seed
    )
    return net.double()


def place(step, method):
    return int(Context().generator("pool", step).integers(method.pool))


def by_adam(values, gradient, lr):
    """Adam's first step, which is as long in every direction that is not flat."""
    return values - lr * gradient / (gradient.abs() + 1e-8)


def test_one_step_moves_images_labels_and_network_down_their_gradients(task):
    method = small("frepo", batch=72, lr=0.01)
    snapshots = run(method, task, precision="float64")
    net = network(task, place(0, method))
    u, y = (torch.from_numpy(recovered(snapshots, 0, name)).requires_grad_() for name in ("u", "labels|y"))
    np.testing.assert_allclose(y.detach(), (np.eye(3)[[0, 0, 1, 1, 2, 2]] - 1 / 3) / np.sqrt(0.3))
    f_t, f_s = net.backbone(to_normalised(net, task.train.images)).detach(), net.backbone(u)
    K_ss = f_s @ f_s.T
    inverse = torch.linalg.inv(K_ss + 1e-6 * K_ss.trace() / 6 * torch.eye(6, dtype=torch.float64))
    real = torch.from_numpy(np.eye(3)[task.train.labels] - 1 / 3)
    loss = 0.5 * ((real - f_t @ f_s.T @ inverse @ y) ** 2).sum() / 72
    first, second = y.topk(2, dim=1).values.T
    d_u, d_y = torch.autograd.grad(loss - (first - second).clamp_max(1 / 3).mean(), (u, y))
    assert snapshots[1].scalars["loss"] == pytest.approx(loss.item(), rel=1e-6)
    moved = {name: torch.from_numpy(recovered(snapshots, 1, name)) for name in ("u", "labels|y")}
    large = d_u.abs() > 1e-4 * d_u.abs().max()  # elsewhere the quotient of Adam's first step is rounding
    expected = torch.clamp(by_adam(u.detach(), d_u, 0.01), *bounds(net))
    np.testing.assert_allclose(moved["u"][large], expected[large], atol=1e-6)
    np.testing.assert_allclose(moved["labels|y"], by_adam(y.detach(), d_y, 0.01), atol=1e-6)
    # The network of step 0 is trained on the images and labels of step 1, and its state is seen in that of step 2.
    trained = ((net.head(net.backbone(moved["u"])) - moved["labels|y"]) ** 2).mean()
    d_weight, d_bias = torch.autograd.grad(trained, (net.backbone.conv1.weight, net.head.bias))
    for name, value, gradient in (
        ("backbone.conv1.weight", net.backbone.conv1.weight, d_weight),
        ("head.bias", net.head.bias, d_bias),
    ):
        found = snapshots[2].state[f"pool {place(0, method)}|{name}"]
        np.testing.assert_allclose(found, by_adam(value.detach(), gradient, method.network_lr), atol=1e-7)


def test_networks_grow_older_by_one_a_step_and_are_replaced_by_fresh_ones_at_the_end_of_their_lives(task):
    method = small("frepo", steps=12, pool=2, updates=4)
    states = [s.state for s in run(method, task, precision="float64")[:-1]]
    assert states[0]["ages"].tolist() == [0, 2]  # not of one age, so that they are not all replaced at once
    assert states[0]["births"].tolist() == [0, 0]
    for step in range(1, 12):
        lived = [4 * s["births"] + s["ages"] for s in (states[step - 1], states[step])]
        expected = np.zeros(2)
        if step > 1:  # that of step 0 is trained when step 1 begins
            expected[place(step - 2, method)] = 1
        np.testing.assert_array_equal(lived[1] - lived[0], expected)
    assert all((s["ages"] < 4).all() for s in states)
    assert states[-1]["births"].sum() >= 2
    for before, after in pairwise(states):
        for i in np.flatnonzero(after["births"] > before["births"]):
            fresh = network(task, int(after["births"][i]) * 2 + i)
            np.testing.assert_array_equal(after[f"pool {i}|head.weight"], fresh.head.weight.detach())
            assert f"pool {i} adam|head.weight|step" not in after


@pytest.mark.slow
def test_the_loss_falls_and_learned_labels_are_those_of_the_set(task):
    method = small("frepo", steps=60, batch=72, updates=20)
    snapshots = run(method, task)
    losses = [s.scalars["loss"] for s in snapshots[1:]]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])
    distilled = snapshots[-1].distilled
    assert distilled.soft_kind == "values"
    np.testing.assert_array_equal(distilled.soft, snapshots[-1].arrays["labels"])
    assert (distilled.soft.argmax(axis=1) == distilled.labels).all()
    assert np.abs(distilled.soft - snapshots[0].distilled.soft).max() > 0.01
    assert with_soft_labels(distilled, task.teacher()) is distilled


def test_labels_that_are_not_learned_stay_and_are_not_given_to_students(task):
    snapshots = run(small("frepo", learn_labels=False), task)
    start = recovered(snapshots, 0, "labels|y")
    np.testing.assert_array_equal(recovered(snapshots, 5, "labels|y"), start)
    assert snapshots[-1].distilled.soft is None
    assert "labels" not in snapshots[-1].arrays
    assert "margin" not in snapshots[-1].scalars


def test_a_pool_with_batch_norm_is_resumed_with_its_running_averages(task):
    method = small("frepo", network=replace(small("frepo").network, norm="batch"))
    snapshots = run(method, task)
    rest = list(method.distill(task, EveryStep(), snapshots[3].state))
    np.testing.assert_array_equal(rest[-1].distilled.images, snapshots[-1].distilled.images)
    assert snapshots[5].state["pool 0|backbone.norm1.running_mean"].any()


@pytest.mark.parametrize(("size", "depth"), [(1, 2), (8, 2), (16, 2), (28, 3), (32, 3), (64, 4), (96, 4), (224, 4)])
def test_networks_are_as_deep_as_images_of_a_size_want_unless_one_is_asked_for(size, depth):
    assert FRePo().network_at(size) == Network(depth=depth, norm="none", pooling="flatten")
    assert small("frepo").network_at(size) == small("frepo").network


def test_equal_images_of_a_class_stay_finite(kept):
    fresh = task_of(coloured(), kept)
    pixels = fresh.train.images.copy()
    pixels[fresh.train.of_class(0)] = pixels[0]
    same = replace(fresh, train=ImageSet(pixels, fresh.train.labels))
    for s in run(small("frepo", ipc=1), same) + run(small("frepo", ipc=24, steps=2), same):
        assert np.isfinite(list(s.scalars.values())).all()
        assert s.state is None or np.isfinite(s.state["u"]).all()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pool", 0, "expected pool, updates and batch of at least 1, got 0, 100 and 250"),
        ("updates", 0, "expected pool, updates and batch of at least 1, got 4, 0 and 250"),
        ("batch", 0, "expected pool, updates and batch of at least 1, got 4, 100 and 0"),
        ("reg", 0.0, r"expected reg and network_lr above 0, got 0.0 and"),
        ("network_lr", -1.0, r"expected reg and network_lr above 0, got 1e-06 and -1.0"),
        ("steps", 0, "expected steps of at least 1 and lr above 0, got 0"),
        ("lr", 0.0, "expected steps of at least 1 and lr above 0, got .* and 0.0"),
    ],
)
def test_values_that_mean_nothing_are_refused_at_once(field, value, message):
    with pytest.raises(ValueError, match=message):
        FRePo(**{field: value})
