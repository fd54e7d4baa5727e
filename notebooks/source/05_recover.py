# %% [markdown] title
# # 05 Recover: images that meet the barycenter
#
# **Time:** 70 minutes. **You need:** a little torch, and [04 Features](04_features.ipynb): features, statistics.
# [03 Barycenters](03_barycenters.ipynb) says where support points come from.
#
# After it you can
#
# - write what recover minimises, a feature term and a statistics term, with their gradients;
# - tell the three forms of the loss apart;
# - watch a recovery live, and turn its knobs;
# - say which start needs fewer steps, and what each term does to the pictures;
# - doubt, with numbers, that a smaller loss makes a better set.

# %% [markdown] where
# ## Where we are
#
# The teacher is trained, and each class has a barycenter: support points $b_j$ with masses (03 wrote
# $y_i$). But a support point is a
# vector of features, not a picture. **Recover** looks for pixels $x_j$ whose features are that vector. Nothing but
# gradient descent is needed: the network stays as it is, the *image* is what is learned.
#
# We take one image a class (`ipc` = 1). Then the only support point of a class is its mean feature.

# %% open
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import spearmanr

import wddkit as wdd
from wddkit import course
from wddkit.course import recovery as lesson
from wddkit.experiment import task_of

split = wdd.load("digits")
config = wdd.Config(
    teacher=wdd.Teacher(wdd.Network(width=8), wdd.Training(steps=200, batch=64, lr=4e-3)),
    method=wdd.methods.WMDD(ipc=1, steps=150 if course.fast() else 400, lr=0.1),
    protocols=(),
    controls=(),
    snapshots=25,
)
task = task_of(config, split)
net = task.teacher()
support = np.stack([wdd.ot.barycenter(measure, m=1).support[0] for measure in task.measures()])
print("support points", support.shape)

# %% [markdown] feature-text
# ## The feature term
#
# As the paper prints it, the term sums, over images, the squared distance from an image's features
# $z_j = \mathrm{embed}(x_j)$ to its support point:
#
# $$L_{\mathrm{feature}} = \sum_j \lVert z_j - b_j \rVert^2,
# \qquad \frac{\partial L}{\partial z_j} = 2 (z_j - b_j).$$
#
# torch carries this gradient on, through all layers, to the pixels.

# %% [markdown] exercise 05-feature difficulty=2 importance=5 minutes=10 points=2
# ### Exercise 1: the feature term
#
# Write it in torch. `z` and `b` are tensors `[k, d]`; return one number, a tensor that still knows its gradient.
#
# <details><summary>Hint 1</summary>
#
# `(z - b).square()` has an entry for each image and feature. Sum them all.
#
# </details>
# <details><summary>Hint 2</summary>
#
# No root, no mean. And neither `.item()`, `float(...)` nor NumPy: they forget the gradient.
#
# </details>


# %% answer 05-feature
def feature_loss(z, b):
    """The sum over images of the squared distance to the support point."""
    # --- solution
    return (z - b).square().sum()
    # --- end


# %% check 05-feature
course.check("05-feature", feature_loss)

# %% [markdown] forms-text
# ## Three forms
#
# The paper prints squares (`paper`). The authors' code runs the norm over the whole batch,
# $\lVert Z - B \rVert_F$, without the square (`official`). And ours divides everything by the real data's own spread
# (`normalised`): then the terms are shares, and their balance does not depend on units or on how many images there
# are. See `wddkit/stages/objective.py`.

# %% folded forms
choices = ["Both gradients shrink.", "That of the square shrinks, that of the norm stays.", "Both stay."]
course.predict(
    "An image comes ever nearer to its support point. What becomes of the gradients of the squared distance and of "
    "the distance?",
    choices,
    answer=choices[1],
    because="The square's is 2(z - b), as long as the way is. The norm's is (z - b)/|z - b|: always of length 1.",
)

# %% gradients
for away in (10.0, 1.0, 0.1):
    z, b = torch.full((1, 4), away / 2, requires_grad=True), torch.zeros(1, 4)
    square = torch.autograd.grad((z - b).square().sum(), z)[0].norm()
    norm = torch.autograd.grad((z - b).norm(), z)[0].norm()
    print(f"distance {away:4}: gradient of the square {square:5.2f}, of the norm {norm:.2f}")

