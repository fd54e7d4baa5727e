# %% [markdown] title
# # 09 Limits: cost, outliers, other costs
#
# **Time:** 75 minutes. **You need:** NumPy, [01](01_transport_by_hand.ipynb) for plans and W2, and
# [02](02_price_of_entropy.ipynb) for Sinkhorn. You need no torch.
#
# After it you can
#
# - measure how the cost of transport grows, and fit its exponent;
# - say what one outlier does to W2, and make a plan forget it;
# - choose a ground cost, and know what it does not see;
# - say how far apart two samples of the *same* distribution are;
# - say what a Wasserstein number does not tell.

# %% [markdown] cost
# ## What it costs
#
# An exact plan between *n* and *n* points is a linear program with $n^2$ unknowns; its time is bounded by order
# $n^3 \log n$. A round of Sinkhorn's iteration touches the $n^2$ costs twice; how many rounds it takes depends on
# `reg`. **Sliced W2** projects the points on random lines and sorts there: $n \log n$ a line, and another distance.
# Measure:

# %% open
import numpy as np

import wddkit as wdd
from wddkit import course
from wddkit.course.limits import between_samples, growth, relations

sizes = [50, 100, 200, 400] if course.fast() else [100, 200, 400, 800, 1600]
times = growth(sizes, repeats=2 if course.fast() else 3)
times.map("{:.4f} s".format)  # of the processor

# %% time-plot
axes = times.plot(loglog=True, style=["o-", "s--", "^:"], figsize=(6, 3.4), ylabel="seconds")
axes.set_xticks(sizes, sizes)
axes.set_xlabel("points on each side, n")
axes.set_title("Both axes are logarithmic: a power of n is a straight line")
axes.minorticks_off()
said = [f"{name} {column.iloc[0]:.2g} to {column.iloc[-1]:.2g} s" for name, column in times.items()]
course.show(axes.figure, f"Seconds for {sizes[0]} to {sizes[-1]} points: {'; '.join(said)}")

# %% [markdown] exercise 09-exponent difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 1: the exponents
#
# If the time is $c \, n^p$, its logarithm is $\log c + p \log n$: the slope of the line is the exponent. Fit it by
# least squares for each column of `times`, and put the three into `slopes`.
#
# <details><summary>Hint 1</summary>
#
# `np.polyfit(x, y, 1)` returns slope and intercept of the best line.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `x` is `np.log(times.index)`, `y` is `np.log(times[name])`, for `name` in `times`.
#
# </details>

# %% answer 09-exponent
# --- solution
slopes = [np.polyfit(np.log(times.index), np.log(times[name]), 1)[0] for name in times]
# --- instead
# slopes = [..., ..., ...]  # exact, Sinkhorn, sliced
# --- end

# %% check 09-exponent
course.check("09-exponent", slopes, times=times)

# %% [markdown] cost-after
# A fixed overhead makes lines flat at their left end, so a slope depends on the range in which it was fitted. WMDD does
# one class at a time, with few support points, for which the exact plan is cheap.

# %% [markdown] outlier-text
# ## One outlier
#
# Nine blue points lie among ten orange ones, the tenth blue one lies far away. An exact plan *must* carry it, and
# squaring makes a long way dear. Two ways out:
#
# - **partial** transport carries a share $s$ of the mass, chosen beforehand, as cheaply as it can;
# - **unbalanced** transport lets marginals be missed at a price ρ:
#
# $$\min_T \sum_{ij} T_{ij} C_{ij} + \rho \, \mathrm{KL}(T 1 \mid a) + \rho \, \mathrm{KL}(T^\top 1 \mid b)
# + \mathrm{reg} \, \mathrm{KL}(T \mid a b^\top) .$$
#
# What costs much more than ρ is not worth carrying. The unit of ρ is that of the cost.

# %% make-lab
rng = np.random.default_rng(9)
crowd = rng.normal((4.2, 2.4), 0.45, size=(9, 2)).round(2)
orange = rng.normal((4.6, 2.1), 0.45, size=(10, 2)).round(2)
lab = wdd.TransportLab(np.vstack([crowd, (0.3, 0.3)]), orange)
a, b = lab.a, lab.b

# %% folded predict-outlier
exact = wdd.ot.transport(a, b)
ways = ((a.points[:, None] - b.points) ** 2).sum(axis=2)
part = (exact.plan[-1] * ways[-1]).sum() / exact.value
choices = [
    "About a tenth.",
    "About a third.",
    "More than half.",
]
course.predict(
    "The outlier has a tenth of the mass. How much of the squared W2 comes from it?",
    choices,
    then=lab,
    answer=choices[int(np.digitize(part, [0.2, 0.5]))],
    because=f"It makes {part:.0%} of it: its way is long, and the cost is the square of that.",
)

