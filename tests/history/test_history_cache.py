"""What is dear is made once, and never taken from a damaged or foreign entry."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from history_toys import in_child

from wddkit.history import Cache

KEY = {"data": "abc", "teacher": {"width": 32, "lr": 0.1}, "seed": 0}


def building(calls: list[int], value: float = 1.0):
    def build() -> dict[str, np.ndarray]:
        calls.append(1)
        return {"weights": np.full((2, 3), value, np.float32), "nan": np.array([np.nan, -0.0])}

    return build


def test_the_second_asking_builds_nothing_and_gives_the_same_bits(tmp_path: Path) -> None:
    calls: list[int] = []
    first = Cache(tmp_path).get("teacher", KEY, building(calls))
    second = Cache(tmp_path).get("teacher", dict(reversed(KEY.items())), building(calls))
    assert len(calls) == 1
    for name, array in first.items():
        assert second[name].dtype == array.dtype
        assert second[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "other",
    [
        {**KEY, "data": "abd"},
        {**KEY, "seed": 1},
        {**KEY, "seed": False},
        {**KEY, "teacher": {"width": 32, "lr": 0.1000001}},
        {**KEY, "teacher": {"width": 32}},
        {**KEY, "more": None},
    ],
)
def test_a_key_that_differs_anywhere_is_another_entry(tmp_path: Path, other: dict[str, object]) -> None:
    calls: list[int] = []
    cache = Cache(tmp_path)
    cache.get("teacher", KEY, building(calls))
    cache.get("teacher", other, building(calls))
    cache.get("features", KEY, building(calls))
    assert len(calls) == 3
    assert cache.path("teacher", KEY) != cache.path("teacher", other)


def test_an_entry_tells_its_own_seconds_without_those_of_others_that_were_built_on_the_way(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def slow(seconds: float) -> dict[str, np.ndarray]:
        time.sleep(seconds)
        return {"a": np.arange(3)}

    def outer() -> dict[str, np.ndarray]:
        cache.get("features", KEY, lambda: {**cache.get("teacher", KEY, lambda: slow(0.4)), **slow(0.1)})
        return slow(0.2)

    cache.get("barycenters", KEY, outer)
    told = {each.kind: each.seconds for each in cache.asked}
    assert told == pytest.approx({"teacher": 0.4, "features": 0.1, "barycenters": 0.2}, abs=0.1)
    again = Cache(tmp_path)
    again.get("features", KEY, outer)
    assert again.asked[0].seconds == told["features"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign", "renamed"])
def test_a_damaged_or_foreign_entry_is_made_anew_with_a_warning(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    calls: list[int] = []
    cache.get("teacher", KEY, building(calls))
    cache.get("teacher", {"other": 1}, building(calls, 7.0))
    file, data = cache.path("teacher", KEY), bytearray(cache.path("teacher", KEY).read_bytes())
    data[-1] ^= 1
    changed = {
        "flip": bytes(data),
        "cut": bytes(data[:-3]),
        "empty": b"",
        "foreign": b"PK\x03\x04 something else",
        "renamed": cache.path("teacher", {"other": 1}).read_bytes(),
    }
    file.write_bytes(changed[damage])
    with pytest.warns(UserWarning, match=f"a cache entry cannot be used and is made anew: .*{file.name}"):
        found = cache.get("teacher", KEY, building(calls))
    assert len(calls) == 3
    assert found["weights"].max() == 1.0
    cache.get("teacher", KEY, building(calls))
    assert len(calls) == 3


def test_two_processes_build_an_entry_once(tmp_path: Path) -> None:
    def work() -> int:
        def slow() -> dict[str, np.ndarray]:
            with (tmp_path / "built").open("a") as file:
                file.write("x")
            time.sleep(0.2)
            return {"a": np.arange(3)}

        np.testing.assert_array_equal(Cache(tmp_path / "cache").get("teacher", KEY, slow)["a"], [0, 1, 2])
        return 0

    children = []
    for _ in range(4):
        if (child := os.fork()) == 0:
            os._exit(work())
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0, 0]
    assert (tmp_path / "built").read_text() == "x"


def test_a_process_killed_while_building_leaves_no_entry_and_no_lock(tmp_path: Path) -> None:
    code, _ = in_child(lambda: Cache(tmp_path).get("teacher", KEY, lambda: os.kill(os.getpid(), 9)))
    assert code == 9
    assert Cache(tmp_path).get("teacher", KEY, building([]))["weights"].shape == (2, 3)


def test_a_cache_that_cannot_be_written_is_a_warning_and_the_work_is_done(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    calls: list[int] = []
    with pytest.warns(UserWarning, match="the cache cannot be used, this result is not kept: .*could not write"):
        found = Cache(tmp_path / "cache").get("teacher", KEY, building(calls))
    assert found["weights"].shape == (2, 3)
    assert len(calls) == 1


def test_a_cache_on_a_full_disk_is_a_warning_and_the_work_is_done(tmp_path: Path) -> None:
    def work() -> str:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (10, -1))
        with pytest.warns(UserWarning, match="not kept in the cache: .*could not write"):
            return str(Cache(tmp_path).get("teacher", KEY, building([]))["weights"].shape)

    assert in_child(work) == (0, "(2, 3)")
    assert not list(tmp_path.rglob("*.part"))


def test_an_error_of_the_work_itself_is_not_taken_for_one_of_the_cache(tmp_path: Path) -> None:
    def build() -> dict[str, np.ndarray]:
        raise OSError("no data")

    with pytest.raises(OSError, match="no data"):
        Cache(tmp_path).get("teacher", KEY, build)
    assert Cache(tmp_path).get("teacher", KEY, building([]))


def test_the_place_is_the_argument_else_the_environment_else_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WDDKIT_CACHE", "/somewhere")
    assert Cache().root == Path("/somewhere")
    assert Cache("/else").root == Path("/else")
    monkeypatch.delenv("WDDKIT_CACHE")
    assert Cache().root == Path.home() / ".cache" / "wddkit"


def test_a_kind_is_a_plain_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cache kind '\.\./x': expected small letters"):
        Cache(tmp_path).get("../x", KEY, building([]))
