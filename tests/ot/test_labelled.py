import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from wddkit.ot import Measure, transport, w2_squared
from wddkit.ot.distances import gaussian_w2_squared
from wddkit.ot.labelled import otdd

seeds = st.integers(0, 2**32 - 1)
both = pytest.mark.parametrize("classes", ["gaussian", "exact"])
BETWEEN = {"gaussian": gaussian_w2_squared, "exact": w2_squared}


def labelled(generator, n, d, k, *, weighted=True):
    """Blobs of k classes, each with at least one point."""
    labels = np.append(np.arange(k), generator.integers(k, size=max(0, n - k)))
    points = 2 * generator.normal(size=(k, d))[labels] + generator.normal(size=(len(labels), d))
    masses = generator.dirichlet(np.ones(len(labels))) if weighted else np.full(len(labels), 1 / len(labels))
    return Measure(points, masses), labels


def of_class(measure, labels, label):
    at = labels == label
    return Measure(measure.points[at], measure.masses[at] / measure.masses[at].sum())


# Oracles


@both
@settings(max_examples=15)
@given(seed=seeds, n=st.integers(2, 5), d=st.integers(1, 3))
def test_tiny_sets_are_matched_as_the_best_of_all_permutations(classes, seed, n, d):
    generator = np.random.default_rng(seed)
    x, y = generator.integers(-3, 4, (n, d)), generator.integers(-3, 4, (n, d))
    r, s = (np.append([0], generator.integers(2, size=n - 1)) for _ in range(2))
    W = np.array([[BETWEEN[classes](x[r == r_i], y[s == s_j]) for s_j in s] for r_i in r])
    C = cdist(x, y, "sqeuclidean") + W
    best = min(C[range(n), order].mean() for order in itertools.permutations(range(n)))
    assert otdd(x, r, y, s, classes=classes).value == pytest.approx(best, rel=1e-10, abs=1e-12)


@both
def test_the_parts_are_what_the_plan_pays(classes):
    generator = np.random.default_rng(0)
    (a, r), (b, s) = labelled(generator, 15, 3, 3), labelled(generator, 20, 3, 4)
    t = otdd(a, r, b, s, classes=classes)
    expected = [[BETWEEN[classes](of_class(a, r, i), of_class(b, s, j)) for j in range(4)] for i in range(3)]
    np.testing.assert_allclose(t.class_distances, expected, rtol=1e-10)
    np.testing.assert_array_equal(t.classes_a, [0, 1, 2])
    np.testing.assert_array_equal(t.classes_b, [0, 1, 2, 3])
    np.testing.assert_allclose(t.plan.sum(axis=1), a.masses, atol=1e-14)
    np.testing.assert_allclose(t.plan.sum(axis=0), b.masses, atol=1e-14)
    assert t.points_value == pytest.approx(np.sum(t.plan * cdist(a.points, b.points, "sqeuclidean")), rel=1e-12)
    assert t.labels_value == pytest.approx(np.sum(t.plan * np.array(expected)[r][:, s]), rel=1e-10)
    assert t.value == pytest.approx(t.points_value + t.labels_value, rel=1e-12)
    assert 0 <= t.gap <= 1e-9 * t.value


def test_one_class_on_either_side_adds_the_distance_of_the_sets():
    generator = np.random.default_rng(1)
    (a, _), (b, _) = labelled(generator, 10, 3, 1), labelled(generator, 14, 3, 1)
    ones = np.ones(10), np.ones(14)
    assert otdd(a, ones[0], b, ones[1], classes="exact").value == pytest.approx(2 * w2_squared(a, b), rel=1e-12)
    assert otdd(a, ones[0], b, ones[1]).value == pytest.approx(w2_squared(a, b) + gaussian_w2_squared(a, b), rel=1e-12)


@both
@settings(max_examples=15)
@given(seed=seeds, k=st.integers(1, 4), d=st.integers(1, 4), scale=st.sampled_from([1e-9, 1.0, 1e6]))
def test_a_shift_is_paid_twice(classes, seed, k, d, scale):
    # Balanced plans all pay the shift's inner product with the difference of the means, so that the identity is best.
    generator = np.random.default_rng(seed)
    a, r = labelled(generator, 12, d, k)
    a, shift = Measure(scale * a.points, a.masses), scale * generator.normal(size=d)
    t = otdd(a, r, Measure(a.points + shift, a.masses), r, classes=classes)
    assert t.value == pytest.approx(2 * shift @ shift, rel=1e-9, abs=0)
    assert t.labels_value == pytest.approx(shift @ shift, rel=1e-9, abs=0)