# %% [markdown] exercise 09-outlier difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 2: forget it, and nobody else
#
# In the laboratory, let carry *what is worth its price (unbalanced)*, and choose ρ so that the outlier takes **less
# than 5 %** of what is carried, while the nine others still carry **at least 95 %** of their mass. Leave the points
# where they are.
#
# <details><summary>Hint 1</summary>
#
# The kind of transport is in a list beside the settings. *Price ρ* appears when it is chosen; some blur comes with it.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The costs among the crowd are mostly below 1, and that of the outlier is above 10. Choose ρ between them.
#
# </details>

# %% answer 09-outlier
# There is nothing to write here: choose in the laboratory above, then run the next cell.
# --- solution
lab.reg = 0.05
lab.relax = 5.0
# --- instead
# lab.relax, lab.value
# --- end

# %% check 09-outlier
course.check("09-outlier", lab, a=a, b=b)

# %% [markdown] forget-text
# Move the outlier further away, and see what the three say:

# %% forget
for away in (0, 2, 10):
    moved = np.vstack([crowd, (0.3 - away, 0.3)])
    relaxed = wdd.ot.unbalanced(moved, b, relax=5.0, reg=0.05)
    print(
        f"{away:2} further: exact {wdd.ot.w2_squared(moved, b):6.2f},",
        f"partial (90 %) {wdd.ot.partial(moved, b, mass=0.9).value:.2f},",
        f"unbalanced {relaxed.value:.2f}, of which the outlier has {relaxed.plan[-1].sum() / relaxed.plan.sum():.1%}",
    )

# %% [markdown] forget-after
# But nothing tells an outlier from a *rare group*: a tenth of a class that is written in another way would be forgotten
# just as well.

# %% [markdown] costs-text
# ## Other ground costs
#
# Squared distance is a choice, too. `l2` is the distance itself, and feels far points less. `cosine` is
# $1 - \cos$ of the angle between two points, seen from 0. `whitened` first rescales the features so that they vary
# alike in all directions (Mahalanobis's distance). Which digits are nearest to the threes, by their features?

# %% costs
history = wdd.History.load(course.recorded("digits-wmdd-10"))
digits = {c: history.real.features[history.real.labels == c].astype(float) for c in range(10)}
for cost in ("sqeuclidean", "l2", "cosine", "whitened"):
    found = {c: wdd.ot.transport(digits[3], digits[c], cost=cost).value for c in digits if c != 3}
    order = sorted(found, key=found.get)
    print(f"{cost:12} nearest first:", *order, f"  farthest / nearest: {found[order[-1]] / found[order[0]]:.2f}")

# %% [markdown] exercise 09-cosine difficulty=3 importance=3 minutes=10 points=3
# ### Exercise 3: cosine cost without cosine
#
# Two clouds, drawn from your seed. Compute the least cost under the cosine cost, `value`, using nothing but
# `wdd.ot.w2_squared`. First work out $\lVert x - y \rVert^2$ for two points of length 1.
#
# <details><summary>Hint 1</summary>
#
# $\lVert x - y \rVert^2 = \lVert x \rVert^2 + \lVert y \rVert^2 - 2 \, x \cdot y$, and $x \cdot y$ is the cosine
# when both have length 1.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `left / np.linalg.norm(left, axis=1, keepdims=True)` has rows of length 1. The rest is a factor.
#
# </details>

# %% clouds
own = np.random.default_rng(course.student_seed())
left = own.normal(1.0, size=(30, 5))
right = own.normal((0, 1, 2, 1, 0), size=(30, 5))

# %% answer 09-cosine
# --- solution
units = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (left, right)]
value = wdd.ot.w2_squared(*units) / 2
# --- instead
# value = ...
# --- end

# %% check 09-cosine
course.check("09-cosine", value, left=left, right=right)

# %% [markdown] dimension-text
# ## Two samples of one distribution
#
# Draw two samples of *n* points from the **same** distribution in *d* dimensions. Between the distributions W2 is 0;
# between the samples it is not. In many dimensions even nearest neighbours are far, and squared W2 falls like
# $n^{-2/d}$ only (for $d > 4$).

# %% folded predict-dimension
many = 200 if course.fast() else 400
between = wdd.ot.w2_squared(*(np.random.default_rng(0).normal(size=(2, many, 64)) / 8))
choices = [
    "Below 0.1.",
    "Between 0.1 and 1.",
    "Above 1, the variance itself.",
]
course.predict(
    f"Two samples of {many} points in 64 dimensions, one distribution of variance 1. What is their squared W2?",
    choices,
    answer=choices[int(np.digitize(between, [0.1, 1]))],
    because=f"It is {between:.2f}. Any two points are about 2 apart, squared, and even the best partner is not near.",
)

# %% dimension
counts = [25, 50, 100, 200] if course.fast() else [50, 100, 200, 400]
apart = between_samples([1, 2, 8, 64], counts, repeats=5)
axes = apart.plot(loglog=True, style=["o-", "s--", "^:", "D-."], figsize=(6, 3.4), ylabel="squared W2")
axes.set_xticks(counts, counts)
axes.legend(title="d", loc="upper left", bbox_to_anchor=(1, 1))
axes.set_xlabel("points of each sample, n")
axes.set_title("Two samples of one distribution, by its dimension d")
axes.minorticks_off()
said = [f"d = {d}: {column.iloc[0]:.2g} to {column.iloc[-1]:.2g}" for d, column in apart.items()]
course.show(axes.figure, f"Squared W2 for {counts[0]} to {counts[-1]} points: {'; '.join(said)}")

