"""Self-checks of notebook 07: the best cell, effects, an interval over seeds, Holm's correction, rank correlation."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wddkit.comparison.inference import holm as corrected
from wddkit.course.answers import Blank, Wrong, array, called, close, first_match, itself, number
from wddkit.course.registry import exercise
from wddkit.history import Sweep, relate
from wddkit.history.tables import interval

READ = 2e-3  # share: a t of 4.30 in place of 4.303 is right
RANKED = 6e-3  # a correlation that was read off two decimals
DISTANCE = "w2_squared_heldout"


@exercise("07-best", "The best cell")
def best(view: Any, *, sweep: Sweep, protocol: str) -> str:
    """A run of the cell of highest mean accuracy opened under the protocol."""
    itself(view, "view", "browser", ("opened", "protocol", "cells"))
    if not view.opened:
        raise Blank(f"no run is open yet: choose the protocol {protocol}, then click a cell of the heat map.")
    if view.protocol != protocol:
        raise Wrong(f"this is the label regime {view.protocol}; choose {protocol} in the list *Protocol*.")
    names = list(sweep.fields)
    rows = sweep.frame[sweep.frame["protocol"] == protocol]
    means = rows.groupby(names)["accuracy"].mean().sort_values(ascending=False)
    cells = list(dict.fromkeys(sweep.frame.iloc[view.opened][names].itertuples(index=False, name=None)))
    if len(cells) > 1:
        raise Wrong(f"runs of {len(cells)} cells are open; click the best cell alone, without Shift.")
    own = float(means[cells[0]])
    if own < means.iloc[0]:
        above = int((means > own).sum())
        raise Wrong(f"the cell {_said(cells[0])} has a mean of {own:.1f} %, and {above} {_have(above)} more.")
    return f"the cell {_said(cells[0])} has {own:.1f} %. {_next(rows, names, means.index[0], means.index[1])}"


def _next(rows: Any, names: Sequence[str], first: tuple[Any, ...], second: tuple[Any, ...]) -> str:
    """Whether seeds tell the best cell from the next one."""
    by_seed = rows.set_index([*names, "seed"])["accuracy"].sort_index()
    differences = (by_seed.loc[first] - by_seed.loc[second]).dropna()
    low, high = interval(differences.tolist())
    if math.isnan(low):
        return f"A single seed cannot tell whether it is better than {_said(second)}."
    told = "tells them apart" if low > 0 else "does not tell them apart"
    return (
        f"It is {differences.mean():.1f} points above {_said(second)}; the interval over seeds, {low:.1f} to "
        f"{high:.1f}, {told}, and does not know that you picked the best of {len(by_seed.groupby(list(names)))}."
    )


def _said(cell: tuple[Any, ...]) -> str:
    return " and ".join(map(str, cell))


def _have(count: int) -> str:
    return "cell has" if count == 1 else "cells have"


@exercise("07-effects", "A main effect and an interaction")
def effects(effect: Any, interaction: Any, *, means: Any) -> str:
    """The main effect of starting nearest instead of from noise, and its interaction with the form."""
    found, both = number(effect, "effect"), number(interaction, "interaction")
    gains = (means.loc["nearest"] - means.loc["noise"]).to_dict()  # by form
    main, expected = float(np.mean(list(gains.values()))), gains["paper"] - gains["normalised"]
    if not close(found, main, share=READ):
        mistakes = [
            (lambda: -main, "the other way round: `nearest` minus `noise`."),
            (lambda: sum(gains.values()), "that is the sum over the forms; take the mean."),
            (lambda: (means.loc["real"] - means.loc["noise"]).mean(), "that is `real` against `noise`."),
            (lambda: (means.loc["nearest"] - means.loc["real"]).mean(), "that is `nearest` against `real`."),
            *(
                (
                    lambda level=level: means.loc[level].mean(),
                    "that is a mean of one level; take the difference of two.",
                )
                for level in means.index
            ),
            *((lambda gain=gain: gain, f"that is the gain under `{form}` alone.") for form, gain in gains.items()),
        ]
        listed = ", ".join(f"{gain:.2f} under {form}" for form, gain in gains.items())
        raise Wrong(first_match(found, mistakes, share=READ) or f"`effect` is {found:.4g}; the gains are {listed}.")
    if abs(both - expected) > READ * max(map(abs, gains.values())):
        mistakes = [
            (lambda: -expected, "that is `normalised` minus `paper`: turn it round."),
            (lambda: expected / 2, "statistics books halve it in some designs; here it is the plain difference."),
            (lambda: gains["paper"] + gains["normalised"], "that is the sum of two gains; take their difference."),
            (lambda: gains["paper"] - gains["official"], "that is against `official`; take `normalised`."),
        ]
        said = first_match(both, mistakes, share=READ)
        parts = f"subtract the gain under `normalised`, {gains['normalised']:.2f}, from that under `paper`"
        raise Wrong(f"the effect is right; {said or f'`interaction` is {both:.4g}; {parts}.'}")
    weight = abs(expected / main) if main else math.inf
    told = "the main effect alone says most of it" if weight < 0.25 else "the main effect alone would mislead"
    return f"{main:+.1f} points on average, and {expected:+.1f} more under `paper` than under `normalised`: {told}."


@exercise("07-seeds", "An interaction with its interval")
def seeds(low: Any, high: Any, *, per_seed: Any) -> str:
    """The 95 % interval of the interaction over paired seeds."""
    found = np.array([number(low, "low"), number(high, "high")])
    gains = {form: per_seed.loc["nearest", form] - per_seed.loc["noise", form] for form in ("paper", "normalised")}
    values = (gains["paper"] - gains["normalised"]).to_numpy(float)
    n, mean, spread = len(values), values.mean(), values.std(ddof=1)
    expected = np.array(interval(values.tolist()))
    t = (expected[1] - mean) / (spread / math.sqrt(n))
    if close(found, expected, share=READ):
        told = "0 is inside: these seeds cannot tell whether there is one" if _around_0(expected) else "0 is outside"
        return f"the interaction is {mean:+.1f}, from {found[0]:.1f} to {found[1]:.1f}: {told}."
    corners = [per_seed.loc[start, form] for start in ("nearest", "noise") for form in ("paper", "normalised")]
    unpaired = math.sqrt(sum(corner.var(ddof=1) for corner in corners))

    def within(times: float, sd: float, root: float = math.sqrt(n)) -> np.ndarray:
        return np.array([mean - times * sd / root, mean + times * sd / root])

    said = first_match(
        found,
        [
            (lambda: expected[::-1], "`low` and `high` are exchanged."),
            (lambda: within(1.96, spread), f"1.96 is for many seeds; for {n} take Student's t, {t:.3f}."),
            (lambda: within(t, values.std()), "`.std()` of NumPy divides by n; take `ddof=1`."),
            (lambda: within(t, spread, 1.0), "that is the spread of single seeds; of a mean, divide it by √n."),
            (lambda: within(1.0, spread), f"that is one standard error; take {t:.3f} of them."),
            (lambda: within(t, unpaired), "that takes seeds as unpaired; compute the interaction in each seed first."),
            (lambda: -expected[::-1], "the sign is turned: `paper` minus `normalised`."),
        ],
        share=READ,
    )
    each = ", ".join(f"{value:.2f}" for value in values)
    raise Wrong(said or f"the interactions of the seeds are {each}; take their mean ± {t:.3f} s / √{n}.")


def _around_0(ends: np.ndarray) -> bool:
    return bool(ends[0] <= 0 <= ends[1])


@exercise("07-holm", "Holm's correction")
def holm(function: Any, *, p: Sequence[float]) -> str:
    """Adjusted p-values, in the order given, for the learner's numbers and for others."""
    rng = np.random.default_rng(0)
    others = [[0.01, 0.04, 0.03], [0.02, 0.02, 0.5], [0.6, 0.7], rng.uniform(0, 0.2, 6).round(3).tolist()]
    for each in [*others, list(map(float, p))]:
        answer = called(function, "holm", np.array(each))
        found = array(answer, "what holm returns", (len(each),), of="a p-value for each that was given")
        expected = np.array(corrected(each))
        if not close(found, expected):
            about = f"for {_listed(each)} it returns {_listed(found)}"
            raise Wrong(f"{about}: {_about_holm(found, np.array(each)) or f'{_listed(expected)} would be right.'}")
    before, after = (int((np.asarray(each) < 0.05).sum()) for each in (p, corrected(list(map(float, p)))))
    return f"of {len(p)} comparisons {before} are below 5 % as they are, and {after} after the correction."


