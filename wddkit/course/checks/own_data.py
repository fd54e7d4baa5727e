"""Self-checks of notebook 11: a valid split, bytes, the lightest support point, what may be claimed, a page."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from wddkit.course.addresses import outside
from wddkit.course.answers import Blank, Wrong, first_match, itself, kind_of, number
from wddkit.course.registry import exercise
from wddkit.data import Split
from wddkit.history import History

SHARES = (0.1, 0.5)  # of all images that may be test images
READ = 1.01e-2  # points of accuracy: the difference of two numbers that were read off with two decimals is right
LARGEST = 5.0  # MB of a page that can still be sent by mail
CLAIMS = ("higher", "lower", "open")


@exercise("11-split", "A valid split")
def valid_split(split: Any, *, x: np.ndarray, y: np.ndarray) -> str:
    """A split of all different images, rightly named, every class in each part, no image twice."""
    if not isinstance(split, Split):
        raise Wrong(f"`split` should be what wdd.Split.from_arrays returns, and it is {kind_of(split)}.")
    named = {np.rint(image).astype(np.uint8).tobytes(): str(name) for image, name in zip(x, y, strict=True)}
    if sorted(split.classes) != sorted(set(named.values())):
        raise Wrong(f"the classes are {list(split.classes)}; give their names: {sorted(set(named.values()))}.")
    parts = {part: getattr(split, part) for part in ("train", "val", "test")}
    held = {part: [image.tobytes() for image in each.images] for part, each in parts.items()}
    for part, images in held.items():
        _check_content(part, images, [split.classes[label] for label in parts[part].labels], named)
    if shared := sorted(set(held["test"]) & {*held["train"], *held["val"]}):
        raise Wrong(f"{_images(len(shared))} in test and in train or val: remove copies *before* you cut.")
    counted = Counter(image for images in held.values() for image in images)
    if twice := sum(count > 1 for count in counted.values()):
        raise Wrong(f"{_images(twice)} in there more than once; keep one of each.")
    if lost := len(named) - len(counted):
        raise Wrong(f"{_images(lost)} missing; only copies should go.")
    if lacking := sorted(set(split.classes) - {split.classes[label] for label in split.test.labels}):
        raise Wrong(f"test has no {', '.join(lacking)}: the arrays are sorted by class, so shuffle before you cut.")
    share = len(held["test"]) / len(counted)
    if not SHARES[0] <= share <= SHARES[1]:
        raise Wrong(f"{share:.0%} of the images are for testing; take between {SHARES[0]:.0%} and {SHARES[1]:.0%}.")
    sizes = ", ".join(f"{len(images)} {part}" for part, images in held.items())
    return f"{len(x) - len(named)} copies are gone, every class is tested, and nothing leaks: {sizes}."


def _check_content(part: str, images: list[bytes], names: list[str], named: dict[bytes, str]) -> None:
    """Raises Wrong for pixels that were never there, and for names of other classes."""
    strange = sum(image not in named for image in images)
    if strange:
        raise Wrong(f"{part}: {_images(strange)} not among x: pixels were changed. Floats should be x / 255.")
    false = sum(named[image] != name for image, name in zip(images, names, strict=True))
    if false:
        raise Wrong(f"{part}: {_images(false)} under another class's name; shuffle x and y in the same order.")


def _images(count: int) -> str:
    return "1 image is" if count == 1 else f"{count} images are"


@exercise("11-bytes", "How small is it?")
def small(pixels: Any, share: Any, *, split: Split, ipc: int) -> str:
    """Bytes of the distilled images, and their share of the training images' bytes."""
    found, part = number(pixels, "pixels"), number(share, "share")
    c, h, w = split.train.images.shape[1:]
    k, n = ipc * len(split.classes), len(split.train)
    expected = k * c * h * w
    if abs(found - expected) > 1e-6 * expected:
        said = first_match(
            found,
            [
                (lambda: ipc * c * h * w, "that is one class; there are several."),
                (lambda: k * h * w * 3, "these images are grey: one channel."),
                (lambda: 4 * expected, "a pixel is one byte here (uint8), not four."),
                (lambda: 8 * expected, "bytes, not bits."),
                (lambda: expected / 1000, "bytes, not kilobytes."),
                (lambda: n * c * h * w, "that is the whole training set."),
                (lambda: h * w, "that is one image."),
            ],
        )
        raise Wrong(said or f"`pixels` is {found:.6g}; multiply classes, ipc, channels, height and width.")
    if abs(part - k / n) > 1e-3 * k / n:
        said = first_match(
            part,
            [
                (lambda: n / k, "upside down: distilled divided by real."),
                (lambda: 100 * k / n, "a share, not a percentage: leave out the 100."),
            ],
        )
        raise Wrong(f"`pixels` is right; `share`: {said or f'divide by the bytes of {n} training images.'}")
    return (
        f"{expected:,} bytes, {part:.1%} of the training images. Labels come on top, and a teacher where one is needed."
    )


