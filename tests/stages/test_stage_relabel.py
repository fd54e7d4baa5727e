"""What the teacher says of distilled images: one label an image, or one a stored view."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stage_toys import distilled_of, easy, tiny_net

from wddkit.augment import Augment, apply
from wddkit.stages.relabel import with_soft_labels, with_views

SPLIT = easy()
AUGMENT = Augment(crop=(0.5, 1.0), shift=0.1, flip=0.5, jitter=0.2)


def teacher():
    return tiny_net(classes=4, size=12)


@pytest.mark.parametrize("formation", [1, 2])
def test_soft_labels_are_the_teachers_logits_of_the_training_images(formation):
    distilled, net = distilled_of(SPLIT, 3, formation=formation), teacher()
    found = with_soft_labels(distilled, net)
    images = distilled.training.images
    assert len(images) == 12 * formation**2
    expected = net(torch.from_numpy(images).float() / 255).numpy()
    np.testing.assert_allclose(found.soft, expected, rtol=1e-4, atol=1e-5)
    assert (found.soft_kind, found.soft.dtype) == ("logits", np.float32)
    assert distilled.soft is None


def test_labels_that_a_method_learned_are_kept():
    values = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    learned = distilled_of(SPLIT, 3, soft=values, soft_kind="values")
    assert with_soft_labels(learned, teacher()) is learned


@pytest.mark.parametrize("formation", [1, 2])
def test_stored_views_are_labelled_by_the_teacher_as_they_are_cut(formation):
    distilled, net = distilled_of(SPLIT, 3, formation=formation), teacher()
    views = with_views(distilled, net, AUGMENT, count=3, seed=1).views
    images = torch.from_numpy(distilled.training.images).float() / 255
    assert views.parameters.shape == (len(images), 3, 8)
    for number in range(3):
        expected = net(apply(images, torch.from_numpy(views.parameters[:, number]))).numpy()
        np.testing.assert_allclose(views.logits[:, number], expected, rtol=2e-3, atol=2e-3)  # half precision


def test_stored_views_are_the_same_for_the_same_seed_and_all_different():
    distilled, net = distilled_of(SPLIT, 3), teacher()
    a, b, c = (with_views(distilled, net, AUGMENT, count=3, seed=seed).views for seed in (1, 1, 2))
    assert np.array_equal(a.parameters, b.parameters)
    assert np.array_equal(a.logits, b.logits)
    assert len(np.unique(np.concatenate([a.parameters, c.parameters]).reshape(-1, 8), axis=0)) == 2 * 12 * 3


def test_many_views_are_labelled_in_batches_without_a_seam():
    distilled, net = distilled_of(SPLIT, 20), teacher()
    views = with_views(distilled, net, AUGMENT, count=9, seed=1).views  # 720: more than one batch
    images = torch.from_numpy(distilled.training.images).float() / 255
    expected = net(apply(images, torch.from_numpy(views.parameters[:, 7]))).numpy()
    np.testing.assert_allclose(views.logits[:, 7], expected, rtol=2e-3, atol=2e-3)


def test_a_shared_augmentation_gives_all_images_the_same_views():
    shared = replace(AUGMENT, shared=True)
    parameters = with_views(distilled_of(SPLIT, 3), teacher(), shared, count=4, seed=1).views.parameters
    assert (parameters == parameters[:1]).all()
    assert len(np.unique(parameters[0], axis=0)) == 4
