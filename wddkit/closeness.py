"""How close a distilled set is to the real one: what stands beside every accuracy, measured once a set.

All but the statistics error are of the teacher's features, and all weigh images by their masses:

w2_squared, w2_squared_heldout  squared W2, as `wddkit.ot.w2_squared`
sliced_w2_squared, .._heldout   squared sliced W2 over `DIRECTIONS` directions, the same ones for every set
mmd_squared, .._heldout         squared MMD; mean of Gaussian kernels, bandwidths 1/4, 1/2, 1, 2 and 4 times the root
                                mean squared distance of two training images of the class: the same for every set
otdd, otdd_heldout              squared OTDD of the labelled sets (Gaussian classes), each class with the same mass
statistics_error                error of the class's normalisation statistics over the real data's own spread, mean over
                                layers: the normalised form of `wddkit.stages.objective`
coverage                        share of training images with a distilled one nearer than their 5th neighbour
nearest_real                    leakage: median of (distance of an image to the nearest training image) / (that one's
                                distance to its own nearest); 0: copies, about 1: as far apart as real images are

All but OTDD compare class by class and are means over the classes that the set has. "heldout": to the validation
images, else to the training images. What compares all pairs takes at most `SAMPLE` images a class on either side, OTDD
`LABELLED` in all: those whose pixels have the smallest hashes, a sample that depends on nothing but the images, so that
a set compared with itself is compared image by image. NaN: cannot be measured (no validation images, W2 above
`LARGEST_PLAN` entries, OTDD above `CLASSES` classes, a network without normalisation).
"""

import functools
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt64

from wddkit.data import DistilledSet, ImageSet
from wddkit.history.tables import DISTANCES
from wddkit.methods import Task
from wddkit.nets import Net
from wddkit.ot import Measure, coverage, mmd_squared, nearest_real, otdd, sliced_w2_squared, w2_squared
from wddkit.ot.distances import SCALES
from wddkit.stages.objective import Block, real_moments, statistics_errors
from wddkit.stages.statistics import Capture
from wddkit.stages.training import pixels

DIRECTIONS = 128
SAMPLE = 500  # images of a class
LABELLED = 1000  # images of each side for OTDD
LARGEST_PLAN = 4_000_000  # entries; above it W2 of a class would take longer than a student
CLASSES = 100  # above it, OTDD's distances between all pairs of classes would take longer than a student
NEIGHBOURS = 5
COPY = 1e-3  # ratio below which an image is a training image: features are single precision
BATCH = 500
_VERSION = 1  # of what is kept: entries of another one are not found, and measured anew

Measures = tuple[Measure | None, ...]


