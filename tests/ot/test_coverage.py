import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from wddkit.ot import Measure
from wddkit.ot.coverage import coverage, nearest_real

seeds = st.integers(0, 2**32 - 1)
X = np.random.default_rng(0).normal(size=(20, 3))
Y = np.random.default_rng(1).normal(size=(7, 3))


# Coverage


@settings(max_examples=40)
@given(seeds, st.integers(2, 15), st.integers(1, 10), st.integers(1, 4), st.data())
def test_coverage_is_what_its_definition_counts(seed, n, m, d, data):
    generator = np.random.default_rng(seed)
    k = data.draw(st.integers(1, n - 1))
    x, y = generator.normal(size=(n, d)), generator.normal(size=(m, d)) + 0.5
    a, b = generator.dirichlet(np.ones(n)), generator.dirichlet(np.ones(m))
    radii = NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[0][:, -1]  # of other points only
    inside = cdist(x, y) <= radii[:, None]
    found = coverage(Measure(x, a), Measure(y, b), k=k)
    np.testing.assert_array_equal(found.covered, inside.any(axis=1))
    np.testing.assert_array_equal(found.balls, inside.sum(axis=0))
    assert found.coverage == pytest.approx(a @ inside.any(axis=1))
    assert found.density == pytest.approx(inside.sum(axis=0) @ b / k)
    assert found.precision == pytest.approx(b @ inside.any(axis=0))
    plain = coverage(x, y, k=k)
    assert plain.coverage == pytest.approx(inside.any(axis=1).mean())
    assert plain.density == pytest.approx(inside.sum() / (k * m))


def test_coverage_of_points_on_a_line():
    # Balls of k = 1: [-1, 1], [0, 2], [1, 3] about 0, 1, 2 and [2, 18] about 10.
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    found = coverage(real, [[0.5], [2.0], [-5.0]], k=1)
    np.testing.assert_array_equal(found.covered, [True, True, True, True])
    np.testing.assert_array_equal(found.balls, [2, 3, 0])  # the rim counts: 2 lies in the ball about 1
    assert found.coverage == 1
    assert found.density == pytest.approx(5 / 3)
    assert found.precision == pytest.approx(2 / 3)
    assert coverage(real, [[0.5]], k=1).coverage == 0.5


@pytest.mark.parametrize(("n", "m", "k"), [(40, 5, 3), (25, 60, 2), (12, 1, 11), (2, 3, 1)])
def test_fresh_real_points_cover_as_much_as_expected_and_have_density_one(n, m, k):
    generator = np.random.default_rng(2)
    drawn = [coverage(generator.normal(size=(n, 2)), generator.normal(size=(m, 2)), k=k) for _ in range(400)]
    for values, expected in (
        ([each.coverage for each in drawn], drawn[0].expected),
        ([each.density for each in drawn], 1),
    ):
        assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / 20)


def test_one_point_is_expected_to_cover_its_neighbours():
    # Of k balls in n each: 1 - (n - k) / n with m = 1.
    for n, k in ((20, 5), (7, 6), (2, 1)):
        assert coverage(X[:n], Y[:1], k=k).expected == pytest.approx(k / n)


def test_a_collapsed_set_is_dense_and_covers_little():
    found = coverage(X, np.tile(X[:1], (50, 1)), k=3)
    assert found.precision == 1
    assert found.density >= 1
    assert found.coverage < 0.5 < found.expected


def test_far_points_raise_nothing():
    near = coverage(X, Y)
    more = coverage(X, np.vstack([Y, 1e6 + Y]))
    assert more.coverage == near.coverage
    assert more.density == pytest.approx(near.density / 2)
    np.testing.assert_array_equal(more.balls[7:], 0)


