# %% [markdown] title
# # 08 Other distillation methods
#
# **Time:** 60 minutes. **You need:** NumPy and torch; gains and intervals, as in
# [06 Relabel, train a student, evaluate fairly](06_fair_evaluation.ipynb). Two cells distil and train, for a minute or
# two.
#
# After it you can
#
# - place a method in one of five families by what it minimises;
# - write down herding's rule, DM's loss and the distance of gradient matching;
# - compare methods at equal compute, beside random images;
# - say what a comparison allows to be claimed.

# %% [markdown] picture
# ## Five families in one picture
#
# All methods look for a few images $S$ that stand for many, $T$. They differ in what is compared:
#
# | family | what is compared | methods |
# |---|---|---|
# | **selection** | real images are chosen, and not changed | random, herding, k-center, nearest |
# | **performance** | how well a learner fitted to $S$ predicts $T$ | DD, FRePo |
# | **parameter** | how training on $S$ and on $T$ moves a network | DC, DSA, MTT |
# | **distribution** | how features of $S$ and of $T$ are distributed | DM, sliced-w |
# | **decoupled** | $S$ and a teacher that was trained once | SRe2L, RDED, WMDD |
#
# With $\phi$ the teacher's features, $\mu$ their class mean, $\psi_\theta$ a random network and $L$ a training loss:
#
# - **herding** takes the image that brings the mean of those taken nearest to $\mu$; **k-center** the one farthest from
#   all taken; **nearest** the one nearest to each support point of the class's barycenter.
# - **DC**: $\sum_c D(\nabla_\theta L(T_c), \nabla_\theta L(S_c))$, $D$ one less cosine, row by row.
# - **MTT**: $|\hat\theta_{t+N} - \theta^*_{t+M}|^2 / |\theta^*_t - \theta^*_{t+M}|^2$: $N$ steps on $S$ are to lead
#   where an expert, trained on $T$, came.
# - **DM**: $\sum_c |\operatorname{mean} \psi_\theta(T_c) - \operatorname{mean} \psi_\theta(S_c)|^2$.
# - **SRe2L**: the teacher's cross-entropy, and statistics of all classes together. **RDED**: crops, not optimised:
#   those $\xi$ that the teacher's logits $f$ give their class $y$ most surely, by $-\mathrm{CE}(f(\xi), y)$.
# - **WMDD**: each image's features go to a support point, statistics to those of their class.

# %% open
from dataclasses import replace

import numpy as np

import wddkit as wdd
from wddkit import course
from wddkit.course import methods
from wddkit.protocols import protocol_named

for family, about in wdd.methods.FAMILIES.items():
    print(f"{family:13}{about}")

# %% others
others = ("m3d", "lcmat", "kip", "cda", "ccs", "ncfm")
methods.described(others).style.set_properties(**{"text-align": "left", "white-space": "normal"})

# %% [markdown] exercise 08-families difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 1: which family?
#
# Six methods that were not named above. Give each one's family: `"selection"`, `"performance"`, `"parameter"`,
# `"distribution"` or `"decoupled"`.
#
# <details><summary>Hint</summary>
#
# Read what a step takes. Two gradients of a network: parameter. A batch of real images and features of both: which
# other family compares these? The teacher over the images: it is being inverted.
#
# </details>

# %% answer 08-families
# --- solution
families = {name: wdd.methods.METHODS[name].family for name in others}
# --- instead
# families = {
#     "m3d": ...,
#     "lcmat": ...,
#     "kip": ...,
#     "cda": ...,
#     "ccs": ...,
#     "ncfm": ...,
# }
# --- end

# %% check 08-families
course.check("08-families", families, names=others)

# %% [markdown] exercise 08-herding difficulty=3 importance=3 minutes=10 points=3
# ### Exercise 2: herding's greedy rule
#
# $p_k = \operatorname{argmin}_x \big| \mu - \tfrac1k \big( \phi(x) + \sum_{j<k} \phi(p_j) \big) \big|$. Write a
# function that returns the positions $p_1, \dots, p_k$ in this order; none is taken twice. Below are features of one
# class; which class depends on your own seed.
#
# <details><summary>Hint 1</summary>
#
# With `total`, the sum of the rows taken, `(total + z) / (len(taken) + 1)` has a mean for every candidate.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Set the distances of those taken to `np.inf`, then `argmin`.
#
# </details>

