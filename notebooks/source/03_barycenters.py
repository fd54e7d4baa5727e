# %% [markdown] title
# # 03 Barycenters: where to put m points
#
# **Time:** 60 minutes. **You need:** NumPy, and [01 Optimal transport by hand](01_transport_by_hand.ipynb): plans and
# their marginals. You need no torch.
#
# After it you can
#
# - derive the two steps that find a barycenter: positions and masses;
# - say why the barycenter of one measure with free masses is k-means, and check it;
# - tell free masses from uniform ones by their pictures;
# - recognise a local minimum, and choose a start;
# - say what changes with several measures.

# %% [markdown] question
# ## Ten for a thousand
#
# A class of images is a cloud of features. WMDD replaces it by *m* **support points** $y_i$ with **masses** $w_i$,
# as near to it as possible in the Wasserstein distance: a **barycenter**.
#
# $$\min_{y, w} \; W_2^2 \Big( \sum_i w_i \delta_{y_i}, \sum_j b_j \delta_{x_j} \Big)
# = \min_{y, w, T} \sum_{ij} T_{ij} \lVert y_i - x_j \rVert^2 .$$
#
# Places, masses and plan are unknown. All at once is hard, but in turns each has a best choice. Here is a cloud of your
# own (see the index for your seed): four groups of unequal size, masses $b_j$ that differ.

# %% open
import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist

import wddkit as wdd
from wddkit import course

rng = np.random.default_rng(course.student_seed())
groups = ((60, 0.35, (1, 1)), (30, 0.3, (4.5, 1.2)), (15, 0.25, (3, 3.2)), (45, 0.4, (5, 3.2)))
x = np.vstack([rng.normal(size=(n, 2)) * spread + centre for n, spread, centre in groups])
b = rng.uniform(0.5, 1.5, size=len(x))
b /= b.sum()
cloud = wdd.ot.Measure(x, b)
start = x[rng.choice(len(x), 6, replace=False)]
plan = wdd.ot.transport(wdd.ot.Measure(start, np.full(6, 1 / 6)), cloud).plan

figure, axes = plt.subplots(figsize=(5, 3.6))
axes.set(title="150 points, and six places to begin with", aspect="equal")
axes.set(xlabel="first coordinate", ylabel="second coordinate")
for points, size, colour, marker in ((x, 4000 * b, "#999999", "o"), (start, 80, "#D55E00", "x")):
    axes.scatter(*points.T, s=size, c=colour, marker=marker)
course.show(figure, "Four clusters of discs, each as large as its mass, and six crosses among them")

# %% [markdown] positions
# ## Where: the position step
#
# Let the plan be given. The cost is a parabola in each $y_i$, so at its lowest point the derivative is 0:
#
# $$2 \sum_j T_{ij} (y_i - x_j) = 0 \quad\Longrightarrow\quad
# y_i = \frac{\sum_j T_{ij} x_j}{\sum_j T_{ij}} .$$
#
# Each support point goes to the **weighted mean of what it is given**, its *barycentric projection*.

# %% [markdown] exercise 03-positions difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 1: the position step
#
# Write it: from a `plan`, *m* rows and *n* columns, and points `x`, *n* rows, the new places, *m* rows. The `plan`
# above is that of six uniform masses.
#
# <details><summary>Hint 1</summary>
#
# `plan @ x` holds the sums $\sum_j T_{ij} x_j$, a row a support point.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Divide each row by its mass, `plan.sum(axis=1)`, which needs the shape (m, 1): `keepdims=True`.
#
# </details>


# %% answer 03-positions
def positions(plan, x):
    """The best places [m, d] for a plan [m, n] of points [n, d]."""
    # --- solution
    return plan @ x / plan.sum(axis=1, keepdims=True)
    # --- end


# %% check 03-positions
course.check("03-positions", positions, plan=plan, x=x)

