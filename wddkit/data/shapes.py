"""A generated set of coloured shapes whose classes, modes and outliers are known: for teaching and for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from wddkit.augment import uniform
from wddkit.codec import unknown
from wddkit.data.drawing import GROUNDS, HUES, KINDS, PATTERNS, Figures, paint
from wddkit.data.sets import ImageSet, Split
from wddkit.seeds import derive

Trait: TypeAlias = Literal["position", "size", "hue"]
Part: TypeAlias = Literal["train", "val", "test"]
MOST_CLASSES = len(HUES) * len(KINDS) * len(PATTERNS) * len(GROUNDS)
GOLDEN = (np.sqrt(5) - 1) / 2  # multiples of it fill [0, 1) evenly, however many are taken
SILVER = np.sqrt(2) - 1  # and pairs with these fill the square


@dataclass(frozen=True)
class ShapesConfig:
    """What to generate.

    Images a class: `train`, `val`, `test`. `modes`: shares of the planted modes of every class; modes differ in the
    `traits`; `spread` scales the scatter within a mode (0: none). `imbalance`: first class's training images over the
    last's, geometric between. `outliers`: share of the training images that show another class ("class") or noise;
    validation and test have none. `noise`: pixels move by up to this many of 256 levels.
    """

    classes: int = 10
    train: int = 100
    val: int = 20
    test: int = 50
    modes: tuple[float, ...] = (0.5, 0.3, 0.2)
    traits: tuple[Trait, ...] = ("position", "size", "hue")
    spread: float = 1.0
    imbalance: float = 1.0
    outliers: float = 0.0
    outlier_kind: Literal["class", "noise"] = "class"
    noise: int = 12
    size: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.classes <= MOST_CLASSES:
            raise ValueError(f"classes: expected 1 to {MOST_CLASSES} that can be told apart, got {self.classes}")
        if self.train < 1 or self.val < 0 or self.test < 0:
            raise ValueError(f"images a class: expected train >= 1, val and test >= 0, got {self}")
        if not self.modes or min(self.modes) <= 0 or abs(sum(self.modes) - 1) > 1e-6:
            raise ValueError(f"modes: expected positive shares that sum to 1, got {self.modes}")
        for trait in self.traits:
            if trait not in get_args(Trait):
                raise unknown("trait", trait, get_args(Trait))
        if self.outlier_kind not in ("class", "noise"):
            raise unknown("outlier_kind", self.outlier_kind, ("class", "noise"))
        if not 0 <= self.outliers < 1 or self.imbalance < 1 or not 0 <= self.spread <= 2:
            raise ValueError(f"expected outliers in [0, 1), imbalance >= 1 and spread in [0, 2], got {self}")
        if self.outliers and self.outlier_kind == "class" and self.classes < 2:
            raise ValueError("outliers of another class need two classes; or outlier_kind='noise'")
        if not 0 <= self.noise <= 127 or self.size < 8:
            raise ValueError(f"expected noise in 0..127 levels and size of at least 8 pixels, got {self}")


@dataclass(frozen=True, eq=False)
class Shapes:
    """The set and its ground truth, an entry for each image of a part ("train", "val", "test")."""

    split: Split
    modes: Mapping[Part, Int64[np.ndarray, " n"]]  # index into the config's modes
    outliers: Mapping[Part, Bool[np.ndarray, " n"]]


def shapes(config: ShapesConfig | None = None) -> Shapes:
    """The generated set; an image depends on the seed, its part, class and index within it, not on how many there are.

    The draw of index i is the fractional part of (start + i * golden ratio), so modes meet their shares to within a
    few images at any number. Which class an outlier shows follows the number of classes too.
    """
    config = config or ShapesConfig()
    sets: dict[Part, ImageSet] = {}
    modes: dict[Part, np.ndarray] = {}
    outliers: dict[Part, np.ndarray] = {}
    for part in get_args(Part):
        drawn = [_draw_class(config, part, label) for label in range(config.classes)]
        labels = np.repeat(np.arange(config.classes), [len(images) for images, _, _ in drawn])
        sets[part] = ImageSet(np.concatenate([images for images, _, _ in drawn]), labels)
        modes[part] = np.concatenate([own for _, own, _ in drawn])
        outliers[part] = np.concatenate([own for _, _, own in drawn])
    names = tuple(class_name(label) for label in range(config.classes))
    return Shapes(Split(sets["train"], sets["val"], sets["test"], names, "shapes"), modes, outliers)


def class_name(label: int) -> str:
    """The name of a class, such as "red disc"; every label below 1024 has another."""
    ground, pattern, kind, hue = _traits(np.array([label]))
    return f"{PATTERNS[pattern[0]]} {HUES[hue[0]][0]} {KINDS[kind[0]]} {GROUNDS[ground[0]][0]}".strip()


def _draw_class(
    config: ShapesConfig, part: Part, label: int
) -> tuple[UInt8[np.ndarray, "n 3 h h"], Int64[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """One class's images, their modes and which are outliers."""
    n = _count(config, part, label)
    index, key = np.arange(n), derive(config.seed, "shapes", part, label)
    start = uniform(key, np.array([-1]), 2)[0]
    edges = np.cumsum(config.modes)[:-1]
    mode = np.searchsorted(edges, (start[0] + index * GOLDEN) % 1, side="right")
    odd = (start[1] + index * SILVER) % 1 < (config.outliers if part == "train" else 0)
    u = uniform(key, index, 8)
    shown = np.full(n, label)
    if config.outlier_kind == "class":
        shown = np.where(odd, (label + 1 + (u[:, 0] * (config.classes - 1)).astype(int)) % config.classes, label)
    images = paint(_figures(config, shown, mode, 2 * u[:, 1:] - 1), config.size)
    draws = uniform(derive(key, "noise"), index, 3 * config.size**2).reshape(images.shape)
    images = images + np.floor(draws * (2 * config.noise + 1)) - config.noise
    if config.outlier_kind == "noise":
        images[odd] = np.floor(draws[odd] * 256)
    return images.clip(0, 255).astype(np.uint8), mode, odd