# %% features
real = wdd.History.load(course.recorded("digits-wmdd-10")).real
z = real.features[real.labels == course.student_seed() % 10].astype(float)
print(z.shape)


# %% answer 08-herding
def herding(z, k):
    """Positions of k rows of z, in the order in which herding takes them."""
    # --- solution
    mean, total, taken = z.mean(axis=0), np.zeros(z.shape[1]), []
    for _ in range(k):
        gap = np.linalg.norm(mean - (total + z) / (len(taken) + 1), axis=1)
        gap[taken] = np.inf
        taken.append(int(gap.argmin()))
        total = total + z[taken[-1]]
    return taken
    # --- end


# %% check 08-herding
course.check("08-herding", herding, z=z)

# %% [markdown] exercise 08-dm difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 3: DM's loss
#
# Write DM's loss of features `x` of real and `s` of distilled images (a row each), with their labels: the squared
# distance of the class means, summed over classes. Where do the means agree and the images do not?
#
# <details><summary>Hint</summary>
#
# For each `c` in `np.unique(labels_x)`: `x[labels_x == c].mean(axis=0)`.
#
# </details>


# %% answer 08-dm
def dm_loss(x, labels_x, s, labels_s):
    """DM's loss: one number."""
    # --- solution
    gaps = [x[labels_x == c].mean(axis=0) - s[labels_s == c].mean(axis=0) for c in np.unique(labels_x)]
    return sum((gap**2).sum() for gap in gaps)
    # --- end


# %% check 08-dm
course.check("08-dm", dm_loss)

# %% [markdown] exercise 08-gradient difficulty=2 importance=3 minutes=5 points=2
# ### Exercise 4: the distance of gradient matching
#
# A layer's gradients are a matrix, a row for each output. Write DC's distance of two such matrices:
# $D(A, B) = \sum_i \big( 1 - A_i \cdot B_i / (|A_i| |B_i|) \big)$.
#
# <details><summary>Hint</summary>
#
# `(a * b).sum(axis=1)` has all the products; `np.linalg.norm(a, axis=1)` all the lengths.
#
# </details>


# %% answer 08-gradient
def gradient_distance(a, b):
    """DC's distance: one number."""
    # --- solution
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (1 - (a * b).sum(axis=1) / lengths).sum()
    # --- end


# %% check 08-gradient
course.check("08-gradient", gradient_distance)

# %% [markdown] equal-text
# ## Equal compute
#
# A step of one method takes longer than a step of another. So each gets the same **seconds** of the processor: how many
# steps is that here? (It measures; run it twice, and numbers differ a little.)

# %% budget
split = wdd.load("digits")
recipe = wdd.Config().resolved(split).protocols[0]
training = replace(recipe.training, steps=40 if course.fast() else 150)
quick = replace(recipe, students=1, training=training)
protocols = tuple(protocol_named(each, quick) for each in ("hard", "soft"))
seconds = 1.0 if course.fast() else 5.0

configs = []
for method in (wdd.methods.DM(ipc=1), wdd.methods.WMDD(ipc=1)):
    config = wdd.Config(method=method, protocols=protocols, controls=("random",), snapshots=12)
    steps = methods.steps_within(config, split, seconds)
    configs.append(config.change(method__steps=steps))
    print(type(method).__name__, "takes", steps, "steps in", seconds, "s")
for method in (wdd.methods.Herding(ipc=1), wdd.methods.RDED(ipc=1)):
    configs.append(replace(configs[0], method=method))  # these take no steps

# %% [markdown] table-text
# ## Under one roof
#
# One image a class; the same seeds, students and labels for all, and random images beside them.

# %% compare
seeds = 2 if course.fast() else 5
table = wdd.compare(configs, seeds=seeds, out=course.desk(), progress=False)
hard = table[table.protocol == "hard"].set_index("set")
columns = ["protocol", "set", "mean", "low", "high", "gain", "gain_low", "gain_high", "p_holm", "distil_seconds"]

# %% folded prediction
above = int((hard.gain_low > 0).sum())
choices = ["None.", "One or two.", "Three or four."]
course.predict(
    "Four methods at one image a class, hard labels. How many gains over random images have an interval above 0?",
    choices,
    answer=choices[int(np.digitize(above, [1, 3]))],
    because=f"It is {above} of 4, with {seeds} seeds. An interval that contains 0 is no proof that nothing is gained.",
)

# %% table
table[columns].round(2)

