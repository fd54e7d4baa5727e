"""Real data sets by name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wddkit.codec import unknown
from wddkit.data.arrays import class_names, image_set, shown
from wddkit.data.cuts import assemble, cut_off, renumber
from wddkit.data.folder import load_folder
from wddkit.data.npz import load_npz
from wddkit.data.sets import ImageSet, MissingDataError, Split
from wddkit.data.shapes import ShapesConfig, shapes
from wddkit.seeds import derive

DIGITS = tuple("0123456789")
FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)


@dataclass(frozen=True)
class Source:
    """Where a data set comes from: made or embedded here (neither), an npz file, or torchvision's own files."""

    about: str
    npz: str | None = None  # file name in the data folder
    torchvision: tuple[str, str] | None = None  # class in torchvision.datasets, folder that its files are in
    classes: tuple[str, ...] | None = None  # None: the file or torchvision tells them


SOURCES: Mapping[str, Source] = {
    "digits": Source("1797 real digits of scikit-learn, 8x8 grey", classes=DIGITS),
    "shapes": Source("generated shapes, 32x32 RGB, 10 classes with three planted modes each"),
    "mnist": Source("MNIST, 28x28 grey", "mnist.npz", ("MNIST", "MNIST/raw"), DIGITS),
    "fashion-mnist": Source(
        "Fashion-MNIST, 28x28 grey", "fashion_mnist.npz", ("FashionMNIST", "FashionMNIST/raw"), FASHION
    ),
    "kmnist": Source("Kuzushiji-MNIST, 28x28 grey", torchvision=("KMNIST", "KMNIST/raw")),
    "cifar10": Source("CIFAR-10, 32x32 RGB", torchvision=("CIFAR10", "cifar-10-batches-py")),
    "cifar10-jpeg": Source("CIFAR-10 (JPEG q75 copy), 32x32 RGB", "cifar10_full_jpeg.npz"),
    "imagenette96": Source("Imagenette squeezed to 96x96 RGB (JPEG q90)", "imagenette96_full_jpeg.npz"),
}
PATTERNS = ("folder:PATH", "npz:PATH")


def datasets() -> tuple[str, ...]:
    """The names that `load` takes; beside them `folder:PATH` and `npz:PATH`."""
    return tuple(SOURCES)


def data_folder() -> Path:
    """Where data files are looked for: the folder WDDKIT_DATA names, else ~/.cache/wddkit."""
    return Path(os.environ.get("WDDKIT_DATA") or "~/.cache/wddkit").expanduser()


def load(
    name: str,
    *,
    split_seed: int = 0,
    size: int | None = None,
    skip_corrupt: bool = False,
    classes: Sequence[str] | None = None,
    download: bool = False,
) -> Split:
    """The real set of this name, cut into train, val and test.

    Official test sets stay; validation is cut from train by `split_seed` (10 %, at most 5000). `digits` is cut into
    900 / 180 / 717 by `split_seed`; `shapes` is generated in three parts. `size` crops central squares and resizes
    them; `skip_corrupt` leaves out corrupt pictures with a warning; `classes` keeps these classes, in this order. An
    npz file without names calls its classes "0", "1", ...; for it `classes` may be their names. Files are looked for
    in WDDKIT_DATA, else ~/.cache/wddkit; nothing is downloaded unless `download` says so. Raises ValueError for
    unknown names and damaged files, `MissingDataError` (a ValueError and a FileNotFoundError) for files not there.
    """
    if not isinstance(name, str):
        raise ValueError(
            f"expected the name of a data set, got {shown(name)}; write one of {', '.join((*SOURCES, *PATTERNS))}"
        )
    kind, colon, rest = name.partition(":")
    if colon and kind in ("folder", "npz") and rest:
        return _load_path(kind, rest, split_seed=split_seed, size=size, skip_corrupt=skip_corrupt, classes=classes)
    if name not in SOURCES:
        raise unknown("data set", name, (*SOURCES, *PATTERNS))
    source, folder = SOURCES[name], data_folder()
    if name == "shapes":
        made = shapes(ShapesConfig()).split
        return _refit({"train": made.train, "val": made.val, "test": made.test}, made.classes, name, size, classes)
    if name == "digits":
        return _refit(_digits(split_seed), DIGITS, name, size, classes)
    if source.npz is not None and (folder / source.npz).exists():
        return load_npz(
            folder / source.npz,
            name=name,
            names=source.classes,
            split_seed=split_seed,
            size=size,
            skip_corrupt=skip_corrupt,
            classes=classes,
        )
    return _load_torchvision(name, download=download, split_seed=split_seed, size=size, classes=classes)


