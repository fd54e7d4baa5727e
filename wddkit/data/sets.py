"""The sets of images that everything else is about: real ones, their split, and distilled ones."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float16, Float32, Float64, Int64, UInt8

from wddkit.codec import unknown
from wddkit.data.pixels import resize

LabelRegime = Literal["hard", "soft", "views", "online"]
Normalisation: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]  # mean, std a channel, pixels in [0, 1]


class MissingDataError(ValueError, FileNotFoundError):
    """Files of a data set that are not where they were looked for."""


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with one label each; pixels are 8-bit, channels first, RGB or grey."""

    images: UInt8[np.ndarray, "n c h w"]
    labels: Int64[np.ndarray, " n"]

    def __post_init__(self) -> None:
        check_images(self.images, "images")
        if self.labels.shape != (len(self.images),) or self.labels.dtype != np.int64:
            raise ValueError(
                f"labels: expected int64 of shape ({len(self.images)},), one for each image; "
                f"got {self.labels.dtype} of shape {self.labels.shape}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: Int64[np.ndarray, " k"]) -> "ImageSet":
        """The images at these positions, in this order."""
        return ImageSet(self.images[indices], self.labels[indices])

    def of_class(self, label: int) -> Int64[np.ndarray, " k"]:
        """Positions of one class's images, ascending."""
        return np.flatnonzero(self.labels == label)

    @functools.cached_property
    def fingerprint(self) -> str:
        """64 hex digits of the content: equal for equal pixels and labels, wherever they were read from."""
        digest = hashlib.sha256(repr((self.images.shape, "uint8")).encode())
        digest.update(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Split:
    """A real set cut into train, val and test; label i means `classes[i]` in all three."""

    train: ImageSet
    val: ImageSet
    test: ImageSet
    classes: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes) or not self.classes:
            raise ValueError(f"{self.name}: class names must be distinct and at least one; got {list(self.classes)}")
        for part in ("train", "val", "test"):
            images = getattr(self, part)
            check_labels(images.labels, self.classes, f"{self.name} ({part})", need_all=part == "train")
            if images.images.shape[1:] != self.train.images.shape[1:]:
                raise ValueError(
                    f"{self.name}: {part} images are {images.images.shape[1:]} (channels, height, width) "
                    f"but train images are {self.train.images.shape[1:]}; bring them to one size with size=..., "
                    f"grey images to RGB by repeating the channel"
                )

    @functools.cached_property
    def fingerprint(self) -> str:
        """64 hex digits of all three parts and the class names."""
        parts = [self.train.fingerprint, self.val.fingerprint, self.test.fingerprint, repr(self.classes)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @functools.cached_property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation of each channel over the training pixels, for pixels in [0, 1]."""
        pixels = self.train.images.swapaxes(0, 1).reshape(self.train.images.shape[1], -1)
        # From counts of the 256 values: exact, and no float copy of the whole set.
        counts = np.stack([np.bincount(channel, minlength=256) for channel in pixels]) / pixels.shape[1]
        values = np.arange(256) / 255
        mean = counts @ values
        std = np.sqrt((counts * (values - mean[:, None]) ** 2).sum(axis=1))
        return tuple(map(float, mean)), tuple(float(max(s, 1 / 255)) for s in std)

    @classmethod
    def from_arrays(cls, x_train: Any, y_train: Any, x_test: Any, y_test: Any, **options: Any) -> "Split":
        """A split from arrays; see `wddkit.data.split_from_arrays` for the options and the errors."""
        from wddkit.data.arrays import split_from_arrays

        return split_from_arrays(x_train, y_train, x_test, y_test, **options)


@dataclass(frozen=True, eq=False)
class Views:
    """Stored augmented views of training images: how each was cut, and what the teacher said of it."""

    parameters: Float32[np.ndarray, "n v p"]  # rows of `wddkit.augment.draw`
    logits: Float16[np.ndarray, "n v classes"]


@dataclass(frozen=True, eq=False)
class DistilledSet:
    """The small set that a method ends with: k stored images, their labels and masses.

    With `formation` f > 1 every stored image holds f x f smaller ones: it is cut into tiles that are enlarged
    again, so n = k f^2 training images come from k stored ones. `soft` and `views` have a row for each training
    image, tiles of one stored image in reading order.
    """

    images: UInt8[np.ndarray, "k c h w"]
    labels: Int64[np.ndarray, " k"]
    classes: tuple[str, ...]
    masses: Float64[np.ndarray, " k"]  # sum to 1 within each class
    soft: Float32[np.ndarray, "n classes"] | None = None
    soft_kind: Literal["logits", "values"] = "logits"  # values: regression targets, as kernel methods learn them
    views: Views | None = None
    formation: int = 1
    normalisation: Normalisation | None = None
    about: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes) or not self.classes:
            raise ValueError(f"distilled set: class names must be distinct and at least one; got {list(self.classes)}")
        check_labels(ImageSet(self.images, self.labels).labels, self.classes, "distilled set", need_all=False)
        check_masses(self.masses, self.labels)
        k, _, h, w = self.images.shape
        f, n = self.formation, k * self.formation**2
        if f < 1 or h % f or w % f:
            raise ValueError(f"formation {f} must be at least 1 and divide the image size {h} x {w}")
        if self.soft is not None:
            _check_rows("soft labels", self.soft, (n, len(self.classes)), np.float32)
        if self.soft_kind not in ("logits", "values"):
            raise unknown("soft_kind", self.soft_kind, ("logits", "values"))
        if self.views is not None:
            _check_rows("views: logits", self.views.logits, (n, None, len(self.classes)), np.float16)
            _check_rows("views: parameters", self.views.parameters, (n, self.views.logits.shape[1], None), np.float32)
        if self.normalisation is not None:
            check_normalisation(self.normalisation, self.images.shape[1])

    def __len__(self) -> int:
        return len(self.images)

    @property
    def ipc(self) -> int:
        """The largest number of stored images of a class."""
        return int(np.bincount(self.labels).max())

    @functools.cached_property
    def training(self) -> ImageSet:
        """The images that students see: the stored ones, or the enlarged tiles of each."""
        f = self.formation
        if f == 1:
            return ImageSet(self.images, self.labels)
        k, c, h, w = self.images.shape
        tiles = self.images.reshape(k, c, f, h // f, f, w // f).transpose(0, 2, 4, 1, 3, 5)
        return ImageSet(resize(tiles.reshape(-1, c, h // f, w // f), h, w), np.repeat(self.labels, f * f))

    @property
    def training_masses(self) -> Float64[np.ndarray, " n"]:
        """A stored image's mass, shared evenly among its tiles."""
        return np.repeat(self.masses, self.formation**2) / self.formation**2

    def size_bytes(self, regime: LabelRegime, teacher_bytes: int = 0) -> int:
        """Bytes a student needs: 8-bit pixels, labels, masses unless uniform, and the teacher if it must be at hand.

        `hard` 1 byte an image (2 above 256 classes), `soft` 2 bytes a class (half precision), `views` 2 bytes a
        class and 4 a parameter for each view, `online` the teacher's parameters and buffers.
        """
        n, classes = len(self.training), len(self.classes)
        labels = {
            "hard": len(self) * (1 if classes <= 256 else 2),
            "soft": 2 * n * classes,
            "views": 0 if self.views is None else self.views.logits.nbytes + self.views.parameters.nbytes,
            "online": teacher_bytes,
        }
        counts = np.bincount(self.labels, minlength=classes)
        uniform = np.allclose(self.masses, 1 / counts[self.labels], rtol=1e-6)
        return self.images.nbytes + labels[regime] + (0 if uniform else 4 * len(self))

    @classmethod
    def from_arrays(cls, images: Any, labels: Any, **options: Any) -> "DistilledSet":
        """A distilled set made elsewhere; see `wddkit.data.distilled_from_arrays` for the options."""
        from wddkit.data.foreign import distilled_from_arrays

        return distilled_from_arrays(images, labels, **options)

    @classmethod
    def from_folder(cls, path: Any, **options: Any) -> "DistilledSet":
        """Images in one folder a class; see `wddkit.data.distilled_from_folder` for the options."""
        from wddkit.data.foreign import distilled_from_folder

        return distilled_from_folder(path, **options)

    @classmethod
    def load(cls, path: Any) -> "DistilledSet":
        """What `save` wrote, checked; see `wddkit.data.load_distilled`."""
        from wddkit.data.exchange import load_distilled

        return load_distilled(path)

    def save(self, path: Any) -> None:
        """Folders of PNGs, `labels.safetensors` and `card.json`; see `wddkit.data.save_distilled`."""
        from wddkit.data.exchange import save_distilled

        save_distilled(self, path)

    def as_dataset(self, labels: LabelRegime = "hard") -> Any:
        """A torch Dataset of (image, label) pairs; see `wddkit.data.torch_dataset`."""
        from wddkit.data.torchset import torch_dataset

        return torch_dataset(self, labels)


def check_images(images: np.ndarray, what: str) -> None:
    """Raises ValueError unless images are uint8 [n, c, h, w], square, with 1 or 3 channels."""
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4:
        dtype, shape = getattr(images, "dtype", type(images)), getattr(images, "shape", None)
        raise ValueError(
            f"{what}: expected uint8 of shape [n, channels, height, width], got {dtype} of shape {shape}; "
            f"from_arrays converts other layouts"
        )
    n, channels, height, width = images.shape
    if channels not in (1, 3):
        way_out = "drop the alpha channel: images[:, :3]" if channels == 4 else "give grey (1) or RGB (3) images"
        raise ValueError(f"{what}: {channels} channels; expected 1 (grey) or 3 (RGB); {way_out}")
    if height != width:
        raise ValueError(
            f"{what}: {height} x {width} pixels are not square; size={min(height, width)} crops and resizes"
        )
    if n and height < 1:
        raise ValueError(f"{what}: images without pixels, shape {images.shape}")


def check_labels(labels: Int64[np.ndarray, " n"], classes: Sequence[str], what: str, *, need_all: bool) -> None:
    """Raises ValueError for labels outside 0..k-1 or, if all are needed, for a class without images."""
    present = np.unique(labels)
    outside = present[(present < 0) | (present >= len(classes))]
    if len(outside):
        raise ValueError(
            f"{what}: labels must be 0..{len(classes) - 1} for {len(classes)} classes, found {outside[:5].tolist()}; "
            f"renumber them: np.unique(labels, return_inverse=True)[1]"
        )
    if need_all and len(present) < len(classes):
        empty = sorted(set(range(len(classes))) - set(present.tolist()))
        names = ", ".join(f"{i} ({classes[i]!r})" for i in empty[:5])
        raise ValueError(f"{what}: class {names} has no images; add images, or leave it out and renumber the labels")


def check_masses(masses: np.ndarray, labels: np.ndarray) -> None:
    """Raises ValueError unless masses are float64, not negative, and sum to 1 within each class."""
    if masses.shape != labels.shape or masses.dtype != np.float64:
        raise ValueError(f"masses: expected float64 of shape {labels.shape}, got {masses.dtype} of {masses.shape}")
    if not np.isfinite(masses).all() or (masses < 0).any():
        raise ValueError("masses must be finite and not negative")
    sums = np.bincount(labels, weights=masses)[np.unique(labels)]
    if not np.allclose(sums, 1, atol=1e-6):
        raise ValueError(f"masses must sum to 1 within each class, found sums {sums.round(6).tolist()[:5]}")


def check_normalisation(normalisation: Normalisation, channels: int) -> None:
    """Raises ValueError unless there is a finite mean and a positive std for each channel."""
    mean, std = normalisation
    if len(mean) != channels or len(std) != channels:
        raise ValueError(f"normalisation: expected {channels} means and stds, one a channel; got {normalisation}")
    if not np.isfinite([mean, std]).all() or min(std) <= 0:
        raise ValueError(f"normalisation: expected finite means and positive stds, got {normalisation}")


def _check_rows(what: str, values: np.ndarray, shape: tuple[int | None, ...], dtype: type) -> None:
    """Raises ValueError unless the array is finite, of this type, and of this shape (None: any length but 0)."""
    pairs = zip(values.shape, shape, strict=False)
    fits = all(have == want if want is not None else have > 0 for have, want in pairs)
    if values.ndim != len(shape) or not fits or values.dtype != dtype:
        wanted = "(" + ", ".join("any" if want is None else str(want) for want in shape) + ")"
        raise ValueError(
            f"{what}: expected {np.dtype(dtype)} of shape {wanted}, a row for each training image; "
            f"got {values.dtype} of shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{what}: found NaN or infinite values")
