"""Data sets of the benchmarks: those that are not here are left out, and said to be."""

import wddkit as wdd
from wddkit.data import MissingDataError


def found(name: str) -> wdd.Split | None:
    """The data set, if it is here."""
    try:
        return wdd.load(name)
    except MissingDataError as error:
        print(f"{name} is left out: {error}")
        return None
