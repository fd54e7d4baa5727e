"""What small views do with their state: pictures in saved notebooks, errors of traits."""

import base64
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import traitlets

Bundle = tuple[dict[str, Any], dict[str, Any]]


def with_picture(bundle: Bundle | None, draw: Callable[[], bytes], *, alt: str) -> Bundle | None:
    """A widget's bundle with a PNG beside it, for where no widget can live."""
    if bundle is None:
        return None
    picture = base64.b64encode(draw()).decode()
    return {**bundle[0], "image/png": picture}, {**bundle[1], "image/png": {"alt": alt}}


@contextlib.contextmanager
def as_trait_errors() -> Iterator[None]:
    """Turns what the checks of values raise into what a trait raises."""
    try:
        yield
    except ValueError as error:
        raise traitlets.TraitError(str(error)) from None