# %% [markdown] masses-text
# ## How much: the mass step
#
# Now let the places be given. If masses are free, rows may sum to anything, and $x_j$ gives its $b_j$ to the
# **nearest** support point, as anything else costs more. So masses follow: $w_i$ is the sum of all $b_j$ that come to
# $y_i$. If masses are given, such as $1/m$ each, somebody must take what is farther away: the plan is a linear program,
# as in 01.

# %% [markdown] exercise 03-masses difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 2: free masses
#
# For the six places `start` and the points `x` with masses `b`, compute the masses `w` of the free barycenter, six
# numbers.
#
# <details><summary>Hint 1</summary>
#
# `cdist(start, x)` has a row a support point. In each column, which row is the smallest? `argmin(axis=0)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.bincount(nearest, weights=..., minlength=6)` sums weights by number.
#
# </details>

# %% answer 03-masses
# --- solution
nearest = cdist(start, x).argmin(axis=0)
w = np.bincount(nearest, weights=b, minlength=6)
# --- instead
# nearest = ...  # for each point of x, the number of its support point
# w = ...
# --- end
print(w)

# %% check 03-masses
course.check("03-masses", w, start=start, x=x, b=b)

# %% [markdown] kmeans-text
# ## You know this algorithm
#
# Give every point to the nearest centre, move every centre to the mean of its points, repeat: the barycenter of *one*
# measure with *free* masses **is k-means**. Support points are centroids, masses the clusters' shares, squared W2 the
# weighted inertia. From one start both end at one place (unless a centre runs empty, which each mends in its own way):

# %% kmeans
from sklearn.cluster import KMeans

found = wdd.ot.barycenter(cloud, m=6, start=start, solver="lloyd")
clusters = KMeans(6, init=start, n_init=1, tol=0).fit(x, sample_weight=b)
print("barycenter, value:        ", found.value)
print("k-means, weighted inertia:", clusters.inertia_)
print("squared W2:               ", wdd.ot.w2_squared(wdd.ot.Measure(found.support, found.masses), cloud))
steps = wdd.ot.barycenter_steps(cloud, m=6, start=start, solver="lloyd")
print("step by step:", *[f"{step.value:.3f}" for step in steps])

# %% [markdown] honest
# So think of a class's barycenter as clusters. It is no less useful for that, but to compare it with k-means on the
# same features is to compare it with itself.

# %% [markdown] lab-text
# ## Take the steps yourself
#
# In the laboratory, *step* first assigns, then moves. No step raises the value, and it ends. Where?

# %% make-lab
lab = wdd.BarycenterLab(lesson="bad start")
began = lab.start

# %% folded predict-lab
course.predict(
    "Three groups, three support points. Two begin in one group, and one between the other two. Where will steps end?",
    [
        "With one support point in each group.",
        "With two still in one group.",
        "It never ends.",
    ],
    then=lab,
    answer="With two still in one group.",
    because="Points are given to the nearest one, so nothing calls either of the two across: a local minimum.",
)

# %% [markdown] exercise 03-free difficulty=2 importance=5 minutes=5 points=2
# ### Exercise 3: out of a local minimum
#
# First press *step* until nothing moves any more, and note the value. Then drag a support point to where it is
# missing, and press *step* again until the value is within 2 % of the best of many starts.
#
# <details><summary>Hint</summary>
#
# Which group has two support points, and which two groups share one? With Tab and the arrow keys a support point can
# be moved without a mouse. The line *best of 20 starts* tells what is possible.
#
# </details>

# %% answer 03-free
# There is nothing to write here: step and drag in the laboratory above, then run the next cell.
# --- solution
lab.start = [[1.1, 0.8], [4.6, 1.0], [3.0, 3.0]]
lab.step = len(lab.history) - 1
# --- instead
# lab.step, lab.value
# --- end

# %% check 03-free
course.check("03-free", lab, points=wdd.BarycenterLab(lesson="bad start").points, start=began)