# %% [markdown] forms-read
# With the norm, a step is as long at the goal as far from it, and all that is a hair off pulls as hard as what is
# lost. Nor is it the same loss for one image as for ten: a norm of ten rows is no sum of ten norms.

# %% [markdown] statistics-text
# ## The statistics term
#
# Many pictures have the same features; most look like noise, and other networks see nothing in them. So recover
# also asks that the maps *on the way* look like real ones: for each class $c$ and channel, mean and variance of a
# normalisation layer's input, over images and positions ([04](04_features.ipynb), exercise 5), should be those of
# the real class. For one layer, in the form `paper`:
#
# $$L_{\mathrm{statistics}} = \sum_c \left( \lVert \mu_c - \mu_c^{*} \rVert^2
# + \lVert v_c - v_c^{*} \rVert^2 \right), \qquad L = L_{\mathrm{feature}} + \lambda L_{\mathrm{statistics}} .$$
#
# $\lambda$ is the `statistics_weight`. SRe2L, on which the paper builds, matches statistics of all classes together. To
# match them class by class brings most of what the paper gains, more than support points do: see its own numbers in
# [07](07_ablations.ipynb).

# %% [markdown] exercise 05-statistics difficulty=4 importance=5 minutes=15 points=3
# ### Exercise 2: the statistics term
#
# Write it in torch for one layer. `maps` is `[n, k, h, w]`, `labels` `[n]`; `real_mean` and `real_variance` are
# `[classes, k]`. A number to try it on: one class, one channel, values 0, 2, 4 and 6, real mean 1, real variance 5.
# Then the mean is 3, the variance 5, and the loss $2^2 + 0^2 = 4$.
#
# <details><summary>Hint 1</summary>
#
# Loop over the classes. `own = maps[labels == c]`, then `own.mean(dim=(0, 2, 3))`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `Tensor.var` divides by one less than the number, unless you say `correction=0`.
#
# </details>


# %% answer 05-statistics
def statistics_loss(maps, labels, real_mean, real_variance):
    """The squared distances of means and variances, summed over classes and channels."""
    total = 0.0
    for c in range(len(real_mean)):
        # --- solution
        own = maps[labels == c]
        mean, variance = own.mean(dim=(0, 2, 3)), own.var(dim=(0, 2, 3), correction=0)
        total = total + (mean - real_mean[c]).square().sum() + (variance - real_variance[c]).square().sum()
        # --- instead
        # ...
        # --- end
    return total


# %% check 05-statistics
course.check("05-statistics", statistics_loss)

# %% [markdown] runs-text
# ## What each term does
#
# Now the library's recovery, in its form `normalised`, from two starts: `noise`, and `nearest`, the real image
# nearest to each support point. Each once with the feature term alone, once with the statistics term as well.

# %% runs
runs = {
    (start, weight): lesson.recover(config, split, start=start, weight=weight)
    for start in ("noise", "nearest")
    for weight in (0.0, 1.0)
}
for (start, weight), run in runs.items():
    gaps = f"squared distance to support points {run.gap[0]:6.2f} -> {run.gap[-1]:5.2f}"
    print(f"{start:8} weight {weight:.0f}: {gaps}, statistics error {run.error[0]:5.2f} -> {run.error[-1]:5.2f}")

# %% [markdown] runs-figure-text
# A row a run, a column a digit; to the left what the run minimised:

# %% runs-figure
figure, panels = plt.subplots(4, 10, figsize=(9, 4.6), layout="constrained")
for line, ((start, weight), run) in zip(panels, runs.items(), strict=True):
    terms = "features and\nstatistics" if weight else "features\nalone"
    line[0].set_ylabel(f"{start},\n{terms}", rotation=0, ha="right", va="center")
    for c, axes in enumerate(line):
        axes.imshow(run.images[-1, c, 0], cmap="gray")
        axes.set(xticks=[], yticks=[], title=split.classes[c])
course.show(figure, "Ten distilled digits from each of four runs: two starts, without and with statistics")

# %% [markdown] live-text
# ## Live
#
# A **live session** recovers while you look. Ours begins with noise and stands still until you press *resume* at
# its top. Then watch images and curves. The two sliders are knobs: learning rate, and statistics weight
# $\lambda$. *pause* whenever you like; a knob that you turn acts from the next step on.

