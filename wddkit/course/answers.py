"""Learners' answers, read with patience: what is not right is told in words, as `Wrong`; nothing there, as `Blank`."""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float64

# Results of known mistakes, or functions that give them, each with what is said of it.
Mistakes: TypeAlias = Sequence[tuple[Any, str]]


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
    answer = plain(answer)
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


def plain(answer: Any) -> Any:
    """A tensor's numbers as an array, whatever its device and its gradient; any other answer as it is."""
    return answer.detach().cpu().numpy() if hasattr(answer, "detach") else answer


def entries(answer: Any, name: str, keys: Iterable[str], *, of: str) -> Mapping[str, Any]:
    """The answer as a dict with something under each of the keys; `of` says what it leads from and to.

    Raises Wrong for what is no dict, Blank that names the keys that are still empty.
    """
    found = answer.to_dict() if hasattr(answer, "to_dict") else answer  # a Series of pandas
    if not isinstance(found, Mapping):
        raise Wrong(f"`{name}` should be a dict, {of}, and it is {kind_of(answer)}.")
    if missing := [key for key in keys if is_blank(found.get(key))]:
        raise Blank(f"`{name}` still needs {', '.join(missing)}.")
    return found


def itself(answer: Any, name: str, what: str, attributes: Iterable[str]) -> None:
    """Raises Wrong unless the answer is the thing that was worked in, which is known by its attributes."""
    if not all(hasattr(answer, each) for each in attributes):
        raise Wrong(f"give the {what} itself, `{name}`; this is {kind_of(answer)}.")


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
    """Whether numbers agree up to this share of the largest expected one, or were rounded: that is not a mistake.

    Rounded are those to three decimals or more which leave at least three digits of the largest expected one.
    """
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    scale = max(float(np.max(np.abs(expected))), 1e-12)
    if not math.isfinite(scale):  # of a mistake that divides by 0: everything would be close to it
        return False
    if np.max(np.abs(found - expected)) <= share * scale:
        return True
    least = max(3, 2 - math.floor(math.log10(scale)))
    return any(np.max(np.abs(found - expected.round(places))) <= 1e-12 * scale for places in range(least, least + 5))


def first_match(found: Any, mistakes: Mistakes, *, share: float = 1e-6) -> str | None:
    """What is said of the first known mistake whose result was found; None if it is a new one."""
    results = ((wrong() if callable(wrong) else wrong, said) for wrong, said in mistakes)
    return next((said for wrong, said in results if close(found, wrong, share=share)), None)


def kind_of(value: Any) -> str:
    """What a value is, with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} `{name}`"
