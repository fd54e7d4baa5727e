"""From a plan whose masses are nearly right to one whose masses are."""

from typing import Any

from jaxtyping import Float


def rounded(xp: Any, T: Float[Any, "*c m n"], a: Float[Any, "*c m"], b: Float[Any, "*c n"]) -> Float[Any, "*c m n"]:
    """A plan near T >= 0 with row sums a and column sums b (Altschuler, Weed and Rigollet 2017, algorithm 2).

    Rows, then columns, that are too heavy are scaled down; what lacks then is spread over those that are too light.
    `xp` is the module of the arrays, numpy or torch; there may be leading axes, of classes.
    """
    T = T * _shrink(xp, a, T.sum(axis=-1))[..., :, None]
    T *= _shrink(xp, b, T.sum(axis=-2))[..., None, :]
    rows, columns = xp.clip(a - T.sum(axis=-1), 0, None), xp.clip(b - T.sum(axis=-2), 0, None)
    lacking = columns.sum(axis=-1)[..., None]
    return T + rows[..., :, None] * (columns / xp.where(lacking > 0, lacking, 1.0))[..., None, :]


def _shrink(xp: Any, wanted: Float[Any, "*c k"], found: Float[Any, "*c k"]) -> Float[Any, "*c k"]:
    heavy = found > wanted
    return xp.where(heavy, wanted / xp.where(heavy, found, 1.0), 1.0)