# Laws


@both
@pytest.mark.parametrize("offset", [0, 1e4])
def test_a_set_is_at_distance_zero_from_itself_in_any_order_under_any_names(classes, offset):
    generator = np.random.default_rng(2)
    a, r = labelled(generator, 20, 4, 3)
    a, order = Measure(a.points + offset, a.masses), generator.permutation(20)
    names = np.array(["horse", "cat", "dog"])[r]
    t = otdd(a, r, Measure(a.points[order], a.masses[order]), names[order], classes=classes)
    assert t.value == pytest.approx(0, abs=1e-13)
    np.testing.assert_array_equal(t.classes_b, ["cat", "dog", "horse"])
    np.testing.assert_array_equal(t.class_distances.argmin(axis=1), [2, 0, 1])
    np.testing.assert_allclose(t.class_distances.min(axis=1), 0, atol=1e-15)


@both
def test_renaming_classes_reorders_their_distances_and_nothing_else(classes):
    generator = np.random.default_rng(3)
    (a, r), (b, s) = labelled(generator, 15, 3, 3), labelled(generator, 20, 3, 3)
    new = np.array([7, -1, 2])
    t, renamed = otdd(a, r, b, s, classes=classes), otdd(a, r, b, new[s], classes=classes)
    assert renamed.value == pytest.approx(t.value, rel=1e-13)
    np.testing.assert_array_equal(renamed.classes_b, [-1, 2, 7])
    np.testing.assert_allclose(renamed.class_distances, t.class_distances[:, [1, 2, 0]], rtol=1e-13)
    np.testing.assert_allclose(renamed.plan, t.plan, atol=1e-14)


@both
def test_labels_exchanged_within_the_classes_are_seen_where_the_points_are_equal(classes):
    generator = np.random.default_rng(4)
    points = np.vstack([generator.normal(size=(10, 2)), 10 + generator.normal(size=(10, 2))])
    right = np.repeat([0, 1], 10)
    half, exchanged = np.tile([0, 1], 10), 1 - right
    assert w2_squared(points, points) == 0
    assert otdd(points, right, points, half, classes=classes).value > 20
    # All labels exchanged are but other names.
    assert otdd(points, right, points, exchanged, classes=classes).value == pytest.approx(0, abs=1e-13)


@settings(max_examples=20)
@given(seeds, st.integers(1, 4), st.integers(1, 3))
def test_the_value_lies_between_the_points_and_twice_the_classes(seed, k, d):
    generator = np.random.default_rng(seed)
    (a, r), (b, s) = labelled(generator, 10, d, k), labelled(generator, 8 + k, d, k)
    shares = np.bincount(r, a.masses)
    b = Measure(b.points, b.masses * (shares / np.bincount(s, b.masses))[s])  # the same shares of the classes
    exact, gaussian = otdd(a, r, b, s, classes="exact").value, otdd(a, r, b, s).value
    by_class = shares @ [w2_squared(of_class(a, r, i), of_class(b, s, i)) for i in range(k)]
    assert w2_squared(a, b) <= gaussian * (1 + 1e-10)
    assert gaussian <= exact * (1 + 1e-10)
    assert exact <= 2 * by_class * (1 + 1e-10)


@both
@settings(max_examples=12)
@given(seed=seeds, k=st.integers(1, 4), d=st.integers(1, 4), exponent=st.sampled_from([-9, 0, 6]))
def test_the_value_follows_scale_rotation_shift_sides_and_split_atoms(classes, seed, k, d, exponent):
    generator = np.random.default_rng(seed)
    (a, r), (b, s) = labelled(generator, 8, d, k), labelled(generator, 11, d, k)
    value, scale = otdd(a, r, b, s, classes=classes).value, 10.0**exponent
    Q, shift = np.linalg.qr(generator.normal(size=(d, d)))[0], scale * generator.normal(size=d)
    there = [Measure(scale * each.points @ Q + shift, each.masses) for each in (a, b)]
    assert otdd(there[0], r, there[1], s, classes=classes).value / scale**2 == pytest.approx(value, rel=1e-9)
    assert otdd(b, s, a, r, classes=classes).value == pytest.approx(value, rel=1e-10)
    split = np.append(a.masses, a.masses[0] / 3)
    split[0] *= 2 / 3
    again = otdd(Measure(np.vstack([a.points, a.points[:1]]), split), np.append(r, r[0]), b, s, classes=classes)
    assert again.value == pytest.approx(value, rel=1e-9)


