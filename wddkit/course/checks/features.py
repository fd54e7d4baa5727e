"""Self-checks of notebook 04: features and class means, separation, explained variance, the lasso, statistics."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist

from wddkit.course.answers import Blank, Mistakes, Wrong, array, close, first_match, itself, number, plain
from wddkit.course.features import class_means
from wddkit.course.registry import exercise
from wddkit.data import ImageSet
from wddkit.nets import Net
from wddkit.ot import w2_squared
from wddkit.stages.training import predict

EXACT = 1e-6  # share of the largest number: what rounding may cost
SINGLE = 1e-4  # the same for what a network computes in single precision, in whatever batches
MOST, ENOUGH = 12, 3  # images circled, and images caught


@exercise("04-means", "Features and class means")
def means(features: Any, means: Any, *, net: Net, images: ImageSet) -> str:
    """embed(x) of all images, and the mean of every class."""
    expected = predict(net, images.images, part="embed").double().cpu().numpy()
    of = "a row an image, a column a feature"
    found = _features(features, net, images, expected.shape, of)
    if not close(found, expected, share=SINGLE):
        raise Wrong(
            _other_features(found, net, images) or "`features` are others than `net.embed` gives for pixels/255."
        )
    own = class_means(expected, images.labels)
    rows = array(means, "means", own.shape, of="a row a class, a column a feature")
    if not close(rows, own, share=SINGLE):
        counts = np.bincount(images.labels)[:, None]
        said = first_match(
            rows,
            [
                (lambda: own * counts, "`means` are sums; divide each by its number of images."),
                (lambda: np.broadcast_to(expected.mean(axis=0), own.shape), "every row is the mean of all images."),
                (lambda: own[::-1], "the rows are in reverse order; row 0 is class 0."),
            ],
            share=SINGLE,
        )
        c = int(np.abs(rows - own).max(axis=1).argmax())
        raise Wrong(said or f"`features` are right; row {c} of `means` is not the mean of class {c}.")
    nearest = cdist(expected, own).argmin(axis=1) == images.labels
    return f"{nearest.mean():.1%} of the images lie nearest to the mean of their own class."


def _features(answer: Any, net: Net, images: ImageSet, shape: tuple[int, ...], of: str) -> np.ndarray:
    if np.shape(plain(answer)) == (len(images), net.head.out_features):
        raise Wrong("`features` has a column a class: these are logits. Call `net.embed`, not `net`.")
    return array(answer, "features", shape, of=of)


def _other_features(found: np.ndarray, net: Net, images: ImageSet) -> str | None:
    """What is said of features that were taken in a known wrong way."""
    raw = torch.from_numpy(images.images).float()

    def embedded(x: torch.Tensor) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(net.embed(x).double().cpu().numpy())

    return first_match(
        found,
        [
            (lambda: embedded(raw), "pixels ran from 0 to 255: divide them by 255 before `net.embed`."),
            (lambda: embedded(raw / 256), "white is 255: divide by that, not by 256."),
            (lambda: embedded(net.normalise(raw / 255)), "`net.embed` normalises by itself; give it pixels in [0, 1]."),
            (lambda: embedded(raw / 16), "these pixels run to 255 here, not to 16 as in scikit-learn."),
        ],
        share=SINGLE,
    )


@exercise("04-separation", "How far apart two classes are")
def separation(
    in_pixels: Any,
    in_features: Any,
    *,
    pixels: np.ndarray,
    cloud: np.ndarray,
    labels: np.ndarray,
    first: int,
    second: int,
) -> str:
    """Squared W2 of two classes over the sum of their variances, in both spaces."""
    found = number(in_pixels, "in_pixels"), number(in_features, "in_features")
    measured = [_separation(points[labels == first], points[labels == second]) for points in (pixels, cloud)]
    expected = [known[0][0] for known in measured]
    if close(found, expected[::-1], share=EXACT) and not close(found, expected, share=EXACT):
        raise Wrong("`in_pixels` and `in_features` are exchanged.")
    for name, value, (right, mistakes) in zip(("in_pixels", "in_features"), found, measured, strict=True):
        if not close(value, right[0], share=EXACT):
            said = first_match(value, mistakes)
            begin = f"squared W2 is {right[1]:.4g} and the two variances are {right[2]:.4g} and {right[3]:.4g}."
            raise Wrong(f"`{name}` is {value:.4g}: {said or begin}")
    more = "Features keep them apart better." if expected[1] > expected[0] else "Here pixels keep them apart better."
    return f"classes {first} and {second}: {expected[0]:.2f} in pixels, {expected[1]:.2f} in features. {more}"


def _separation(a: np.ndarray, b: np.ndarray) -> tuple[tuple[float, float, float, float], Mistakes]:
    """The separation with squared W2 and both variances, and known mistakes."""
    w, u, v = w2_squared(a, b), float(a.var(axis=0).sum()), float(b.var(axis=0).sum())
    apart = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    mistakes = [
        (lambda: w, "that is squared W2 itself; divide it by the sum of the two variances."),
        (lambda: np.sqrt(w) / (u + v), "that is W2 over the variances; take it squared."),
        (lambda: (u + v) / w, "upside down: squared W2 is divided by the variances."),
        (lambda: apart / (u + v), "that is the distance of the means; take squared W2 of the clouds."),
        (lambda: w / (a.var() + b.var()), "`.var()` mixes the coordinates: `.var(axis=0).sum()`."),
        (lambda: w / (a.var(axis=0).mean() + b.var(axis=0).mean()), "sum the variances of the coordinates, no mean."),
        (lambda: w / np.concatenate([a, b]).var(axis=0).sum(), "take each class's own variance, not that of both."),
        (lambda: 2 * w / (u + v), "the sum of the variances, not their mean."),
    ]
    return (w / (u + v), w, u, v), mistakes


@exercise("04-explained", "What a plane keeps")
def explained(explained: Any, *, cloud: np.ndarray) -> str:
    """The share of the variance in the first two principal directions."""
    found = number(explained, "explained")
    s = np.linalg.svd(cloud - cloud.mean(axis=0), compute_uv=False)
    raw = np.linalg.svd(cloud, compute_uv=False) ** 2
    squares = s**2
    expected = float(squares[:2].sum() / squares.sum())
    if close(found, expected, share=EXACT):
        return f"{expected:.0%}. The caption of the Explorer below says the same; {1 - expected:.0%} stays unseen."
    said = first_match(
        found,
        [
            (lambda: raw[:2].sum() / raw.sum(), "subtract the mean of each column first: variance is about the mean."),
            (lambda: s[:2].sum() / s.sum(), "singular values are spreads; square them, all of them."),
            (lambda: squares[0] / squares.sum(), "that is the first direction alone; add the second."),
            (lambda: squares[:3].sum() / squares.sum(), "these are three directions; a plane has two."),
            (lambda: 100 * expected, "as a share from 0 to 1, not in percent."),
            (lambda: 1 - expected, "that is what the plane loses; what it keeps is asked for."),
            (lambda: np.sort(cloud.var(axis=0))[-2:].sum() / cloud.var(axis=0).sum(), "that is two columns, no PCA."),
        ],
    )
    raise Wrong(
        said or f"`explained` is {found:.4g}; divide the two largest squared singular values by the sum of all."
    )


@exercise("04-lasso", "Catch three outliers")
def lasso(view: Any, *, points: np.ndarray, labels: np.ndarray) -> str:
    """At least three images of one class circled that lie nearer to another class's mean, among few."""
    itself(view, "pixel_view", "Explorer", ("selection", "real"))
    chosen = view.selection()
    circled = chosen.loc[chosen["kind"] == "real image", "index"].to_numpy(dtype=np.int64)
    if not len(circled):
        raise Blank(
            "no real image is circled in the pixel Explorer yet: switch *lasso* on, and draw around some marks."
        )
    if len(circled) > MOST:
        raise Wrong(f"you circled {len(circled)} images; {MOST} at most. Show fewer classes, or draw a smaller ring.")
    nearest = cdist(points[circled], class_means(points, labels)).argmin(axis=1)
    caught = circled[nearest != labels[circled]]
    if not len(caught):
        raise Wrong(
            f"all {len(circled)} circled images lie nearest to their own class's mean; look nearer to other discs."
        )
    counts = np.bincount(labels[caught])
    c = int(counts.argmax())
    if counts[c] < ENOUGH:
        many = f", of {int((counts > 0).sum())} classes" if (counts > 0).sum() > 1 else f" of class {c}"
        raise Wrong(f"{len(caught)} of the {len(circled)} circled images are such{many}; catch {ENOUGH} of one class.")
    homes = nearest[(nearest != labels[circled]) & (labels[circled] == c)]
    return f"{counts[c]} images of class {c}, most of them at the mean of class {np.bincount(homes).argmax()}."


