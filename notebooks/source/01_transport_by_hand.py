# %% [markdown] title
# # 01 Optimal transport by hand
#
# **Time:** 50 minutes. **You need:** a little NumPy. [00 What is being distilled?](00_first_distillation.ipynb) is
# good to have seen. You need no torch, and need not have heard of optimal transport.
#
# After it you can
#
# - write down a cost matrix, and a transport plan with its marginals;
# - say what the Wasserstein distance measures, and tell W1 from W2;
# - compute squared W2 on a line by sorting;
# - say what all this has to do with distilling a data set.

# %% [markdown] bakeries
# ## Three bakeries, four cafés
#
# Every morning three bakeries deliver bread to four cafés. They bake 0.5, 0.3 and 0.2 of it; every café takes a
# quarter. Who should deliver to whom, so that the bread travels least?
#
# Weighted points are called a **measure**. Its weights are **masses**: not negative, with sum 1. We have two
# measures, *a* of the bakeries and *b* of the cafés.

# %% open
import matplotlib.pyplot as plt
import numpy as np

import wddkit as wdd
from wddkit import course

x = np.array(  # bakeries, in km to the east and north
    [
        [1.0, 3.2],
        [1.2, 0.8],
        [2.8, 2.0],
    ]
)
y = np.array(  # cafés
    [
        [2.2, 3.5],
        [3.4, 0.6],
        [4.6, 3.0],
        [5.2, 1.4],
    ]
)
a = np.array([0.5, 0.3, 0.2])
b = np.array([0.25, 0.25, 0.25, 0.25])
bakeries = wdd.ot.Measure(x, a)
cafes = wdd.ot.Measure(y, b)

# %% [markdown] map-text
# On the map, discs are bakeries, squares cafés. Area is mass.

# %% map
figure, axes = plt.subplots(figsize=(6.5, 3.6))
axes.set(xlim=(0, 6), ylim=(-0.6, 4.2), xlabel="km to the east", ylabel="km to the north")
axes.scatter(*x.T, s=1500 * a, marker="o", c="#0072B2")
axes.scatter(*y.T, s=1500 * b, marker="s", c="#D55E00")
for name, points in (("bakery", x), ("café", y)):
    for i, (east, north) in enumerate(points):
        axes.annotate(f"{name} {i}", (east, north - 0.42), ha="center", va="top")
course.show(figure, "A map: round bakeries and square cafés, each as large as its mass")

# %% [markdown] cost
# ## The ground cost
#
# What would it cost to carry all the bread from bakery *i* to café *j*? We have to choose. The usual choice is the
# *squared* distance, which makes one long way dearer than two short ones:
#
# $$C_{ij} = \lVert x_i - y_j \rVert^2 .$$
#
# This function is the **ground cost**, and $C$, a row a bakery and a column a café, the **cost matrix**.

# %% [markdown] exercise 01-cost difficulty=1 importance=5 minutes=5 points=2
# ### Exercise 1: the cost matrix
#
# Compute `C` from `x` and `y`: three rows, four columns.
#
# <details><summary>Hint 1</summary>
#
# Two loops are fine. In one line: `x[:, None] - y` has shape (3, 4, 2), a difference for every pair.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Square the differences, then sum over the last axis, that of east and north. No square root.
#
# </details>

# %% answer 01-cost
# --- solution
C = ((x[:, None] - y) ** 2).sum(axis=2)
# --- instead
# C = ...  # your turn
# --- end
C

# %% check 01-cost
course.check("01-cost", C, x=x, y=y)

# %% [markdown] plan
# ## The transport plan
#
# A **transport plan** $T$ says how much goes from where to where: $T_{ij} \ge 0$ is the share that bakery *i*
# delivers to café *j*. Rows sum to the masses *a* (all bread is used), columns to *b* (all need is filled): these
# sums are its **marginals**.
#
# $$\sum_j T_{ij} = a_i, \qquad \sum_i T_{ij} = b_j, \qquad \text{cost of } T = \sum_{ij} T_{ij} C_{ij}.$$
#
# One plan always works: everybody sends a little to everyone, $T_{ij} = a_i b_j$. It is a lazy plan, as its cost
# shows.

# %% lazy
from scipy.spatial.distance import cdist

costs = cdist(x, y, "sqeuclidean")  # the same as your C
lazy = np.outer(a, b)
print("rows sum to   ", lazy.sum(axis=1))
print("columns sum to", lazy.sum(axis=0))
print("cost of the lazy plan:", (lazy * costs).sum().round(3))

