"""The browser's side is held to the style of the rest, and every file of it belongs to a view."""

from pathlib import Path

import pytest

from wddkit.views import assets

CODE = sorted(path for path in assets.ROOM.iterdir() if path.suffix in (".js", ".css", ".html"))


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_lines_have_at_most_120_columns_and_files_300_lines(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120 or line != line.rstrip()] == []
    assert len(lines) <= 300


def test_every_module_belongs_to_a_view_or_is_the_host_of_all() -> None:
    parts = {name for view in assets.VIEWS.values() for name in view}
    assert {path.name for path in CODE if path.suffix == ".js"} == parts | {assets.HOST}
