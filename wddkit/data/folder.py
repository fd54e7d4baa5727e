"""Folders of pictures, one folder a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wddkit.data.arrays import class_names
from wddkit.data.cuts import assemble, cut_off, renumber
from wddkit.data.pictures import SUFFIXES, read_pictures
from wddkit.data.sets import ImageSet, MissingDataError, Split
from wddkit.seeds import derive

TEST_SHARE = 0.2


@dataclass(frozen=True)
class Pictures:
    """Picture files and the class folder that each is in, in the order of class, then path."""

    files: tuple[Path, ...]
    folders: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the class folders, sorted."""
        return tuple(sorted(set(self.folders)))


def load_folder(
    root: Path,
    *,
    split_seed: int = 0,
    size: int | None = None,
    skip_corrupt: bool = False,
    classes: Sequence[str] | None = None,
) -> Split:
    """A split from `root/train/<class>/...` with `root/test` or `root/val`, or from `root/<class>/...` alone.

    With both `test` and `val` each is taken as it is; with one of them it is the test set and validation is cut from
    train. Class folders alone give 20 % of each class to test by `split_seed`. Classes are the sorted folder names, or
    `classes`. Hidden files, and files that are no pictures by their suffix, are passed over.
    """
    name = f"folder:{root.name}"
    parts = _parts(root)
    names, _ = renumber(parts["train"].classes, class_names(classes) or None, what=name)
    for part, pictures in parts.items():
        strange = sorted(set(pictures.classes) - set(parts["train"].classes))
        if strange:
            raise ValueError(f"{name}: {part} has a class {strange[0]!r} that train has not")
    sets = _read(parts, names, root, name=name, size=size, skip_corrupt=skip_corrupt)
    train = sets["train"]
    if "test" not in sets:
        total = round(TEST_SHARE * len(train))
        rest, cut = cut_off(train.labels, total, seed=derive(split_seed, "test"))
        sets = {"train": train.take(rest), "test": train.take(cut)}
    val = sets.get("val", 0.1)
    return assemble(sets["train"], sets["test"], classes=names, name=name, split_seed=split_seed, val=val)


def list_pictures(root: Path, *, what: str) -> Pictures:
    """The pictures below each class folder of `root`; ValueError if there are no class folders or one is empty."""
    if not root.is_dir():
        raise MissingDataError(f"{what}: there is no folder {root}")
    files: list[Path] = []
    folders: list[str] = []
    for folder in _visible_folders(root):
        found = sorted(path for path in folder.rglob("*") if _is_picture(path, folder))
        if not found:
            raise ValueError(f"{what}: class folder {folder} has no pictures ({', '.join(sorted(SUFFIXES))})")
        files += found
        folders += [folder.name] * len(found)
    if not files:
        loose = any(_is_picture(path, root) for path in root.iterdir())
        raise ValueError(
            f"{what}: no class folders in {root}; expected <class>/*.png, or train/<class>/*.png and test/<class>/*.png"
            + ("; put the pictures into one folder a class" if loose else "")
        )
    return Pictures(tuple(files), tuple(folders))


def _parts(root: Path) -> dict[str, Pictures]:
    """Pictures by part; `train` alone where the folder has no official test set."""
    what = f"folder:{root.name}"
    if not (root / "train").is_dir() or not _visible_folders(root / "train"):  # "train" may be a class of vehicles
        return {"train": list_pictures(root, what=what)}
    held = [part for part in ("test", "val") if (root / part).is_dir()]
    if not held:
        raise ValueError(
            f"{what}: found {root / 'train'} but neither test nor val beside it; "
            f"folder:{root / 'train'} cuts a test set from it"
        )
    parts = {part: list_pictures(root / part, what=f"{what} ({part})") for part in ("train", *held)}
    return {"train": parts["train"], "test": parts["val"]} if held == ["val"] else parts


def _read(
    parts: dict[str, Pictures], names: tuple[str, ...], root: Path, *, name: str, size: int | None, skip_corrupt: bool
) -> dict[str, ImageSet]:
    """All parts at once, so that one size and one number of channels hold for all."""
    wanted = [
        (part, path, names.index(folder))
        for part, pictures in parts.items()
        for path, folder in zip(pictures.files, pictures.folders, strict=True)
        if folder in names
    ]
    wanted.sort(key=lambda each: (list(parts).index(each[0]), each[2]))  # labels ascend, whatever order was asked
    titles = [str(path.relative_to(root)) for _, path, _ in wanted]
    images, kept = read_pictures(
        titles, lambda i: wanted[i][1].read_bytes(), what=name, size=size, skip_corrupt=skip_corrupt
    )
    labels = np.array([wanted[i][2] for i in kept], np.int64)
    where = np.array([wanted[i][0] for i in kept])
    return {part: ImageSet(images[where == part], labels[where == part]) for part in parts}


def _visible_folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _is_picture(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()
