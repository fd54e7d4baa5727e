"""IDM: tiles and their gradient, the objective and one step by hand, and the life of the queue."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from method_toys import RANDOM_NETWORK, coloured, cut, recovered, run, small, task_of

from wddkit.augment import Augment
from wddkit.data import DistilledSet, ImageSet
from wddkit.data.pixels import resize
from wddkit.data.shapes import ShapesConfig, shapes
from wddkit.methods import IDM, Context, queues
from wddkit.methods.formation import expand, factor_for, random_formation
from wddkit.methods.pixels import random_positions
from wddkit.methods.queues import Queue, matching_terms
from wddkit.stages.recover import to_normalised
from wddkit.stages.training import Training, accuracy


def tiles_of(u, factor):
    """Tiles enlarged one by one."""
    side = u.shape[2] // factor
    found = [
        F.interpolate(
            image[None, :, i * side : (i + 1) * side, j * side : (j + 1) * side], size=u.shape[2], mode="bilinear"
        )
        for image in u
        for i in range(factor)
        for j in range(factor)
    ]
    return torch.cat(found)


@pytest.mark.parametrize(("size", "factor"), [(8, 1), (8, 2), (12, 3), (8, 4), (28, 2)])
def test_tiles_are_enlarged_one_by_one_in_reading_order_and_so_is_their_gradient(size, factor):
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(3, 2, size, size, generator=generator, dtype=torch.float64).requires_grad_()
    pull = torch.randn(3 * factor**2, 2, size, size, generator=generator, dtype=torch.float64)
    found, expected = expand(u, factor), tiles_of(u, factor)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)  # the filters are of single precision
    gradients = (torch.autograd.grad(each, u, pull)[0] for each in (found, expected))
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=0)


def test_what_is_matched_is_what_students_see_before_it_is_rounded(task):
    images = random_formation(task, Context(), 2, 2)
    saved = DistilledSet(images, np.repeat(np.arange(3), 2), task.classes, np.full(6, 0.5), formation=2)
    seen = expand(torch.from_numpy(images).double(), 2).numpy()
    assert np.abs(saved.training.images - seen).max() <= 0.5 + 1e-4


def test_a_formation_begins_as_random_real_images_made_small(task):
    images = random_formation(task, Context(seed=3), 2, 2)
    small_ones = {image.tobytes(): i for i, image in enumerate(resize(task.train.images, 4, 4))}
    tiles = images.reshape(6, 3, 2, 4, 2, 4).transpose(0, 2, 4, 1, 3, 5).reshape(3, 8, 3, 4, 4)
    for c in range(3):
        positions = [small_ones[np.ascontiguousarray(tile).tobytes()] for tile in tiles[c]]
        assert len(set(positions)) == 8
        assert set(positions) <= set(task.train.of_class(c).tolist())
    whole = task.train.images[random_positions(task, Context(seed=3), 2)]
    np.testing.assert_array_equal(random_formation(task, Context(seed=3), 2, 1), whole)


def test_a_class_of_few_images_fills_its_tiles_in_turn(kept):
    few = task_of(cut(coloured(), (24, 1, 3)), kept)
    images = random_formation(few, Context(), 1, 2)
    one = images[1].reshape(3, 2, 4, 2, 4)
    assert all((one[:, i, :, j] == one[:, 0, :, 0]).all() for i in (0, 1) for j in (0, 1))
    assert np.isfinite([s.scalars["loss"] for s in run(small("idm", ipc=1), few)[1:]]).all()


def test_the_objective_of_two_classes_is_the_number_on_paper():
    head = torch.nn.Linear(2, 2, bias=False).double()
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
    x0, x1 = torch.tensor([[1.0, 0.0], [3.0, 2.0]]).double(), torch.tensor([[0.0, 1.0], [2.0, 1.0]]).double()
    s0, s1 = torch.zeros(1, 2).double().requires_grad_(), torch.tensor([[np.log(3.0), 0.0]]).requires_grad_()
    terms = matching_terms(head, [(x0, s0), (x1, s1)], 2.0)
    # Means (2, 1) and (1, 1); both real images of the first class are known and one of the second.
    distance = 5 + (1 - np.log(3)) ** 2 + 1
    entropy = np.log(2) + np.log(4)
    assert terms["distance"].item() == pytest.approx(distance)
    assert terms["entropy"].item() == pytest.approx(entropy)
    assert terms["queue accuracy"].item() == 0.75
    assert terms["loss"].item() == pytest.approx(distance + 2 * 0.75 * entropy)
    first, second = torch.autograd.grad(terms["loss"], (s0, s1))
    np.testing.assert_allclose(first, [[-4 - 1.5 * 0.5, -2 + 1.5 * 0.5]])
    np.testing.assert_allclose(second, [[2 * (np.log(3) - 1) + 1.5 * 0.75, -2 - 1.5 * 0.75]])


def test_one_step_goes_down_the_gradient_of_the_objective_in_the_queued_network(task):
    training = Training(steps=2, batch=8, optimiser="sgd", lr=0.1, warmup=0.0, schedule="constant")
    values = {"factor": 2, "cross_entropy": 3.0, "training": training, "augment": Augment()}
    method = IDM(ipc=2, steps=2, lr=0.01, network=RANDOM_NETWORK, batch=24, **values)
    snapshots = run(method, task, precision="float64", seed=5)
    net = Queue(method, task, Context(seed=5, precision="float64")).advance(0)
    u = torch.from_numpy(recovered(snapshots, 0)).requires_grad_()
    tiles = tiles_of(u, 2)
    known = accuracy(net, task.train.images, task.train.labels) / 100
    loss = 0.0
    for c in range(3):
        s = net.backbone(tiles[8 * c : 8 * c + 8])
        x = net.backbone(to_normalised(net, task.train.images[task.train.of_class(c)]))
        loss = loss + ((x.mean(dim=0) - s.mean(dim=0)) ** 2).sum()
        loss = loss - 3.0 * known * net.head(s).log_softmax(dim=1)[:, c].mean()
    gradient = torch.autograd.grad(loss, u)[0]
    # Adam's first moment with beta 0.5, from nothing, is half the gradient.
    np.testing.assert_allclose(2 * recovered(snapshots, 1, "exp_avg"), gradient, atol=1e-5)
    down = np.sign(recovered(snapshots, 0) - recovered(snapshots, 1))
    assert (down * gradient.numpy() >= 0).all()
    assert snapshots[1].scalars["loss"] == pytest.approx(loss.item(), rel=1e-6)


def weights(net):
    return torch.cat([w.detach().flatten() for w in net.parameters()])


def test_a_network_joins_at_each_interval_and_the_oldest_goes_when_the_queue_is_full(task):
    queue = Queue(small("idm", queue=2, interval=3, trained=0), task, Context())
    seen = []
    for step in range(9):
        matched = queue.advance(step)
        assert any(matched is net for net in queue.nets)
        seen.append(list(queue.nets))
    assert [len(nets) for nets in seen] == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    assert seen[6][0] is seen[5][1]
    first, second, third = (weights(net) for net in (seen[0][0], seen[3][1], seen[6][1]))
    assert (first - second).abs().max() > 0.01
    assert (second - third).abs().max() > 0.01


def test_the_networks_of_the_queue_learn_the_real_images_step_by_step(task):
    training = Training(steps=4, batch=24, optimiser="sgd", lr=0.1, warmup=0.0, schedule="constant")
    queue = Queue(small("idm", queue=1, interval=100, training=training), task, Context())
    found = []
    for step in range(30):
        net = queue.advance(step)
        found.append(accuracy(net, task.train.images, task.train.labels))
        assert not any(w.requires_grad for w in net.parameters())
    assert found[-1] > max(found[0], 60)


def test_only_as_many_networks_as_asked_are_trained_in_a_step(task):
    queue = Queue(small("idm", queue=3, interval=1, trained=1), task, Context())
    for step in range(5):
        before = {id(net): weights(net).clone() for net in queue.nets}
        queue.advance(step)
        changed = [net for net in queue.nets if id(net) in before and (weights(net) != before[id(net)]).any()]
        assert len(changed) <= 1
    idle = Queue(small("idm", queue=3, interval=100, trained=0), task, Context())
    start = weights(idle.advance(0)).clone()
    assert (weights(idle.advance(1)) == start).all()


def test_training_images_of_a_step_go_round_the_real_set(task, monkeypatch):
    train, seen = queues.train, []
    monkeypatch.setattr(
        queues,
        "train",
        lambda net, images, *rest, **options: seen.append(images) or train(net, images, *rest, **options),
    )
    training = Training(steps=2, batch=18, optimiser="sgd", lr=0.05, warmup=0.0, schedule="constant")
    queue = Queue(small("idm", queue=1, interval=100, training=training), task, Context())
    for step in range(2):
        queue.advance(step)
    drawn = {image.numpy().tobytes() for images in seen for image in images}
    assert [len(images) for images in seen] == [36, 36]
    assert drawn == {image.tobytes() for image in task.train.images.astype(np.float32) / np.float32(255)}


def test_a_restored_queue_goes_on_as_the_saved_one(task):
    method = small("idm", queue=2, interval=2)
    queue, other = Queue(method, task, Context()), Queue(method, task, Context())
    for step in range(5):
        queue.advance(step)
    other.restore({**queue.save(), "u": np.zeros(3)})
    assert len(other.nets) == 2
    for step in range(5, 8):
        assert (weights(queue.advance(step)) == weights(other.advance(step))).all()


@pytest.mark.slow
def test_the_distance_falls_on_the_queue(task):
    method = small("idm", steps=40, lr=0.05, cross_entropy=0.1, factor=2)
    values = [s.scalars["distance"] for s in run(method, task)[1:]]
    assert np.mean(values[-8:]) < 0.8 * np.mean(values[:8])


@pytest.mark.slow
def test_a_class_of_one_image_throughout_stays_finite(kept):
    pixels = coloured().train.images.copy()
    pixels[coloured().train.of_class(1)] = 0
    flat = replace(task_of(coloured(), kept), train=ImageSet(pixels, coloured().train.labels))
    assert all(np.isfinite(s.state["u"]).all() for s in run(small("idm"), flat)[:-1])


def test_without_partition_the_images_themselves_are_matched(task):
    last = run(small("idm", factor=1), task)[-1].distilled
    assert (last.formation, len(last.training)) == (1, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"queue": 0}, r"queue of idm is 0; expected at least 1"),
        ({"interval": 0}, r"interval of idm is 0; expected at least 1"),
        ({"trained": -1}, r"trained of idm is -1; expected at least 0"),
        ({"cross_entropy": -0.5}, r"cross_entropy of idm is -0\.5; expected at least 0"),
    ],
)
def test_values_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        IDM(**options)


@pytest.mark.parametrize(("size", "factor"), [(8, 1), (16, 1), (20, 2), (21, 1)])
def test_by_itself_the_factor_follows_the_size_of_the_images(size, factor, tmp_path):
    larger = task_of(shapes(ShapesConfig(classes=3, train=6, val=2, test=2, size=size)).split, tmp_path)
    assert factor_for(larger, 2, None) == factor


@pytest.mark.parametrize("factor", [0, 3])
def test_a_factor_that_does_not_divide_the_images_is_refused(factor, task):
    with pytest.raises(ValueError, match=rf"factor {factor} does not divide the image size 8; expected one of its"):
        run(small("idm", factor=factor), task)
