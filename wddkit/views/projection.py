"""The one linear projection in which all features of a history are drawn."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from wddkit.history import History

NOT_DISTANCES = "Distances in this 2-D picture are not Wasserstein distances."


@dataclass(frozen=True, eq=False)
class Projection:
    """Two directions through the mean of some features, fixed for a whole history so that nothing but the data moves.

    `explained` is each direction's share of the variance of what it was fitted to, in [0, 1].
    """

    mean: Float64[np.ndarray, " d"]
    basis: Float64[np.ndarray, "d 2"]
    explained: Float64[np.ndarray, "2"]
    fitted_to: str  # in words

    @classmethod
    def fit(cls, features: Float[np.ndarray, "n d"], *, fitted_to: str = "the real features") -> "Projection":
        """The principal components of these features: the plane that keeps most of their variance.

        Signs are chosen so that each direction's largest coordinate is positive: the same features, the same picture.
        Where there are fewer than two directions with variance, the missing ones are zero.
        """
        z = np.asarray(features, np.float64)
        if z.ndim != 2 or not z.size or not np.isfinite(z).all():
            raise ValueError(f"projection: expected finite features [n, d] with n, d >= 1, got shape {z.shape}")
        mean = z.mean(axis=0)
        _, spread, directions = np.linalg.svd(z - mean, full_matrices=False)
        variances = spread**2
        # Below this, rounding alone chose the direction.
        kept = spread > spread.max(initial=0) * max(z.shape) * np.finfo(np.float64).eps
        directions = directions[kept][:2]
        largest = directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)]
        basis = np.zeros((z.shape[1], 2))
        basis[:, : len(directions)] = (directions * np.sign(largest)[:, None]).T
        explained = np.zeros(2)
        if len(directions):
            explained[: len(directions)] = variances[: len(directions)] / variances.sum()
        return cls(mean, basis, explained, fitted_to)

    @classmethod
    def of(cls, history: History) -> "Projection | None":
        """The projection of a history: PCA of its real features.

        Without real features, of the last distilled images' features, or else of the support points; None if nothing
        was recorded.
        """
        if history.real is not None and history.real.features is not None:
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
    def caption(self) -> str:
        """What must stand under every picture in this projection."""
        return (
            f"Linear projection fitted once, to {self.fitted_to} (PCA): these two directions hold "
            f"{100 * self.explained.sum():.0f} % of their variance. {NOT_DISTANCES}"
        )
