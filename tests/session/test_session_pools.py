"""Pools of threads: in a process of its own, because tests run with one thread."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "import os, torch; from wddkit.session.pools import one_blas_thread, release_openmp; import threadpoolctl\n"


def told(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + program],
        env=os.environ | {"OMP_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted where Linux lists them")
def test_openmp_threads_go_and_come_back_when_torch_works_again() -> None:
    program = """
import time
x = torch.randn(400, 3000)
count = lambda: len(os.listdir("/proc/self/task"))
torch.set_num_threads(3)
first, during = x.exp(), count()
release_openmp()
until = time.monotonic() + 60
while count() > during - 2 and time.monotonic() < until:  # they end a moment later
    time.sleep(0.01)
after = count()
print(during, after, torch.equal(first, x.exp()), count())
"""
    during, after, same, again = told(program)
    assert int(after) == int(during) - 2
    assert same == "True"
    assert again == during


@pytest.mark.slow
@pytest.mark.skipif(os.cpu_count() == 1, reason="NumPy takes one thread anyway on one core")
def test_products_take_one_thread_only_within() -> None:
    program = (
        "blas = lambda: print(*{each['num_threads'] for each in threadpoolctl.threadpool_info() "
        "if each['user_api'] == 'blas'}); blas(); w = one_blas_thread(); w.__enter__(); blas(); "
        "w.__exit__(None, None, None); blas()"
    )
    before, within, after = told(program)
    assert (within, after) == ("1", before)
    assert int(before) > 1