def _load_path(kind: str, rest: str, **options: Any) -> Split:
    path = Path(rest).expanduser()
    if kind == "folder":
        return load_folder(path.absolute(), **options)  # absolute: "." has a name too
    return load_npz(path, name=f"npz:{path.name}", **options)


def _digits(split_seed: int) -> dict[str, ImageSet]:
    """900 train, 180 validation and 717 test images; each class has its share in all three."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    images = np.rint(x.reshape(-1, 1, 8, 8) * 255 / 16).astype(np.uint8)
    whole = ImageSet(images, y.astype(np.int64))
    rest, test = cut_off(whole.labels, 717, seed=derive(split_seed, "test"))
    train, val = cut_off(whole.labels[rest], 180, seed=derive(split_seed, "val"))
    return {"train": whole.take(rest[train]), "val": whole.take(rest[val]), "test": whole.take(test)}


def _refit(
    parts: Mapping[str, ImageSet],
    known: tuple[str, ...],
    name: str,
    size: int | None,
    classes: Sequence[str] | None,
    split_seed: int = 0,
) -> Split:
    """A split of the wanted classes at the wanted size; validation is cut off where there is none."""
    names, new = renumber(known, class_names(classes) or None, what=name)
    sets = {}
    for part, own in parts.items():
        keep = new[own.labels] >= 0
        sets[part] = image_set(
            own.images[keep], new[own.labels[keep]], what=f"{name} ({part})", layout="NCHW", size=size
        )
    val = sets.get("val", 0.1)
    return assemble(sets["train"], sets["test"], classes=names, name=name, split_seed=split_seed, val=val)


def _load_torchvision(
    name: str, *, download: bool, split_seed: int, size: int | None, classes: Sequence[str] | None
) -> Split:
    """Files in torchvision's own layout in the data folder, fetched there first if asked."""
    source, folder = SOURCES[name], data_folder()
    if source.torchvision is None or not (download or (folder / source.torchvision[1]).is_dir()):
        raise MissingDataError(_where(name, source, folder))
    from torchvision import datasets as zoo

    kind = getattr(zoo, source.torchvision[0])
    parts: dict[str, ImageSet] = {}
    known = source.classes
    for part in ("train", "test"):
        try:
            own = kind(str(folder), train=part == "train", download=download)
        except (RuntimeError, OSError) as error:  # torchvision's word for missing or unverified files; no network
            raise MissingDataError(f"{_where(name, source, folder)}; torchvision says: {error}") from error
        pixels = np.asarray(own.data)
        parts[part] = image_set(
            pixels, np.asarray(own.targets), what=f"{name} ({part})", layout="NHW" if pixels.ndim == 3 else "NHWC"
        )
        known = known or tuple(own.classes)
    return _refit(parts, known or (), name, size, classes, split_seed)


def _where(name: str, source: Source, folder: Path) -> str:
    """What was looked for, where, and how to get it."""
    files = [source.npz] if source.npz else []
    files += [f"{source.torchvision[1]}/"] if source.torchvision else []
    text = f"{name}: found no {' or '.join(files)} in {folder}; set WDDKIT_DATA to the folder that holds it"
    return text + (f", or fetch it with load({name!r}, download=True)" if source.torchvision else "")
