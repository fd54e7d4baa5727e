"""Students: what they learn from, what their loss is, and that they are paired and repeatable."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from stage_toys import CPU, distilled_of, easy, network, tiny_net

from wddkit.augment import Augment, apply
from wddkit.data import ImageSet
from wddkit.data.pixels import square
from wddkit.nets import build
from wddkit.seeds import derive
from wddkit.stages.relabel import with_soft_labels, with_views
from wddkit.stages.students import Protocol, label_loss, labelled, resized, soft_loss, train_student
from wddkit.stages.teacher import Teacher, squeeze
from wddkit.stages.training import Training

SPLIT = easy()
TRAINING = Training(steps=40, batch=16, lr=2e-2)
CROPS = Augment(crop=(0.7, 1.0), shift=0.1, flip=0.5)
HARD = Protocol("hard", network=network("group"), training=TRAINING)
REGIMES = ("hard", "soft", "views", "online")


@pytest.fixture(scope="module")
def teacher():
    training = Training(steps=80, batch=20, lr=2e-2)
    return squeeze(
        SPLIT.train, Teacher(network(), training), classes=4, normalisation=SPLIT.normalisation, seed=0, device=CPU
    )


def student(distilled, protocol, teacher, *, number=0, seed=3, test=SPLIT.test, **options):
    return train_student(
        distilled,
        test,
        protocol,
        student=number,
        normalisation=SPLIT.normalisation,
        teacher=teacher,
        seed=seed,
        **options,
    )


def losses(distilled, protocol, teacher, **options):
    """The loss of each step: a fine fingerprint of a training."""
    found = []
    trained = student(distilled, protocol, teacher, tick=lambda *what: found.append(float(what[3]["loss"])), **options)
    return found, trained


LOGITS = st.lists(st.floats(-30, 30), min_size=8, max_size=8).map(lambda z: np.array(z).reshape(2, 4))


@given(LOGITS, LOGITS, st.floats(0.5, 20))
def test_the_soft_loss_is_the_divergence_of_softened_labels_times_the_squared_temperature(s, t, temperature):
    p = softmax(t / temperature, axis=1)
    divergence = p * (log_softmax(t / temperature, axis=1) - log_softmax(s / temperature, axis=1))
    found = soft_loss(torch.from_numpy(s), torch.from_numpy(t), temperature)
    np.testing.assert_allclose(found, temperature**2 * divergence.sum(axis=1), rtol=1e-9, atol=1e-9)


@given(LOGITS, st.floats(0.5, 20), st.floats(-5, 5))
def test_equal_labels_up_to_a_constant_cost_nothing(t, temperature, constant):
    found = soft_loss(torch.from_numpy(t + constant), torch.from_numpy(t), temperature)
    np.testing.assert_allclose(found, 0, atol=1e-9)


@settings(max_examples=20)
@given(LOGITS, LOGITS)
def test_at_high_temperature_the_gradient_is_that_of_centred_logits(s, t):
    # Hinton et al. 2015, eq. 4: (s_i - t_i) / number of classes, logits centred; the factor T^2 is in the loss.
    student = torch.from_numpy(s).requires_grad_()
    soft_loss(student, torch.from_numpy(t), 1e5).sum().backward()
    centred = (s - s.mean(axis=1, keepdims=True)) - (t - t.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(student.grad, centred / 4, atol=0.02)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_students_learn_under_every_label_regime(regime, norm, teacher):
    protocol = replace(HARD, labels=regime, network=network(norm), training=replace(TRAINING, augment=CROPS))
    trained = student(distilled_of(SPLIT, 10), protocol, teacher)
    assert trained.accuracy > 45  # chance: 25
    assert trained.accuracy == pytest.approx(np.mean(trained.per_class))  # ten test images of each class


@pytest.mark.parametrize("regime", REGIMES)
def test_the_same_student_is_trained_bit_for_bit_and_others_differ(regime, teacher):
    protocol = replace(HARD, labels=regime, training=replace(TRAINING, steps=6, augment=CROPS))
    distilled = distilled_of(SPLIT, 5)
    first = losses(distilled, protocol, teacher)
    assert first == losses(distilled, protocol, teacher)
    assert first[0] != losses(distilled, protocol, teacher, number=1)[0]
    assert first[0] != losses(distilled, protocol, teacher, seed=4)[0]


def test_students_of_two_sets_are_paired(teacher):
    # Without a gradient to speak of, the logits of the first batch are those of the same weights on the same positions.
    protocol = replace(HARD, training=Training(steps=5, batch=4, lr=1e-20, augment=CROPS))
    a = distilled_of(SPLIT, 4)
    b = replace(a, labels=(a.labels + 1) % 4)  # the same images called otherwise
    seen = {}
    for name, distilled in (("a", a), ("b", b)):
        seen[name] = losses(distilled, replace(protocol, labels="online"), teacher)[0]
    assert seen["a"] == seen["b"]  # the teacher does not look at the labels


def with_pixels(distilled, at, seed=0):
    images = distilled.images.copy()
    images[at] = np.random.default_rng(seed).integers(0, 256, images[at].shape, np.uint8)
    return replace(distilled, images=images)


@pytest.mark.parametrize("regime", REGIMES)
def test_an_image_of_no_mass_does_not_matter(regime, teacher):
    protocol = replace(HARD, labels=regime, training=replace(TRAINING, steps=8, batch=5, augment=CROPS))
    plain = distilled_of(SPLIT, 2, masses=np.array([0.0, 1.0, 0.3, 0.7, 0.5, 0.5, 0.2, 0.8]))
    other = with_pixels(plain, 0)
    assert losses(plain, protocol, teacher) == losses(other, protocol, teacher)
    ignored = replace(protocol, masses=False)
    assert losses(plain, ignored, teacher)[0] != losses(other, ignored, teacher)[0]
    assert losses(plain, protocol, teacher)[0] != losses(plain, ignored, teacher)[0]


def test_uniform_masses_are_no_masses(teacher):
    distilled = distilled_of(SPLIT, 3)
    protocol = replace(HARD, training=replace(TRAINING, steps=5))
    assert losses(distilled, protocol, teacher) == losses(distilled, replace(protocol, masses=False), teacher)


def test_a_formation_is_trained_on_tile_by_tile(teacher):
    stored = distilled_of(SPLIT, 2, formation=2, masses=np.array([0.4, 0.6] * 4))
    tiles = stored.training
    plain = replace(
        stored, images=tiles.images, labels=tiles.labels, formation=1, masses=np.repeat(stored.masses, 4) / 4
    )
    assert len(tiles) == 4 * len(stored)
    for regime in REGIMES:
        protocol = replace(HARD, labels=regime, training=replace(TRAINING, steps=5, augment=CROPS))
        assert losses(stored, protocol, teacher) == losses(plain, protocol, teacher)


def test_images_are_brought_to_the_protocols_size_first(teacher):
    distilled, size = distilled_of(SPLIT, 3), 8
    protocol = replace(HARD, resize=size)
    small = replace(distilled, images=square(distilled.images, size))
    test = ImageSet(square(SPLIT.test.images, size), SPLIT.test.labels)
    expected = losses(small, replace(protocol, resize=None), teacher, test=test)
    assert losses(distilled, protocol, teacher) == expected
    assert resized(SPLIT.test, None) is SPLIT.test
    assert np.array_equal(resized(SPLIT.test, size).images, test.images)


def test_a_class_without_test_images_has_no_accuracy_of_its_own(teacher):
    test = SPLIT.test.take(np.flatnonzero(SPLIT.test.labels != 2))
    trained = student(distilled_of(SPLIT, 2), replace(HARD, training=replace(TRAINING, steps=2)), teacher, test=test)
    assert [math.isnan(value) for value in trained.per_class] == [False, False, True, False]
    assert trained.accuracy == pytest.approx(np.nanmean(trained.per_class))


def loss_of(distilled, protocol, teacher, s, at, numbers, x=None):
    return label_loss(labelled(distilled, protocol, teacher, seed=3), protocol, teacher)(s, x, at, numbers)


def test_each_regime_takes_its_own_label():
    teacher, distilled = tiny_net(classes=4, size=12), distilled_of(SPLIT, 2)
    rng = np.random.default_rng(0)
    s, at, numbers = torch.from_numpy(rng.normal(size=(3, 4))).float(), np.array([5, 0, 3]), np.array([0, 1, 4])
    x = torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    p = replace(HARD, temperature=3.0, views=3)

    hard = loss_of(distilled, p, teacher, s, at, numbers)
    expected = -log_softmax(s.numpy(), axis=1)[np.arange(3), distilled.labels[at]]
    np.testing.assert_allclose(hard, expected, rtol=1e-5)

    soft = loss_of(distilled, replace(p, labels="soft"), teacher, s, at, numbers)
    t = torch.from_numpy(with_soft_labels(distilled, teacher).soft)
    torch.testing.assert_close(soft, soft_loss(s, t[at], 3.0))

    online = loss_of(distilled, replace(p, labels="online"), teacher, s, at, numbers, x)
    torch.testing.assert_close(online, soft_loss(s, teacher(x), 3.0))

    stored = with_views(distilled, teacher, p.training.augment, count=3, seed=3).views
    views = loss_of(distilled, replace(p, labels="views"), teacher, s, at, numbers)
    torch.testing.assert_close(views, soft_loss(s, torch.from_numpy(stored.logits[at, [0, 1, 1]]).float(), 3.0))


def test_learned_labels_keep_the_squared_loss_they_were_learned_for():
    values = np.random.default_rng(1).normal(size=(8, 4)).astype(np.float32)
    learned = distilled_of(SPLIT, 2, soft=values, soft_kind="values")
    s, at = torch.ones(2, 4), np.array([6, 1])
    found = loss_of(learned, replace(HARD, labels="soft"), tiny_net(classes=4, size=12), s, at, np.zeros(2, int))
    np.testing.assert_allclose(found, ((1 - values[at]) ** 2).sum(axis=1), rtol=1e-5)


def test_stored_views_are_cut_as_they_were_labelled(teacher):
    # A student that is the teacher's equal on exactly those views has nothing to learn from them.
    protocol = replace(HARD, labels="views", views=2, training=replace(TRAINING, augment=CROPS))
    distilled = labelled(distilled_of(SPLIT, 3), protocol, teacher, seed=3)
    pixels = torch.from_numpy(distilled.training.images).float() / 255
    loss = label_loss(distilled, protocol, teacher)
    for number in (0, 1, 2, 5):
        rows = torch.from_numpy(distilled.views.parameters[:, number % 2])
        found = loss(teacher(apply(pixels, rows)), None, np.arange(12), np.full(12, number))
        assert found.abs().max() < 1e-3


def test_a_first_step_on_stored_views_is_the_mean_over_their_labels(teacher):
    protocol = replace(HARD, labels="views", views=2, training=replace(TRAINING, steps=1, batch=50, augment=CROPS))
    distilled = labelled(distilled_of(SPLIT, 3), protocol, teacher, seed=99)
    (found,), _ = losses(distilled, protocol, teacher, number=1)
    seed, shape = derive(3, "student", 1, "weights"), {"classes": 4, "channels": 3, "size": 12}
    net = build(protocol.network, normalisation=SPLIT.normalisation, seed=seed, **shape)
    views = apply(
        torch.from_numpy(distilled.training.images).float() / 255, torch.from_numpy(distilled.views.parameters[:, 0])
    )
    logits = torch.from_numpy(distilled.views.logits[:, 0]).float()
    assert found == pytest.approx(soft_loss(net(views), logits, protocol.temperature).mean().item(), rel=1e-5)


def test_what_a_set_already_has_is_kept(teacher):
    distilled = distilled_of(SPLIT, 2)
    assert labelled(distilled, HARD, teacher, seed=3) is distilled
    assert labelled(distilled, replace(HARD, labels="online"), teacher, seed=3) is distilled
    views = replace(HARD, labels="views", views=2)
    stored = labelled(distilled, views, teacher, seed=3)
    assert labelled(stored, views, teacher, seed=99) is stored
    assert labelled(stored, replace(views, views=3), teacher, seed=3).views.logits.shape == (8, 3, 4)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"temperature": 0}, "protocol: expected temperature > 0, views and students of at least 1; got Protocol("),
        ({"temperature": math.nan}, "expected temperature > 0"),
        ({"views": 0}, "views and students of at least 1"),
        ({"students": 0}, "views and students of at least 1"),
        ({"students": "a"}, "views and students of at least 1"),
        ({"temperature": "warm"}, "expected temperature > 0"),
        ({"labels": "sotf"}, "unknown label regime 'sotf'. Did you mean 'soft'? Known: hard, online, soft, views"),
    ],
)
def test_values_out_of_range_are_refused(bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Protocol(**bad)


def test_a_protocol_is_titled_by_its_name_or_else_its_labels():
    assert Protocol("soft").title == "soft"
    assert Protocol("soft", name="one label").title == "one label"