@settings(max_examples=25)
@given(seeds, st.integers(1, 19), st.sampled_from([1e-9, 1e-3, 1e6]), st.sampled_from([0, 1e4]))
def test_coverage_is_blind_to_scale_rotation_shift_and_order(seed, k, scale, offset):
    generator = np.random.default_rng(seed)
    # Synthetic points that are real ones stand on the rims of balls.
    y, Q, order = np.vstack([Y, X[:4]]), np.linalg.qr(generator.normal(size=(3, 3)))[0], generator.permutation(20)
    found = coverage(X, y, k=k)
    moved = coverage(scale * (X[order] @ Q + offset), scale * (y @ Q + offset), k=k)
    np.testing.assert_array_equal(moved.covered, found.covered[order])
    np.testing.assert_array_equal(moved.balls, found.balls)
    assert moved.coverage == pytest.approx(found.coverage, rel=1e-13)


def test_coverage_grows_with_k_and_with_more_points():
    assert np.all(np.diff([coverage(X, Y, k=k).coverage for k in range(1, 20)]) >= 0)
    assert np.all(np.diff([coverage(X, Y[:m], k=3).coverage for m in range(1, 8)]) >= 0)
    assert np.all(np.diff([coverage(X, Y, k=k).expected for k in range(1, 20)]) > 0)


@pytest.mark.parametrize("k", [1, 5, 19])
def test_a_set_covers_itself(k):
    found = coverage(X, X[::-1], k=k)
    assert found.coverage == found.precision == 1
    assert (found.balls >= 1).all()


def test_identical_points_and_copies_have_exact_answers():
    alike = np.full((6, 2), 1e4)
    found = coverage(alike, alike[:2], k=2)
    assert (found.coverage, found.precision, found.density) == (1, 1, 3)  # each lies in all 6 balls of radius 0
    assert coverage(alike, alike[:2] + 1, k=2).coverage == 0
    # Three copies of each real point: with k = 2 only copies are neighbours, and only a hit covers.
    assert coverage(np.repeat(X, 3, axis=0), X[:4], k=2).coverage == pytest.approx(0.2)
    assert coverage(np.repeat(X, 3, axis=0), X[:4] + 1e-3, k=2).coverage == 0


def test_points_without_mass_neither_cover_nor_count():
    found = coverage(X, Y, k=3)
    real = Measure(np.vstack([Y[:2], X]), np.append([0, 0], np.full(20, 1 / 20)))
    made = Measure(np.vstack([Y, X]), np.append(np.full(7, 1 / 7), np.zeros(20)))
    again = coverage(real, made, k=3)
    np.testing.assert_array_equal(again.covered, np.append([False, False], found.covered))
    np.testing.assert_array_equal(again.balls[:7], found.balls)
    for name in ("coverage", "expected", "density", "precision"):
        assert getattr(again, name) == pytest.approx(getattr(found, name), rel=1e-13)


@pytest.mark.parametrize("block", [1, 50])
def test_blocks_of_distances_give_the_same(monkeypatch, block):
    found, near = coverage(X, Y), nearest_real(X[:12], Y, heldout=X[12:])
    monkeypatch.setattr(sys.modules["wddkit.ot.coverage"], "BLOCK", block)
    again, near_again = coverage(X, Y), nearest_real(X[:12], Y, heldout=X[12:])
    np.testing.assert_array_equal(again.covered, found.covered)
    np.testing.assert_array_equal(again.balls, found.balls)
    np.testing.assert_array_equal(near_again.index, near.index)
    np.testing.assert_allclose(near_again.ratio, near.ratio, rtol=1e-12)
    assert near_again.leakage.deviation == pytest.approx(near.leakage.deviation, rel=1e-12)


@pytest.mark.parametrize(
    ("real", "synthetic", "k", "message"),
    [
        (X, Y, 20, "k = 20: expected fewer than the 20 real points; give more real points, or lower k"),
        (X[:1], Y, 1, "k = 1: expected fewer than the 1 real points"),
        (Measure(X, np.append(np.full(4, 1 / 4), np.zeros(16))), Y, 4, "k = 4: expected fewer than the 4 real points"),
        (X, Y, 0, "k: expected a whole number of at least 1, got 0"),
        (X, Y, 2.0, "k: expected a whole number of at least 1, got 2.0"),
        (X, Y[:, :2], 5, "synthetic: expected points of dimension 3, as the data's, got 2"),
        (X[0], Y, 5, r"real: expected shape \[n, d\]"),
        (X, np.where(Y > 0.7, np.inf, Y), 5, "synthetic: NaN or infinite values"),
        (X, 1e200 * Y, 5, "its square leaves the range of float64"),
    ],
)
def test_sets_without_neighbourhoods_are_refused(real, synthetic, k, message):
    with pytest.raises(ValueError, match=message):
        coverage(real, synthetic, k=k)


