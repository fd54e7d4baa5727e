"""The pools of threads that NumPy and torch keep, and which stand in each other's way."""

import functools
from contextlib import AbstractContextManager
from typing import cast

from threadpoolctl import ThreadpoolController

_SOFT = 1  # omp_pause_soft of OpenMP 5.0: the pool is made anew when it is needed


def one_blas_thread() -> AbstractContextManager[object]:
    """NumPy's products take one thread within.

    The threads of OpenBLAS wait for more work without a rest, for a while after each product, on the cores that a
    distillation in another thread needs.
    """
    return cast(AbstractContextManager[object], _pools().limit(limits=1, user_api="blas"))


def release_openmp() -> None:
    """Lets go of the pool that GNU OpenMP keeps for the thread that calls, in which torch may have worked.

    Every thread that works with torch has a pool of its own. Once the pools of a process hold more threads than there
    are cores, they no longer wait for each other without a rest, and a step of small operations takes much
    longer.
    """
    for library in ThreadpoolController().lib_controllers:  # anew: torch may have come since
        pause = getattr(library.dynlib, "omp_pause_resource_all", None) if library.prefix == "libgomp" else None
        if pause is not None:
            pause(_SOFT)


@functools.cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()