# %% make-session
long = replace(config.method, start="noise", steps=8000, lr=0.03)
session = wdd.LiveSession(replace(config, method=long, snapshots=80), out=course.desk(), split=split)
session.pause()
live = session.view

# %% folded predict-live
turned = lesson.recover(config, split, start="noise", weight=1.0, turned=0.0)
still = runs["noise", 1.0]
choices = [
    "Features come nearer to their support points, statistics drift off.",
    "Features and statistics both come nearer to the real ones.",
    "Features and statistics both drift off.",
    "Features drift off, statistics come nearer.",
]
nearer, better = turned.gap[-1] <= still.gap[-1], turned.error[-1] <= still.error[-1]
course.predict(
    "Half way through a recovery from noise, the statistics term is switched off. At its end, compared with a run in "
    "which it stays on:",
    choices,
    then=live,
    answer=choices[{(True, False): 0, (True, True): 1, (False, False): 2, (False, True): 3}[nearer, better]],
    because=f"Tried in this notebook: squared distance {turned.gap[-1]:.2f} instead of {still.gap[-1]:.2f}, statistics "
    f"error {turned.error[-1]:.2f} instead of {still.error[-1]:.2f}. Now see it in the pictures.",
)

# %% [markdown] exercise 05-knob difficulty=2 importance=4 minutes=10 points=2
# ### Exercise 3: turn a knob
#
# Press *resume*. When some steps are done, turn the statistics weight down to a tenth of what it was, or less, and
# let the session go on for a while. Then run the check, which reads the session's turns.
#
# <details><summary>Hint 1</summary>
#
# The slider is logarithmic: its left end is a hundredth. After *pause* a turn waits for *resume*.
#
# </details>
# <details><summary>Hint 2</summary>
#
# It is over already? Run the cell that makes the session once more, and the next one. In code: `session.resume()`,
# and later `session.set(statistics_weight=0.01)`.
#
# </details>

# %% answer 05-knob
# There is nothing to write here: resume and turn in the view above, then run the next cell.
# --- solution
session.resume()
lesson.reach(session, 100)
session.set(statistics_weight=0.01)
lesson.reach(session, 300)
session.stop()
# --- instead
# session
# --- end

# %% check 05-knob
course.check("05-knob", session)

# %% [markdown] start-text
# ## Where to start
#
# Here are three recoveries with statistics, from your own seed (see the index): from noise, from a `real` image of
# the class, drawn at random, and from the `nearest` one. `level` is a distance that all of them reach.

# %% curves
curves = {
    start: lesson.recover(config, split, start=start, weight=1.0, seed=course.student_seed())
    for start in ("noise", "real", "nearest")
}
level = 1.2 * max(run.gap[-1] for run in curves.values())
figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
for (start, run), style in zip(curves.items(), ("o-", "s--", "^:"), strict=True):
    axes.plot(run.steps, run.gap, style, label=start, markersize=4)
axes.axhline(level, color="black", linewidth=0.8)
axes.annotate("level", (run.steps[-1], level), va="bottom", ha="right")
axes.set(xlabel="step", ylabel="squared distance", title="From images to their support points")
axes.legend()
axes.set_yscale("log")
said = [f"{start} {run.gap[0]:.3g} to {run.gap[-1]:.3g}" for start, run in curves.items()]
course.show(figure, f"Squared distance over the steps: {'; '.join(said)}; level {level:.3g}")

# %% [markdown] exercise 05-start difficulty=2 importance=3 minutes=10 points=2
# ### Exercise 4: how many steps?
#
# For each start, find the first step that was recorded at which `run.gap` is at most `level`. Put the three numbers
# into `needed`.
#
# <details><summary>Hint 1</summary>
#
# `run.gap <= level` is an array of truths; `np.argmax` of it is the position of the first one that is true.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Steps are not positions: look the step up in `run.steps`.
#
# </details>

# %% answer 05-start
needed = {}
for start, run in curves.items():
    # --- solution
    step = int(run.steps[np.argmax(run.gap <= level)])
    # --- instead
    # step = ...
    # --- end
    needed[start] = step
