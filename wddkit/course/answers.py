"""Learners' answers, read with patience: what is not right is told in words, as `Wrong`; nothing there, as `Blank`."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float64


class Wrong(Exception):  # noqa: N818  # it is no error of the program: an answer is not right yet
    """What is wrong with an answer, and where to look."""


class Blank(Exception):  # noqa: N818  # as above
    """Nothing was answered yet; what to do."""


def is_blank(answer: Any) -> bool:
    """Whether nothing has been filled in: `...`, None, an empty text, or a list of nothing else."""
    if answer is None or answer is ...:
        return True
    if isinstance(answer, str):
        return not answer.strip()
    if isinstance(answer, np.ndarray):
        return answer.dtype == object and all(map(is_blank, answer.ravel().tolist()))
    return isinstance(answer, (list, tuple, dict)) and all(
        map(is_blank, answer.values() if isinstance(answer, dict) else answer)
    )


def array(answer: Any, name: str, shape: Sequence[int], *, of: str) -> Float64[np.ndarray, "..."]:
    """The answer as finite numbers of this shape; `of` says what an entry is, as in "a row a bakery".

    Raises Wrong that names what came instead.
    """
    try:
        found = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        if np.ndim(np.asarray(answer, dtype=object)) and any(map(is_blank, np.asarray(answer, dtype=object).ravel())):
            raise Blank(f"some entries of `{name}` still wait for you.") from None
        raise Wrong(f"`{name}` should hold numbers, and it is {kind_of(answer)}.") from None
    if found.shape != tuple(shape):
        turned = " It seems to be turned: try `.T`." if found.ndim > 1 and found.T.shape == tuple(shape) else ""
        raise Wrong(f"`{name}` has shape {found.shape}; expected {tuple(shape)}, {of}.{turned}")
    if not np.isfinite(found).all():
        where = tuple(int(each) for each in np.argwhere(~np.isfinite(found))[0])
        raise Wrong(f"`{name}` is {found[where]} at {list(where)}; every entry should be a finite number.")
    return found


def number(answer: Any, name: str) -> float:
    """The answer as one finite number; Wrong says what came instead."""
    return float(array(answer, name, (), of="one number"))


def called(function: Any, name: str, *arguments: Any) -> Any:
    """What the learner's function returns for copies of these; Wrong if it stops, Blank if it returns nothing."""
    if not callable(function):
        raise Wrong(f"`{name}` should be a function, and it is {kind_of(function)}.")
    try:
        found = function(*copy.deepcopy(arguments))
    except NotImplementedError:
        raise Blank(f"write the body of `{name}`.") from None
    except Exception as error:
        raise Wrong(f"`{name}` stopped with {type(error).__name__}: {error}") from None
    if is_blank(found):
        raise Blank(f"`{name}` returns nothing yet; write its body, with a `return`.")
    return found


def close(found: Any, expected: Any, *, share: float = 1e-6) -> bool:
    """Whether numbers agree up to this share of the largest expected one: rounding is not a mistake."""
    scale = max(float(np.max(np.abs(expected))), 1e-12)
    return bool(np.max(np.abs(np.asarray(found, float) - expected)) <= share * scale)


def first_match(found: Any, mistakes: Sequence[tuple[Callable[[], Any], str]], *, share: float = 1e-6) -> str | None:
    """What is said of the first known mistake whose result was found; None if it is a new one."""
    return next((said for wrong, said in mistakes if close(found, wrong(), share=share)), None)


def kind_of(value: Any) -> str:
    """What a value is, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} `{name}`"
