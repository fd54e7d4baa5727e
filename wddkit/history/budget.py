"""How much of a run is recorded: image size, snapshots and classes that fit a budget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from wddkit.data.pixels import resize
from wddkit.history.arrays import Arrays

ROWS = ("images", "indices", "features", "gap", "labels")  # arrays of a snapshot with a row for each image
THUMBNAIL = 64  # pixels; more do not help in a grid of images
FEW = 10  # snapshots that are kept as long as leaving out classes can do instead
# An npz file has 250 bytes a member beside its content; the rest is for small arrays, such as errors of layers.
_FILE_BYTES = 4096
_INCOMPRESSIBLE = 1.001  # what deflate may add to noise


@dataclass(frozen=True)
class RecordingPlan:
    """What fits: images of the first `classes` classes, at `size` pixels a side, in `snapshots` snapshots."""

    classes: int
    size: int
    snapshots: int
    bytes: int  # at most this much on disk
    said: str  # the plan in words

    def fit(self, arrays: Mapping[str, np.ndarray], labels: Int64[np.ndarray, " k"]) -> Arrays:
        """The arrays of a snapshot with their images resized and only the kept classes' rows; {} if none is left.

        `labels` are those of the whole distilled set; `arrays["indices"]` are positions in it.
        """
        rows = np.flatnonzero(labels[arrays["indices"]] < self.classes)
        if not len(rows) or not self.snapshots:
            return {}
        kept = {name: array[rows] if name in ROWS else array for name, array in arrays.items()}
        side = min(self.size, kept["images"].shape[2])
        return {**kept, "images": resize(kept["images"], side, side)}


def recording_plan(
    shape: tuple[int, int, int, int],
    *,
    classes: int,
    features: int,
    snapshots: int,
    other_bytes: int = 0,
    budget_mb: float = 200.0,
) -> RecordingPlan:
    """The richest recording of `snapshots` moments of k images [k, c, h, w] that stays within the budget.

    First images shrink to 64 px, then there are fewer snapshots (not below 10), then fewer classes, then still fewer
    snapshots, then nothing. A class has up to ceil(k / classes) images, each with a float32 feature vector of this
    length; `other_bytes` (real sample, barycenters) come off the budget of 10^6 bytes a MB first.
    """
    k, channels, height, _ = shape
    if min(k, channels, height, classes) < 1 or min(features, snapshots, other_bytes) < 0 or not budget_mb >= 0:
        raise ValueError(
            f"recording plan: images {shape}, {classes} classes, {features} features, {snapshots} snapshots, "
            f"{budget_mb} MB; expected at least one image and class, and nothing negative"
        )
    budget = budget_mb * 1e6 - other_bytes

    def cost(kept: int, size: int, moments: int) -> int:
        images = min(k, kept * -(-k // classes))
        content = images * (channels * size**2 + 4 * features + 8)
        return int(np.ceil(moments * (_INCOMPRESSIBLE * content + kept * _FILE_BYTES)))

    small = min(height, THUMBNAIL)
    best = (0, small, 0)
    few = min(FEW, snapshots)
    if cost(classes, height, snapshots) <= budget:
        best = (classes, height, snapshots)
    elif cost(classes, small, few) <= budget:
        best = (classes, small, min(snapshots, int(budget // cost(classes, small, 1))))
    elif cost(1, small, 1) <= budget:
        kept = max(1, int(budget // cost(1, small, few)))
        while kept > 1 and cost(kept, small, few) > budget:  # cost rises by steps of whole classes
            kept -= 1
        best = (kept, small, min(few, int(budget // cost(kept, small, 1))))
    while best[2] and cost(*best) > budget:  # division of rounded numbers can be one too many
        best = (*best[:2], best[2] - 1)
    if not best[2]:
        best = (0, small, 0)
    bytes_ = cost(*best)
    return RecordingPlan(*best, bytes_, _said(best, (classes, height, snapshots), bytes_, budget_mb))


def _said(kept: tuple[int, int, int], asked: tuple[int, int, int], size: int, budget_mb: float) -> str:
    if not kept[2]:
        return f"nothing of the images fits the {budget_mb:g} MB for recording; raise the budget to see them change"
    parts = [
        f"images of {kept[1]} x {kept[1]} px" + (f" instead of {asked[1]} x {asked[1]}" if kept[1] < asked[1] else ""),
        f"{kept[2]} snapshots" + (f" of {asked[2]}" if kept[2] < asked[2] else ""),
        f"the first {kept[0]} of {asked[0]} classes" if kept[0] < asked[0] else f"all {asked[0]} classes",
    ]
    return f"recording {', '.join(parts)}: at most {size / 1e6:.1f} of {budget_mb:g} MB"
