"""Distilled sets as a folder: PNGs in one folder a class, `labels.safetensors` and `card.json`."""

import io
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from wddkit.data.card import LAYOUT, SCHEMA, Card, File, Scale, image_file, is_card, read_card, sha256, write_card
from wddkit.data.sets import DistilledSet, MissingDataError, Views

CARD, LABELS = "card.json", "labels.safetensors"
CHANNELS = {"grey": (1, "L"), "RGB": (3, "RGB")}  # number of channels, Pillow's name
TENSORS = ("masses", "labels", "soft", "views.parameters", "views.logits")
OWN_FILES = re.compile(r"card\.json|labels\.safetensors|\d{4,}_[A-Za-z0-9-]+(/\d{6,}\.png)?")
CLUTTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers


def save_distilled(distilled: DistilledSet, path: Any) -> None:
    """Writes the set as a folder, which `load_distilled` reads back bit for bit.

    Hugging Face's and torchvision's image-folder readers read it too; their labels are ours where every class has an
    image. A saved set at `path` is replaced when the new one is complete; ValueError if anything else is there.
    """
    target = Path(path).expanduser().resolve()
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    beside.mkdir()
    try:
        _write(distilled, beside)
        _swap(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def load_distilled(path: Any) -> DistilledSet:
    """The set that `save_distilled` wrote, every file checked against its hash; nothing in it is executed.

    Raises ValueError naming the file for whatever is missing, changed or out of place.
    """
    root = Path(path).expanduser()
    if not (root / CARD).is_file():
        raise MissingDataError(
            f"{root} holds no distilled set: no {CARD}; for images made elsewhere use DistilledSet.from_folder"
        )
    try:
        card = read_card((root / CARD).read_bytes())
        _check_card(card)
    except ValueError as error:
        raise ValueError(f"{root / CARD}: {error}") from error
    tensors = _read_tensors(root, card)
    _check_files(root, card, tensors["labels"])
    images = np.stack([_read_png(root, file, card) for file in card.images])
    parameters, logits = tensors.get("views.parameters"), tensors.get("views.logits")
    try:
        return DistilledSet(
            images=images,
            labels=tensors["labels"],
            classes=card.classes,
            masses=tensors["masses"],
            soft=tensors.get("soft"),
            soft_kind=card.soft_kind,
            views=None if parameters is None or logits is None else Views(parameters, logits),
            formation=card.formation,
            normalisation=None if card.normalisation is None else (card.normalisation.mean, card.normalisation.std),
            about=card.about,
        )
    except ValueError as error:
        raise ValueError(f"{root / LABELS} and {CARD} do not fit the images: {error}") from error


def ours(path: Path) -> bool:
    """Whether the folder holds a saved distilled set, of whatever version."""
    return (path / CARD).is_file() and is_card((path / CARD).read_bytes())


def _write(distilled: DistilledSet, folder: Path) -> None:
    """All files of the set into an empty folder; the card, which holds their hashes, last."""
    if not len(distilled):
        raise ValueError("a distilled set without images cannot be saved")
    files = []
    for position, label in enumerate(distilled.labels.tolist()):
        name = image_file(label, distilled.classes[label], position)
        (folder / name).parent.mkdir(exist_ok=True)
        files.append(File(name, _write_file(folder / name, _png(distilled.images[position]))))
    tensors = {"masses": distilled.masses, "labels": distilled.labels}
    if distilled.soft is not None:
        tensors["soft"] = distilled.soft
    if distilled.views is not None:
        tensors |= {"views.parameters": distilled.views.parameters, "views.logits": distilled.views.logits}
    # safetensors writes memory as it lies, so a transposed view would be stored scrambled.
    data = safetensors.save({key: np.ascontiguousarray(value) for key, value in tensors.items()})
    labels = File(LABELS, _write_file(folder / LABELS, data))
    _write_file(folder / CARD, write_card(_card(distilled, labels, tuple(files))).encode())


def _card(distilled: DistilledSet, labels: File, files: tuple[File, ...]) -> Card:
    for key, value in distilled.about.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ValueError(f"about: expected texts, got {key!r}: {value!r}")
    return Card(
        schema=SCHEMA,
        classes=distilled.classes,
        channels="RGB" if distilled.images.shape[1] == 3 else "grey",
        size=distilled.images.shape[2],
        count=len(distilled),
        layout=LAYOUT,
        pixel_range=(0, 255),
        normalisation=None if distilled.normalisation is None else Scale(*distilled.normalisation),
        formation=distilled.formation,
        soft_kind=distilled.soft_kind,
        labels=labels,
        images=files,
        about=dict(distilled.about),
    )


def _png(image: UInt8[np.ndarray, "c h w"]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))).save(out, "PNG")
    return out.getvalue()


