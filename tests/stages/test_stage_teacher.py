"""The squeezed teacher: it learns, stays frozen, and depends on its seed alone."""

import numpy as np
import pytest
import torch
from stage_toys import CPU, easy, network, noise, tiny_net

from wddkit.nets import to_arrays
from wddkit.stages.teacher import Teacher, accuracy, features, freeze, squeeze
from wddkit.stages.training import Training

SPLIT = easy()
QUICK = Teacher(network("batch"), Training(steps=60, batch=20, lr=2e-2))


def squeezed(seed=0, **options):
    return squeeze(SPLIT.train, QUICK, classes=4, normalisation=SPLIT.normalisation, seed=seed, device=CPU, **options)


@pytest.fixture(scope="module")
def net():
    return squeezed()


def test_it_learns_the_real_set(net):
    assert accuracy(net, SPLIT.test.images, SPLIT.test.labels) > 50  # chance: 25


def test_it_is_frozen_and_in_evaluation_mode(net):
    assert not any(part.training for part in net.modules())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    thawed = freeze(tiny_net().train().requires_grad_())
    assert not thawed.training
    assert not any(parameter.requires_grad for parameter in thawed.parameters())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(net):
    told = []
    again, other = squeezed(tick=lambda *what: told.append(what[:3])), squeezed(seed=1)
    assert all(np.array_equal(value, to_arrays(again)[name]) for name, value in to_arrays(net).items())
    assert not np.array_equal(to_arrays(other)["head.weight"], to_arrays(net)["head.weight"])
    assert told == [("squeeze", step, 60) for step in range(1, 61)]


def test_features_are_the_penultimate_vectors_in_double_precision(net):
    images = noise(5, size=12)
    found = features(net, images)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, net.embed(torch.from_numpy(images).float() / 255), rtol=1e-5, atol=1e-6)
