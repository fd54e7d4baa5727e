"""Self-checks of notebook 05: both terms of the loss, a knob turned live, steps by start, distance and accuracy."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

from wddkit.course.answers import Blank, Mistakes, Wrong, called, close, entries, first_match, itself, kind_of, number
from wddkit.course.recovery import Recovery, first_below
from wddkit.course.registry import exercise

if TYPE_CHECKING:
    import pandas

EXACT = 1e-6  # share of the largest number: all is float64, so this is rounding
READ = 5e-3  # a correlation that was read off with two digits is right
TENTH = 0.1 * (1 + 1e-6)  # of the weight; a slider's tenth is rounded


@exercise("05-feature", "The feature term")
def feature(function: Any) -> str:
    """The sum of squared distances, with its gradient."""
    rng = np.random.default_rng(5)
    cases = [([[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 4.0]]), (rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))]
    for z, b in cases:
        x, y = (torch.tensor(np.asarray(each), dtype=torch.float64) for each in (z, b))
        x.requires_grad_()
        off = (x - y).detach()
        _judge(function, "feature_loss", (x, y), x, off.square().sum(), 2 * off, _of_feature(off))
    return "value and gradient are right: 30 for the distances √5 and 5, and others."


def _of_feature(off: Tensor) -> Mistakes:
    squared = off.square()
    return [
        (lambda: squared.mean(), "that is the mean over images and features; take the sum."),
        (lambda: squared.sum(dim=1).mean(), "that is a mean over images; take the sum."),
        (lambda: squared.mean(dim=1).sum(), "that is a mean over features; take the sum."),
        (lambda: squared.sum().sqrt(), "that is the norm of the form `official`; leave out the root."),
        (lambda: squared.sum(dim=1).sqrt().sum(), "these are distances; sum their squares, without roots."),
        (lambda: off.abs().sum(), "you summed |differences|; square each."),
        (lambda: off.sum() ** 2, "you summed first and squared then; square each difference first."),
    ]


@exercise("05-statistics", "The statistics term")
def statistics(function: Any) -> str:
    """Squared distances of per-class means and variances, with the gradient in the maps."""
    rng = np.random.default_rng(6)
    cases = [
        (np.array([0.0, 2.0, 4.0, 6.0]).reshape(2, 1, 1, 2), [0, 0], [[1.0]], [[5.0]]),
        (rng.normal(size=(5, 3, 2, 2)), [0, 1, 1, 0, 1], rng.normal(size=(2, 3)), rng.random((2, 3))),
    ]
    for values, of, mean, variance in cases:
        maps = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        labels = torch.tensor(of)
        real = tuple(torch.tensor(np.asarray(each), dtype=torch.float64) for each in (mean, variance))
        right = _statistics(maps, labels, *real)
        (slope,) = torch.autograd.grad(right, maps)
        plain = maps.detach()
        given = (maps, labels, *real)
        _judge(function, "statistics_loss", given, maps, right.detach(), slope, _of_statistics(plain, labels, *real))
    return "value and gradient are right: 4 for the numbers above, and others with two classes and three channels."


def _statistics(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Tensor:
    mean, variance = _moments(maps, labels)
    return (mean - real_mean).square().sum() + (variance - real_variance).square().sum()


def _moments(maps: Tensor, labels: Tensor, *, correction: int = 0) -> tuple[Tensor, Tensor]:
    own = [maps[labels == c] for c in labels.unique()]
    means = torch.stack([x.mean(dim=(0, 2, 3)) for x in own])
    return means, torch.stack([x.var(dim=(0, 2, 3), correction=correction) for x in own])


def _of_statistics(maps: Tensor, labels: Tensor, real_mean: Tensor, real_variance: Tensor) -> Mistakes:
    mean, variance = _moments(maps, labels)
    off, apart = mean - real_mean, variance - real_variance
    both = off.square() + apart.square()
    own = [maps[labels == c] for c in labels.unique()]

    def other(variance: Tensor) -> Tensor:
        return off.square().sum() + (variance - real_variance).square().sum()

    return [
        (
            lambda: other(_moments(maps, labels, correction=1)[1]),
            "`Tensor.var` divides by n - 1 by itself: say `correction=0`.",
        ),
        (
            lambda: other(torch.stack([x.var(dim=(2, 3), correction=0).mean(dim=0) for x in own])),
            "you averaged the variances of single images: how far their means lie apart is lost.",
        ),
        (lambda: other(variance.sqrt()), "you took standard deviations; take variances."),
        (lambda: off.square().sum(), "the variances do not count yet."),
        (lambda: apart.square().sum(), "the means do not count yet."),
        (lambda: both.mean(), "that is a mean over classes and channels; take the sum."),
        (lambda: both.sum(dim=1).mean(), "that is a mean over classes; take the sum."),
        (lambda: both.mean(dim=1).sum(), "that is a mean over channels; take the sum."),
        (lambda: both[-1].sum(), "that is the last class alone: add up in the loop."),
        (lambda: both[0].sum(), "that is class 0 alone: return after the loop, not in it."),
        (lambda: off.norm() + apart.norm(), "these are norms, as in the form `official`; square them."),
        (lambda: off.norm(dim=1).sum() + apart.norm(dim=1).sum(), "these are norms; square them."),
        (
            lambda: _statistics(maps, torch.zeros_like(labels), real_mean, real_variance),
            "these are the statistics of all images together: take `maps[labels == c]`.",
        ),
    ]


def _judge(
    function: Any, name: str, given: Sequence[Tensor], at: Tensor, value: Tensor, slope: Tensor, mistakes: Mistakes
) -> None:
    """Raises what is to be said unless a learner's loss has this value, and this gradient in `at`."""
    if not callable(function):
        raise Wrong(f"`{name}` should be a function, and it is {kind_of(function)}.")
    found = called(functools.partial(function, *given), name)
    plain = found.detach() if isinstance(found, Tensor) else found
    if isinstance(plain, (int, float)) and plain == 0 and value != 0:
        raise Blank(f"`{name}` returns 0 whatever it is given; write its body.")
    right, got = float(value), number(plain, f"what {name} returns")
    if not close(got, right, share=EXACT):
        said = first_match(got, [(_as_float(wrong), words) for wrong, words in mistakes], share=EXACT)
        raise Wrong(f"`{name}` returns {got:.5g} where {right:.5g} is right: {said or 'compare it with the formula.'}")
    if not isinstance(found, Tensor) or not found.requires_grad:
        raise Wrong(f"the value is right, but `{name}` has lost its gradient: stay within torch, without `.item()`.")
    (gradient,) = torch.autograd.grad(found, at, allow_unused=True)
    if gradient is None or not close(gradient, slope.numpy(), share=EXACT):
        raise Wrong(f"the value of `{name}` is right, its gradient is not: is a part of it detached?")