def _about_holm(found: np.ndarray, p: np.ndarray) -> str | None:
    """What is said of a known mistake."""
    m, order = len(p), np.argsort(p, kind="stable")
    back = np.argsort(order, kind="stable")
    factors = m - np.arange(m)
    steps = p[order] * factors
    rising = np.maximum.accumulate(steps)
    hochberg = np.minimum.accumulate((p[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    return first_match(
        found,
        [
            (lambda: p, "nothing was corrected."),
            (lambda: p * factors, "these were multiplied in the order given; sort first."),
            (lambda: np.minimum(1, p * m), "that is Bonferroni's: all times m. Holm's factor falls: m, m - 1, ..., 1."),
            (lambda: p * m, "that is Bonferroni's: all times m. Holm's factor falls: m, m - 1, ..., 1."),
            (lambda: rising[back], "no p-value is above 1: cut it there."),
            (lambda: np.minimum(1, rising), "right numbers in rising order; return them in the order given."),
            (
                lambda: np.minimum(1, steps)[back],
                "no result is smaller than the one before it: let them rise.",
            ),
            (lambda: steps[back], "let the numbers rise (`np.maximum.accumulate`), and cut them at 1."),
            (lambda: np.minimum(1, hochberg)[back], "that is Benjamini and Hochberg's: it allows more false alarms."),
            (lambda: p * (np.arange(m) + 1)[back], "the factors are turned: the smallest p is multiplied by m."),
        ],
    )


def _listed(values: Any) -> str:
    return str(np.round(np.asarray(values, float), 4).tolist())


@exercise("07-rank", "What goes with accuracy")
def rank(rho_all: Any, rho_kept: Any, *, frame: Any, protocol: str) -> str:
    """Spearman's rho of held-out squared W2 and accuracy, over all runs and over those not from noise."""
    rows = frame[frame["protocol"] == protocol]
    kept = rows[rows["method.start"] != "noise"]
    answers = {"rho_all": number(rho_all, "rho_all"), "rho_kept": number(rho_kept, "rho_kept")}
    related = {"rho_all": _overall(rows), "rho_kept": _overall(kept)}
    rhos = {name: float(each["rho"]) for name, each in related.items()}
    others = dict(zip(rhos, reversed(rhos.values()), strict=True))
    differ = abs(rhos["rho_all"] - rhos["rho_kept"]) > RANKED
    if differ and all(abs(answers[name] - others[name]) <= RANKED for name in rhos):
        raise Wrong("`rho_all` and `rho_kept` are exchanged.")
    for (name, found), own in zip(answers.items(), (rows, kept), strict=True):
        if abs(found - rhos[name]) > RANKED:
            whose = frame if name == "rho_all" else frame[frame["method.start"] != "noise"]
            raise Wrong(_about_rank(name, found, rhos[name], own, whose))
    all_, few = (
        f"{rhos[name]:+.2f} ({each['low']:+.2f} to {each['high']:+.2f}, n = {each['n']})"
        for name, each in related.items()
    )
    around = _around_0(np.array([related["rho_kept"][end] for end in ("low", "high")], float))
    claim = (
        "0 is inside the second: among sets that start from real images, nearer is not seen to be better."
        if around
        else "both leave out 0; but runs that share seeds are not independent, and to go together is no cause."
    )
    return f"{all_} over all runs, {few} without noise. {claim}"


def _overall(rows: Any) -> dict[str, Any]:
    found = relate(rows, distances=[DISTANCE], by=None).set_index("level").loc["overall"].to_dict()
    return {str(name): each for name, each in found.items()}


def _about_rank(name: str, found: float, rho: float, own: Any, everywhere: Any) -> str:
    """What is said of another number than the right rho."""
    pearson = float(np.corrcoef(own[DISTANCE], own["accuracy"])[0, 1])
    cells = relate(own, distances=[DISTANCE], by=["method.start", "method.form"]).set_index("level")["rho"]
    training = relate(own, distances=["w2_squared"], by=None).set_index("level")["rho"]["overall"]
    mistakes = [
        (-rho, "the sign is turned; do not take its absolute value."),
        (pearson, "that is Pearson's, of the numbers; Spearman's is that of their ranks."),
        (_overall(everywhere)["rho"], "that is over all label regimes; keep the rows of one."),
        (_spearman(everywhere), "that is over all label regimes; keep the rows of one."),
        (float(cells["within"]), "that is `within`; take `overall`, of all these runs together."),
        (float(cells["across"]), "that is `across`; take `overall`, of all these runs together."),
        (float(training), "that is the squared W2 to training features; take the held-out one."),
    ]
    said = next((text for wrong, text in mistakes if abs(found - wrong) <= RANKED), None)
    return f"`{name}` is {found:.4g}: {said or f'that is not it; it ranks {len(own)} runs.'}"


def _spearman(rows: Any) -> float:
    ranks = rows[[DISTANCE, "accuracy"]].rank()
    return float(np.corrcoef(ranks.T)[0, 1])