# Nearest real points


@settings(max_examples=40)
@given(seeds, st.integers(2, 15), st.integers(1, 10), st.integers(1, 4), st.integers(1, 8))
def test_nearest_real_points_are_what_their_definition_finds(seed, n, m, d, h):
    generator = np.random.default_rng(seed)
    x, y, held = (generator.normal(size=(count, d)) for count in (n, m, h))
    b = generator.dirichlet(np.ones(m))
    D, own = cdist(y, x), cdist(x, x) + np.diag(np.full(n, np.inf))
    found = nearest_real(x, Measure(y, b), heldout=held)
    np.testing.assert_array_equal(found.index, D.argmin(axis=1))
    np.testing.assert_allclose(found.distance, D.min(axis=1), rtol=1e-7)
    np.testing.assert_allclose(found.spacing, own[D.argmin(axis=1)].min(axis=1), rtol=1e-7)
    np.testing.assert_allclose(found.ratio, found.distance / found.spacing, rtol=1e-12)
    assert found.authenticity == pytest.approx(b @ (found.ratio > 1), abs=1e-15)
    np.testing.assert_allclose(found.leakage.distance, cdist(y, held).min(axis=1), rtol=1e-7)
    assert found.leakage.share == pytest.approx(b @ (D.min(axis=1) < cdist(y, held).min(axis=1)), abs=1e-15)
    assert found.leakage.expected == pytest.approx(n / (n + h))


@settings(max_examples=20)
@given(seeds, st.integers(2, 5), st.integers(1, 3), st.integers(1, 6), st.booleans())
def test_over_all_splits_the_share_has_the_mean_and_deviation_that_it_is_given(seed, n, h, m, grid):
    generator = np.random.default_rng(seed)
    pool, y = generator.normal(size=(n + h, 2)), generator.normal(size=(m, 2))
    if grid:  # with ties of several points
        pool, y = generator.integers(0, 3, (n + h, 1)), generator.integers(0, 5, (m, 1)) / 2
    made = Measure(y, generator.dirichlet(np.ones(m)))
    splits = [list(chosen) for chosen in itertools.combinations(range(n + h), n)]
    found = [nearest_real(pool[at], made, heldout=np.delete(pool, at, axis=0)).leakage for at in splits]
    shares = [each.share for each in found]
    assert found[0].expected == pytest.approx(np.mean(shares), rel=1e-12)
    np.testing.assert_allclose([each.deviation for each in found], np.std(shares), rtol=1e-12, atol=1e-14)


def test_copies_of_real_points_are_found_out():
    train, held = X[:12], X[12:]
    found = nearest_real(train, train[::-1], heldout=held)
    np.testing.assert_array_equal(found.index, np.arange(12)[::-1])
    np.testing.assert_array_equal(found.distance, 0)
    np.testing.assert_array_equal(found.ratio, 0)
    assert found.authenticity == 0
    assert found.leakage.share == 1
    assert found.leakage.share > found.leakage.expected + 2 * found.leakage.deviation
    assert nearest_real(train, held, heldout=held).leakage.share == 0
    # Near copies too: a tenth of the way to the next real point.
    near = nearest_real(train, train + 1e-3, heldout=held)
    assert near.authenticity == 0
    assert (near.ratio < 0.1).all()


def test_fresh_points_on_a_line_are_authentic_one_time_in_three():
    # A fresh point gives a real one away if each is the nearest of the other: on a line, that holds for two of three.
    generator = np.random.default_rng(3)
    found = nearest_real(generator.uniform(size=(6000, 1)), generator.uniform(size=(6000, 1)))
    assert found.authenticity == pytest.approx(1 / 3, abs=0.03)


