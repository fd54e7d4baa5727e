"""MTT: distances and steps by hand, gradients against differences, experts as plain SGD, and what follows them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from method_toys import EveryStep, coloured, cut, recovered, run, task_of

from wddkit.augment import Augment, stream
from wddkit.data import ImageSet
from wddkit.methods import Context
from wddkit.methods.pixels import fresh_network
from wddkit.methods.trajectories import MTT, sgd_step, trajectory_distance
from wddkit.nets import Network
from wddkit.nets.base import Net
from wddkit.seeds import derive
from wddkit.stages.training import pixels

NETWORK = Network(width=4, depth=1, growth=1, norm="instance", pooling="flatten")
SMALL = {"ipc": 2, "steps": 3, "student_steps": 3, "latest": 1, "experts": 2, "interval": 3, "network": NETWORK}


def small(**options):
    return MTT(**{**SMALL, **options})


def tensors(**values):
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


def test_the_distance_and_its_gradient_are_those_worked_out_by_hand():
    start, target = tensors(a=[0.0, 0.0], b=[[1.0]]), tensors(a=[1.0, 2.0], b=[[3.0]])  # 1 + 4 + 4 apart
    end = {name: value.requires_grad_() for name, value in tensors(a=[1.0, 0.0], b=[[2.0]]).items()}
    distance = trajectory_distance(end, start, target)
    assert distance.item() == pytest.approx((0 + 4 + 1) / 9)
    gradients = torch.autograd.grad(distance, tuple(end.values()))
    np.testing.assert_allclose(gradients[0], np.array([0, -4]) / 9)
    np.testing.assert_allclose(gradients[1], np.array([[-2]]) / 9)


def test_a_student_that_stays_is_at_one_and_one_that_arrives_at_nought():
    start, target = tensors(a=[1.0, -2.0]), tensors(a=[0.5, 7.0])
    assert trajectory_distance(start, start, target).item() == 1
    assert trajectory_distance(target, start, target).item() == 0
    assert trajectory_distance(start, start, start).item() == 0  # an expert that stood still


def softmax_step(W, b, z, labels, alpha):
    """One step of softmax regression in NumPy."""
    e = np.exp(z @ W.T + b)
    wrong = (e / e.sum(axis=1, keepdims=True) - np.eye(len(b))[labels]) / len(z)
    return W - alpha * wrong.T @ z, b - alpha * wrong.sum(axis=0)


def test_two_steps_of_a_student_and_their_gradient_are_those_of_softmax_regression():
    rng = np.random.default_rng(0)
    W, b, W_target, z, direction = (rng.normal(size=shape) for shape in ((3, 4), 3, (3, 4), (5, 4), (5, 4)))
    labels, alpha = np.array([0, 1, 2, 0, 1]), 0.3
    net = Net(torch.nn.Flatten(), torch.nn.Linear(4, 3), mean=(0.5,), std=(1.0,)).double().requires_grad_(False)

    def value(z, alpha):
        end = softmax_step(*softmax_step(W, b, z, labels, alpha), z, labels, alpha)
        return ((end[0] - W_target) ** 2).sum() / ((W - W_target) ** 2).sum()

    x = torch.from_numpy(z).reshape(5, 1, 2, 2).requires_grad_()
    rate = torch.tensor(alpha, dtype=torch.float64, requires_grad=True)
    weights = {"head.weight": torch.from_numpy(W).requires_grad_(), "head.bias": torch.from_numpy(b).requires_grad_()}
    end = weights
    for _ in range(2):
        end = sgd_step(net, end, x, torch.from_numpy(labels), rate)
    expected = softmax_step(*softmax_step(W, b, z, labels, alpha), z, labels, alpha)
    np.testing.assert_allclose(end["head.weight"].detach(), expected[0], atol=1e-12)
    np.testing.assert_allclose(end["head.bias"].detach(), expected[1], atol=1e-12)
    target = {"head.weight": torch.from_numpy(W_target)}
    loss = trajectory_distance(end, weights, target)
    assert loss.item() == pytest.approx(value(z, alpha), rel=1e-12)
    by_x, by_rate = torch.autograd.grad(loss, (x, rate))
    e = 1e-5
    slope = (value(z + e * direction, alpha) - value(z - e * direction, alpha)) / (2 * e)
    assert (by_x.reshape(5, 4).numpy() * direction).sum() == pytest.approx(slope, rel=1e-6)
    slope = (value(z, alpha + e) - value(z, alpha - e)) / (2 * e)
    assert by_rate.item() == pytest.approx(slope, rel=1e-6)


def loss_from(method, task, state, step):
    """The loss of the step that follows a state."""
    context = EveryStep(precision="float64")
    return next(s.scalars["loss"] for s in method.distill(task, context, state) if s.step == step + 1)


def test_a_step_takes_the_gradient_of_the_recorded_loss_in_the_images_and_in_the_rate(task):
    method = small(lr=0.01, lr_lr=0.1, augment=Augment())
    snapshots = run(method, task, precision="float64")
    state = snapshots[1].state
    # The speed of descent with momentum 0.5 is v' = v / 2 + g.
    gradient = recovered(snapshots, 2, "momentum_buffer") - recovered(snapshots, 1, "momentum_buffer") / 2
    direction, e = np.random.default_rng(0).normal(size=state["u"].shape), 1e-5
    values = [loss_from(method, task, {**state, "u": state["u"] + sign * e * direction}, 1) for sign in (1, -1)]
    assert (gradient * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * e), rel=1e-4)
    name = "log student_lr"
    values = [loss_from(method, task, {**state, name: state[name] + sign * e}, 1) for sign in (1, -1)]
    moved = float(snapshots[2].state[name] - state[name])
    assert moved == pytest.approx(-0.1 * (values[0] - values[1]) / (2 * e), rel=1e-4)
    assert snapshots[2].scalars["student_lr"] == pytest.approx(float(np.exp(state[name])))


def experts(method, task):
    return task.artifact("experts", method._settings(), lambda: pytest.fail("the experts were trained again"))


def test_experts_are_networks_under_plain_sgd_on_real_images(task):
    method = small(interval=1, batch=16, augment=Augment(), experts=1)
    run(method, task)
    ways, seeds = experts(method, task), Context(seed=task.teacher_seed)
    net = fresh_network(task, seeds, NETWORK, 0, like=torch.zeros(1)).requires_grad_()
    sgd = torch.optim.SGD(net.parameters(), lr=method.expert_lr)
    for t in range(4):
        for name, p in net.named_parameters():
            assert ways[name].shape == (1, 4, *p.shape)
            np.testing.assert_allclose(ways[name][0, t], p.detach(), atol=1e-6)
        at = stream(len(task.train), 16 * t, 16, key=derive(seeds.stream("expert", 0), "order"))
        x = pixels(task.train.images[at], like=torch.zeros(1))
        sgd.zero_grad()
        F.cross_entropy(net(x), torch.from_numpy(task.train.labels[at])).backward()
        sgd.step()


def test_a_student_that_sees_what_its_expert_saw_arrives_where_it_did(task):
    whole = {"ipc": 24, "batch": 72, "interval": 1, "expert_steps": 2, "student_steps": 2, "augment": Augment()}
    first = run(small(**whole, student_lr=0.1, expert_lr=0.1, steps=1), task)[1]
    assert first.scalars["loss"] < 1e-6
    other = run(small(**whole, student_lr=0.05, expert_lr=0.1, steps=1), task)[1]
    assert other.scalars["loss"] > 0.1


def test_experts_are_trained_once_for_all_seeds_and_steps_but_anew_for_another_task(kept, tmp_path):
    told = []
    task = replace(
        task_of(coloured(), kept), tick=lambda stage, done, total, scalars: told.append((stage, done, total))
    )
    method = small(expert_lr=0.07)
    run(method, task)
    assert [(done, total) for stage, done, total in told if stage == "experts"] == [(i, 18) for i in range(1, 19)]
    told.clear()
    run(replace(method, steps=2, lr=0.1, student_lr=0.2, lr_lr=0.0), task, seed=1)
    assert "experts" not in {stage for stage, *_ in told}
    ways, others = experts(method, task), replace(task, teacher_seed=1, tick=lambda *_: None)
    run(method, others)
    assert any((experts(method, others)[name] != way).any() for name, way in ways.items())


@pytest.mark.slow
def test_the_rate_stays_where_it_is_if_it_is_not_learned_and_moves_towards_the_experts_if_it_is(task):
    still = run(small(lr_lr=0.0, student_lr=0.02), task)
    assert [s.scalars["student_lr"] for s in still[1:]] == pytest.approx([0.02] * 3)
    slow = run(small(steps=30, lr=1e-4, lr_lr=0.3, student_lr=0.001, expert_lr=0.1), task)
    assert slow[-1].scalars["student_lr"] > 1.05 * 0.001


@pytest.mark.slow
def test_students_come_closer_to_the_experts(task):
    method = small(steps=60, lr=5.0, student_lr=0.1, expert_lr=0.1, latest=0, experts=1, augment=Augment())
    losses = [s.scalars["loss"] for s in run(method, task)[1:]]
    assert losses[-1] < 0.7 * losses[0]


def test_a_small_batch_of_the_student_sees_all_images_in_turn(task, monkeypatch):
    from wddkit.methods import trajectories

    seen = []
    monkeypatch.setattr(trajectories, "view", lambda net, u, augment, at, *, key: seen.append(at.tolist()) or u)
    run(small(batch_syn=2, steps=2), task)
    first, second = seen[:3], seen[3:]
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(6))
    assert first != second


@pytest.mark.slow
def test_the_defaults_run_on_digits_of_8_px(digits):
    *_, last = MTT(ipc=1, steps=2, experts=1, latest=0, interval=2, student_steps=2).distill(digits, Context())
    assert last.step == 2
    assert np.isfinite(last.scalars["loss"])


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_networks_of_other_norms_serve_too(norm, task):
    losses = [s.scalars["loss"] for s in run(small(network=replace(NETWORK, norm=norm)), task)[1:]]
    assert np.isfinite(losses).all()
    assert min(losses) > 0


@pytest.mark.slow
def test_classes_of_alike_images_and_of_just_enough_of_them_stay_finite(kept):
    few = task_of(cut(coloured(), (2, 24, 5)), kept)
    images = few.train.images.copy()
    images[few.train.of_class(1)] = 255
    alike = replace(few, train=ImageSet(images, few.train.labels))
    for method in (small(), small(ipc=1)):
        snapshots = run(method, alike)
        assert np.isfinite([s.scalars["loss"] for s in snapshots[1:]]).all()
        assert all(np.isfinite(s.state["u"]).all() for s in snapshots[:-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"student_steps": 0}, "student_steps is 0; expected at least 1"),
        ({"expert_steps": 0}, "expert_steps is 0; expected at least 1"),
        ({"experts": 0}, "experts is 0; expected at least 1"),
        ({"interval": 0}, "interval is 0; expected at least 1"),
        ({"batch": 0}, "batch is 0; expected at least 1"),
        ({"batch_syn": 0}, "batch_syn is 0; expected at least 1"),
        ({"latest": -1}, "latest is -1; expected at least 0, the start of an expert"),
        ({"expert_lr": 0.0}, "expected expert_lr and student_lr above 0 and lr_lr of at least 0, got 0.0"),
        ({"student_lr": float("nan")}, "expected expert_lr and student_lr above 0 and lr_lr of at least 0, got .* nan"),
        ({"lr_lr": -1.0}, "expected expert_lr and student_lr above 0 and lr_lr of at least 0, got .* and -1.0"),
        ({"lr": 0.0}, "expected steps of at least 1 and lr above 0, got .* and 0.0"),
    ],
)
def test_values_that_mean_nothing_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        MTT(**options)