@exercise("04-statistics", "Statistics of six images")
def statistics(mean: Any, variance: Any, *, maps: np.ndarray, labels: np.ndarray) -> str:
    """Mean and variance by class and channel, over images and positions."""
    own = [maps[labels == c] for c in np.unique(labels)]
    expected = np.stack([x.mean(axis=(0, 2, 3)) for x in own])
    found = array(mean, "mean", expected.shape, of="a row a class, a column a channel")
    if not close(found, expected, share=EXACT):
        said = first_match(
            found,
            [
                (lambda: expected.T, "`mean` is turned: rows are classes, columns channels."),
                (lambda: np.stack([x.sum(axis=(0, 2, 3)) for x in own]), "`mean` has sums; divide by their number."),
                (lambda: np.stack([maps.mean(axis=(0, 2, 3))] * len(own)), "that is the mean of all classes together."),
            ],
        )
        raise Wrong(
            said or f"`mean[0, 0]` should be the mean of all numbers in `maps[of == 0][:, 0]`: {expected[0, 0]:.4g}."
        )
    right = np.stack([x.var(axis=(0, 2, 3)) for x in own])
    spread = array(variance, "variance", right.shape, of="a row a class, a column a channel")
    if not close(spread, right, share=EXACT):
        raise Wrong(f"`mean` is right. {_other_variance(spread, own) or _begin(right)}")
    within = np.stack([x.var(axis=(2, 3)).mean(axis=0) for x in own])
    lost = float((1 - within / np.where(right > 0, right, 1)).max())
    return f"right. The variance within single images alone would have missed up to {lost:.0%} of it."


def _begin(right: np.ndarray) -> str:
    return f"`variance[0, 0]` is the mean squared distance from `mean[0, 0]`, over all positions: {right[0, 0]:.4g}."


def _other_variance(found: np.ndarray, own: Sequence[np.ndarray]) -> str | None:
    return first_match(
        found,
        [
            (
                lambda: np.stack([x.var(axis=(2, 3)).mean(axis=0) for x in own]),
                "You averaged the variances of single images: how far their means lie apart is lost.",
            ),
            (
                lambda: np.stack([x.mean(axis=(2, 3)).var(axis=0) for x in own]),
                "That is the variance of the images' means; positions within an image count too.",
            ),
            (lambda: np.stack([x.var(axis=(0, 2, 3), ddof=1) for x in own]), "Divide by the number, not by one less."),
            (lambda: np.stack([x.std(axis=(0, 2, 3)) for x in own]), "That is the standard deviation: no root."),
            (lambda: np.stack([(x**2).mean(axis=(0, 2, 3)) for x in own]), "That is the mean square; subtract mean²."),
        ],
    )