def test_a_set_made_without_the_real_one_has_no_share_beyond_chance():
    generator, scores = np.random.default_rng(4), []
    for _ in range(300):
        train, held, y = (generator.normal(size=(count, 3)) for count in (30, 10, 25))
        leak = nearest_real(train, y, heldout=held).leakage
        scores.append((leak.share - leak.expected) / leak.deviation)
    assert abs(np.mean(scores)) < 0.25
    assert 0.85 < np.std(scores) < 1.15


def test_equally_near_points_share_the_mass():
    leak = nearest_real([[1.0], [5.0]], [[0.0]], heldout=[[-1.0]]).leakage
    assert leak.share == 0.5
    leak = nearest_real([[1.0], [1.0]], [[0.0]], heldout=[[-1.0]]).leakage
    assert leak.share == pytest.approx(2 / 3)
    # Real points that are held out as well tell nothing.
    same = nearest_real(X, Y, heldout=X).leakage
    assert same.share == pytest.approx(0.5, rel=1e-14)
    assert same.expected == 0.5


def test_doubled_real_points_have_spacing_zero():
    found = nearest_real([[0.0], [0.0], [5.0]], [[0.0], [1.0]])
    np.testing.assert_array_equal(found.distance, [0, 1])
    np.testing.assert_array_equal(found.spacing, [0, 0])
    np.testing.assert_array_equal(found.ratio, [0, np.inf])
    assert found.authenticity == 0.5


@settings(max_examples=25)
@given(seeds, st.sampled_from([1e-9, 1e-3, 1e6]), st.sampled_from([0, 1e4]))
def test_nearest_points_follow_scale_rotation_shift_and_order(seed, scale, offset):
    generator = np.random.default_rng(seed)
    Q, order = np.linalg.qr(generator.normal(size=(3, 3)))[0], generator.permutation(12)

    def move(points):
        return scale * (points @ Q + offset)

    found = nearest_real(X[:12], Y, heldout=X[12:])
    moved = nearest_real(move(X[:12][order]), move(Y), heldout=move(X[12:]))
    np.testing.assert_array_equal(order[moved.index], found.index)
    np.testing.assert_allclose(moved.distance, scale * found.distance, rtol=1e-7)
    np.testing.assert_allclose(moved.ratio, found.ratio, rtol=1e-7)
    assert moved.authenticity == pytest.approx(found.authenticity)
    assert moved.leakage.share == pytest.approx(found.leakage.share)
    assert moved.leakage.deviation == pytest.approx(found.leakage.deviation)


def test_real_points_without_mass_are_never_nearest():
    found = nearest_real(X[:12], Y, heldout=X[12:])
    real = Measure(np.vstack([Y, X[:12]]), np.append(np.zeros(7), np.full(12, 1 / 12)))
    held = Measure(np.vstack([Y, X[12:]]), np.append(np.zeros(7), np.full(8, 1 / 8)))
    again = nearest_real(real, Y, heldout=held)
    np.testing.assert_array_equal(again.index, found.index + 7)
    np.testing.assert_allclose(again.ratio, found.ratio, rtol=1e-9)
    assert again.leakage.share == found.leakage.share
    assert again.leakage.expected == 12 / 20


def test_without_held_out_points_nothing_is_said_of_leakage():
    assert nearest_real(X, Y).leakage is None


@pytest.mark.parametrize(
    ("synthetic", "real", "heldout", "message"),
    [
        (Y, X[:1], None, "real: a single point has no neighbour to compare with; give at least 2 real points"),
        (Y[:, :2], X, None, "synthetic: expected points of dimension 3, as the data's, got 2"),
        (Y, X, X[:, :2], "heldout: expected points of dimension 3, as the data's, got 2"),
        (Y, X, X[:0], "heldout: expected shape"),
        (Y[0], X, None, r"synthetic: expected shape \[n, d\]"),
        (Y, np.where(X > 1, np.nan, X), None, "real: NaN or infinite values"),
        (1e200 * Y, X, None, "its square leaves the range of float64"),
    ],
)
def test_sets_without_nearest_points_are_refused(synthetic, real, heldout, message):
    with pytest.raises(ValueError, match=message):
        nearest_real(real, synthetic, heldout=heldout)
