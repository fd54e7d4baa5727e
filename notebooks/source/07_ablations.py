# %% [markdown] title
# # 07 Ablations
#
# **Time:** 75 minutes. **You need:** seeds, intervals and label regimes, as in
# [06 Relabel, train a student, evaluate fairly](06_fair_evaluation.ipynb); a little pandas.
#
# After it you can
#
# - design an ablation, and write a prediction down before;
# - read a cell with its interval and its n;
# - compute a main effect and an interaction, and say how sure they are;
# - correct for how often you have looked;
# - say what a rank correlation may claim.

# %% [markdown] which
# ## Which part does the work?
#
# An **ablation** changes parts of a method, leaves all else as it was, and measures what that does.
#
# - A **factor** is a part that is changed, its **levels** are its values.
# - A **cell** is one combination of levels; a *full* design runs all.
# - **Seeds** are the same in every cell, so that cells are *paired*.
#
# Ours has two factors and one image per class. `method.start`: pixels begin as noise (as in the paper), as random real
# images, or as those nearest to the support points. `method.form`: the loss as the paper prints it, as the authors'
# code runs it, or measured by the real data's own spread.

# %% open
import numpy as np
import pandas as pd

import wddkit as wdd
from wddkit import course

sweep = wdd.Sweep.load(course.recorded("sweeps/start-form"))
frame = sweep.frame
for field in sweep.fields:
    print(f"{field:13}", *dict.fromkeys(frame[field]))
print("seeds        ", *sorted(set(frame.seed)))
print("distillations", frame.run.nunique())
print("label regimes", *dict.fromkeys(frame.protocol), "(evaluated on the same distilled sets)")

# %% [markdown] before
# ## Write it down before
#
# A prediction made afterwards always comes true. The number that counts here: accuracy of students under hard labels.

# %% make-browser
view = wdd.AblationBrowser(sweep)

# %% folded browser
hard = frame[frame.protocol == "hard"]
start, form = (np.ptp(hard.groupby(field).accuracy.mean()) for field in sweep.fields)
choices = [
    "The start's: more than twice as far.",
    "The form's: more than twice as far.",
    "Neither: they differ by less than that.",
]
course.predict(
    "Of each level take the mean accuracy. Which factor's levels lie farther apart, the start's or the form's?",
    choices,
    then=view,
    answer=choices[0 if start > 2 * form else 1 if form > 2 * start else 2],
    because=f"The levels of the start lie {start:.1f} points apart, those of the form {form:.1f}.",
)

# %% [markdown] parts
# Everything in the browser is linked. Click a cell of the **heat map**, and a run of it opens below.
# *Protocol* chooses the label regime, *Value* what is shown. Only runs of seed 0 are kept here.

# %% [markdown] exercise 07-best difficulty=1 importance=4 minutes=5 points=2
# ### Exercise 1: find the best cell
#
# In the browser, choose the protocol `soft`, and click the cell of highest mean accuracy: one of its runs opens.
#
# <details><summary>Hint</summary>
#
# The lists are at the top. Each cell says its mean. If runs of several cells are open, click one cell without
# Shift: it opens alone.
#
# </details>

# %% answer 07-best
# There is nothing to write here: click in the browser above, then run the next cell.
# --- solution
soft = frame[frame.protocol == "soft"].groupby(list(sweep.fields)).accuracy.mean()
view.protocol = "soft"
cells = view.cells().set_index(list(sweep.fields))
view.opened = cells.loc[soft.idxmax(), "rows"][:1]
# --- instead
# view.opened
# --- end

# %% check 07-best
course.check("07-best", view, sweep=sweep, protocol="soft")

# %% [markdown] cell
# ## What a cell says
#
# A mean, an interval, and n. The interval is Student's t over n synthesis seeds. What the heat map shows now:

# %% read-cells
columns = ["mean", "low", "high", "n", "over"]
view.cells().set_index(list(sweep.fields))[columns].round(1)

# %% [markdown] gain-text
# Beside accuracy stands a control. The **gain** is accuracy minus that of random real images under the same protocol.
# Below 0, one had better not have distilled at all.

# %% gain
hard.groupby("method.start", sort=False)[["accuracy", "random", "gain"]].mean().round(1)

# %% [markdown] noise
# Compare the row `noise`, where the paper begins, with the others. This is said of tiny digits and one image per class:
# an ablation answers for its own setting.

# %% [markdown] effects
# ## Main effect and interaction
#
# Let $Y_{sf}$ be the mean accuracy of start $s$ and form $f$. Replacing noise by nearest images gains
# $g_f = Y_{\mathrm{nearest}, f} - Y_{\mathrm{noise}, f}$. The **main effect** is the mean of these gains, the
# **interaction** of two forms their difference:
#
# $$\text{main effect} = \frac{1}{3} \sum_f g_f, \qquad \text{interaction} = g_{\mathrm{paper}} -
# g_{\mathrm{normalised}} .$$
#
# Without interaction the lines in the browser are parallel. An example is the paper's Table 3 (ImageNet-1K, ten images
# per class, read off the authors' page): images are drawn to support points or by cross-entropy, statistics matched by
# class or over all.

