"""For notebook 04: clouds of labelled points, in pixels or features, to explore, to draw and to compare."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8
from scipy.spatial.distance import cdist
from sklearn.manifold import TSNE

from wddkit.data import ImageSet
from wddkit.history import History, RealSample
from wddkit.history.fields import Fields
from wddkit.ot import nearest, w2_squared
from wddkit.views.scene.projection import projections


def class_means(points: Float[np.ndarray, "n d"], labels: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "c d"]:
    """The mean point of each class, in the order of the labels that occur."""
    return np.stack([points[labels == c].mean(axis=0, dtype=np.float64) for c in np.unique(labels)])


def as_history(images: ImageSet, points: Float[np.ndarray, "n d"], *, classes: tuple[str, ...], name: str) -> History:
    """A history in memory that shows a cloud in an Explorer: every image at its point, and one disc a class.

    The disc is the class's mean, which is its barycenter of one support point, with the class's variance as value. The
    one distilled image of a class is the real image whose point is nearest to the mean. `name` stands over the view.
    """
    means, barycenters, chosen = class_means(points, images.labels), {}, []
    for c, mean in zip(np.unique(images.labels).tolist(), means, strict=True):
        positions = images.of_class(c)
        own = points[positions].astype(np.float64)
        chosen.append(int(positions[nearest(mean[None], own)[0]]))
        barycenters[c] = {
            "support": mean[None, None],
            "masses": np.ones((1, 1)),
            "value": np.array([own.var(axis=0).sum()]),
            "assignment": np.zeros((1, len(own)), np.int32),  # all of the class goes to its only support point
            "assignment_share": np.ones((1, len(own)), np.float32),
        }
    shown = images.take(np.array(chosen))
    history = History.from_arrays(
        shown.images[None],
        shown.labels,
        classes=classes,
        features=points[chosen][None],
        real=RealSample(images.images, points, images.labels, np.arange(len(images))),
        barycenters=barycenters,
    )
    return replace(history, config=Fields({"dataset": name}))


def shifted(images: UInt8[np.ndarray, "n c h w"], *, by: int = 1) -> UInt8[np.ndarray, "n c h w"]:
    """The images moved to the right by so many pixels (at least 1); what comes in from the left is black."""
    moved = np.zeros_like(images)
    moved[..., by:] = images[..., :-by]
    return moved


def neighbours(points: Float[np.ndarray, "n d"], *, k: int = 10) -> Int64[np.ndarray, "n k"]:
    """Positions of each point's k nearest other points, the nearest first."""
    apart = cdist(points, points)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :k]


def neighbours_kept(picture: Float[np.ndarray, "n 2"], points: Float[np.ndarray, "n d"], *, k: int = 10) -> float:
    """The mean share, in [0, 1], of a point's k nearest points that are among its k nearest in the picture too."""
    both = zip(neighbours(picture, k=k), neighbours(points, k=k), strict=True)
    return float(np.mean([len(np.intersect1d(*each)) / k for each in both]))


def w2_between(points: Float[np.ndarray, "n d"], labels: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "c c"]:
    """W2 (not squared) between the measures of every two classes; 0 on the diagonal."""
    own = [points[labels == c].astype(np.float64) for c in np.unique(labels)]
    found = np.zeros((len(own), len(own)))
    for i in range(len(own)):
        for j in range(i):
            found[i, j] = found[j, i] = np.sqrt(w2_squared(own[i], own[j]))
    return found


def pictures(history: History, *, steps: int = 1000) -> dict[str, Float64[np.ndarray, "n 2"]]:
    """The real points of a history in two dimensions, by the name of what drew them: PCA, LDA and t-SNE.

    The first two are the Explorer's planes. t-SNE (van der Maaten and Hinton 2008) is run once, for `steps` steps from
    the PCA plane; it is no map, so no other point can be placed in it afterwards.
    """
    assert history.real is not None
    assert history.real.features is not None
    points = history.real.features
    planes = {plane.key: plane(points) for plane in projections(history)}
    tsne = TSNE(init="pca", max_iter=steps, random_state=0).fit_transform(points.astype(np.float32))
    return {"PCA": planes["pca"], "LDA": planes["lda"], "t-SNE": tsne.astype(np.float64)}
