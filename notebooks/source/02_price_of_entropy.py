# %% [markdown] title
# # 02 Sinkhorn and the price of entropy
#
# **Time:** 60 minutes. **You need:** NumPy, and [01 Optimal transport by hand](01_transport_by_hand.ipynb): cost
# matrix, plan, marginals, potentials. You need no torch.
#
# After it you can
#
# - say what the regularisation `reg` does to a plan and to its cost;
# - write a round of Sinkhorn's iteration that no small `reg` breaks;
# - trade error for time, and bound the exact distance from both sides;
# - debias an entropic cost, and say what debiasing does not mend;
# - explain why entropic barycenters shrink.

# %% [markdown] why
# ## A plan without corners
#
# The best plan of [01](01_transport_by_hand.ipynb) comes from a linear program. Move a point a little, and the plan
# stays as it is, until it jumps; and on large clouds the program is slow. **Entropic transport** asks another
# question:
#
# $$\min_T \sum_{ij} T_{ij} C_{ij} + \mathrm{reg} \sum_{ij} T_{ij} \log \frac{T_{ij}}{a_i b_j},
# \qquad \sum_j T_{ij} = a_i, \quad \sum_i T_{ij} = b_j.$$
#
# The second sum, $\mathrm{KL}(T \mid a b^\top)$, is 0 for the lazy plan $a_i b_j$ and grows the more a plan favours
# some pairs. So `reg` is the price of being choosy. It has the unit of the ground cost: what is small depends on your
# data. Here are two clouds of your own (see the index for your seed), of equal masses.

# %% open
import time

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist

import wddkit as wdd
from wddkit import course
from wddkit.course.entropy import sinkhorn_rounds

rng = np.random.default_rng(course.student_seed())
x = rng.normal(size=(40, 2))
y = rng.normal(size=(50, 2)) * (1, 0.5) + (2, 1)
a, b = np.full(40, 1 / 40), np.full(50, 1 / 50)
costs = cdist(x, y, "sqeuclidean")
exact = wdd.ot.w2_squared(x, y)
print("squared W2:", round(exact, 4))

# %% [markdown] three-text
# ## One plan, three settings
#
# To see a plan, take points on a line, in order. The best plan sorts, so it lies on the diagonal of the matrix.
# Row *i* shows where point *i* sends its mass; dark is much, by each picture's own scale.

# %% three
line_x, line_y = (np.sort(side[:40, 0])[:, None] for side in (x, y))
figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
panels[0].set_ylabel("point of x")
for axes, reg in zip(panels, (None, 0.05, 2.0), strict=True):
    t = wdd.ot.transport(line_x, line_y, reg=reg)
    axes.imshow(t.plan, cmap="Blues", vmin=0, vmax=np.quantile(t.plan, 0.99))
    axes.set(title=f"{'exact' if reg is None else f'reg = {reg}'}: cost {t.value:.3f}", xlabel="point of y")
course.show(figure, "Plans from point to point: a thin diagonal, a blurred one, a wide band around it")

# %% [markdown] lab-text
# ## Pull the blur
#
# In the laboratory, *Blur (reg)* is a slider, exact at its left end. The large number is $\sum T_{ij} C_{ij}$, the
# cost of the plan drawn, without the entropic term.

# %% make-lab
lab = wdd.TransportLab(lesson="blur")
given = (lab.a, lab.b)

# %% folded predict-lab
course.predict(
    "Every blue point may send a little to every orange one. With more blur, what becomes of the plan's cost?",
    [
        "It falls: there is more to choose from.",
        "It stays: the same mass goes to the same points.",
        "It rises.",
    ],
    then=lab,
    answer="It rises.",
    because="The exact plan is the cheapest there is, and blur pays for being less choosy with longer ways.",
)

# %% [markdown] exercise 02-band difficulty=1 importance=4 minutes=5 points=2
# ### Exercise 1: what blur costs
#
# Set the blur so that the plan costs **4 % to 6 % more** than the exact one. Leave the points where they are. Then
# run the check, which reads the laboratory.
#
# <details><summary>Hint</summary>
#
# First pull the slider to its left end and read the exact cost. What is 1.05 times that? With the slider chosen, the
# arrow keys go from one setting to the next.
#
# </details>

# %% answer 02-band
# There is nothing to write here: move the slider in the laboratory above, then run the next cell.
# --- solution
lab.reg = 2.0
# --- instead
# lab.reg, lab.value
# --- end

# %% check 02-band
course.check("02-band", lab, a=given[0], b=given[1])