# %% [markdown] starts-text
# ## Starts
#
# The remedy: several starts, and good ones. Here are three kinds, for the features of a digit and ten support points:
# data points drawn by **k-means++**, which likes them far apart; any data points; and, as in the authors' code, random
# numbers, **N(0, I)**, which know nothing of where the data are, or how large.

# %% starts
history = wdd.History.load(course.recorded("digits-wmdd-10"))
real = history.real.features[history.real.labels == 3].astype(float)
values = {"k-means++": [], "any data points": [], "N(0, I)": []}
for seed in range(4 if course.fast() else 10):
    draw = np.random.default_rng(seed)
    values["k-means++"].append(wdd.ot.barycenter(real, m=10, seed=seed, solver="lloyd").value)
    for name, begin in (
        ("any data points", real[draw.choice(len(real), 10, replace=False)]),
        ("N(0, I)", draw.normal(size=(10, real.shape[1]))),
    ):
        values[name].append(wdd.ot.barycenter(real, m=10, start=begin, solver="lloyd").value)

figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
axes.set(yticks=range(3), yticklabels=values, ylim=(2.5, -0.5), xlabel="value at the end (dashed: default solver)")
usual = wdd.ot.barycenter(real, m=10).value
axes.axvline(usual, ls="--", c="black")
for row, each in enumerate(values.values()):
    axes.plot(each, [row] * len(each), "o", mfc="none", c="#0072B2")
said = [f"{name} {min(each):.3f} to {max(each):.3f}" for name, each in values.items()]
course.show(figure, f"Values at the end: {'; '.join(said)}; default solver {usual:.3f}")

# %% [markdown] starts-honest
# Which kind ends lowest? An empty support point is put on the costliest point here. Else far starts would leave some
# empty for good.

# %% [markdown] exercise 03-restarts difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 4: ten restarts
#
# For your `cloud` with `m=6`, free masses and `solver="lloyd"`, compute the values from `seed` 0 to 9, in a list
# `ends`, and `worse`: by which share the worst is above the best (0.1 for 10 %).
#
# <details><summary>Hint</summary>
#
# `wdd.ot.barycenter(cloud, m=6, solver="lloyd", seed=seed).value`, and at the end `max(ends) / min(ends) - 1`.
#
# </details>

# %% answer 03-restarts
# --- solution
ends = [wdd.ot.barycenter(cloud, m=6, solver="lloyd", seed=seed).value for seed in range(10)]
worse = max(ends) / min(ends) - 1
# --- instead
# ends = ...
# worse = ...
# --- end

# %% check 03-restarts
course.check("03-restarts", ends, worse, cloud=cloud)

# %% [markdown] uniform-text
# ## Free or uniform?
#
# With **uniform** masses every support point stands for the same share: k-means with clusters of equal mass. Uniform is
# a special case of free, so at best its value is as low. Area is mass:

# %% uniform
figure, panels = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
for axes, rule in zip(panels, ("free", "uniform"), strict=True):
    found = wdd.ot.barycenter(cloud, m=4, masses=rule)
    for i, j in np.argwhere(found.plan):
        axes.plot(*np.transpose([found.support[i], x[j]]), c="#BBBBBB", lw=0.5)
    axes.scatter(*x.T, s=6, c="#555555")
    axes.scatter(*found.support.T, s=900 * found.masses, c="#D55E00", edgecolor="black", zorder=3)
    axes.set(title=f"{rule} masses: value {found.value:.3f}", aspect="equal")
course.show(figure, "Four clusters with lines from each point to the support points that stand for it")

# %% [markdown] uniform-honest
# Whether free masses help a student is another question: see [07](07_ablations.ipynb).

# %% [markdown] exercise 03-mean difficulty=2 importance=3 minutes=10 points=3
# ### Exercise 5: one support point
#
# Let `m` be 1. Then the plan is no question, and masses are none either. Compute without `wdd.ot` the `place`, two
# numbers, and the `value`, for the points `x` with masses `b`.
#
# <details><summary>Hint</summary>
#
# The plan's one row is `b`. Put it into the formula of the position step. The value is the mean, with masses `b`, of
# the squared distances to that place.
#
# </details>

