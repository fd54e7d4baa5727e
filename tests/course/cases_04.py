"""Cases of notebook 04."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from cases import EMPTY, Answers, Case, Make, one

from wddkit.course.features import as_history, class_means
from wddkit.data import ImageSet
from wddkit.nets import Net, Network, build
from wddkit.views import Explorer

# Two classes in a plane, mean (0, 0) and (10, 0) but for what has gone astray: 4 images of class 0, 1 of class 1.
NEAR = np.array([[-2.0, 1], [-2, -1], [-3, 0], [-1, 0], [0, 2], [0, -2], [-2, 0], [-2, 2], [-2, -2], [-3, 1]])
FAR = np.array([[8.0, 0], [8, 1], [8, -1], [9, 0]])
OTHERS = np.array([[10.0, 0], [10, 1], [10, -1], [11, 0], [9, 1], [10, 2], [0, 0]])
PLACES = np.concatenate([NEAR, FAR, OTHERS])
OF = np.array([0] * 14 + [1] * 7)

LEFT = np.array([[0.0, 0], [2, 0]])  # variance 1
RIGHT = np.array([[0.0, 4], [2, 8]])  # variance 1 + 4; squared W2: (16 + 64) / 2 = 40, the means are 6 apart: 36
OTHER = np.array([[0.0, 1], [2, 1]])  # squared W2 1, variance 1
LABELS = np.array([3, 3, 7, 7])
PIXELS, CLOUD = np.concatenate([LEFT, RIGHT]), np.concatenate([LEFT, OTHER])
IN_PIXELS, IN_CLOUD = 40 / 6, 1 / 2

# Centred: [±3, 0, 0], [0, ±2, 0], [0, 0, ±1], so the plane holds (9 + 4) / 14.
CROSS = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 1], [0, 0, -1]]) + np.array([5, 0, 1])

# Class 0: channel 0 is 0 and 2 in one image, 4 and 6 in another: mean 3, variance 5, of which 1 within the images.
MAPS = np.array([[[[0.0, 2]], [[1, 1]]], [[[4, 6]], [[3, 3]]], [[[1, 1]], [[0, 8]]]])
WHO = np.array([0, 0, 1])
MEAN, VARIANCE = np.array([[3.0, 2], [1, 4]]), np.array([[5.0, 1], [0, 16]])


@functools.cache
def images() -> ImageSet:
    rng = np.random.default_rng(0)
    return ImageSet(rng.integers(0, 256, size=(9, 1, 8, 8)).astype(np.uint8), np.arange(9) % 3)


@functools.cache
def net() -> Net:
    made = build(Network(width=2, depth=2), classes=3, channels=1, size=8, normalisation=((0.5,), (0.25,)), seed=0)
    return made.eval().requires_grad_(requires_grad=False)


def embedded(change: Callable[[torch.Tensor], torch.Tensor] = lambda x: x / 255) -> torch.Tensor:
    return net().embed(change(torch.from_numpy(images().images).float()))


def mean_features() -> np.ndarray:
    return class_means(embedded().numpy(), images().labels)


def first(change: Callable[[], Any]) -> Make:
    """Changed features, and the right means."""
    return lambda: (change(), mean_features())


def second(change: Callable[[np.ndarray], Any]) -> Make:
    """The right features, and changed means."""
    return lambda: (embedded(), change(mean_features()))


def circled(*real: int, picked: tuple[int, ...] = ()) -> Make:
    def make() -> Answers:
        pixels = np.zeros((len(OF), 1, 8, 8), np.uint8)
        view = Explorer(as_history(ImageSet(pixels, OF), PLACES, classes=("0", "1"), name="places"))
        view.real, view.picked = list(real), list(picked)
        return (view,)

    return make


CASES = {
    "04-means": Case(
        given=lambda: {"net": net(), "images": images()},
        right=(second(lambda m: m), second(torch.from_numpy), second(lambda m: m.tolist())),
        wrong=(
            (first(lambda: net()(torch.from_numpy(images().images) / 255)), "a column a class: these are logits"),
            (first(lambda: embedded(lambda x: x)), "pixels ran from 0 to 255: divide them by 255"),
            (first(lambda: embedded(lambda x: x / 256)), "white is 255: divide by that, not by 256"),
            (first(lambda: embedded(lambda x: net().normalise(x / 255))), "normalises by itself; give it pixels in"),
            (first(lambda: embedded(lambda x: x / 16)), "these pixels run to 255 here, not to 16"),
            (first(lambda: embedded() + 1), "`features` are others than `net.embed` gives for pixels/255"),
            (first(lambda: embedded()[:5]), r"`features` has shape \(5, 4\); expected \(9, 4\), a row an image"),
            (second(lambda m: 3 * m), "`means` are sums; divide each by its number of images"),
            (second(lambda m: np.broadcast_to(m.mean(axis=0), m.shape)), "every row is the mean of all images"),
            (second(lambda m: m[::-1]), "the rows are in reverse order; row 0 is class 0"),
            (second(lambda m: m + np.eye(3, 4)[[2, 2, 0]]), "row 2 of `means` is not the mean of class 2|row [01] of"),
            (second(lambda m: m.T), r"`means` has shape \(4, 3\); expected \(3, 4\).* It seems to be turned"),
        ),
        blank=(lambda: (..., ...), lambda: (embedded(), ...), lambda: (None, mean_features())),
        praise=r"\d+\.\d% of the images lie nearest to the mean of their own class",
    ),
    "04-separation": Case(
        given=lambda: {"pixels": PIXELS, "cloud": CLOUD, "labels": LABELS, "first": 3, "second": 7},
        right=(lambda: (IN_PIXELS, IN_CLOUD), lambda: (np.float64(IN_PIXELS), np.array(IN_CLOUD))),
        wrong=(
            (lambda: (IN_CLOUD, IN_PIXELS), "`in_pixels` and `in_features` are exchanged"),
            (lambda: (40, 1), "`in_pixels` is 40: that is squared W2 itself; divide it by the sum"),
            (lambda: (40**0.5 / 6, 0), "that is W2 over the variances; take it squared"),
            (lambda: (6 / 40, 0), "upside down"),
            (lambda: (6.0, 0), "that is the distance of the means; take squared W2 of the clouds"),
            (lambda: (40 / (LEFT.var() + RIGHT.var()), 0), r"`\.var\(\)` mixes the coordinates"),
            (lambda: (40 / 3, 0), "sum the variances of the coordinates, no mean"),
            (lambda: (40 / 12, 0), "take each class's own variance, not that of both"),
            (lambda: (IN_PIXELS, 0.9), "`in_features` is 0.9: squared W2 is 1 and the two variances are 1 and 1"),
            (lambda: ("far", 1), "`in_pixels` should hold numbers, and it is a `str`"),
        ),
        blank=(lambda: (..., ...), lambda: (IN_PIXELS, ...), lambda: (None, 1)),
        praise="classes 3 and 7: 6.67 in pixels, 0.50 in features. Here pixels keep them apart better",
    ),
    "04-explained": Case(
        given=lambda: {"cloud": CROSS},
        right=(one(13 / 14), one(np.float32(13 / 14))),
        wrong=(
            (lambda: (uncentred(),), "subtract the mean of each column first"),
            (one(5 / 6), "singular values are spreads; square them, all of them"),
            (one(9 / 14), "that is the first direction alone; add the second"),
            (one(1.0), "these are three directions; a plane has two"),
            (one(1300 / 14), "as a share from 0 to 1, not in percent"),
            (one(1 / 14), "that is what the plane loses"),
            (one(0.5), "`explained` is 0.5; divide the two largest squared singular values by the sum of all"),
            (one([0.6, 0.3]), r"`explained` has shape \(2,\); expected \(\), one number"),
        ),
        blank=EMPTY,
        praise="93%. The caption of the Explorer below says the same; 7% stays unseen",
    ),
    "04-lasso": Case(
        given=lambda: {"points": PLACES, "labels": OF},
        right=(circled(10, 11, 12), circled(10, 11, 12, 13, 14, 15), circled(11, 12, 13, 20)),
        wrong=(
            (circled(*range(14)), "you circled 14 images; 12 at most"),
            (circled(0, 1, 2), "all 3 circled images lie nearest to their own class's mean"),
            (circled(10, 11, 20), "3 of the 3 circled images are such, of 2 classes; catch 3 of one class"),
            (circled(10, 0), "1 of the 2 circled images are such of class 0; catch 3 of one class"),
            (one([10, 11, 12]), "give the Explorer itself, `pixel_view`; this is a `list`"),
        ),
        blank=(*EMPTY, circled(), circled(picked=(0, 1))),
        praise="3 images of class 0, most of them at the mean of class 1",
    ),
    "04-statistics": Case(
        given=lambda: {"maps": MAPS, "labels": WHO},
        right=(lambda: (MEAN, VARIANCE), lambda: (torch.tensor(MEAN), VARIANCE.tolist())),
        wrong=(
            (lambda: (MEAN.T, VARIANCE), "`mean` is turned: rows are classes, columns channels"),
            (lambda: (MEAN * [[4], [2]], VARIANCE), "`mean` has sums; divide by their number"),
            (lambda: (np.array([[14 / 6, 16 / 6]] * 2), VARIANCE), "that is the mean of all classes together"),
            (lambda: (MEAN + 1, VARIANCE), r"`mean\[0, 0\]` should be the mean of all numbers in .*: 3\."),
            (lambda: (MEAN, [[1.0, 0], [0, 16]]), "You averaged the variances of single images"),
            (lambda: (MEAN, [[4.0, 1], [0, 0]]), "That is the variance of the images' means"),
            (lambda: (MEAN, VARIANCE * [[4 / 3], [2]]), "Divide by the number, not by one less"),
            (lambda: (MEAN, VARIANCE**0.5), "That is the standard deviation: no root"),
            (lambda: (MEAN, VARIANCE + MEAN**2), "That is the mean square; subtract mean²"),
            (lambda: (MEAN, VARIANCE + 9), r"`mean` is right. `variance\[0, 0\]` is the mean squared distance .*: 5\."),
            (lambda: (MEAN, VARIANCE[0]), r"`variance` has shape \(2,\); expected \(2, 2\), a row a class"),
        ),
        blank=(lambda: (..., ...), lambda: (MEAN, ...), lambda: (MEAN, [[1.0, ...], [0, 0]])),
        praise="right. The variance within single images alone would have missed up to 100% of it",
    ),
}


def uncentred() -> float:
    squares = np.linalg.svd(CROSS, compute_uv=False) ** 2
    return float(squares[:2].sum() / squares.sum())