def _as_float(wrong: Callable[[], Any]) -> Callable[[], float]:
    return lambda: float(wrong())


@exercise("05-knob", "A knob turned live")
def knob(session: Any) -> str:
    """The statistics weight turned down to a tenth or less, between the first and the last step."""
    itself(session, "session", "session", ("history", "state", "config"))
    history, own = session.history, float(session.config.method.statistics_weight)
    events = [event for event in history.events if event.get("event") == "knob"]
    turns = [event for event in events if event["name"] == "statistics_weight"]
    if not history.frames:
        raise Blank("no step has been done yet: press *resume* in the view, and wait for the first images.")
    if not turns:
        if events:
            raise Wrong("the learning rate was turned; leave that, and turn the statistics weight.")
        over = session.state["state"] in ("finished", "stopped", "failed")
        mend = "The session is over: make a new one." if over else "If you have, let it go on: a turn acts on a step."
        raise Blank(f"the statistics weight was not turned yet. {mend}")
    low = [event for event in turns if float(event["after"]) <= TENTH * own]
    if not low:
        least = min(float(event["after"]) for event in turns)
        raise Wrong(f"the weight was turned to {least:.3g}; it began at {own:g}, so go down to {own / 10:g} or less.")
    step = int(low[0]["step"])
    if step == 0:
        raise Wrong("it was turned before the first step, so nothing changed on the way: begin anew, turn it later.")
    rows = history.scalars[history.scalars["phase"] == "recover"]
    later = rows[rows["step"] > step]
    if not len(later):
        raise Wrong(
            f"turned to {float(low[0]['after']):.3g} at step {step}, and nothing was recorded since: let it go on."
        )
    before, after = rows[rows["step"] <= step].iloc[-1], later.iloc[-1]
    moved = [f"{name} from {before[key]:.3f} to {after[key]:.3f}" for key, name in _MEASURED.items()]
    return f"turned to {float(low[0]['after']):.3g} at step {step}. By step {int(after['step'])}: {', '.join(moved)}."


