"""The fixed linear projection against PCA done by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from views_toys import toy

from wddkit.views import Projection

coordinates = st.floats(-10, 10, allow_nan=False, width=32)


def cloud(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(200, 6)) * np.array([5, 3, 1, 1, 0.5, 0.1]) + np.arange(6)


def test_the_directions_are_the_leading_eigenvectors_of_the_covariance() -> None:
    z = cloud()
    values, vectors = np.linalg.eigh(np.cov(z.T, bias=True))
    plane = Projection.fit(z)
    for i in range(2):
        assert abs(plane.basis[:, i] @ vectors[:, -1 - i]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(plane.explained, values[::-1][:2] / values.sum(), rtol=1e-9)


def test_explained_variance_is_the_share_of_variance_that_the_picture_keeps() -> None:
    z = cloud()
    plane = Projection.fit(z)
    np.testing.assert_allclose(plane(z).var(axis=0) / z.var(axis=0).sum(), plane.explained, rtol=1e-9)


def test_scikit_learn_finds_the_same_picture() -> None:
    from sklearn.decomposition import PCA

    z = cloud(1)
    theirs = PCA(2, svd_solver="full").fit(z)
    np.testing.assert_allclose(np.abs(Projection.fit(z)(z)), np.abs(theirs.transform(z)), atol=1e-8)
    np.testing.assert_allclose(Projection.fit(z).explained, theirs.explained_variance_ratio_, rtol=1e-9)


def test_the_sign_does_not_depend_on_the_order_of_the_features() -> None:
    z = cloud(2)
    shuffled = np.random.default_rng(0).permutation(z)
    np.testing.assert_allclose(Projection.fit(z).basis, Projection.fit(shuffled).basis, atol=1e-9)
    largest = np.abs(Projection.fit(z).basis).argmax(axis=0)
    assert (Projection.fit(z).basis[largest, [0, 1]] > 0).all()


@given(arrays(np.float64, (12, 3), elements=coordinates))
def test_no_two_points_are_farther_apart_in_the_picture_than_in_feature_space(z: np.ndarray) -> None:
    xy = Projection.fit(z)(z)
    apart = np.linalg.norm(z[:, None] - z, axis=2)
    assert (np.linalg.norm(xy[:, None] - xy, axis=2) <= apart + 1e-6).all()


def test_features_of_one_number_and_a_single_point_have_a_picture() -> None:
    line = Projection.fit(np.array([[0.0], [1.0], [5.0]]))
    np.testing.assert_allclose(line(np.array([[2.0]])), [[0, 0]])
    assert line.explained.tolist() == [1, 0]
    point = Projection.fit(np.ones((1, 4)))
    assert (point(np.ones((3, 4))) == 0).all()
    assert point.explained.tolist() == [0, 0]


def test_features_that_are_no_table_of_numbers_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected finite features"):
        Projection.fit(np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match=r"got shape \(0, 3\)"):
        Projection.fit(np.zeros((0, 3)))


def test_features_of_another_teacher_are_an_error() -> None:
    with pytest.raises(ValueError, match="fitted to features of 6 numbers, got 5"):
        Projection.fit(cloud())(np.zeros((2, 5)))


def test_the_caption_tells_the_variance_and_that_distances_are_not_w2() -> None:
    caption = Projection.fit(cloud()).caption
    assert f"{100 * Projection.fit(cloud()).explained.sum():.0f} % of their variance" in caption
    assert "Distances in this 2-D picture are not Wasserstein distances." in caption


def test_a_history_is_projected_by_its_real_features_or_else_by_what_it_has() -> None:
    history = toy()
    assert history.real is not None
    assert history.real.features is not None
    plane = Projection.of(history)
    assert plane is not None
    np.testing.assert_array_equal(plane.basis, Projection.fit(history.real.features).basis)
    images_only = Projection.of(toy(real=None))
    assert images_only is not None
    assert "the last distilled images" in images_only.caption
    support_only = Projection.of(toy(real=None, features=None))
    assert support_only is not None
    assert "the support points" in support_only.caption
    assert Projection.of(toy(real=None, features=None, barycenters=None)) is None
