"""The card of a saved distilled set: what is in the folder, in JSON."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wddkit.codec import decode, digest, encode

SCHEMA = "wddkit.distilled/0"
FAMILY = "wddkit.distilled/"
DIGEST = "card_sha256"
LAYOUT = "PNG files [height, width, channels] named <class index>_<class>/<position in the stored order>.png"
# Words that Hugging Face's reader takes for the name of a part when they stand alone in a folder's name.
PARTS = re.compile(r"(?<![a-z])(train(ing)?|valid(ation)?|val|dev|test(ing)?|eval(uation)?)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each channel, for pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class File:
    """A file of the folder and the hash of its bytes."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Card:
    """Everything about a saved set but its pixels and labels; `images` in the stored order."""

    schema: str
    classes: tuple[str, ...]
    channels: Literal["RGB", "grey"]
    size: int
    count: int
    layout: str
    pixel_range: tuple[int, int]
    normalisation: Scale | None
    formation: int
    soft_kind: Literal["logits", "values"]
    labels: File
    images: tuple[File, ...]
    about: Mapping[str, str]


def write_card(card: Card) -> str:
    """The card as JSON, with the hash of its own content."""
    return json.dumps({**encode(card), DIGEST: digest(card)}, indent=1) + "\n"


def read_card(text: str | bytes) -> Card:
    """The card that `write_card` wrote; ValueError for another schema, other fields or a changed content."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not readable as JSON ({error})") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise ValueError(f"schema {found!r}; this version reads {SCHEMA!r}")
    if not isinstance(data.get("about"), dict):
        raise ValueError("about: expected a table of texts")
    stated = data.pop(DIGEST, None)
    card = decode(Card, data, where="card")
    if stated != digest(card):
        raise ValueError(f"its content does not fit its {DIGEST}: it was changed after it was saved")
    return card


def is_card(text: str | bytes) -> bool:
    """Whether this is the card of a distilled set, of whatever version."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and str(data.get("schema")).startswith(FAMILY)


def class_folder(label: int, name: str) -> str:
    """Folder of a class, such as 0007_golf-ball: sorted as the labels are, and safe on any file system."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "-", plain)[:40].strip("-")
    plain = PARTS.sub(r"\1class", plain) or "class"
    return f"{label:04d}_{plain}"


def image_file(label: int, name: str, position: int) -> str:
    """Path of a stored image within the folder, with forward slashes."""
    return f"{class_folder(label, name)}/{position:06d}.png"


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()