# %% [markdown] exercise 01-plan difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 2: a better plan, by hand
#
# Look at the map and write down a `plan`, three rows and four columns, with the right marginals and a lower cost than
# that of the lazy one. It need not be the best.
#
# <details><summary>Hint 1</summary>
#
# Bakery 0 bakes 0.5, exactly what two cafés take. Which two? Give them 0.25 each, and nothing to the others.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Bakery 1 fills the café that is nearest to it and has 0.05 left over. Bakery 2 takes what is missing.
#
# </details>

# %% answer 01-plan
# --- solution
plan = np.array([[0.25, 0.0, 0.25, 0.0], [0.0, 0.25, 0.0, 0.05], [0.0, 0.0, 0.0, 0.2]])
# --- instead
# plan = [
#     [..., ..., ..., ...],  # from bakery 0 to cafés 0, 1, 2, 3
#     [..., ..., ..., ...],  # from bakery 1
#     [..., ..., ..., ...],  # from bakery 2
# ]
# --- end

# %% check 01-plan
course.check("01-plan", plan, a=a, b=b, C=costs)

# %% [markdown] best
# ## The best plan
#
# Finding the plan of least cost is a linear program, solved exactly. For the squared distance its cost has a name:
# the **squared Wasserstein distance** $W_2^2(a, b)$.
#
# How can we be sure that nothing is cheaper? With the plan come prices: $u_i$ for bread picked up at bakery *i*,
# $v_j$ for bread put down at café *j*. If $u_i + v_j \le C_{ij}$ for every pair, no plan costs less than all prices
# together. Here they cost as much as the plan, which is thereby proved to be the best.

# %% best-plan
best = wdd.ot.transport(bakeries, cafes)
u, v = best.potentials
print("squared W2:", round(best.value, 3))
print("no pair is overcharged:", bool((u[:, None] + v <= costs + 1e-9).all()))
print("all prices together:", (a @ u + b @ v).round(3))
wdd.views.figures.plan_matrix(best)

# %% [markdown] matrix-text
# Dark is much. Most entries are 0: a best plan between *n* and *m* points needs at most *n + m - 1* others.

# %% [markdown] far-text
# ## Move it
#
# In the laboratory, drag points with the mouse, or choose one with Tab and the arrow keys, and move it with Shift and
# an arrow key. Bakeries are blue discs a, cafés orange squares b; a line is as thick as the mass that it carries.
# Counting begins at 1: a1 is bakery 0.

# %% make-lab
lab = wdd.TransportLab(bakeries, cafes)

# %% folded far
course.predict(
    "If the whole map shrank, so that every way became half as long, what would become of squared W2?",
    [
        "It would stay as it is.",
        "It would be half as large.",
        "It would be a quarter as large.",
    ],
    then=lab,
    answer="It would be a quarter as large.",
    because="Every cost is a squared distance: (1/2)² = 1/4, and so is their sum. W2 itself, the root, is halved.",
)

# %% [markdown] exercise 01-drag difficulty=2 importance=4 minutes=5 points=2
# ### Exercise 3: bring them nearer
#
# Drag cafés, or bakeries, until the large number, the squared W2, is between 1.9 and 2.1. Leave masses, number of
# points and settings as they are. Then run the check.
#
# <details><summary>Hint</summary>
#
# Look for the thickest and longest line, and shorten it first: café 2 (b3) is far from bakery 0 (a1), its only
# supplier. With Shift, the arrow keys move a chosen point in small steps.
#
# </details>

# %% answer 01-drag
# There is nothing to write here: drag in the laboratory above, then run the next cell.
# --- solution
suppliers = best.plan.T @ x / b[:, None]  # the mean place that each café's bread comes from
lowest = wdd.ot.w2_squared(bakeries, wdd.ot.Measure(suppliers, b))
nearer = np.sqrt((2 - lowest) / (best.value - lowest))
lab.b = wdd.ot.Measure(suppliers + nearer * (y - suppliers), b)
# --- instead
# lab.value
# --- end

# %% check 01-drag
course.check("01-drag", lab, a=bakeries, b=cafes)

# %% [markdown] w1-text
# ## W1 and W2
#
# With the plain distance as ground cost, the least cost is the **1-Wasserstein distance** $W_1$. For W2 we square,
# and take the root at the end, so that both are in kilometres:
#
# $$W_1 = \min_T \sum_{ij} T_{ij} \lVert x_i - y_j \rVert, \qquad
# W_2 = \Big( \min_T \sum_{ij} T_{ij} \lVert x_i - y_j \rVert^2 \Big)^{1/2}.$$
#
# In `wdd.ot.transport` the plain distance is `"l2"`, the squared one `"sqeuclidean"`. Squaring makes W2 feel far
# points more:

# %% far-cafe
for away in (0, 10, 100):
    moved = wdd.ot.Measure(np.vstack([y[:3], y[3] + (away, 0)]), b)
    w1_away = wdd.ot.transport(bakeries, moved, cost="l2").value
    w2_away = np.sqrt(wdd.ot.transport(bakeries, moved).value)
    print(f"café 3 moved by {away:3} km: W1 {w1_away:6.2f} km, W2 {w2_away:6.2f} km")