# %% published
published = pd.DataFrame(
    {
        "support points": [38.1, 26.8],
        "cross-entropy": [37.3, 35.9],
    },
    index=["by class", "over all"],
)
gains = published["support points"] - published["cross-entropy"]
print("gain of support points:", gains.round(1).to_dict())
print("main effect           :", round(gains.mean(), 2))
print("interaction           :", round(gains["by class"] - gains["over all"], 2))
neither = published.loc["over all", "cross-entropy"]
for name, accuracy in published.loc["by class"].items():
    print(f"by class, with {name}: {accuracy - neither:+.1f} points over neither of them")

# %% [markdown] published-text
# Support points help in one row and harm in the other. The main effect describes neither. And most of the gain comes
# from matching by class, on the paper's other data sets too.

# %% [markdown] exercise 07-effects difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 2: of our own table
#
# From `means` compute the main effect `effect` of `nearest` against `noise`, and the `interaction`: the gain under
# `paper` minus that under `normalised`.
#
# <details><summary>Hint 1</summary>
#
# `means.loc["nearest"]` is a row of three numbers. The difference of two rows is the three gains.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The effect is `gains.mean()`; the interaction is `gains["paper"] - gains["normalised"]`.
#
# </details>

# %% means
means = hard.pivot_table(index="method.start", columns="method.form", values="accuracy", sort=False)
means.round(1)

# %% answer 07-effects
# --- solution
own = means.loc["nearest"] - means.loc["noise"]
effect = own.mean()
interaction = own["paper"] - own["normalised"]
# --- instead
# effect = ...
# interaction = ...
# --- end

# %% check 07-effects
course.check("07-effects", effect, interaction, means=means)

# %% [markdown] sure
# ## How sure are they?
#
# Because seeds are paired, compute the interaction in every seed first: what a lucky seed gives to all four cells then
# cancels. From the $n$ numbers, of mean $\bar d$ and standard deviation $s$,
#
# $$\bar d \pm t_{n-1} \frac{s}{\sqrt{n}} .$$
#
# For three seeds $t_2 = 4.303$.

# %% [markdown] exercise 07-seeds difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 3: the interaction with its interval
#
# `per_seed` has a row a cell and a column a seed. Compute `low` and `high`, the ends of the 95 % interval of the
# interaction of exercise 2.
#
# <details><summary>Hint 1</summary>
#
# `per_seed.loc["nearest", "paper"]` has one number a seed. Combine four of these to `d`, which has one a seed too.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `d.std(ddof=1)` is s, and `scipy.stats.t.ppf(0.975, len(d) - 1)` is t.
#
# </details>

# %% per-seed
per_seed = hard.pivot_table(index=list(sweep.fields), columns="seed", values="accuracy")
per_seed.round(1)

# %% answer 07-seeds
# --- solution
from scipy.stats import t

first, second = (per_seed.loc["nearest", f] - per_seed.loc["noise", f] for f in ("paper", "normalised"))
d = first - second
half = t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
low, high = d.mean() - half, d.mean() + half
# --- instead
# low = ...
# high = ...
# --- end

# %% check 07-seeds
course.check("07-seeds", low, high, per_seed=per_seed)

# %% [markdown] often
# ## How often have you looked?
#
# At the 5 % level one comparison of equals in twenty seems to differ. Below, all cells are compared with one that was
# named before: the library's default, `nearest` and `normalised`.

# %% compare
from scipy.stats import ttest_rel

default = ("nearest", "normalised")
others = [cell for cell in per_seed.index if cell != default]
p = [ttest_rel(per_seed.loc[cell], per_seed.loc[default]).pvalue for cell in others]
for cell, value in zip(others, p, strict=True):
    print(
        f"{' and '.join(cell):22} {(per_seed.loc[cell] - per_seed.loc[default]).mean():+6.1f} points, p = {value:.3f}"
    )
pairs = len(per_seed) * (len(per_seed) - 1) // 2
print(f"all pairs would be {pairs}, in {frame.protocol.nunique()} regimes {pairs * frame.protocol.nunique()}")

# %% [markdown] exercise 07-holm difficulty=3 importance=4 minutes=15 points=3
# ### Exercise 4: correct them
#
# Holm's method keeps the chance of *any* false alarm below 5 %. Sort the $m$ p-values; multiply the smallest by $m$,
# the next by $m - 1$, and so on. No result may be smaller than the one before it, none above 1. Return them **in the
# order given**.
#
# <details><summary>Hint 1</summary>
#
# `order = np.argsort(p)` sorts; `np.maximum.accumulate` keeps a sequence from falling; `np.minimum(1, ...)` cuts.
#
# </details>
# <details><summary>Hint 2</summary>
#
# To return to the order given: `result = np.empty(m)`, then `result[order] = adjusted`.
#
# </details>


