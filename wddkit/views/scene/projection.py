"""The fixed linear projections in which all features of a history are drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from wddkit.history import History
from wddkit.views.scene import discriminants, principal
from wddkit.views.scene.assignment import assignment

NOT_DISTANCES = "Distances in this 2-D picture are not Wasserstein distances."
NAMES = {"pca": "most variance (PCA)", "lda": "classes apart (LDA)", "plan": "along the transport plan"}


@dataclass(frozen=True, eq=False)
class Projection:
    """Two directions through a point, fixed for a whole history so that nothing but the data moves: (z - mean) basis.

    `explained` is what share each direction holds, in [0, 1]: of the variance (`pca`), of the separation of the classes
    (`lda`), of the squared distance moved (`plan`). Signs are chosen so that each direction's largest coordinate is
    positive: the same data, the same picture. Where there is no second direction, it is zero.
    """

    mean: Float64[np.ndarray, " d"]
    basis: Float64[np.ndarray, "d 2"]
    explained: Float64[np.ndarray, "2"]
    axes: tuple[str, str]
    caption: str  # what must stand under every picture in this projection
    key: str = "pca"

    @classmethod
    def fit(cls, features: Float[np.ndarray, "n d"], *, fitted_to: str = "the real features") -> "Projection":
        """The principal components of these features: the plane that keeps most of their variance."""
        z = _checked(features)
        mean = z.mean(axis=0)
        basis, explained = principal.plane(z - mean)
        caption = (
            f"Linear projection fitted once, to {fitted_to} (PCA): these two directions hold "
            f"{100 * explained.sum():.0f} % of their variance. {NOT_DISTANCES}"
        )
        return cls(mean, basis, explained, _axes("direction", explained, "variance"), caption)

    @classmethod
    def of(cls, history: History) -> "Projection | None":
        """The projection on which most of the variance is seen: PCA of the real features.

        Without real features, of the last distilled images' features, or else of the support points; None if nothing
        was recorded.
        """
        if history.real is not None and history.real.features is not None and len(history.real.features):
            return cls.fit(history.real.features)
        if history.frames and (last := history.features(-1)) is not None:
            return cls.fit(last, fitted_to="the features of the last distilled images")
        if history.barycenters:
            support = np.concatenate([arrays["support"][-1] for arrays in history.barycenters.values()])
            return cls.fit(support, fitted_to="the support points")
        return None

    def __call__(self, features: Float[np.ndarray, "*rows d"]) -> Float64[np.ndarray, "*rows 2"]:
        """The place of each feature vector in the picture: (z - mean) basis."""
        if features.shape[-1] != len(self.mean):
            raise ValueError(
                f"projection: fitted to features of {len(self.mean)} numbers, got {features.shape[-1]}; all features "
                f"of a history must come from one teacher"
            )
        places: Float64[np.ndarray, "*rows 2"] = (features.astype(np.float64) - self.mean) @ self.basis
        return places

    @property
    def name(self) -> str:
        """The projection in a few words."""
        return NAMES[self.key]


def projections(history: History, *, known: tuple[Projection, ...] = ()) -> tuple[Projection, ...]:
    """All projections that there is data for, in the order of `NAMES`; those that are known stay as they are."""
    have = {plane.key: plane for plane in known}
    found = {key: have.get(key) or fit(history) for key, fit in _FITS.items()}
    return tuple(plane for plane in found.values() if plane is not None)


def lda(history: History) -> Projection | None:
    """The class-mean discriminants of the real features; see `wddkit.views.scene.discriminants.plane`.

    None without real features of at least two classes, or where classes have no spread or no difference.
    """
    real = history.real
    if real is None or real.features is None or len(np.unique(real.labels)) < 2:
        return None
    z = _checked(real.features)
    mean = z.mean(axis=0)
    found = discriminants.plane(z - mean, real.labels)
    if found is None:
        return None
    axes = _axes("discriminant", found.explained, "separation")
    tail = f"these two hold {100 * found.explained.sum():.0f} % of the separation"
    if not found.explained[1]:
        axes = (axes[0], f"direction of most variance beside it, {100 * found.beside:.0f} % of the variance")
        tail = "beside it the direction with most of the variance that is left"
    caption = (
        f"Linear projection fitted once, to the real features and their classes (LDA): class means lie farthest apart "
        f"for the spread within classes; {tail}. A unit is about one standard deviation within classes. {NOT_DISTANCES}"
    )
    return Projection(mean, found.basis, found.explained, axes, caption, "lda")


def plan_aligned(history: History) -> Projection | None:
    """The directions in which the transport plans move most at the barycenters' last step.

    With s_i the share of real image i's mass that goes to support point b_j(i), the one that takes most of it, the
    plane of the largest eigenvectors of

        M = Σ_c [ Σ_i s_i (z_i - b_j(i)) (z_i - b_j(i))^T / Σ_i s_i ],    i over the recorded images of class c,

    whose trace is the squared distance moved, summed over classes: an eigenvalue's share of it is its direction's.
    None without real features, a recorded plan, or any distance moved; and while the barycenters are being found.
    """
    real = history.real
    if real is None or real.features is None or not history.barycenters:
        return None
    if not history.frames and not set(np.unique(real.labels).tolist()) <= set(history.barycenters):
        return None  # the rest are still to come, and a projection never changes
    z, moves = _checked(real.features), []
    for label, arrays in sorted(history.barycenters.items()):
        own = np.flatnonzero(real.labels == label)
        given = assignment(arrays, len(own))
        if given is None:
            continue
        points, shares = given[0][-1], given[1][-1].astype(np.float64)
        known = np.flatnonzero((points >= 0) & (shares > 0))
        weights = np.sqrt(shares[known] / shares[known].sum())
        moves.append((z[own[known]] - arrays["support"][-1][points[known]]) * weights[:, None])
    if not any(np.any(each) for each in moves):
        return None
    basis, explained = principal.plane(np.concatenate(moves))
    caption = (
        f"Linear projection fitted once, to how far the transport plan moves the real features to their support points "
        f"at the barycenter's last step: these two directions hold {100 * explained.sum():.0f} % of the squared "
        f"distance moved. {NOT_DISTANCES}"
    )
    axes = _axes("direction", explained, "squared distance moved")
    return Projection(z.mean(axis=0), basis, explained, axes, caption, "plan")


_FITS: Mapping[str, Callable[[History], Projection | None]] = {"pca": Projection.of, "lda": lda, "plan": plan_aligned}


def _axes(kind: str, explained: Float64[np.ndarray, "2"], of: str) -> tuple[str, str]:
    first, second = (100 * float(share) for share in explained)
    return f"first {kind}, {first:.0f} % of the {of}", f"second {kind}, {second:.0f} % of the {of}"


def _checked(features: Float[np.ndarray, "n d"]) -> Float64[np.ndarray, "n d"]:
    z = np.asarray(features, np.float64)
    if z.ndim != 2 or not z.size or not np.isfinite(z).all():
        raise ValueError(f"projection: expected finite features [n, d] with n, d >= 1, got shape {z.shape}")
    return z