@dataclass(frozen=True, eq=False)
class Embedded:
    """Images with their features and masses; `whole`, `sample` and `labelled` are what distances are taken of."""

    images: ImageSet
    features: Float64[np.ndarray, "n d"]
    masses: Float64[np.ndarray, " n"]
    classes: int

    @functools.cached_property
    def whole(self) -> Measures:
        """Each class's measure; None where a class has none."""
        return self._measures(len(self.images))

    @functools.cached_property
    def sample(self) -> Measures:
        """The same of at most `SAMPLE` images a class."""
        return self._measures(SAMPLE)

    @functools.cached_property
    def labelled(self) -> tuple[Measure, Int64[np.ndarray, " n"]]:
        """All classes in one measure of about `LABELLED` points, each class with the same mass; and the labels."""
        found = [(c, each) for c, each in enumerate(self._measures(max(1, LABELLED // self.classes))) if each]
        masses = np.concatenate([each.masses for _, each in found]) / len(found)
        labels = np.repeat([c for c, _ in found], [len(each) for _, each in found])
        return Measure(np.concatenate([each.points for _, each in found]), masses), labels

    @functools.cached_property
    def hashes(self) -> UInt64[np.ndarray, " n"]:
        """A number for each image, by its pixels."""
        digests = [
            hashlib.blake2b(each.tobytes(), digest_size=8, salt=b"sample").digest() for each in self.images.images
        ]
        return np.frombuffer(b"".join(digests), np.uint64)

    def _measures(self, most: int) -> Measures:
        return tuple(self._measure(self.images.of_class(c), most) for c in range(self.classes))

    def _measure(self, at: Int64[np.ndarray, " k"], most: int) -> Measure | None:
        if len(at) > most:
            at = np.sort(at[np.argsort(self.hashes[at], kind="stable")[:most]])
        total = self.masses[at].sum()
        return Measure(self.features[at], self.masses[at] / total) if total > 0 else None


def closeness(distilled: DistilledSet, task: Task) -> dict[str, float]:
    """The distances of the set to the task's real images by name, NaN where there is none; kept on disk."""
    settings = {
        "version": _VERSION,
        "set": distilled.training.fingerprint,
        "masses": hashlib.sha256(distilled.training_masses.tobytes()).hexdigest(),
        "heldout": task.val.fingerprint,
        "limits": [DIRECTIONS, SAMPLE, LABELLED, LARGEST_PLAN, CLASSES, NEIGHBOURS],
    }

    def build() -> dict[str, np.ndarray]:
        found = measured(distilled, task)
        return {name: np.array(found.get(name, math.nan)) for name in DISTANCES}

    arrays = task.artifact("closeness", settings, build)
    return {name: float(arrays[name]) for name in DISTANCES}


def measured(distilled: DistilledSet, task: Task) -> dict[str, float]:
    """The same, measured now."""
    images, masses, classes = distilled.training, distilled.training_masses, len(task.classes)
    is_whole = images.fingerprint == task.train.fingerprint and np.allclose(masses, _equal(images.labels))
    z, moments = _known(task) if is_whole else seen(task.teacher(), images, masses, classes)
    made = Embedded(images, z, masses, classes)
    real, heldout = (
        Embedded(each, own, np.ones(len(each)), classes)
        for each, own in ((task.train, task.features), (task.val, task.heldout_features))
    )
    lengths = _bandwidths(real)
    return {
        **_to(made, real, lengths),
        **{f"{name}_heldout": value for name, value in _to(made, heldout, lengths).items()},
        "statistics_error": _statistics_error(moments, images, task),
        "coverage": _mean(_coverage, made.sample, real.sample, least=2),
        "nearest_real": _mean(_nearness, made.sample, real.whole, least=2),
    }


def _equal(labels: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """The masses of images that weigh the same within their class."""
    masses: Float64[np.ndarray, " n"] = 1 / np.bincount(labels)[labels]
    return masses


def _known(task: Task) -> tuple[Float64[np.ndarray, "n d"], dict[str, torch.Tensor]]:
    """What `seen` finds of the training images, where it has been found already."""
    moments = {
        name: torch.from_numpy(np.stack([each.mean, each.variance + each.mean**2]))
        for name, each in task.statistics().items()
    }
    return task.features, moments


@torch.no_grad()
def seen(
    net: Net, images: ImageSet, masses: Float64[np.ndarray, " n"], classes: int
) -> tuple[Float64[np.ndarray, "n d"], dict[str, torch.Tensor]]:
    """Features, and each layer's mean and mean square by class `[2, classes, channels]`, in one walk over the images.

    Classes without images have moments of 0.
    """
    reference = next(net.parameters())
    share = np.eye(classes)[images.labels].T * masses
    share = torch.from_numpy(share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)).to(reference.device)
    z: list[torch.Tensor] = []
    moments: dict[str, torch.Tensor] = {}
    with Capture(net.eval()) as found:
        for start in range(0, len(images), BATCH):
            z.append(net.embed(pixels(images.images[start : start + BATCH], like=reference)))
            for name, each in found.items():
                part = share[:, start : start + BATCH] @ each
                moments[name] = moments[name] + part if name in moments else part
    return torch.cat(z).double().cpu().numpy(), moments


def _to(made: Embedded, real: Embedded, lengths: Float64[np.ndarray, " classes"]) -> Mapping[str, float]:
    """The distances that are taken to training and to held-out images alike."""
    if not len(real.images):
        return {}
    mmd = [
        mmd_squared(a, b, bandwidths=[scale * length for scale in SCALES])
        for a, b, length in zip(made.sample, real.sample, lengths, strict=True)
        if a and b
    ]
    return {
        "w2_squared": _w2_squared(made.whole, real.whole),
        "sliced_w2_squared": _mean(_sliced_w2_squared, made.whole, real.whole),
        "mmd_squared": float(np.mean(mmd)) if mmd else math.nan,
        "otdd": otdd(*made.labelled, *real.labelled).value if made.classes <= CLASSES else math.nan,
    }


def _both(a: Measures, b: Measures) -> Iterator[tuple[Measure, Measure]]:
    """The measures of the classes that both have."""
    return ((own, other) for own, other in zip(a, b, strict=True) if own and other)


def _mean(distance: Callable[[Measure, Measure], float], a: Measures, b: Measures, *, least: int = 1) -> float:
    """The mean over classes of which b has at least so many points."""
    values = [distance(own, other) for own, other in _both(a, b) if len(other) >= least]
    return float(np.mean(values)) if values else math.nan


def _w2_squared(a: Measures, b: Measures) -> float:
    too_large = any(len(own) * len(other) > LARGEST_PLAN for own, other in _both(a, b))
    return math.nan if too_large else _mean(w2_squared, a, b)


def _sliced_w2_squared(made: Measure, real: Measure) -> float:
    return sliced_w2_squared(made, real, directions=DIRECTIONS).value


def _coverage(made: Measure, real: Measure) -> float:
    return coverage(real, made, k=min(NEIGHBOURS, len(real) - 1)).coverage


def _nearness(made: Measure, real: Measure) -> float:
    """The median, by mass, of the distances to training images in units of theirs; infinite beside exact doubles."""
    ratio = nearest_real(real, made).ratio
    order = np.argsort(ratio)
    median = float(ratio[order][np.searchsorted(np.cumsum(made.masses[order]), 0.5 - 1e-9)])
    return median if median > COPY else 0.0


def _bandwidths(real: Embedded) -> Float64[np.ndarray, " classes"]:
    """Of each class the root of E|x - x'|² = 2 (total variance); 1 where all its points are alike."""
    return np.array([np.sqrt(2 * each.points.var(axis=0).sum()) or 1.0 if each else 1.0 for each in real.whole])


def _statistics_error(moments: Mapping[str, torch.Tensor], images: ImageSet, task: Task) -> float:
    groups = np.unique(images.labels)
    if not moments:
        return math.nan
    like = next(iter(moments.values()))
    share = torch.eye(len(groups), dtype=like.dtype, device=like.device)
    real = real_moments(task.statistics(), groups, like=like)
    block = Block(groups, torch.from_numpy(groups), share, None, share[0], real)
    return float(statistics_errors(block, {name: each[:, groups] for name, each in moments.items()}).mean())