@both
def test_points_and_classes_without_mass_have_no_say(classes):
    generator = np.random.default_rng(5)
    (a, r), (b, s) = labelled(generator, 10, 2, 2), labelled(generator, 12, 2, 3)
    more = Measure(np.vstack([a.points, [[1e7, 0], [0, 0]]]), np.append(a.masses, [0, 0]))
    t, same = otdd(more, np.append(r, [0, 9]), b, s, classes=classes), otdd(a, r, b, s, classes=classes)
    assert t.value == pytest.approx(same.value, rel=1e-9)
    assert t.plan.shape == (12, 12)
    assert not t.plan[10:].any()
    np.testing.assert_allclose(t.plan[:10], same.plan, atol=1e-12)
    np.testing.assert_array_equal(t.classes_a, [0, 1])


@both
def test_degenerate_sets_have_exact_answers(classes):
    one = otdd([[0.0, 0.0]], [1], [[3.0, 4.0]], [2], classes=classes)
    assert (one.value, one.points_value, one.labels_value) == (50, 25, 25)
    alike = np.full((4, 3), 7.0)
    assert otdd(alike, [0, 0, 1, 1], alike[:2], [0, 1], classes=classes).value == 0
    # Every point a class of its own: the classes' distances are the points'.
    x, y = np.random.default_rng(6).normal(size=(2, 6, 3))
    assert otdd(x, range(6), y, range(6), classes=classes).value == pytest.approx(2 * transport(x, y).value, rel=1e-10)


def test_labels_may_be_numbers_strings_or_columns_of_a_table():
    generator = np.random.default_rng(7)
    (a, r), (b, s) = labelled(generator, 10, 2, 2, weighted=False), labelled(generator, 12, 2, 2, weighted=False)
    names = np.array(["cat", "dog"])
    expected = otdd(a, r, b, s).value
    table = pd.DataFrame({"class": names[s].astype(object)})
    for given_labels in (
        s.tolist(),
        s.astype(np.uint8),
        s.astype(float),
        s == 1,
        names[s],
        list(names[s]),
        table["class"],
    ):
        assert otdd(a.points, r, b.points, given_labels).value == pytest.approx(expected, rel=1e-13)


X = np.random.default_rng(8).normal(size=(6, 2))
Y = np.arange(6) % 2


@pytest.mark.parametrize(
    ("arguments", "classes", "message"),
    [
        ((X, Y, X, Y), "gausian", "unknown distance between classes 'gausian'. Did you mean 'gaussian'"),
        ((X, Y[:5], X, Y), "exact", r"labels_a: expected one class for each of 6 points, got shape \(5,\)"),
        ((X, Y, X, np.eye(6)), "exact", r"labels_b: .* got shape \(6, 6\); of soft labels take .* labels.argmax"),
        ((X, Y, X, Y + 0j), "exact", "labels_b: expected numbers or strings, got dtype complex128"),
        ((X, Y, X, [None] * 6), "exact", "labels_b: expected numbers or strings, got dtype object"),
        ((X, np.where(Y == 1, np.nan, 0), X, Y), "exact", "labels_a: NaN or infinite values, first at 1; remove"),
        ((X, Y, X[:, :1], Y), "gaussian", "b: expected points of dimension 2, as the data's, got 1"),
        ((X[:, 0], Y, X, Y), "gaussian", r"a: expected shape \[n, d\]"),
        ((X, Y, np.where(X > 0, np.nan, X), Y), "gaussian", "b: NaN or infinite values"),
        ((X, Y, 1e200 * X, Y), "gaussian", "its square leaves the range of float64"),
    ],
)
def test_sets_that_cannot_be_compared_are_refused(arguments, classes, message):
    with pytest.raises(ValueError, match=message):
        otdd(*arguments, classes=classes)