def _count(config: ShapesConfig, part: Part, label: int) -> int:
    if part != "train":
        return config.val if part == "val" else config.test
    share: float = config.imbalance ** (-label / max(config.classes - 1, 1))
    return max(1, round(config.train * share))


def _figures(
    config: ShapesConfig,
    labels: Int64[np.ndarray, " n"],
    mode: Int64[np.ndarray, " n"],
    jitter: Float64[np.ndarray, "n 7"],
) -> Figures:
    """What to paint; `jitter` is even in [-1, 1)."""
    ground, pattern, kind, hue = _traits(labels)
    jitter = jitter * config.spread
    at = mode / max(len(config.modes) - 1, 1) * 2 - 1  # modes stand evenly on [-1, 1]
    if len(config.modes) == 1:
        at = np.zeros(len(mode))
    place, scale, shade = ((at if trait in config.traits else 0 * at) for trait in get_args(Trait))
    angle = 2 * np.pi * GOLDEN * labels  # the line on which modes stand turns from class to class
    return Figures(
        kind=kind,
        pattern=pattern,
        x=0.5 + 0.17 * place * np.cos(angle) + 0.03 * jitter[:, 0],
        y=0.5 + 0.17 * place * np.sin(angle) + 0.03 * jitter[:, 1],
        radius=0.24 - 0.07 * scale + 0.015 * jitter[:, 2],
        turn=0.1 * jitter[:, 3],
        hue=np.array([degrees for _, degrees in HUES])[hue] + 12 * shade + 2 * jitter[:, 4],
        bright=0.85 + 0.05 * jitter[:, 5],
        ground=np.array([level for _, level in GROUNDS])[ground] + 0.03 * jitter[:, 6],
    )


def _traits(labels: Int64[np.ndarray, " n"]) -> tuple[np.ndarray, ...]:
    """Ground, pattern, kind and hue of each class: two hues of each kind, then two further hues, and so on.

    So that among few classes neither the hue nor the kind alone tells the class.
    """
    rest, hue = np.divmod(labels, 2)
    rest, kind = np.divmod(rest, len(KINDS))
    rest, pair = np.divmod(rest, len(HUES) // 2)
    ground, pattern = np.divmod(rest, len(PATTERNS))
    return ground, pattern, kind, 2 * pair + hue