# %% [markdown] sinkhorn-text
# ## Sinkhorn's iteration
#
# Why accept a worse plan? Because it has a formula. Where the derivative of the entropic problem is 0, with a
# potential $u_i$ for each row and $v_j$ for each column,
#
# $$T_{ij} = a_i b_j \, e^{(u_i + v_j - C_{ij}) / \mathrm{reg}} .$$
#
# Only *m + n* numbers are unknown. Given *v*, demand that row *i* sums to $a_i$ and solve for $u_i$:
#
# $$u_i = -\mathrm{reg} \, \log \sum_j b_j \, e^{(v_j - C_{ij}) / \mathrm{reg}} .$$
#
# The columns give $v_j$ in the same way, from the *new* $u$. That spoils the rows a little, so one repeats: this is
# **Sinkhorn's iteration**. Beware of its exponentials: $e^{-6/0.005}$ is 0 in a computer, and its logarithm is gone.

# %% underflow
with np.errstate(divide="ignore"):
    print("naive:    ", -0.005 * np.log(np.exp(-6 / 0.005)))
print("should be:", 6.0)

# %% [markdown] exercise 02-step difficulty=3 importance=5 minutes=15 points=4
# ### Exercise 2: one round
#
# Write a round: from `v` the best `u`, from this `u` the best new `v`. Return both. The check also tries a small
# `reg`, where the naive sum breaks.
#
# <details><summary>Hint 1</summary>
#
# `scipy.special.logsumexp(A, b=w, axis=1)` is $\log \sum_j w_j e^{A_{ij}}$, and never leaves the range of numbers:
# it takes the largest exponent out first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# For `u` the exponents are `(v - C) / reg`, weights `b`, summed over columns (`axis=1`). For `v` they are
# `(u[:, None] - C) / reg`, weights `a`, summed over rows (`axis=0`).
#
# </details>


# %% answer 02-step
def sinkhorn_round(v, C, a, b, reg):
    """The potentials u [m] and v [n] after one round from v, in the logarithmic domain."""
    # --- solution
    from scipy.special import logsumexp

    u = -reg * logsumexp((v - C) / reg, b=b, axis=1)
    v = -reg * logsumexp((u[:, None] - C) / reg, b=a[:, None], axis=0)
    return u, v
    # --- end


# %% check 02-step
course.check("02-step", sinkhorn_round, C=costs, a=a, b=b)

# %% [markdown] rounds-text
# ## How many rounds?
#
# The **error** is how much mass lies in wrong rows. The **gap**: the dual sum $\sum_i a_i u_i + \sum_j b_j v_j$ is
# never above the least objective, and rises to it round by round. Less blur takes more rounds:


# %% rounds
def rounds(reg):
    for count, each in enumerate(sinkhorn_rounds(costs, a, b, reg=reg), 1):
        if each.error < 1e-4:
            return count


for reg in (2.0, 0.2, 0.05):
    first = next(sinkhorn_rounds(costs, a, b, reg=reg))
    least = sum(map(np.mean, wdd.ot.transport(x, y, reg=reg).potentials))
    print(f"reg {reg:4}: {rounds(reg):4} rounds; least objective {least:.4f}, the first bound {first.bound:.4f}")

# %% [markdown] gap-text
# And the *exact* squared W2? Any plan costs at least that much: an upper bound. For a lower one, take column
# potentials with which no pair is overcharged, $v_j = \min_i (C_{ij} - u_i)$: prices, as in 01. So entropic transport
# proves how wrong it can be:

# %% sandwich
for reg in (2.0, 0.2, 0.02):
    t = wdd.ot.transport(x, y, reg=reg)
    u = t.potentials[0]
    prices = (costs - u[:, None]).min(axis=0)
    print(f"reg {reg:4}: {a @ u + b @ prices:.4f} <= {exact:.4f} <= {t.value:.4f}")

# %% [markdown] trade-text
# ## Error against time
#
# For many settings: how much dearer than the exact plan the entropic one is, and how long the rounds take until the
# error is below 1/10000. Both axes are logarithmic: a straight line is a power.


# %% trade
def milliseconds(work, *given, **options):
    taken = []
    for _ in range(3):  # the shortest of three: other programs only make it longer
        begin = time.perf_counter()
        work(*given, **options)
        taken.append(1000 * (time.perf_counter() - begin))
    return min(taken)


regs = np.geomspace(0.02, 20, 5 if course.fast() else 13)
dearer = np.array([100 * (wdd.ot.transport(x, y, reg=reg).value / exact - 1) for reg in regs])
taken = [milliseconds(rounds, reg) for reg in regs]
program = milliseconds(wdd.ot.transport, x, y)