# %% answer 03-mean
# --- solution
place = b @ x
value = b @ ((x - place) ** 2).sum(axis=1)
# --- instead
# place = ...
# value = ...
# --- end

# %% check 03-mean
course.check("03-mean", place, value, x=x, b=b)

# %% [markdown] several-text
# ## Several measures
#
# A barycenter is between measures as the mean is between points. With weights $\lambda_k$,
#
# $$\min_{y, w} \sum_k \lambda_k W_2^2 \Big( \sum_i w_i \delta_{y_i}, \mu_k \Big), \qquad
# y_i = \frac{1}{w_i} \sum_k \lambda_k \sum_j T^k_{ij} x^k_j .$$
#
# Every measure has a plan of its own, and each support point has to serve all of them. This is no longer k-means.

# %% folded predict-several
course.predict(
    "A round cloud and a bar, with equal weights. What will eight support points look like in the end?",
    [
        "Four in the cloud and four in the bar.",
        "A shape between the two, in the middle.",
        "All in one place, the common mean.",
    ],
    then=wdd.BarycenterLab(lesson="two measures"),
    answer="A shape between the two, in the middle.",
    because="Each support point gets half of its mean from the cloud and half from the bar. Four and four would be "
    "k-means of both together, the mixture.",
)

# %% [markdown] recorded-text
# ## In the recorded run
#
# In [00](00_first_distillation.ipynb) you saw ten support points move. In the plane of the class's two main directions:
# grey are real features, lines the ways of support points, discs their masses. Two laws hold where nothing moves any
# more: the mean of the support points, by mass, is that of the data, and the value is the variance lost.

# %% recorded
three = history.barycenters[3]
way, w_end = three["support"].astype(float), three["masses"][-1].astype(float)
plane = np.linalg.svd(real - real.mean(axis=0), full_matrices=False)[2][:2].T
figure, axes = plt.subplots(figsize=(5.5, 4), layout="constrained")
axes.scatter(*(real @ plane).T, s=8, c="#999999")
axes.plot(*(way @ plane).transpose(2, 0, 1), c="#0072B2", lw=1)
axes.scatter(*(way[-1] @ plane).T, s=1500 * w_end, c="#D55E00", edgecolor="black", alpha=0.7, zorder=3)
axes.set(title="Class 3: ten support points", xlabel="first direction", ylabel="second direction", aspect="equal")
lost = (real**2).sum(axis=1).mean() - w_end @ (way[-1] ** 2).sum(axis=1)
print(f"value {float(three['value'][-1]):.3f}, variance lost {lost:.3f}")
print(f"distance of the two means: {np.linalg.norm(w_end @ way[-1] - real.mean(axis=0)):.4f}")
course.show(figure, "Ways of ten support points through the features of class 3, ending in discs of their mass")

# %% [markdown] next
# ## Summary
#
# - The **position step** puts a support point on the weighted mean of what the plan gives it.
# - The **mass step** gives every point to its nearest support point; given masses need a linear program instead.
# - **One measure, free masses: k-means.** Uniform masses: k-means with clusters of equal mass.
# - Steps end in **local minima**. Several good starts help, and no start proves that it was the best.
# - **Several measures** have a barycenter between them, which is not their mixture.
#
# Next, [04 Features: from images to a cloud](04_features.ipynb).
#
# **To read next.** M. Cuturi and A. Doucet, *Fast Computation of Wasserstein Barycenters* (2014, [arXiv
# 1310.4375](https://arxiv.org/abs/1310.4375)): both steps, for several measures. H. Liu et al., *Dataset Distillation
# via the Wasserstein Metric* (ICCV 2025, [arXiv 2311.18531](https://arxiv.org/abs/2311.18531)): barycenters of
# features. G. Peyré, *Optimal Transport for Machine Learners* (2025, [arXiv
# 2505.06589](https://arxiv.org/abs/2505.06589)): the theory.

# %% progress
course.progress("03")
