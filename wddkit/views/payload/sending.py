"""What travels to the browser: a small JSON object and named arrays as bytes; for a run under way, what is new."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from wddkit.codec import Json
from wddkit.history import History
from wddkit.views.payload.frames import DrawnFrames, draw
from wddkit.views.payload.neighbours import far
from wddkit.views.payload.points import DRAWN, NO_REAL, Buffers, DrawnReal, DrawnWay, floats, ints
from wddkit.views.scene import facts, results
from wddkit.views.scene.facts import Answer
from wddkit.views.scene.projection import NAMES, Projection, projections

BYTES = 18_000_000  # of all buffers: 24 MB of a page
ASSIGNMENT_BYTES = 6_000_000  # of all classes' assignments
SOFT_BYTES = 4_000_000


@dataclass(frozen=True, eq=False)
class Kept:
    """What a payload was made of, for the next one of the same run."""

    answer: Answer | None = None
    planes: tuple[Projection, ...] = ()
    real: DrawnReal | None = None
    ways: Mapping[int, DrawnWay] = field(default_factory=dict)
    far: bytes | None = None
    frames: DrawnFrames = field(default_factory=DrawnFrames)
    buffers: Buffers = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Payload:
    """`meta` is plain JSON without NaN; `buffers` are little-endian, row by row; what was not recorded has no name.

    labels, indices i4 [k], masses f4 [k], soft f4 [k, C]: the k distilled images that are drawn, and their positions in
    the distilled set. real/labels, real/indices i4 [n], real/far u1 [n], real/xy/<projection> f4 [n, 2] and
    real/sheet/<i>: the n drawn real images, their positions in `history.real`, the tenth of each class that is farthest
    from every support point, places and pictures. support/<label>/xy/<projection> f4 [T, m, 2],
    support/<label>/masses f4 [T, m], support/<label>/nearest i4 [T, m], assign/<label> i4 [T, r] and
    share/<label> f4 [T, r]: a class's barycenter over its T steps, the drawn real image nearest to each support point,
    and of each of the r drawn real images of the class the support point that takes most of its mass (-1: not known)
    and how much. For each segment s of the frames xy/<projection>/<s> f4 [frames, k, 2], gap/<s> f4 [frames, k],
    nearest/<s> i4 [frames, k, 5], layers/<s> f4 [frames, L] and images/<label>/<s>: places, squared distance to the
    target, the nearest drawn real images (-1: none), statistics errors, and pictures, a row an image of the class and
    a column a frame.
    """

    meta: Mapping[str, Json]
    buffers: Mapping[str, bytes]
    kept: Kept = field(default_factory=Kept, repr=False)


def payload(history: History, *, earlier: Payload | None = None, real: int = DRAWN, limit: int = BYTES) -> Payload:
    """A history for the browser, at whatever stage its run is.

    At most `real` real images are drawn. Pictures are bit for bit (PNG) if all buffers then have at most `limit` bytes,
    else compressed, and only then smaller; `meta["missing"]` says what was done. `earlier` is a payload of the same run
    when it was not so far: its projections, forms and segments stay, and buffers that did not change are the same
    objects, so that only the others need be sent. Raises ValueError for features of different lengths.
    """
    before = earlier.kept if earlier is not None else Kept()
    drawn = _points(history, before, DrawnReal.of_history(history, limit=real) if before.real is None else before.real)
    finished = before.answer is not None and before.answer.distilled is not None
    answer = before.answer if before.answer is not None and finished else Answer.of(history)
    points = _point_buffers(drawn)
    left = limit - sum(map(len, points.values()))
    frames = draw(history, answer, drawn.planes, drawn.real, earlier=before.frames, limit=left)
    images = _image_buffers(answer, frames, drawn.ways)
    buffers = {
        name: same if (same := before.buffers.get(name)) == data else data
        for name, data in {**points, **frames.buffers, **images}.items()
    }
    kept = replace(drawn, answer=answer, frames=frames, buffers=buffers)
    return Payload(_meta(history, kept), buffers, kept)


def _points(history: History, before: Kept, real: DrawnReal | None) -> Kept:
    """Projections, real images and barycenters by now; what was there before is not made again, nor read."""
    if real is not None and set(real.labels.tolist()) <= set(before.ways):
        labels = set(before.ways)  # no more will come
    else:
        labels = set(history.barycenters)
    first = bool(history.frames) and not before.frames.times and len(before.planes) < len(NAMES)
    if before.planes and not first and labels == set(before.ways) and real is before.real:
        return before
    planes = projections(history, known=before.planes)
    real = real and real.placed(planes)
    room = ASSIGNMENT_BYTES // max(1, len(labels))
    ways = {}
    for label in sorted(labels):
        way = before.ways.get(label) or DrawnWay.of(label, history.barycenters[label], real, room=room)
        ways[label] = way.placed(planes, history)
    holes = None
    if real is not None and ways:
        holes = far(real.features, real.labels, {label: way.last for label, way in ways.items()})
    return Kept(planes=planes, real=real, ways=ways, far=None if holes is None else holes.astype(np.uint8).tobytes())


def _point_buffers(drawn: Kept) -> Buffers:
    buffers = dict(drawn.real.buffers) if drawn.real is not None else {}
    if drawn.far is not None:
        buffers["real/far"] = drawn.far
    for way in drawn.ways.values():
        buffers |= way.buffers
    return buffers


def _image_buffers(answer: Answer, frames: DrawnFrames, ways: Mapping[int, DrawnWay]) -> Buffers:
    """What is known of the images at any moment."""
    rows = frames.rows
    if not len(rows):
        return {}
    masses = answer.masses(rows, {label: way.masses for label, way in ways.items()})
    buffers = {"labels": ints(frames.labels), "indices": ints(rows), "masses": floats(masses)}
    soft = answer.soft(rows) if 4 * len(rows) * len(answer.classes) <= SOFT_BYTES else None
    return buffers if soft is None else {**buffers, "soft": floats(soft)}


def _meta(history: History, drawn: Kept) -> dict[str, Json]:
    answer, real, ways, frames = drawn.answer, drawn.real, drawn.ways, drawn.frames
    assert answer is not None
    steps = facts.shown(max((way.steps for way in ways.values()), default=0))
    turns = facts.turns(history)
    return {
        "title": facts.title(history),
        "classes": list(answer.classes),
        "missing": _missing(history, drawn),
        "results": [asdict(result) for result in results(history)],
        "seconds": facts.seconds(history),
        "paired": facts.is_paired(history),
        "timeline": [
            *({"phase": "barycenter", "step": step} for step in steps),
            *({"phase": frame.phase, "step": frame.step} for frame in frames.times),
        ],
        "barycenter_steps": len(steps),
        "real": {"count": 0, "of": 0 if history.real is None else len(history.real.labels), **NO_REAL}
        if real is None
        else real.meta,
        "projections": [
            {"key": plane.key, "name": plane.name, "axes": list(plane.axes), "caption": plane.caption}
            for plane in drawn.planes
        ],
        "ways": [dict(way.meta) for way in ways.values()],
        "scalars": {name: list(values) for name, values in facts.scalars(history).items()},
        "layers": facts.layers(history, frames.layers),
        "turns": turns,
        "finished": answer.distilled is not None,
        "unasked": facts.unasked(history),
        "edited": history.edited or bool(turns),
        **frames.meta,
    }


def _missing(history: History, drawn: Kept) -> list[str]:
    """What was not recorded, and what was done to the rest so that it fits a page."""
    answer, real, frames = drawn.answer, drawn.real, drawn.frames
    assert answer is not None
    said = [*facts.missing(history, answer, real=real is not None, synthetic=frames.has_places)]
    said += [*(real.missing if real is not None else []), *frames.missing]
    if any(way.unassigned for way in drawn.ways.values()):
        said.append("Which support point each real image goes to is left out: it would be too much for a page.")
    if answer.distilled is not None and answer.distilled.soft is not None and "soft" not in drawn.buffers:
        said.append("Soft labels are left out: they would be too much for a page.")
    return said