# %% [markdown] exercise 01-w1-w2 difficulty=2 importance=4 minutes=5 points=2
# ### Exercise 4: two sets of points
#
# Here are two clouds, eight points each, all of the same mass. (They come from your seed: see the index.) Compute
# `w1` and `w2` between them. Which one is larger? Could it be otherwise?
#
# <details><summary>Hint</summary>
#
# `.value` is the least cost. For one of the two that is already the answer, and for the other it is the answer's
# square.
#
# </details>

# %% clouds
rng = np.random.default_rng(course.student_seed())
left = rng.normal(size=(8, 2))
right = rng.normal(loc=(2, 1), size=(8, 2))

# %% answer 01-w1-w2
# --- solution
w1 = wdd.ot.transport(left, right, cost="l2").value
w2 = np.sqrt(wdd.ot.transport(left, right, cost="sqeuclidean").value)
# --- instead
# w1 = ...
# w2 = ...
# --- end
print(w1, w2)

# %% check 01-w1-w2
course.check("01-w1-w2", w1, w2, left=left, right=right)

# %% [markdown] line-text
# ## On a line
#
# With one coordinate no linear program is needed.

# %% folded line
course.predict(
    "Six blue points go to six orange ones, on a line. You drag a blue one past its neighbour. What will the lines do?",
    [
        "The two lines will cross.",
        "The two points will exchange their partners.",
        "Nothing will change.",
    ],
    then=wdd.TransportLab(lesson="sorting"),
    answer="The two points will exchange their partners.",
    because="The best plan keeps the order, whoever is first: lines that cross would cost more than lines that do not.",
)

# %% [markdown] sort-text
# Suppose two points $x_1 < x_2$ on a line go to $y_1 < y_2$. Straight on costs $(x_1 - y_1)^2 + (x_2 - y_2)^2$.
# Overtaking costs $2 (x_2 - x_1)(y_2 - y_1)$ more: multiply it out. So nobody overtakes: **sort**.

# %% [markdown] exercise 01-sorting difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 5: squared W2 on a line
#
# Write a function that takes two arrays of *n* numbers, every point of mass 1/*n*, and returns their squared W2. Use
# nothing but NumPy.
#
# <details><summary>Hint 1</summary>
#
# `np.sort` both. The k-th smallest of one goes to the k-th smallest of the other.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Each of the *n* pairs carries mass 1/*n*: a sum with these masses is a mean.
#
# </details>


# %% answer 01-sorting
def w2_squared_on_a_line(first, second):
    """The squared 2-Wasserstein distance of two samples of the same size."""
    # --- solution
    return ((np.sort(first) - np.sort(second)) ** 2).mean()
    # --- end


# %% check 01-sorting
course.check("01-sorting", w2_squared_on_a_line, left=left[:, 0], right=right[:, 0])

# %% [markdown] distilling
# ## What this has to do with distillation
#
# In [00](00_first_distillation.ipynb) a class of digits was a measure, the features of its real images, and ten
# support points with masses summed it up. Support points are our bakeries, real images our cafés. The plan says which
# images a support point stands for, and squared W2 how well. WMDD looks for places and masses that make it small.
# Computed anew:

# %% distilled
history = wdd.History.load(course.recorded("digits-wmdd-10"))
three = history.barycenters[3]
support = wdd.ot.Measure(three["support"][-1], three["masses"][-1])
real = history.real.features[history.real.labels == 3]
print("computed here:", round(wdd.ot.w2_squared(support, real), 2))
print("recorded:     ", round(float(three["value"][-1]), 2))

# %% [markdown] next
# ## Summary
#
# - A **measure** is points with masses; a **ground cost** says what carrying costs.
# - A **transport plan** has the masses as marginals. The best one can be proved to be the best.
# - **W1** is the least mean distance, **W2** the root of the least mean squared distance, which feels far points
#   more.
# - **On a line** one sorts.
#
# **To read next.** G. Peyré and M. Cuturi, *Computational Optimal Transport* (2019, [arXiv
# 1803.00567](https://arxiv.org/abs/1803.00567)), chapter 2. G. Peyré, *Optimal Transport for Machine Learners* (2025,
# [arXiv 2505.06589](https://arxiv.org/abs/2505.06589)): course notes with interactive figures. H. Liu et al.,
# *Dataset Distillation via the Wasserstein Metric* (ICCV 2025, [arXiv 2311.18531](https://arxiv.org/abs/2311.18531)):
# what distillation does with it.
#
# To go on playing: choose another lesson in a laboratory's list, such as *crossing* or *outlier*.

# %% progress
course.progress("01")
