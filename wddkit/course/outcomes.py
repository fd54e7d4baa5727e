"""What a self-check says, as text and as a box in a notebook; signs and words carry it, colour only repeats it."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "wrong", "blank"]

SIGNS: dict[Status, str] = {"passed": "✓", "wrong": "✗", "blank": "○"}
WORDS: dict[Status, str] = {"passed": "Passed", "wrong": "Not yet", "blank": "Not filled in yet"}
COLOURS: dict[Status, str] = {"passed": "#1a7f37", "wrong": "#b3261e", "blank": "#6e7781"}
BOX = "border:1px solid {0};border-left:8px solid {0};border-radius:4px;padding:8px 12px;max-width:60em"
CODE = re.compile(r"`([^`]+)`")
EMPHASIS = re.compile(r"(?<![*\w])\*([^\s*`](?:[^*`]*[^\s*`])?)\*(?![*\w])")  # not 2 * h * x, nor x**2


@dataclass(frozen=True)
class Outcome:
    """What one self-check found: `status` is "passed", "wrong" or "blank", `message` says why and what to look at."""

    exercise: str
    title: str
    status: Status
    message: str

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.status == "passed"

    def __repr__(self) -> str:
        return f"{SIGNS[self.status]} {WORDS[self.status]} ({self.exercise}, {self.title}): {self.message}"

    def _repr_html_(self) -> str:
        head = f"<b>{SIGNS[self.status]} {WORDS[self.status]}</b> · {html.escape(self.title)}"
        text = EMPHASIS.sub(r"<em>\1</em>", html.escape(self.message[:1].upper() + self.message[1:]))
        text = CODE.sub(r"<code>\1</code>", text)
        return f'<div role="status" style="{BOX.format(COLOURS[self.status])}">{head}<br>{text}</div>'


@dataclass(frozen=True)
class Progress:
    """Which exercises of a notebook are passed in this session, in their order."""

    outcomes: Sequence[Outcome]

    @property
    def passed(self) -> int:
        """How many are passed."""
        return sum(each.passed for each in self.outcomes)

    def require_all(self) -> "Progress":
        """Itself; RuntimeError that lists what is open unless every exercise is passed. For solved notebooks."""
        if still := [each for each in self.outcomes if not each.passed]:
            raise RuntimeError("exercises that are not passed: " + "; ".join(map(repr, still)))
        return self

    def __repr__(self) -> str:
        lines = [f"{SIGNS[each.status]} {each.exercise}  {each.title}: {WORDS[each.status]}" for each in self.outcomes]
        return "\n".join([f"{self.passed} of {len(self.outcomes)} exercises passed", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left">{SIGNS[each.status]} {WORDS[each.status]}</td>'
            f'<td style="text-align:left">{html.escape(each.title)}</td></tr>'
            for each in self.outcomes
        )
        head = f"<caption><b>{self.passed} of {len(self.outcomes)}</b> exercises passed in this session</caption>"
        return f'<table>{head}<tr><th scope="col">state</th><th scope="col">exercise</th></tr>{rows}</table>'
