import pickle

import numpy as np
import pytest
import torch
from data_helpers import plain_distilled
from torch.utils.data import DataLoader, Dataset

from wddkit.augment import Augment, apply, draw
from wddkit.data import DistilledSet, Views, torch_dataset


def test_hard_labels_are_class_numbers_and_pixels_are_in_0_to_1():
    distilled = plain_distilled()
    dataset = distilled.as_dataset()
    assert isinstance(dataset, Dataset)
    assert len(dataset) == 6
    images, labels = next(iter(DataLoader(dataset, batch_size=6)))
    assert (images.dtype, labels.dtype, labels.shape) == (torch.float32, torch.int64, (6,))
    np.testing.assert_array_equal((images * 255).round().numpy(), distilled.images)
    np.testing.assert_array_equal(labels, distilled.labels)
    assert images.max() <= 1


def test_soft_labels_are_the_stored_rows():
    distilled = plain_distilled()
    for i, (_, label) in enumerate(distilled.as_dataset(labels="soft")):
        assert label.dtype == torch.float32
        np.testing.assert_array_equal(label, distilled.soft[i])


def test_tiles_are_items_of_their_own():
    distilled = plain_distilled(formation=2)
    dataset = distilled.as_dataset("soft")
    assert len(dataset) == 24
    np.testing.assert_array_equal((dataset[7][0] * 255).round(), distilled.training.images[7])


def test_views_are_cut_as_stored_image_by_image():
    plain = plain_distilled(3)
    augment = Augment(crop=(0.3, 1.0), flip=0.5, jitter=0.2)
    parameters = draw(augment, np.arange(6), key=1).reshape(3, 2, -1)
    distilled = DistilledSet(
        plain.images, plain.labels, plain.classes, plain.masses, views=Views(parameters, plain.views.logits)
    )
    dataset = distilled.as_dataset("views")
    assert len(dataset) == 6
    whole = torch.from_numpy(distilled.images).float() / 255
    for view in range(2):
        cut = apply(whole, torch.from_numpy(parameters[:, view]))
        for image in range(3):
            pixels, logits = dataset[image * 2 + view]
            torch.testing.assert_close(pixels, cut[image])
            np.testing.assert_array_equal(logits.numpy(), distilled.views.logits[image, view].astype(np.float32))
    assert len(list(dataset)) == 6
    with pytest.raises(IndexError, match="item 6 of 6"):
        dataset[6]


@pytest.mark.parametrize("labels", ["hard", "soft", "views"])
def test_workers_get_the_same_items(labels):
    dataset = torch_dataset(plain_distilled(), labels)
    copy = pickle.loads(pickle.dumps(dataset))  # how DataLoader sends it to its workers
    for (image, label), (again, same) in zip(dataset, copy, strict=True):
        assert torch.equal(image, again)
        assert torch.equal(label, same)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ("soft", r"no soft labels: distill under the label regime 'soft', give soft=... to DistilledSet.from_arrays"),
        ("views", r"no stored views: distill under the label regime 'views'"),
        ("online", r"labels='online' are made by the teacher while a student trains"),
        ("sotf", r"unknown label regime 'sotf'. Did you mean 'soft'\? Known: hard, online, soft, views"),
    ],
)
def test_labels_that_are_not_there_are_explained(labels, text):
    plain = plain_distilled()
    bare = DistilledSet(plain.images, plain.labels, plain.classes, plain.masses)
    with pytest.raises(ValueError, match=text):
        bare.as_dataset(labels)