# %% [markdown] claim-text
# What may be claimed? A **gain**, where its interval is above 0; with four methods and two protocols, only where
# `p_holm`, corrected for the number of tests, is below 0.05. That one method is the *best* only if its paired
# interval to every other is above 0: the column `best`. And all of it for digits, this network and this budget: in its
# paper DM takes 20 000 steps, here it has hardly begun.

# %% picture-table
best = [f"{row.set} ({row.protocol})" for row in table[table.best].itertuples()]
print("above every other:", ", ".join(best) or "none")
wdd.views.figures.comparison(table)

# %% [markdown] explorer-text
# ## Two runs side by side
#
# DM starts from random real images, WMDD from those nearest to its support points; then both move pixels. One slider
# leads both through their own steps.

# %% make-view
runs = [wdd.History.load(hard.run[name]) for name in ("dm", "wmdd")]
view = wdd.CompareExplorer(runs, names=["DM", "WMDD"])


# %% folded view
def moved(run):
    """How many grey levels an average pixel moves from start to end."""
    return np.abs(run.images(len(run.frames) - 1).astype(float) - run.images(0)).mean()


dm, wmdd = map(moved, runs)
choices = ["DM's.", "WMDD's.", "Both by about as much."]
course.predict(
    "Whose images are farther from their start at the end?",
    choices,
    then=view,
    answer=choices[2 if max(dm, wmdd) < 1.2 * min(dm, wmdd) else int(wmdd > dm)],
    because=f"An average pixel moves by {dm:.0f} of 255 grey levels in DM, by {wmdd:.0f} in WMDD.",
)

# %% [markdown] exercise 08-compare difficulty=1 importance=3 minutes=5 points=2
# ### Exercise 5: at their end
#
# In the view above select the image of class **8**, and move the slider to its **end**. Look at both eights: what has
# become sharper, what more like a mean? Then run the check.
#
# <details><summary>Hint</summary>
#
# Click the image of class 8 in either column, or choose it in the list *Follow*. The key End moves the slider.
#
# </details>

# %% answer 08-compare
# There is nothing to write here: select in the view above, then run the next cell.
# --- solution
view.selected = int(np.flatnonzero(runs[0].distilled.labels == 8)[0])
view.step = -1
# --- instead
# view.selection()
# --- end

# %% check 08-compare
course.check("08-compare", view, label=8)

# %% [markdown] random-text
# ## When does random win?
#
# k-center takes images at the margin of a class. With few images that means odd ones, and random images, which are
# mostly ordinary, can be better. Here with ten images a class:

# %% random
chosen = [replace(configs[0], method=kind(ipc=10)) for kind in (wdd.methods.Herding, wdd.methods.KCenter)]
ten = wdd.compare(chosen, seeds=seeds, protocols=protocols[:1], out=course.desk(), progress=False)
for row in ten.itertuples():
    gain = "" if row.set == "random" else f", gain {row.gain:+.2f} ({row.gain_low:+.2f} to {row.gain_high:+.2f})"
    print(f"{row.set:9} {row.mean:6.2f} %{gain}")

# %% [markdown] next
# ## Summary
#
# - **Five families** differ in what they compare: images, predictions, parameters, distributions, a teacher.
# - **Equal compute** means equal seconds, not equal steps.
# - **Random images** belong in every table; a method that does not beat them has done nothing yet.
# - **Claims** need intervals, corrected for the number of tests.
#
# Next, [09 Limits](09_limits.ipynb) asks what transport costs, and when it misleads.
#
# **To read next.** B. Zhao et al., *Dataset Condensation with Gradient Matching* (ICLR 2021, [arXiv
# 2006.05929](https://arxiv.org/abs/2006.05929)): DC. B. Zhao and H. Bilen, *Dataset Condensation with Distribution
# Matching* (WACV 2023, [arXiv 2110.04181](https://arxiv.org/abs/2110.04181)): DM. G. Cazenavette et al., *Dataset
# Distillation by Matching Training Trajectories* (CVPR 2022, [arXiv 2203.11932](https://arxiv.org/abs/2203.11932)):
# MTT. Z. Yin et al., *Squeeze, Recover and Relabel* (NeurIPS 2023, [arXiv
# 2306.13092](https://arxiv.org/abs/2306.13092)): SRe2L. P. Sun et al., *On the Diversity and Realism of Distilled
# Dataset* (CVPR 2024, [arXiv 2312.03526](https://arxiv.org/abs/2312.03526)): RDED.

# %% progress
course.progress("08")
