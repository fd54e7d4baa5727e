"""Cases of notebook 05."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from cases import EMPTY, Answers, Case, Make, one
from torch import Tensor

from wddkit.config import Config
from wddkit.course.recovery import Recovery
from wddkit.data import DistilledSet
from wddkit.methods import WMDD


def feature_loss(z: Tensor, b: Tensor) -> Tensor:
    return (z - b).square().sum()


def in_numpy(z: Tensor, b: Tensor) -> float:
    return float(((z.detach().numpy() - b.numpy()) ** 2).sum())


def half_detached(z: Tensor, b: Tensor) -> Tensor:
    return ((z - b) * (z - b).detach()).sum()


def squared(change: Callable[[Tensor], Tensor]) -> Make:
    """A loss made of the squared differences [k, d]."""
    return one(lambda z, b: change((z - b).square()))


def statistics_loss(
    *, correction: int = 0, within: bool = False, deviation: bool = False, join: Callable[[list[Tensor]], Any] = sum
) -> Make:
    def loss(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Any:
        terms = []
        for c in range(len(real_mean)):
            own = maps[labels == c]
            variance = own.var(dim=(0, 2, 3), correction=correction)
            if within:
                variance = own.var(dim=(2, 3), correction=0).mean(dim=0)
            if deviation:
                variance = variance.sqrt()
            mean = own.mean(dim=(0, 2, 3))
            terms.append((mean - real_mean[c]).square().sum() + (variance - real_variance[c]).square().sum())
        return join(terms)

    return one(loss)


def by_expectation(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Tensor:
    """E[x²] - E[x]², by one-hot labels: another right way."""
    member = torch.nn.functional.one_hot(labels, len(real_mean)).to(maps)
    share = (member / member.sum(dim=0)).T
    mean, square = share @ maps.mean(dim=(2, 3)), share @ maps.square().mean(dim=(2, 3))
    return (mean - real_mean).square().sum() + (square - mean.square() - real_variance).square().sum()


def of_all(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Tensor:
    mean, variance = maps.mean(dim=(0, 2, 3)), maps.var(dim=(0, 2, 3), correction=0)
    return (mean - real_mean).square().sum() + (variance - real_variance).square().sum()


def unfinished(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Any:
    total = 0.0
    for _ in range(len(real_mean)):
        ...
    return total


@dataclass(frozen=True)
class Seen:
    """What the check reads of a session: events, recorded moments, where it is."""

    turns: tuple[tuple[str, float, int], ...] = ()
    steps: tuple[int, ...] = (0, 10, 20, 40)
    state: str = "running"
    config: Config = field(default_factory=lambda: Config(method=WMDD(ipc=1)))

    @property
    def history(self) -> Any:
        events = [{"event": "knob", "name": name, "after": after, "step": step} for name, after, step in self.turns]
        rows = {
            "phase": "recover",
            "step": self.steps,
            "feature_gap": 0.5,
            "statistics_error": [0.25] * len(self.steps),
        }
        return SimpleNamespace(events=events, frames=self.steps, scalars=pd.DataFrame(rows))


def session(*turns: tuple[str, float, int], **options: Any) -> Make:
    def make() -> Answers:
        seen = Seen(turns, **options)
        return (SimpleNamespace(history=seen.history, state={"state": seen.state}, config=seen.config),)

    return make


def recovery(*gap: float) -> Recovery:
    images = np.zeros((len(gap), 1, 1, 8, 8), np.uint8)
    answer = DistilledSet(images[0], np.zeros(1, np.int64), ("0",), masses=np.ones(1))
    return Recovery(np.array([0, 10, 25, 60][: len(gap)]), np.array(gap), np.zeros(len(gap)), images, answer)


CURVES = {"noise": recovery(9, 3, 1.5, 0.5), "real": recovery(4, 0.8, 0.6, 0.4)}

# Of real starts the nearer are the worse; of noise, far away and bad, the nearer are the better.
TABLE = pd.DataFrame(
    {
        "method.start": ["noise", "noise", "real", "real", "nearest", "nearest"],
        "feature_gap": [9.0, 5.0, 1.0, 2.0, 3.0, 3.5],
        "accuracy": [40.0, 45.0, 80.0, 81.0, 85.0, 84.0],
        "statistics_error": [5.0, 6.0, 2.0, 3.0, 1.0, 4.0],
    }
)
# 1 - 6 Σd² / (n³ - n), ranks 6 5 1 2 3 4 against 1 2 3 4 6 5; of the last four 1 2 3 4 against 1 2 4 3.
RHO, RHO_REAL = 1 - 6 * 52 / 210, 1 - 6 * 2 / 60

CASES = {
    "05-feature": Case(
        right=(one(feature_loss), one(lambda z, b: ((z - b) ** 2).sum()), one(lambda z, b: (z - b).norm() ** 2)),
        wrong=(
            (squared(Tensor.mean), "returns 7.5 where 30 is right: that is the mean over images and features"),
            (squared(lambda s: s.sum(dim=1).mean()), "returns 15 where 30 is right: that is a mean over "),
            (squared(lambda s: s.sum().sqrt()), "that is the norm of the form `official`; leave out the root"),
            (squared(lambda s: s.sum(dim=1).sqrt().sum()), "these are distances; sum their squares, without roots"),
            (one(lambda z, b: (z - b).abs().sum()), r"you summed \|differences\|; square each"),
            (one(lambda z, b: (z - b).sum() ** 2), "you summed first and squared then"),
            (one(in_numpy), "the value is right, but `feature_loss` has lost its gradient"),
            (one(lambda z, b: feature_loss(z, b).detach()), "has lost its gradient: stay within torch"),
            (one(half_detached), "the value of `feature_loss` is right, its gradient is not"),
            (
                squared(lambda s: s.sum(dim=1)),
                r"what feature_loss returns` has shape \(2,\); expected \(\), one number",
            ),
            (one(lambda z, b: 1 + feature_loss(z, b)), "returns 31 where 30 is right: compare it with the formula"),
            (one(lambda z: z), "`feature_loss` stopped with TypeError"),
            (one(30.0), "`feature_loss` should be a function, and it is a `float`"),
        ),
        blank=(*EMPTY, one(lambda z, b: ...), one(lambda z, b: None)),
        praise="value and gradient are right: 30 for the distances √5 and 5",
    ),
    "05-statistics": Case(
        right=(statistics_loss(), one(by_expectation)),
        wrong=(
            (statistics_loss(correction=1), "divides by n - 1 by itself: say `correction=0`"),
            (statistics_loss(within=True), "you averaged the variances of single images"),
            (statistics_loss(deviation=True), "you took standard deviations; take variances"),
            (statistics_loss(join=lambda terms: sum(terms) / len(terms)), "that is a mean over classes; take the sum"),
            (statistics_loss(join=lambda terms: terms[0]), "that is class 0 alone: return after the loop"),
            (statistics_loss(join=lambda terms: terms[-1]), "that is the last class alone: add up in the loop"),
            (statistics_loss(join=lambda terms: sum(terms).sqrt()), "returns 2 where 4 is right"),
            (one(of_all), "these are the statistics of all images together"),
            (statistics_loss(join=lambda terms: sum(terms).item()), "`statistics_loss` has lost its gradient"),
            (one("loss"), "`statistics_loss` should be a function, and it is a `str`"),
        ),
        blank=(*EMPTY, one(unfinished), one(lambda *given: None)),
        praise="value and gradient are right: 4 for the numbers above",
    ),
    "05-knob": Case(
        right=(session(("statistics_weight", 0.01, 10)), session(("lr", 1.0, 0), ("statistics_weight", 0.1, 20))),
        wrong=(
            (session(("lr", 0.001, 10)), "the learning rate was turned; leave that, and turn the statistics weight"),
            (session(("statistics_weight", 0.5, 10)), "the weight was turned to 0.5; it began at 1, so go down to 0.1"),
            (session(("statistics_weight", 30, 10)), "the weight was turned to 30; it began at 1"),
            (session(("statistics_weight", 0.01, 0)), "it was turned before the first step"),
            (session(("statistics_weight", 0.01, 40)), "turned .* at step 40.* nothing was recorded since"),
            (one({"statistics_weight": 0.01}), "give the session itself, `session`; this is a `dict`"),
        ),
        blank=(*EMPTY, session(steps=()), session(), session(state="finished")),
        praise="turned to 0.01 at step 10. By step 40: squared distance from 0.500 to 0.500, statistics error from",
    ),
    "05-start": Case(
        given=lambda: {"curves": CURVES, "level": 1.0},
        right=(one({"noise": 60, "real": 10}), one({"real": 10.0, "noise": np.int64(60), "other": 1})),
        wrong=(
            (one({"noise": 3, "real": 10}), r"`needed\['noise'\]` is 3: that is the position of the snapshot"),
            (one({"noise": 25, "real": 10}), "that is the last snapshot above the level"),
            (one({"noise": 60, "real": 3}), r"`needed\['real'\]` is 3: that counts the snapshots below the level"),
            (
                one({"noise": 40, "real": 10}),
                "is 40: at step 60 the squared distance is 0.500, the first one at most 1",
            ),
            (one([60, 10]), "`needed` should be a dict, start to step, and it is a `list`"),
        ),
        blank=(*EMPTY, one({"noise": ..., "real": ...}), one({"noise": 60, "real": ...}), one({"noise": 60})),
        praise="real needs the fewest steps, 10; noise the most, 60",
    ),
    "05-relation": Case(
        given=lambda: {"table": TABLE},
        right=(lambda: (RHO, RHO_REAL), lambda: (round(RHO, 2), round(RHO_REAL, 2))),
        wrong=(
            (lambda: (-RHO, RHO_REAL), "`rho` is .*: the sign is wrong"),
            (lambda: (RHO, RHO), "`rho_real` is .*: leave out the rows with noise"),
            (lambda: (RHO, -RHO_REAL), "`rho_real` is -0.8: the sign is wrong"),
            (lambda: (0.123, RHO_REAL), "`spearmanr` of 6 rows gives another number"),
            (lambda: (RHO, "high"), "`rho_real` should hold numbers, and it is a `str`"),
        ),
        blank=(lambda: (..., ...), lambda: (RHO, ...), lambda: (None, RHO_REAL)),
        praise=r"from real images. Among these, nearer even goes with worse",
    ),
}