# %% trade-figure
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.loglog(regs, dearer, "o-", c="#0072B2")
left.axhline(1, ls="--", c="black")
left.text(regs[-1], 1.1, "1 %", ha="right")
left.set(title="Price of the entropic plan", xlabel="reg", ylabel="% dearer than exact")
right.loglog(regs, taken, "s-", c="#D55E00")
right.axhline(program, ls="--", c="black")
right.text(regs[0], program, "exact plan", va="top")
right.margins(0.3)
right.set(title="Time of Sinkhorn's rounds", xlabel="reg", ylabel="milliseconds")
for k in (0, len(regs) // 2, -1):
    right.annotate(f"{rounds(regs[k])} rounds", (regs[k], taken[k]), (4, 6), textcoords="offset points")
said = [f"reg {regs[k]:.3g}: {dearer[k]:.3g} % dearer, {taken[k]:.3g} ms" for k in (0, -1)]
course.show(figure, f"{'; '.join(said)}; the exact plan takes {program:.3g} ms")

# %% [markdown] exercise 02-percent difficulty=2 importance=4 minutes=5 points=2
# ### Exercise 3: less than one percent
#
# Find a `reg` at which the entropic plan of `x` and `y` costs less than 1 % more than the exact one, but do not
# overdo it: at least 0.5 % more, or you pay time for nothing.
#
# <details><summary>Hint</summary>
#
# `wdd.ot.transport(x, y, reg=reg).value / exact - 1` is the share. More blur, more error, always: so halve or double,
# then take something between.
#
# </details>

# %% answer 02-percent
# --- solution
low, high = 1e-3, 10.0
for _ in range(30):
    reg = np.sqrt(low * high)
    if wdd.ot.transport(x, y, reg=reg).value / exact - 1 > 0.0075:
        high = reg
    else:
        low = reg
# --- instead
# reg = ...
# --- end

# %% check 02-percent
course.check("02-percent", reg, x=x, y=y)

# %% [markdown] bias-text
# ## A cloud differs from itself
#
# A distance should be 0 between a cloud and itself. Entropic transport, whose objective we call $OT$, is not: blur
# sends mass to neighbours and pays for it. The **Sinkhorn divergence** takes this bias off:
#
# $$S(x, y) = OT(x, y) - \tfrac12 OT(x, x) - \tfrac12 OT(y, y),
# \qquad OT = \sum_{ij} T_{ij} C_{ij} + \mathrm{reg} \, \mathrm{KL}(T \mid a b^\top).$$
#
# No need to compute the entropic term: at the optimum $OT = \sum_i a_i u_i + \sum_j b_j v_j$, the gap being 0.

# %% itself
moved = x + np.array([3, 0])
print("squared W2 of x and x moved by 3:", round(wdd.ot.w2_squared(x, moved), 4))
for reg in (0.1, 1.0, 10.0):
    itself = wdd.ot.transport(x, x, reg=reg).value
    other = wdd.ot.transport(x, moved, reg=reg).value
    debiased = wdd.ot.sinkhorn_divergence(x, moved, reg=reg)
    print(f"reg {reg:4}: plan of x to itself costs {itself:.4f}, to x moved {other:.4f}; divergence {debiased:.4f}")

# %% [markdown] exercise 02-divergence difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 4: debias by hand
#
# Compute `S`, the Sinkhorn divergence of `x` and `y` at `reg` 0.5, from three calls of `wdd.ot.transport` and their
# `potentials`. Then compare it with the exact squared W2.
#
# <details><summary>Hint 1</summary>
#
# Write a small function that returns $OT$ of two clouds. All masses are equal, so $\sum_i a_i u_i$ is `u.mean()`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `.value` is the plan's cost alone, without the entropic term. It is not $OT$.
#
# </details>


# %% answer 02-divergence
# --- solution
def objective(one, other):
    return sum(u.mean() for u in wdd.ot.transport(one, other, reg=0.5).potentials)


S = objective(x, y) - objective(x, x) / 2 - objective(y, y) / 2
# --- instead
# S = ...
# --- end
print("divergence", S, "squared W2", exact)

# %% check 02-divergence
course.check("02-divergence", S, x=x, y=y, reg=0.5)

# %% [markdown] honest-text
# For a cloud that is only moved, the divergence is exact at any blur. For clouds of other shapes it is not: with much
# blur it forgets shape and tends to the squared distance of the means.

# %% limits
print("squared W2:", round(exact, 4), " distance of means, squared:", round(((x.mean(0) - y.mean(0)) ** 2).sum(), 4))
for reg in (0.1, 1.0, 10.0, 100.0):
    biased = wdd.ot.transport(x, y, reg=reg).value
    print(f"reg {reg:5}: plan's cost {biased:.4f}, divergence {wdd.ot.sinkhorn_divergence(x, y, reg=reg):.4f}")

# %% [markdown] shrink-text
# ## Why entropic barycenters shrink
#
# Which 40 points of equal mass stand best for the 40 points of `x`? The points themselves. A barycenter is found in
# steps that put each support point on the mean of what the plan sends to it, the **barycentric projection** (more of
# it in [03](03_barycenters.ipynb)):
#
# $$y_i = \frac{1}{a_i} \sum_j T_{ij} x_j .$$
#
# With the exact plan of `x` to itself nothing moves. With a blurred one, each point goes to a mean of its neighbours.

# %% [markdown] exercise 02-shrink difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 5: one step, and what is left
#
# Given is the entropic plan of `x` to itself. Compute `step`, the barycentric projection, 40 rows and two columns,
# and `kept`, the variance of `step` as a share of that of `x`. (A cloud's variance: those of its coordinates, summed.)
#
# <details><summary>Hint 1</summary>
#
# `blurred @ x` sums; what is missing is the division by $a_i$, here 1/40 for every row.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `cloud.var(axis=0).sum()`.
#
# </details>

# %% answer 02-shrink
blurred = wdd.ot.transport(x, x, reg=0.5).plan
# --- solution
step = blurred @ x / a[:, None]
kept = step.var(axis=0).sum() / x.var(axis=0).sum()
# --- instead
# step = ...
# kept = ...
# --- end

# %% check 02-shrink
course.check("02-shrink", step, kept, x=x, plan=blurred)

# %% [markdown] collapse-text
# That was one step. The barycenter takes many, each from the last one's smaller cloud, until it rests. Below, grey
# discs are `x`, and crosses its entropic barycenter of 40 points. `epsilon` is `reg` as a share of the variance.

# %% collapse
variance = x.var(axis=0).sum()
figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained", sharex=True, sharey=True)
for axes, epsilon in zip(panels, (0.02, 0.3, 2.0), strict=True):
    solver = wdd.ot.Sinkhorn(epsilon=epsilon)
    found = wdd.ot.barycenter(x, m=40, masses="uniform", start=x, solver=solver).support
    axes.scatter(*x.T, c="#999999", s=40)
    axes.scatter(*found.T, c="#D55E00", marker="x")
    axes.set(title=f"epsilon {epsilon}: variance {found.var(axis=0).sum() / variance:.0%}", aspect="equal")
course.show(figure, "A cloud of points and its barycenter, which shrinks as epsilon grows")

# %% [markdown] need-text
# ## Does distillation need it?
#
# Entropy pays where clouds are large, where gradients should not jump, or on a GPU, which likes sums and dislikes
# linear programs. Here are ten support points and the real features that they stand for, with `reg` as a share of the
# exact cost. Judge for yourself.

# %% need
history = wdd.History.load(course.recorded("digits-wmdd-10"))
three = history.barycenters[3]
support = wdd.ot.Measure(three["support"][-1], three["masses"][-1])
real = history.real.features[history.real.labels == 3]
cost = wdd.ot.w2_squared(support, real)
print(f"exact:          cost {cost:.3f}, {milliseconds(wdd.ot.transport, support, real):6.1f} ms")
for share in (0.1, 0.01):
    value = wdd.ot.transport(support, real, reg=share * cost).value
    needs = milliseconds(wdd.ot.transport, support, real, reg=share * cost)
    print(f"reg {share:4} of it: cost {value:.3f}, {needs:6.1f} ms")

# %% [markdown] next
# ## Summary
#
# - **reg** blurs the plan and makes it dearer; it has the ground cost's unit.
# - **Sinkhorn's iteration** is two sums a round, best done in logarithms. Less blur, more rounds.
# - The plan's cost bounds the exact distance from above, mended potentials bound it from below.
# - The **Sinkhorn divergence** is 0 for equal clouds, but at large blur knows only means.
# - **Entropic barycenters shrink**, because each step takes means of neighbours. The toolkit's barycenters use exact
#   plans by default; the solver *sinkhorn* is there for comparison.
#
# Next, [03 Barycenters: where to put m points](03_barycenters.ipynb).
#
# **To read next.** M. Cuturi, *Sinkhorn Distances* (2013, [arXiv 1306.0895](https://arxiv.org/abs/1306.0895)): the
# iteration comes to machine learning. J. Feydy et al., *Interpolating between Optimal Transport and MMD using
# Sinkhorn Divergences* (2019, [arXiv 1810.08278](https://arxiv.org/abs/1810.08278)): debiasing. H. Janati et al.,
# *Debiased Sinkhorn Barycenters* (2020, [arXiv 2006.02575](https://arxiv.org/abs/2006.02575)): barycenters that do
# not shrink. G. Peyré, *Optimal Transport for Machine Learners* (2025, [arXiv
# 2505.06589](https://arxiv.org/abs/2505.06589)): the theory, with pictures.

# %% progress
course.progress("02")
