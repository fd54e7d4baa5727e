"""Bars in a terminal, short lines in a log, nothing when quiet."""

import io
import re
import time
from contextlib import redirect_stderr

import pytest
import torch

from wddkit import progress
from wddkit.progress import Bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def last_lines(text: str) -> list[str]:
    """What a terminal shows at the end: of each line what was written last."""
    return [line.split("\r")[-1] for line in text.strip().split("\n")]


def test_a_terminal_shows_a_bar_a_stage_with_its_losses() -> None:
    with redirect_stderr(Terminal()) as terminal, Bars() as bars:
        for stage, total in (("squeeze", 30), ("recover", 20)):
            for step in range(total):
                bars(stage, step + 1, total, {"loss": torch.tensor(1 / (step + 1))})
    squeeze, recover = last_lines(terminal.getvalue())
    assert re.search(r"squeeze: 100%.* 30/30 .*loss=0\.0333", squeeze)
    assert re.search(r"recover: 100%.* 20/20 .*loss=0\.05\b", recover)


def test_a_bar_tells_the_time_that_is_left() -> None:
    with redirect_stderr(Terminal()) as terminal, Bars() as bars:
        for step in range(3):
            bars("squeeze", step + 1, 100, {})
            time.sleep(0.15)
    assert re.search(r"3/100 \[00:00<00:\d\d", terminal.getvalue())


def test_a_stage_that_comes_twice_has_two_bars() -> None:
    with redirect_stderr(Terminal()) as terminal, Bars() as bars:
        for step in (1, 2, 1, 2):
            bars("evaluate", step, 2, {})
    assert len(last_lines(terminal.getvalue())) == 2


def test_a_run_that_goes_on_begins_its_bar_where_it_is() -> None:
    with redirect_stderr(Terminal()) as terminal, Bars() as bars:
        bars("recover", 150, 300, {})
    assert "149/300" in terminal.getvalue() or "150/300" in terminal.getvalue()


def stop_early() -> None:
    with Bars() as bars:
        bars("squeeze", 1, 10, {"loss": 2.0})
        raise RuntimeError("out of memory")


@pytest.mark.parametrize("kind", [Terminal, io.StringIO])
def test_an_error_ends_the_bar_at_the_step_that_was_reached(kind: type[io.StringIO]) -> None:
    with redirect_stderr(kind()) as stream, pytest.raises(RuntimeError, match="out of memory"):
        stop_early()
    assert stream.getvalue().endswith("\n")
    assert re.search(r"squeeze.*1(/| of )10", stream.getvalue())


def test_a_log_has_one_line_a_stage() -> None:
    with redirect_stderr(io.StringIO()) as log, Bars() as bars:
        for stage, total in (("squeeze", 5000), ("recover", 300)):
            for step in range(total):
                bars(stage, step + 1, total, {"loss": 0.5, "feature": 0.25})
    lines = log.getvalue().splitlines()
    assert [re.sub(r"\d+ s$", "? s", line) for line in lines] == [
        "squeeze: 5000 of 5000, loss 0.5, feature 0.25, ? s",
        "recover: 300 of 300, loss 0.5, feature 0.25, ? s",
    ]
    assert "\r" not in log.getvalue()


def test_a_log_hears_of_a_long_stage_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with redirect_stderr(io.StringIO()) as log, Bars() as bars:
        for step in range(100):
            now[0] += 1.0
            bars("squeeze", step + 1, 100, {})
    assert log.getvalue().splitlines() == [
        "squeeze: 32 of 100, 31 s, about 66 s left",
        "squeeze: 63 of 100, 62 s, about 36 s left",
        "squeeze: 94 of 100, 93 s, about 6 s left",
        "squeeze: 100 of 100, 99 s",
    ]


def test_quiet_bars_write_nothing_and_read_no_loss() -> None:
    class Costly:
        def __float__(self) -> float:
            raise AssertionError("read, though nobody looks")

    with redirect_stderr(Terminal()) as terminal, Bars(shown=False) as bars:
        bars("squeeze", 1, 1, {"loss": Costly()})
    assert terminal.getvalue() == ""


def test_losses_are_read_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = [0]

    class Counted:
        def __float__(self) -> float:
            reads[0] += 1
            return 1.0

    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with Bars() as bars:
        for step in range(1000):
            now[0] += 0.001
            bars("squeeze", step + 1, 1000, {"loss": Counted()})
    assert 5 <= reads[0] <= 12
