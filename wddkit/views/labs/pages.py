"""How laboratories say that a state is wrong."""

import contextlib
from collections.abc import Iterator

import traitlets


@contextlib.contextmanager
def as_trait_errors() -> Iterator[None]:
    """Turns what the checks of values raise into what a trait raises."""
    try:
        yield
    except ValueError as error:
        raise traitlets.TraitError(str(error)) from None