_MEASURED = {"feature_gap": "squared distance", "statistics_error": "statistics error"}


@exercise("05-start", "Steps by start")
def start(needed: Any, *, curves: Mapping[str, Recovery], level: float) -> str:
    """Start -> the first recorded step at which the distance is at most the level."""
    answers = entries(needed, "needed", curves, of="start to step")
    right: dict[str, int] = {}
    for name, run in curves.items():
        found, step = number(answers[name], f"needed[{name!r}]"), first_below(run.steps, run.gap, level)
        assert step is not None  # the level is above all last values
        right[name] = step
        if found == step:
            continue
        at = int(np.flatnonzero(run.steps == step)[0])
        said = {
            float(at): f"that is the position of the snapshot; its step is `run.steps[{at}]`.",
            float(run.steps[max(at - 1, 0)]): "that is the last snapshot above the level.",
            float((run.gap <= level).sum()): "that counts the snapshots below the level.",
        }
        begin = f"at step {step} the squared distance is {run.gap[at]:.3f}, the first one at most {level:.3f}."
        raise Wrong(f"`needed[{name!r}]` is {found:.4g}: {said.get(found, begin)}")
    few, many = min(right, key=right.__getitem__), max(right, key=right.__getitem__)
    if right[few] == right[many]:
        return f"all need {right[few]} steps, as far as the snapshots tell."
    return f"{few} needs the fewest steps, {right[few]}; {many} the most, {right[many]}."


@exercise("05-relation", "Nearer, hence better?")
def relation(rho: Any, rho_real: Any, *, table: "pandas.DataFrame") -> str:
    """Spearman's correlation of distance and accuracy, over all rows and over those that start from real images."""
    parts = {"rho": table, "rho_real": table[table["method.start"] != "noise"]}
    right = {name: _rank(rows, "feature_gap") for name, rows in parts.items()}
    for (name, rows), answer in zip(parts.items(), (rho, rho_real), strict=True):
        found = number(answer, name)
        if abs(found - right[name]) <= READ:
            continue
        x, y = rows["feature_gap"], rows["accuracy"]
        mistakes = [
            (spearmanr(x, y).pvalue, "that is the p-value; take `.statistic`."),
            (pearsonr(x, y).statistic, "that is Pearson's; take Spearman's."),
            (-right[name], "the sign is wrong: rank both upwards."),
            (right["rho"], "leave out the rows with noise."),
            (_rank(rows, "statistics_error"), "take `feature_gap`."),
        ]
        said = next((words for wrong, words in mistakes if abs(found - float(wrong)) <= 1e-3), None)
        begin = f"`spearmanr` of {len(rows)} rows gives another number; take the columns `feature_gap` and `accuracy`."
        raise Wrong(f"`{name}` is {found:.3g}: {said or begin}")
    return f"{right['rho']:+.2f} over all, {right['rho_real']:+.2f} from real images. {_read(right['rho_real'])}"


def _rank(rows: "pandas.DataFrame", column: str) -> float:
    return float(spearmanr(rows[column], rows["accuracy"]).statistic)


def _read(rho: float) -> str:
    if rho < -0.5:
        return "Among these, nearer does go with better."
    if rho > 0.5:
        return "Among these, nearer even goes with worse: the distance alone does not tell which set teaches."
    return "A correlation of -1 would mean: the nearer, the better. Among these the distance tells little."