# %% answer 07-holm
def holm(p):
    """The p-values, an array, corrected for their number, in the order given."""
    # --- solution
    order = np.argsort(p)
    steps = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    result = np.empty(len(p))
    result[order] = np.minimum(1, np.maximum.accumulate(steps))
    return result
    # --- end


# %% check 07-holm
course.check("07-holm", holm, p=p)

# %% [markdown] relate-text
# ## Does a smaller distance go with a better student?
#
# **Spearman's ρ** correlates ranks, from -1 (the smaller one number, the larger the other) to 1. A small mark is a run,
# a large one the mean of a start.

# %% relation
wdd.views.figures.relation(sweep, by="method.start", protocol="hard")

# %% [markdown] exercise 07-rank difficulty=3 importance=5 minutes=10 points=3
# ### Exercise 5: what does it rest on?
#
# Compute ρ of `w2_squared_heldout` and accuracy over all runs under hard labels, `rho_all`. Then without the runs that
# start from noise, `rho_kept`.
#
# <details><summary>Hint 1</summary>
#
# `wdd.relate(rows, distances=["w2_squared_heldout"], by=None)` has a row `overall` with its `rho`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The rows that are left: `hard[hard["method.start"] != "noise"]`.
#
# </details>

# %% answer 07-rank
# --- solution
related = [
    wdd.relate(rows, distances=["w2_squared_heldout"], by=None).set_index("level")
    for rows in (hard, hard[hard["method.start"] != "noise"])
]
rho_all, rho_kept = (each.rho["overall"] for each in related)
# --- instead
# rho_all = ...
# rho_kept = ...
# --- end

# %% check 07-rank
course.check("07-rank", rho_all, rho_kept, frame=frame, protocol="hard")

# %% [markdown] claim
# A correlation may rest on one factor that moves both numbers. It may claim that they go together here, and not that
# lowering W2 makes a student better: for that, something has to change W2 and nothing else. See [09](09_limits.ipynb).

# %% [markdown] others-text
# ## Other questions
#
# All recorded sweeps, a row a factor. `points` is the best level minus the worst, chosen *after* looking: it is above 0
# even where nothing matters.

# %% others
from wddkit.course.ablations import overview

overview(course.recorded("sweeps"), protocol="hard").round(1)

# %% [markdown] own-text
# ## One of your own
#
# `wdd.ablate` runs a design, here in half a minute or so: does matching the statistics help one image per class?
# Weight 0 switches it off. First write down what you expect; nobody knows the answer for your machine.

# %% folded own-predict
expected = course.predict(
    "Accuracy under hard labels, weight 1 minus weight 0: what will it be?",
    ["Above 2 points.", "Between -2 and 2 points.", "Below -2 points."],
)
expected

# %% own
from dataclasses import replace

from wddkit.protocols import protocol_named

recipe = wdd.Config().resolved(wdd.load("digits")).protocols[0]
config = wdd.Config(
    method=wdd.methods.WMDD(ipc=1, start="real", steps=20 if course.fast() else 100),
    protocols=(replace(protocol_named("hard", recipe), students=1 if course.fast() else 2),),
    controls=("random",),
    snapshots=2,
)
changes = {
    "method.statistics_weight": [0.0, 1.0],
}
tiny = wdd.ablate(
    config,
    changes,
    out="sweeps/own",
    seeds=1 if course.fast() else 2,
    progress=False,
)
tiny.frame[[*changes, "seed", "accuracy", "gain", "w2_squared_heldout"]].round(2)

# %% own-read
seen = tiny.frame.pivot_table(index="seed", columns="method.statistics_weight", values="accuracy")
for seed, value in (seen[1.0] - seen[0.0]).items():
    print(f"seed {seed}: {value:+.1f} points")
print("you expected:", expected.chosen or "nothing yet")

# %% [markdown] own-after
# One or two seeds hint at a direction, no more. Change `changes` and `out` and ask something else: first the
# prediction, then the run.

# %% [markdown] next
# ## Summary
#
# - **Design:** few factors, the same seeds, a prediction before.
# - **A cell** is a mean, an interval and n, beside a control.
# - **A main effect** averages gains, an **interaction** compares them.
# - **Count your comparisons**, and correct them.
# - **A correlation** says what goes together, here.
#
# Next: [08 Other distillation methods](08_other_methods.ipynb).
#
# **To read next.** H. Liu et al., *Dataset Distillation via the Wasserstein Metric* (ICCV 2025, [arXiv
# 2311.18531](https://arxiv.org/abs/2311.18531)), its ablations. X. Bouthillier et al., *Accounting for Variance in
# Machine Learning Benchmarks* (2021, [arXiv 2103.03098](https://arxiv.org/abs/2103.03098)). G. Peyré, *Optimal
# Transport for Machine Learners* (2025, [arXiv 2505.06589](https://arxiv.org/abs/2505.06589)): the theory.

# %% progress
course.progress("07")
