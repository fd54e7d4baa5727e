import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wddkit.data.cuts import assemble, cut_off, renumber
from wddkit.data.sets import ImageSet

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80).map(np.array)


@given(LABELS, st.integers(0, 60), st.integers(0, 3))
def test_a_cut_is_a_partition_that_leaves_every_class_in_both_parts(labels, total, seed):
    rest, cut = cut_off(labels, total, seed=seed)
    np.testing.assert_array_equal(np.sort(np.concatenate([rest, cut])), np.arange(len(labels)))
    assert (np.diff(rest) > 0).all()
    assert (np.diff(cut) > 0).all()
    counts = np.bincount(labels)
    taken = np.bincount(labels[cut], minlength=len(counts))
    assert (taken <= np.maximum(counts - 1, 0)).all()
    if total:
        assert (taken[counts > 1] >= 1).all()
    assert len(cut) == np.clip(total, (counts > 1).sum() if total else 0, np.maximum(counts - 1, 0).sum())


@given(st.lists(st.integers(20, 60), min_size=1, max_size=6), st.floats(0.1, 0.5))
def test_every_class_gives_its_share_to_within_one_image(counts, share):
    labels = np.repeat(np.arange(len(counts)), counts)
    _, cut = cut_off(labels, round(share * len(labels)), seed=0)
    taken = np.bincount(labels[cut], minlength=len(counts))
    assert np.abs(taken - len(cut) * np.array(counts) / sum(counts)).max() <= 1


def test_small_classes_get_their_one_at_the_cost_of_large_ones():
    labels = np.repeat(np.arange(6), [40, 2, 2, 2, 2, 1])
    _, cut = cut_off(labels, 8, seed=0)
    np.testing.assert_array_equal(np.bincount(labels[cut], minlength=6), [4, 1, 1, 1, 1, 0])


def test_the_same_seed_gives_the_same_cut_and_another_seed_another():
    labels = np.arange(200) % 4
    first, again, other = (cut_off(labels, 40, seed=seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_class_is_cut_the_same_whatever_stands_beside_it():
    alone = np.zeros(50, np.int64)
    mixed = np.concatenate([alone, np.ones(50, np.int64)])
    np.testing.assert_array_equal(cut_off(alone, 10, seed=3)[1], cut_off(mixed, 20, seed=3)[1][:10])


def test_validation_has_at_most_5000_images():
    labels = np.arange(60_000) % 10
    train = ImageSet(np.zeros((60_000, 1, 1, 1), np.uint8), labels)
    split = assemble(train, train.take(np.arange(10)), classes=tuple("0123456789"), name="x", split_seed=0)
    assert (len(split.train), len(split.val)) == (55_000, 5000)
    np.testing.assert_array_equal(np.bincount(split.val.labels), [500] * 10)


def test_wanted_classes_are_renumbered_in_the_wanted_order():
    names, new = renumber(("a", "b", "c"), ("c", "a"), what="x")
    assert names == ("c", "a")
    np.testing.assert_array_equal(new, [1, -1, 0])
    np.testing.assert_array_equal(renumber(("a", "b"), None, what="x")[1], [0, 1])
    with pytest.raises(ValueError, match=r"unknown class of x 'd'. Known: a, b, c"):
        renumber(("a", "b", "c"), ("d",), what="x")
    with pytest.raises(ValueError, match=r"x: class names must be distinct, got \['a', 'a'\]"):
        renumber(("a", "b"), ("a", "a"), what="x")