def _write_file(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return sha256(data)


def _swap(beside: Path, target: Path) -> None:
    """Puts the new folder in the target's place; the old one is removed only when the new one stands there."""
    if not target.exists():
        beside.rename(target)
        return
    old = beside.with_name(f"{beside.name}.old")
    target.rename(old)
    try:
        beside.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old)


def _check_replaceable(target: Path) -> None:
    """Raises ValueError unless the place is free or holds nothing but a saved set."""
    if not target.exists():
        return
    way_out = "choose another path, or remove it first"
    if not target.is_dir():
        raise ValueError(f"{target} is a file, not a saved distilled set; {way_out}")
    inside = [item for item in target.rglob("*") if item.name not in CLUTTER]
    if inside and not ours(target):
        raise ValueError(f"{target} is not empty and holds no saved distilled set; {way_out}")
    for item in inside:
        if not OWN_FILES.fullmatch(item.relative_to(target).as_posix()):
            raise ValueError(f"{target} holds {item.relative_to(target)}, which would be lost; {way_out}")


def _check_card(card: Card) -> None:
    if card.count != len(card.images) or not card.images:
        raise ValueError(f"count {card.count}, but {len(card.images)} images are listed")
    if card.pixel_range != (0, 255) or card.layout != LAYOUT or card.labels.file != LABELS:
        raise ValueError(f"expected pixels 0..255 in {LAYOUT} and labels in {LABELS}")


def _read_tensors(root: Path, card: Card) -> Mapping[str, np.ndarray]:
    data = _read_file(root, card.labels)
    try:
        tensors: dict[str, np.ndarray] = safetensors.load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{root / LABELS}: not readable ({error})") from error
    strange = set(tensors) - set(TENSORS)
    if (
        strange
        or not {"masses", "labels"} <= set(tensors)
        or ("views.logits" in tensors) != ("views.parameters" in tensors)
    ):
        raise ValueError(f"{root / LABELS}: expected masses and labels, perhaps soft or views; found {sorted(tensors)}")
    labels = tensors["labels"]
    if labels.dtype != np.int64 or labels.shape != (card.count,) or not _within(labels, len(card.classes)):
        raise ValueError(
            f"{root / LABELS}: labels: expected {card.count} of int64 in 0..{len(card.classes) - 1}, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    return tensors


def _within(labels: Int64[np.ndarray, " n"], classes: int) -> bool:
    return bool(((labels >= 0) & (labels < classes)).all())


def _check_files(root: Path, card: Card, labels: Int64[np.ndarray, " n"]) -> None:
    """File names follow from classes, labels and positions; so a changed class order shows, and no path leaves root."""
    for position, (label, listed) in enumerate(zip(labels.tolist(), card.images, strict=True)):
        expected = image_file(label, card.classes[label], position)
        if listed.file != expected:
            raise ValueError(
                f"{root / CARD}: image {position} is listed as {listed.file!r}, but its label {label} is class "
                f"{card.classes[label]!r}, so {expected!r}: the class order does not fit the folders"
            )
    known = {file.file for file in card.images}
    for extra in sorted(root.glob("*/*.png")):
        if extra.relative_to(root).as_posix() not in known and not extra.name.startswith("."):
            raise ValueError(f"{extra} is not listed in {CARD}; remove it, or read the folder with from_folder")


def _read_file(root: Path, file: File) -> bytes:
    try:
        data = (root / file.file).read_bytes()
    except FileNotFoundError:
        raise MissingDataError(f"{root / file.file} is missing; save the set again") from None
    if sha256(data) != file.sha256:
        raise ValueError(
            f"{root / file.file}: damaged: its content does not fit the hash in {CARD}; save the set again"
        )
    return data


def _read_png(root: Path, file: File, card: Card) -> UInt8[np.ndarray, "c h w"]:
    data = _read_file(root, file)
    mode = CHANNELS[card.channels][1]
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if picture.mode != mode or picture.size != (card.size, card.size):
                raise ValueError(
                    f"expected {card.channels} of {card.size} x {card.size} pixels, got mode {picture.mode} of "
                    f"{picture.size[0]} x {picture.size[1]}"
                )
            pixels = np.asarray(picture)
    except Exception as error:  # Pillow's decoders raise many kinds on damaged bytes
        raise ValueError(f"{root / file.file}: {error}") from error
    return pixels[None] if mode == "L" else pixels.transpose(2, 0, 1)