# %% [markdown] exercise 09-halves difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 4: two halves of one class
#
# So a value needs a floor to be held against. Take the features of the threes, `points`. For each of the five
# `orders`, put the points into that order, and compute the squared W2 between the first `half` of them and the next
# `half`: five numbers, `floors`.
#
# <details><summary>Hint 1</summary>
#
# `points[order]` has the rows in that order.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `wdd.ot.w2_squared(shuffled[:half], shuffled[half : 2 * half])`, in a loop.
#
# </details>

# %% halves
points = digits[3]
half = len(points) // 2
orders = [own.permutation(len(points)) for _ in range(5)]

# %% answer 09-halves
floors = []
for order in orders:
    # --- solution
    shuffled = points[order]
    floor = wdd.ot.w2_squared(shuffled[:half], shuffled[half : 2 * half])
    # --- instead
    # floor = ...
    # --- end
    floors.append(floor)
print(*floors)

# %% check 09-halves
course.check("09-halves", floors, points=points, orders=orders)

# %% [markdown] halves-after
# Ten support points, to the images that they were made for and to held-out ones:

# %% support
three = history.barycenters[3]
print(f"support points to training images {three['value'][-1]:.2f}, to held-out images {three['heldout'][-1]:.2f}")

# %% [markdown] says
# ## What the number says
#
# Squared W2 says how far, not where, nor what is missing. Below, two sets of eight points stand for the same data, two
# groups of equal mass.

# %% coverage
data = np.vstack([own.normal((1, 1), 0.2, size=(20, 2)), own.normal((4, 3), 0.2, size=(20, 2))])
moved = data[::5] + np.array([0.9, -0.9])
lost = np.vstack([data[:15:3], data[20:31:5]])
for name, points_of in (("moved aside", moved), ("part of a group lost", lost)):
    covered = wdd.ot.coverage(data, points_of).coverage
    print(f"{name:20}: squared W2 {wdd.ot.w2_squared(points_of, data):.2f}, covers {covered:.0%} of the data")

# %% [markdown] exercise 09-same difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 5: equally far, and not alike
#
# Construct two clouds in the plane, `first` and `second`, that have the same squared W2 to `data` (within 1 %), and
# are at least as far from **each other** as from the data.
#
# <details><summary>Hint 1</summary>
#
# If all points move by the same arrow, the best plan moves each along it: squared W2 is the arrow's squared length.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Add an arrow to `data`, and subtract it.
#
# </details>

# %% answer 09-same
# --- solution
arrow = np.array([0.5, 0.0])
first, second = data + arrow, data - arrow
# --- instead
# first = ...
# second = ...
# --- end

# %% check 09-same
course.check("09-same", first, second, data=data)

# %% [markdown] students
# Is the nearer set at least the better teacher of students? For every recorded sweep, Spearman's ρ of held-out
# squared W2 and accuracy: `within` compares runs of *one setting*, which differ in their seed alone, `across` compares
# settings, `overall` everything (see [07](07_ablations.ipynb)). -1 would mean: always the nearer, the better. Where
# `low` to `high` contains 0, or is missing, these runs cannot tell.

# %% relations
table = relations(course.recorded("sweeps"))
print("within a setting 0 is outside the interval in", end=" ")
within = table[table.level == "within"]
print(int((within.low * within.high > 0).sum()), "of", len(within), "sweeps")
table.round(2)

# %% [markdown] students-after
# A smaller distance that comes with a better start, or with more images, is no proof that the distance made the
# students better. And n counts more than there is: all settings share the same few seeds.

# %% [markdown] next
# ## Summary
#
# - **Cost:** exact, entropic and sliced transport grow differently; fit it, in your range.
# - **Outliers** dominate W2. Partial and unbalanced plans forget them, and rare groups with them.
# - **The ground cost** decides what is near. Cosine sees no lengths.
# - **Samples:** in many dimensions two honest samples are far apart. Hold every value against two halves.
# - **The number** says how far; not where, and not how well students will learn.
#
# Next, [10 Wasserstein elsewhere](10_elsewhere.ipynb) leaves distillation.
#
# **To read next.** G. Peyré, *Optimal Transport for Machine Learners* (2025, [arXiv
# 2505.06589](https://arxiv.org/abs/2505.06589)): the theory. L. Chizat et al., *Scaling Algorithms for Unbalanced
# Transport Problems* (2016, [arXiv 1607.05816](https://arxiv.org/abs/1607.05816)). N. Fournier and A. Guillin, *On
# the rate of convergence in Wasserstein distance of the empirical measure* (2013, [arXiv
# 1312.2128](https://arxiv.org/abs/1312.2128)).

# %% progress
course.progress("09")
