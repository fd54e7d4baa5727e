"""Images through time as they travel to the browser: sheets of pictures, and arrays by frame, segment by segment."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from wddkit.codec import Json
from wddkit.history import Frame, History
from wddkit.views.payload import album, sheets
from wddkit.views.payload.album import Album
from wddkit.views.payload.moments import DrawnMoment, Key, Shown, key_of, shown
from wddkit.views.payload.points import NONE, Buffers, DrawnReal
from wddkit.views.payload.room import Room
from wddkit.views.payload.sheets import Form
from wddkit.views.scene.facts import Answer
from wddkit.views.scene.projection import Projection


@dataclass(frozen=True, eq=False)
class DrawnFrames:
    """All frames of a history by now; `made` are their buffers by what they depend on, to be used again."""

    times: tuple[Frame, ...] = ()
    rows: Int64[np.ndarray, " k"] = field(default_factory=NONE.copy)  # positions in the distilled set
    labels: Int64[np.ndarray, " k"] = field(default_factory=NONE.copy)
    left_out: int = 0  # images
    room: Room | None = None
    form: Form | None = None
    segments: tuple[tuple[int, int], ...] = ()  # first frame and count
    layers: int = 0  # that have statistics errors
    buffers: Buffers = field(default_factory=dict)
    drawn: Mapping[Key, DrawnMoment] = field(default_factory=dict)
    made: Mapping[Hashable, bytes] = field(default_factory=dict)

    @property
    def has_places(self) -> bool:
        """Whether the images have places among the features."""
        return any(name.startswith("xy/") for name in self.buffers)

    @property
    def meta(self) -> dict[str, Json]:
        """What the browser must know to read the buffers."""
        size, kind = (0, "image/png") if self.form is None else (self.form.size, self.form.type)
        return {
            "image": {"size": size, "channels": 1 if self.room is None else self.room.channels},
            "segments": [{"start": start, "count": count, "type": kind} for start, count in self.segments],
        }

    @property
    def missing(self) -> list[str]:
        """What was done to the images, in sentences."""
        if self.room is None or self.form is None:
            return []
        n = len(self.rows)
        few = f"Only {n} of {n + self.left_out} distilled images are shown: more would be too much for a page."
        return [*sheets.said(self.form, self.room.pixels, what="Images"), *([few] if self.left_out else [])]


def draw(
    history: History,
    answer: Answer,
    planes: Sequence[Projection],
    real: DrawnReal | None,
    *,
    earlier: DrawnFrames,
    limit: int,
) -> DrawnFrames:
    """The frames of a history; what `earlier` holds of the same run is not made again, and its form stays.

    Without an earlier form, pictures are made in the best one in which all buffers have at most `limit` bytes.
    """
    if not history.frames and answer.distilled is None:
        return DrawnFrames()
    frames, times = shown(history), history.frames or (Frame("distilled", 0),)
    drawn = _drawn(frames, planes, real, earlier.drawn)
    positions = np.sort(np.concatenate([drawn[key_of(moment)].indices for moment in frames[0]]))
    room = earlier.room or Room.of(
        history, answer, positions, len(frames), sample=album.sample(frames, drawn, positions), limit=limit
    )
    rows = room.kept(positions, answer.labels(positions))
    segments = _segments(times, earlier, room.per_segment)
    parts = tuple(frames[start : start + count] for start, count in segments)
    book = Album(parts, drawn, rows, answer.labels(rows))
    recipes, arrays = book.arrays(earlier.made)
    left = limit * len(rows) * len(frames) / room.expected - sum(map(len, arrays.values()))
    form, pictures = _pictured(book, earlier, room, left)
    recipes |= book.picture_recipes
    buffers = {**arrays, **pictures}
    return DrawnFrames(
        times=times,
        rows=rows,
        labels=book.labels,
        left_out=len(positions) - len(rows),
        room=room,
        form=form,
        segments=segments,
        layers=book.table().layers,
        buffers=buffers,
        drawn=drawn,
        made={recipe: buffers[name] for name, recipe in recipes.items()},
    )


def _pictured(book: Album, earlier: DrawnFrames, room: Room, limit: float) -> tuple[Form, Buffers]:
    """The pictures of all frames, in the earlier form, or else in the best that fits."""
    if earlier.form is not None:
        return earlier.form, book.pictures(earlier.form, earlier.made)
    frames = [frame for part in book.parts for frame in part]
    return sheets.best(
        album.sample(frames, book.drawn, book.rows),
        len(book.rows) * len(frames),
        lambda form: book.pictures(form, {}),
        limit=limit,
        largest=room.largest,
        smallest=room.smallest,
    )


def _drawn(
    frames: Shown, planes: Sequence[Projection], real: DrawnReal | None, known: Mapping[Key, DrawnMoment]
) -> dict[Key, DrawnMoment]:
    """The numbers of every snapshot that stands for a frame."""
    drawn: dict[Key, DrawnMoment] = {}
    for moment in (moment for frame in frames for moment in frame):
        key = key_of(moment)
        if key not in drawn:
            before = known.get(key)
            up_to_date = before is not None and before.is_up_to_date(moment, planes, real)
            drawn[key] = before if before is not None and up_to_date else DrawnMoment.of(moment, planes, real)
    return drawn


def _segments(times: Sequence[Frame], earlier: DrawnFrames, most: int) -> tuple[tuple[int, int], ...]:
    """The earlier segments as far as their frames are still the same, then new ones of at most so many frames."""
    kept = []
    for start, count in earlier.segments:
        if tuple(times[start : start + count]) != earlier.times[start : start + count]:
            break
        kept.append((start, count))
    at = sum(count for _, count in kept)
    return (*kept, *((start, min(most, len(times) - start)) for start in range(at, len(times), most)))