@exercise("11-lightest", "What stands for least")
def lightest(view: Any, *, history: History) -> str:
    """The distilled image of least mass of all selected, at the last snapshot."""
    itself(view, "view", "Explorer", ("timeline", "selected"))
    if view.selected < 0:
        raise Blank("nothing is selected in the Explorer yet: click a disc, or choose an image under Follow.")
    masses = np.asarray(history.distilled.masses, float)
    labels, classes = history.distilled.labels, history.distilled.classes
    mass, least = masses[view.selected], masses.min()
    name = classes[labels[view.selected]]
    if mass > least * (1 + 1e-6) + 1e-12:
        lighter = int((masses < mass * (1 - 1e-6)).sum())
        raise Wrong(f"this {name} stands for {mass:.1%} of its class, and {_images(lighter)} lighter.")
    if view.step != len(view.timeline) - 1:
        raise Wrong("that is the lightest one; move the slider to the last snapshot, to see how it ends.")
    return f"a {name} that stands for {mass:.1%} of its class. Is it a rare case worth keeping, or a bad picture?"


@exercise("11-claim", "What may be claimed")
def claim(gain: Any, claim: Any, *, results: Any) -> str:
    """The gain over random images, and what the intervals allow to say."""
    found = number(gain, "gain")
    own, random = (results.iloc[i] for i in (0, 1))
    expected = float(own.accuracy - random.accuracy)
    if abs(found - expected) > READ:
        said = first_match(
            found,
            [
                (lambda: -expected, "the other way round: the distilled set minus random images."),
                (lambda: expected / 100, "accuracies are in percent already: do not divide by 100."),
                (lambda: own.accuracy - results.accuracy.iloc[-1], "that is beside the whole real set; take row 1."),
            ],
        )
        raise Wrong(said or f"`gain` is {found:.4g}; subtract {random.accuracy:.2f} from {own.accuracy:.2f}.")
    said = str(claim).strip().casefold()
    if said not in CLAIMS:
        raise Wrong(f"the gain is right; `claim` should be one of {', '.join(map(repr, CLAIMS))}, not {claim!r:.40}.")
    meet = bool(own.low <= random.high and random.low <= own.high)
    right = "open" if meet else "higher" if expected > 0 else "lower"
    spans = f"[{own.low:.2f}, {own.high:.2f}] and [{random.low:.2f}, {random.high:.2f}]"
    if said != right:
        more = "overlap: these students cannot tell" if meet else "do not overlap"
        raise Wrong(f"the gain is right; look at the intervals again: {spans} {more}.")
    return f"{expected:+.2f} points; {spans}. Whatever it says, it is of one synthesis, on one test set."


@exercise("11-page", "A page to share")
def page(page: Any) -> str:
    """An HTML file that exists, loads nothing from elsewhere, and is small."""
    if not isinstance(page, (str, Path)):
        raise Wrong(f"`page` should be the path of the file, and it is {kind_of(page)}.")
    path = Path(page)
    if not path.is_file():
        raise Wrong(f"there is no file {path.name!r}; `view.to_html(path)` writes it and returns its path.")
    text = path.read_text("utf-8", errors="replace")
    if "<html" not in text.lower():
        raise Wrong(f"{path.name} is no page; write it with `view.to_html(path)`.")
    if asked := outside(text):
        raise Wrong(f"{path.name} loads {asked[0]}: it would stay empty where there is no network.")
    size = path.stat().st_size / 1e6
    if size > LARGEST:
        raise Wrong(f"{path.name} has {size:.1f} MB, more than {LARGEST:.0f}: record fewer snapshots.")
    if "wdd" not in text:
        raise Wrong(f"{path.name} is a page, but no Explorer is in it; write it with `view.to_html(path)`.")
    return f"the page {path.name}, {size:.2f} MB, loads nothing from elsewhere: it opens anywhere, without network."