needed

# %% check 05-start
course.check("05-start", needed, curves=curves, level=level)

# %% [markdown] students-text
# ## Does it teach?
#
# All that was a loss. What counts is a **student**, a fresh network that sees nothing but ten images with hard
# labels. Two students for each of the four sets above, tested on test images:

# %% folded students
plain = wdd.Config().resolved(split).protocols[0].training
protocol = wdd.Protocol("hard", network=wdd.Network(width=16), training=replace(plain, steps=200), students=2)
taught = {key: wdd.evaluate(run.distilled, split, protocol, progress=False).accuracy for key, run in runs.items()}
names = {key: f"From {key[0]}, {'with' if key[1] else 'without'} statistics." for key in runs}
course.predict(
    "Which of the four sets teaches best?",
    list(names.values()),
    answer=names[max(taught, key=taught.get)],
    because="One synthesis and two students each: no interval, so do not trust small differences.",
)

# %% students-table
for key, run in runs.items():
    print(f"{names[key]:34} squared distance {run.gap[-1]:5.2f}, accuracy {taught[key]:5.1f} %")
for start in ("noise", "nearest"):
    gain = taught[start, 1.0] - taught[start, 0.0]
    print(f"What the statistics add to images from {start}: {gain:+.1f} points")
gain = taught["nearest", 0.0] - taught["noise", 0.0]
print(f"What the nearest start adds to the feature term: {gain:+.1f} points")

# %% [markdown] recorded-text
# From noise, the distance shrinks to a tiny part of what it was, with or without statistics. Did that make good
# images? The last lines weigh the parts: statistics, and the start. That the teacher sees the right features in an
# image does not mean that a student learns from it.
#
# Ten images, one seed and two students are an anecdote. So here is a recorded sweep: three starts, three forms, three
# seeds, hard labels, one image a class, all with statistics. `feature_gap` is our squared distance at the end.

# %% recorded
sweep = wdd.Sweep.load(course.recorded("sweeps/start-form"))
table = sweep.frame[sweep.frame["protocol"] == "hard"]
by = table.groupby(["method.start", "method.form"])
by[["feature_gap", "statistics_error", "accuracy"]].mean().round(2)

# %% [markdown] exercise 05-relation difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 5: nearer, hence better?
#
# Compute `rho`, Spearman's rank correlation of `feature_gap` and `accuracy` over the rows of `table`, and
# `rho_real`, the same over the rows that do not start with noise. What would you expect, if nearer were better?
#
# <details><summary>Hint</summary>
#
# `spearmanr(x, y).statistic`. A selection of rows: `table[table["method.start"] != "noise"]`.
#
# </details>

# %% answer 05-relation
# --- solution
rho = spearmanr(table["feature_gap"], table["accuracy"]).statistic
others = table[table["method.start"] != "noise"]
rho_real = spearmanr(others["feature_gap"], others["accuracy"]).statistic
# --- instead
# rho = ...
# rho_real = ...
# --- end

# %% check 05-relation
course.check("05-relation", rho, rho_real, table=table)

# %% [markdown] next
# ## Summary
#
# - **Recover** learns pixels: a feature term draws each image to a support point, a statistics term keeps the maps
#   on the way like real ones.
# - The **form** of the loss decides how the terms are weighed, and whether that depends on the batch.
# - **Start** matters: real images are nearer from the first step on, and are pictures already.
# - A nearer image need not teach better. Judge a set by students, with intervals: [06 Relabel, train a student,
#   evaluate fairly](06_fair_evaluation.ipynb).
#
# **To read next.** H. Liu et al., *Dataset Distillation via the Wasserstein Metric* (ICCV 2025, [arXiv
# 2311.18531](https://arxiv.org/abs/2311.18531)): this loss. Z. Yin et al., *Squeeze, Recover and Relabel* (NeurIPS
# 2023, [arXiv 2306.13092](https://arxiv.org/abs/2306.13092)): the same with logits and global statistics. H. Yin et
# al., *Dreaming to Distill: Data-free Knowledge Transfer via DeepInversion* (CVPR 2020, [arXiv
# 1912.08795](https://arxiv.org/abs/1912.08795)): where inverting a network by its statistics comes from.

# %% progress
course.progress("05")
