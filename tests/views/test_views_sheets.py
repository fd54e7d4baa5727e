"""Pictures in grids: bit for bit where they fit, else compressed, and only then smaller."""

import io

import numpy as np
import pytest
from PIL import Image
from views_toys import natural

from wddkit.data.pixels import resize
from wddkit.views.payload import sheets
from wddkit.views.payload.sheets import Form, best, encode, estimate, forms, said


def tiles(rows: int, columns: int, *, size: int = 32, channels: int = 3) -> np.ndarray:
    images = natural(rows * columns, size, channels=channels).clip(0, 255).astype(np.uint8)
    return images.reshape(rows, columns, channels, size, size)


def cut(data: bytes, rows: int, columns: int) -> np.ndarray:
    """The images of a sheet [rows, columns, h, w, c]."""
    array = np.atleast_3d(np.asarray(Image.open(io.BytesIO(data))))
    height, width = array.shape[0] // rows, array.shape[1] // columns
    return array.reshape(rows, height, columns, width, -1).swapaxes(1, 2)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_sheet_gives_the_images_back_bit_for_bit(channels: int) -> None:
    given = tiles(3, 4, channels=channels)
    decoded = cut(encode(given, "image/png"), 3, 4)
    np.testing.assert_array_equal(decoded, given.transpose(0, 1, 3, 4, 2))


@pytest.mark.parametrize("kind", ["image/webp", "image/jpeg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_compressed_sheet_gives_nearly_the_images_back(kind: str, channels: int) -> None:
    given = tiles(3, 4, channels=channels)
    data = encode(given, kind)
    assert len(data) < 0.6 * len(encode(given, "image/png"))
    off = cut(data, 3, 4)[..., :channels].astype(float) - given.transpose(0, 1, 3, 4, 2)
    assert np.sqrt((off**2).mean()) < given.std() / 3


def test_the_same_images_make_the_same_bytes() -> None:
    for kind in ("image/png", "image/webp", "image/jpeg"):
        assert encode(tiles(2, 2), kind) == encode(tiles(2, 2), kind)


def test_what_is_given_up_is_first_exactness_then_size() -> None:
    ladder = list(forms(32, smallest=16))
    assert ladder[0] == Form(32, "image/png")
    assert [form.size for form in ladder] == [32, 32, 30, 28, 26, 24, 22, 20, 18, 16]
    assert {form.type for form in ladder[1:]} == {"image/webp"}
    assert [form.size for form in forms(8, smallest=16)] == [8, 8]


def test_without_webp_pictures_are_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets.features, "check", lambda name: False)
    sheets.lossy.cache_clear()
    try:
        assert {form.type for form in forms(32, smallest=16)} == {"image/png", "image/jpeg"}
    finally:
        sheets.lossy.cache_clear()


@pytest.mark.parametrize("per_image", [3500, 900, 250, 120, 10])
def test_the_best_form_that_fits_is_taken(per_image: int) -> None:
    given = tiles(20, 6)

    def whole(form: Form) -> dict[str, bytes]:
        small = resize(given.reshape(-1, 3, 32, 32), form.size, form.size)
        return {"all": encode(small.reshape(20, 6, 3, form.size, form.size), form.type)}

    limit = 120 * per_image
    form, made = best(given[:, ::3], 120, whole, limit=limit, largest=64, smallest=16)
    ladder = list(forms(32, smallest=16))
    fitting = [each for each in ladder if len(whole(each)["all"]) <= limit]
    assert made == whole(form)
    if not fitting:
        assert form == ladder[-1]
        return
    assert len(made["all"]) <= limit
    # The sample decides what is tried: at most one step of size below the best one is lost to its error.
    assert ladder.index(form) - ladder.index(fitting[0]) in (0, 1)


def test_an_estimate_is_near_the_truth() -> None:
    given = tiles(20, 6)
    for form in (Form(32, "image/png"), Form(32, "image/webp")):
        true = len(encode(given, form.type)) / 120
        assert estimate(given[::2], form) == pytest.approx(true, rel=0.15)


def test_images_are_never_enlarged() -> None:
    form, _ = best(tiles(2, 2, size=8), 4, lambda form: {}, limit=1e9, largest=64, smallest=16)
    assert form == Form(8, "image/png")


def test_sentences_say_what_was_done() -> None:
    assert said(Form(32, "image/png"), 32, what="Images") == []
    assert said(Form(24, "image/webp"), 32, what="Images") == [
        "Images are compressed (WebP, quality 80).",
        "Images are shown at 24 x 24 of 32 x 32 pixels.",
    ]
    assert said(Form(64, "image/png"), 96, what="Real images") == [
        "Real images are shown at 64 x 64 of 96 x 96 pixels."
    ]
    assert said(Form(32, "image/jpeg"), 32, what="Images") == ["Images are compressed (JPEG, quality 80)."]
