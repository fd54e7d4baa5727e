"""The fixed linear projections against PCA, LDA and second moments done by hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import eigh
from views_toys import growing, toy

from wddkit.history import History, RealSample
from wddkit.views import Projection
from wddkit.views.scene import discriminants
from wddkit.views.scene.projection import NOT_DISTANCES, lda, plan_aligned, projections

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
    assert line.explained.tolist() == pytest.approx([1, 0], abs=1e-12)  # a share of rounded squares
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


# Class-mean discriminants


def classes(seed: int = 0, *, count: int = 4, n: int = 60, d: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Classes whose means differ in directions with little spread, while the largest spread tells nothing."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n * count) % count
    spread = np.linspace(6, 0.5, d)
    return rng.normal(size=(count, d))[labels] * 2 + rng.normal(size=(len(labels), d)) * spread, labels


def sample(z: np.ndarray, labels: np.ndarray) -> RealSample:
    return RealSample(np.zeros((len(z), 1, 8, 8), np.uint8), z, labels, np.arange(len(z)))


def real_only(z: np.ndarray, labels: np.ndarray) -> History:
    return History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 1], real=sample(z, labels))


def test_the_spread_within_classes_is_that_of_ledoit_and_wolf() -> None:
    from sklearn.covariance import ledoit_wolf

    for n, d in ((60, 20), (10, 40), (500, 3)):
        residuals = np.random.default_rng(0).normal(size=(n, d)) * np.arange(1, d + 1) / d
        theirs, _ = ledoit_wolf(residuals, assume_centered=True)
        np.testing.assert_allclose(discriminants.shrunk(residuals), theirs, atol=1e-12)


def test_the_discriminants_solve_the_generalised_eigenproblem() -> None:
    z, labels = classes()
    found = discriminants.plane(z, labels)
    assert found is not None
    means = np.stack([z[labels == c].mean(axis=0) for c in range(4)])
    values, vectors = eigh(np.cov(means.T, bias=True), discriminants.shrunk(z - means[labels]))
    for i in range(2):
        np.testing.assert_allclose(np.abs(found.basis[:, i]), np.abs(vectors[:, -1 - i]), atol=1e-9)
    np.testing.assert_allclose(found.explained, values[::-1][:2] / values[values > 1e-12].sum(), rtol=1e-9)


def test_of_many_images_the_discriminants_are_those_of_scikit_learn() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    z, labels = classes(n=20_000)  # so many that nothing is left to shrink
    found = discriminants.plane(z, labels)
    assert found is not None
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(z, labels)
    for i in range(2):
        np.testing.assert_allclose(np.abs(found.basis[:, i]), np.abs(theirs.scalings_[:, i]), atol=0.02)
    np.testing.assert_allclose(found.explained, theirs.explained_variance_ratio_[:2], rtol=0.02)


def test_a_unit_is_about_one_standard_deviation_within_classes() -> None:
    z, labels = classes(n=2000)
    found = discriminants.plane(z, labels)
    assert found is not None
    means = np.stack([z[labels == c].mean(axis=0) for c in range(4)])
    S = discriminants.shrunk(z - means[labels])
    np.testing.assert_allclose(found.basis.T @ S @ found.basis, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(((z - means[labels]) @ found.basis).std(axis=0), 1, rtol=0.05)


def test_no_direction_separates_classes_better_than_the_first() -> None:
    z, labels = classes(1)
    found = discriminants.plane(z, labels)
    assert found is not None
    means = np.stack([z[labels == c].mean(axis=0) for c in range(4)])
    S = discriminants.shrunk(z - means[labels])
    B = np.cov(means.T, bias=True)

    def ratio(u: np.ndarray) -> float:
        return float(u @ B @ u / (u @ S @ u))

    others = np.random.default_rng(0).normal(size=(500, 8))
    assert max(map(ratio, others)) <= ratio(found.basis[:, 0])
    assert ratio(found.basis[:, 1]) <= ratio(found.basis[:, 0])


def test_two_classes_have_one_discriminant_and_the_largest_variance_beside_it() -> None:
    z, labels = classes(2, count=2)
    found = discriminants.plane(z, labels)
    assert found is not None
    assert found.explained.tolist() == [1, 0]
    first, second = (u / np.linalg.norm(u) for u in found.basis.T)
    assert abs(first @ second) < 1e-9
    centred = z - z.mean(axis=0)
    left = centred - np.outer(centred @ first, first)
    values, vectors = np.linalg.eigh(left.T @ left)
    assert abs(vectors[:, -1] @ second) == pytest.approx(1, abs=1e-9)
    assert found.beside == pytest.approx(values[-1] / (centred**2).sum(), rel=1e-9)
    plane = lda(real_only(z, labels))
    assert plane is not None
    assert plane.axes[0] == "first discriminant, 100 % of the separation"
    assert plane.axes[1] == f"direction of most variance beside it, {100 * found.beside:.0f} % of the variance"
    assert "beside it the direction with most of the variance that is left" in plane.caption


def test_class_means_on_a_line_have_one_discriminant_too() -> None:
    rng = np.random.default_rng(3)
    labels = np.arange(300) % 3
    z = rng.normal(size=(300, 4))
    for c in range(3):  # means exactly on a line, and the same spread in every class
        z[labels == c] += np.array([4.0 * c, 0, 0, 0]) - z[labels == c].mean(axis=0)
    found = discriminants.plane(z, labels)
    assert found is not None
    assert found.explained[1] == 0
    assert found.basis[:, 1].any()


def test_discriminants_do_not_depend_on_the_scale_of_the_features_nor_their_order() -> None:
    z, labels = classes(4)
    one, large = discriminants.plane(z, labels), discriminants.plane(z * 1e90, labels)
    order = np.random.default_rng(0).permutation(len(z))
    shuffled = discriminants.plane(z[order], labels[order])
    assert one is not None
    assert large is not None
    assert shuffled is not None
    np.testing.assert_allclose(large.basis * 1e90, one.basis, rtol=1e-9)
    np.testing.assert_allclose(shuffled.basis, one.basis, atol=1e-9)


def test_fewer_images_than_features_still_have_discriminants() -> None:
    z, labels = classes(5, n=4, d=64)
    found = discriminants.plane(z, labels)
    assert found is not None
    assert np.isfinite(found.basis).all()


def test_without_several_classes_or_a_spread_within_them_there_are_no_discriminants() -> None:
    z, labels = classes()
    assert lda(real_only(z, np.zeros_like(labels))) is None
    means = np.stack([z[labels == c].mean(axis=0) for c in range(4)])
    assert discriminants.plane(means[labels], labels) is None
    assert discriminants.plane(np.ones((6, 3)), np.arange(6) % 3) is None
    assert lda(real_only(np.repeat([[1.0, 0], [-1, 0], [0, 2], [0, -2]], 2, axis=0), np.arange(8) % 2)) is None


# Along the plan


def test_the_plan_aligned_directions_are_those_in_which_the_plan_moves_most() -> None:
    history = toy()
    plane = plan_aligned(history)
    assert plane is not None
    assert history.real is not None
    assert history.real.features is not None
    M, moved = np.zeros((4, 4)), 0.0
    for label, way in history.barycenters.items():
        z = history.real.features[history.real.labels == label]
        moves = z - way["support"][-1][way["assignment"][-1]]
        M += moves.T @ moves / len(z)
        moved += (moves**2).sum() / len(z)
    values, vectors = np.linalg.eigh(M)
    for i in range(2):
        assert abs(vectors[:, -1 - i] @ plane.basis[:, i]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(plane.explained, values[::-1][:2] / moved, rtol=1e-9)
    assert plane.axes[0] == f"first direction, {100 * values[-1] / moved:.0f} % of the squared distance moved"


def test_without_a_plan_or_real_features_there_is_no_plan_aligned_projection() -> None:
    assert plan_aligned(toy(real=None)) is None
    assert plan_aligned(toy(barycenters=None)) is None
    bare = {c: {k: v for k, v in toy().barycenters[c].items() if "assign" not in k and "plan" not in k} for c in (0, 1)}
    assert plan_aligned(toy(barycenters=bare)) is None


def test_while_barycenters_are_found_nothing_is_fitted_to_the_first_of_them(tmp_path: Path) -> None:
    keys = {}
    for stage in growing(tmp_path / "run"):
        keys[stage] = [plane.key for plane in projections(History.load(tmp_path / "run", partial=True))]
    assert (keys["nothing"], keys["real"], keys["barycenter 2"]) == ([], ["pca", "lda"], ["pca", "lda"])
    assert keys["barycenter 3"] == keys["complete"] == ["pca", "lda", "plan"]


# All of them


def test_every_projection_is_linear_and_its_text_is_honest() -> None:
    history = toy()
    assert history.real is not None
    z = history.real.features
    assert z is not None
    planes = projections(history)
    assert [plane.key for plane in planes] == ["pca", "lda", "plan"]
    for plane in planes:
        a, b = z[:5], z[5:10]
        np.testing.assert_allclose(plane(0.3 * a + 0.7 * b), 0.3 * plane(a) + 0.7 * plane(b), atol=1e-9)
        np.testing.assert_allclose(plane(z.mean(axis=0, keepdims=True)), 0, atol=1e-9)
        largest = np.abs(plane.basis).argmax(axis=0)
        assert (plane.basis[largest, [0, 1]] > 0).all()
        assert plane.caption.startswith("Linear projection fitted once, to ")
        assert plane.caption.endswith(NOT_DISTANCES)
        assert all("%" in axis for axis in plane.axes)
    assert len({plane.name for plane in planes}) == 3


def test_the_same_data_has_the_same_projections_and_known_ones_stay() -> None:
    planes, again = projections(toy()), projections(toy())
    for one, other in zip(planes, again, strict=True):
        np.testing.assert_array_equal(one.basis, other.basis)
    elsewhere = projections(toy(features=None), known=planes[1:2])
    assert elsewhere[1] is planes[1]
    assert [plane.key for plane in elsewhere] == ["pca", "lda", "plan"]


def test_a_history_without_real_features_has_one_projection() -> None:
    assert [plane.key for plane in projections(toy(real=None))] == ["pca"]
    assert projections(History.from_arrays(np.zeros((1, 2, 1, 8, 8), np.uint8), [0, 1])) == ()


def test_many_features_are_projected_as_few_are() -> None:
    z = np.random.default_rng(0).normal(size=(40, 300)) * np.linspace(3, 1, 300)
    plane = Projection.fit(z)
    _, spread, directions = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)
    for i in range(2):
        assert abs(directions[i] @ plane.basis[:, i]) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(plane.explained, (spread**2 / (spread**2).sum())[:2], rtol=1e-9)
