# %% [markdown] title
# # 00 What is being distilled?
#
# **Time:** 40 minutes. **You need:** a little Python. Nothing is trained here: the notebook replays a recorded run,
# so it needs neither torch nor patience.
#
# After it you can
#
# - say what dataset distillation takes and returns;
# - read a class's barycenter: support points and masses;
# - follow distilled images through a run's snapshots;
# - judge an accuracy by its controls.

# %% [markdown] what
# ## Many images become a few
#
# A **real set** of many images becomes a **distilled set** of a few, here ten images per class (`ipc` = 10). A
# **student**, a fresh network, trained on the few should do nearly as well as one trained on all. Here is a run that
# distilled digits:

# %% open
import numpy as np

import wddkit as wdd
from wddkit import course

history = wdd.History.load(course.recorded("digits-wmdd-10"))
distilled = history.distilled
print("real images     ", len(history.real.labels))
print("distilled images", len(distilled.labels))
print("of each class   ", len(distilled.labels) // len(distilled.classes))
print("pixels of each  ", distilled.images.shape[-2:])
wdd.views.figures.overview(history)

# %% [markdown] overview-text
# *Left:* where a network's features place real images (small marks) and distilled ones (squares). *Middle:* a
# distilled image of each digit, from start to end. *Right:* the accuracy of students who learned from them, beside
# controls.

# %% [markdown] three-steps
# ## Three steps
#
# The method is WMDD, dataset distillation via the Wasserstein metric.
#
# 1. A **teacher**, a network trained on the real set, turns each image into a **feature**, a vector of numbers.
#   Images that mean the same get features that lie near each other.
# 2. A **barycenter** sums up the features of a class: ten **support points**, each with a **mass**, as near to all of
#   them as possible. Near in the **Wasserstein distance**: see [01](01_transport_by_hand.ipynb).
# 3. Pixels are optimised until each distilled image has the feature of one support point.

# %% [markdown] features
# ## Features and support points
#
# Below, small marks are real images. Each disc is a support point: one place that stands for many images of its
# class. Its **area is its mass**, the share of the class that it stands for.
#
# Press ▶, or move the slider with mouse or arrow keys. First support points find their places (barycenter), then
# pixels change (recover). Click a disc: lines lead to its real images. The red frame leads through four stops.

# %% make-view
view = wdd.Explorer(history)
pixels = view.timeline.index(("recover", 0))  # where images begin to change

# %% folded tour
stands_for = "The ring marks one support point of class 3; lines lead to the real images that it stands for."
moves = "Step by step each disc moves to the mean of its images, and its mass follows."
drawn = "Now pixels change: each square, an image's features, is drawn to its disc."
end = "At the end ten images stand for the whole class. Now look at the others."
first = {
    "caption": stands_for,
    "step": 0,
    "classes": [3],
    "selected": 30,
}
view.tour(
    [
        first,
        {"caption": moves, "step": pixels - 1},
        {"caption": drawn, "step": pixels + 2},
        {"caption": end, "step": -1, "classes": []},
    ]
)

# %% folded view
course.predict(
    "A disc stands for many real images. Where will it end up, when the barycenter has found its places?",
    [
        "On one of these images.",
        "In the middle of these images.",
        "As far from other classes as possible.",
    ],
    then=view,
    answer="In the middle of these images.",
    because="The point with the least mean squared distance to some points is their mean, which is seldom one of them.",
)

# %% [markdown] exercise 00-follow difficulty=1 importance=4 minutes=5 points=2
# ### Exercise 1: find the heaviest support point
#
# In the Explorer above, select the support point of class 3 that stands for the most images, and move the slider to
# the **last** snapshot. Then run the check, which reads what you selected.
#
# <details><summary>Hint 1</summary>
#
# Class 3 is shown alone. The largest disc has the largest mass: click it, or choose its image in the list *Follow*. A
# sentence beside the picture says how much it stands for.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The key End moves the slider to the last snapshot. Masses change while the barycenter is found: look at them at the
# end.
#
# </details>

# %% answer 00-follow
# There is nothing to write here: select in the Explorer above, then run the next cell.
# --- solution
of_class = np.flatnonzero(history.distilled.labels == 3)
view.selected = int(of_class[history.barycenters[3]["masses"][-1].argmax()])
view.step = -1
# --- instead
# view.selection()
# --- end

# %% check 00-follow
course.check("00-follow", view, history=history, label=3)

# %% [markdown] barycenter
# ## How good is a barycenter?
#
# Its **value** is the squared Wasserstein distance to the class: the mean squared distance from a feature to its
# support point. *Held-out*, on images that it has not seen, it is larger: ten points fit their own images best.

# %% read-barycenter
three = history.barycenters[3]
for name in ("value", "heldout"):
    print(f"{name:8} first step {three[name][0]:6.2f}, last step {three[name][-1]:6.2f}")
print("masses  ", three["masses"][-1].round(3))
print("sum     ", three["masses"][-1].sum().round(6))

# %% [markdown] kmeans
# **One measure's barycenter is k-means**: support points are cluster means, masses cluster shares, the value is the
# inertia divided by the number of images. Small differences are different local optima.

# %% check-kmeans
from sklearn.cluster import KMeans

own = history.real.features[history.real.labels == 3]
clusters = KMeans(10, n_init=10, random_state=0).fit(own)
print("k-means, inertia / n:", round(clusters.inertia_ / len(own), 2))
print("barycenter, value:   ", round(float(three["value"][-1]), 2))

# %% [markdown] exercise 00-unexplained difficulty=3 importance=3 minutes=10 points=3
# ### Exercise 2: which class is hardest to sum up?
#
# Some classes are more spread out than others. A single support point, the mean, would leave the whole **variance**
# of a class. Compute which share of it ten support points leave, for every class: ten numbers.
#
# <details><summary>Hint 1</summary>
#
# The variance of a cloud is the sum of the variances of its coordinates: `features.var(axis=0).sum()`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Divide the last value, `history.barycenters[label]["value"][-1]`, by that variance.
#
# </details>

# %% answer 00-unexplained
unexplained = []
for label in range(10):
    features = history.real.features[history.real.labels == label].astype(float)
    # --- solution
    share = history.barycenters[label]["value"][-1] / features.var(axis=0).sum()
    # --- instead
    # share = ...
    # --- end
    unexplained.append(share)
print(*unexplained)

# %% check 00-unexplained
course.check("00-unexplained", unexplained, history=history)

# %% [markdown] images-text
# ## Images change
#
# Every image starts as the real image nearest to its support point. Then its pixels move until the teacher sees in it
# what the support point asks for.

# %% folded images
first, last = (history.images(t).astype(float) for t in (0, len(history.frames) - 1))
moved = np.abs(last - first).mean()
choices = [
    "Less than 10.",
    "10 to 50.",
    "More than 50.",
]
course.predict(
    "Grey levels go from 0 (black) to 255 (white). By how many does an average pixel change from start to end?",
    choices,
    answer=choices[int(np.digitize(moved, [10, 50]))],
    because=f"It changes by {moved:.1f}. Look at the strip below: is that what you would call another image?",
)

# %% film
wdd.views.figures.film_strip(history, classes=[3, 5, 8], image=1)

# %% [markdown] film-text
# In the Explorer, click an image to see its own strip. The next cell reads what is selected there; circle some points
# (*lasso*, or hold Shift and draw) and run it again.

# %% read-view
phase, step = view.timeline[view.step]
print(f"snapshot {view.step} is {phase}, step {step}")
view.selection()

# %% [markdown] exercise 00-changes difficulty=3 importance=3 minutes=10 points=3
# ### Exercise 3: when do the images stop changing?
#
# Snapshots are not equally far apart. Compute how much the images change **per step** between one snapshot and the
# next: the mean absolute difference of their pixels, divided by the number of steps.
#
# <details><summary>Hint 1</summary>
#
# Pixels are stored as whole numbers from 0 to 255 (uint8), for which 3 - 5 is 254. Convert them first:
# `history.images(t).astype(float)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `np.abs(after - before).mean() / steps`, where `steps` is given.
#
# </details>

# %% answer 00-changes
changes = []
for t in range(len(history.frames) - 1):
    steps = history.frames[t + 1].step - history.frames[t].step
    before, after = history.images(t), history.images(t + 1)
    # --- solution
    change = np.abs(after.astype(float) - before.astype(float)).mean() / steps
    # --- instead
    # change = ...
    # --- end
    changes.append(change)
print(*changes)

# %% check 00-changes
course.check("00-changes", changes, history=history)

# %% [markdown] accuracy
# ## Accuracy beside its controls
#
# A number alone says little. Beside the distilled set stand **controls** with the same students: random real images,
# the real images nearest to the support points, the whole real set. `low` to `high` is a 95 % interval.

# %% table
results = history.results[["set", "labels", "accuracy", "low", "high", "n", "bytes"]]
results.round(2)

# %% [markdown] exercise 00-gain difficulty=2 importance=5 minutes=5 points=2
# ### Exercise 4: is it better than chance?
#
# Compute `gain`, how many points of accuracy the distilled set (row 0) is above the random real images (row 1), and
# `overlap`, whether their intervals, from `low` to `high`, have anything in common.
#
# <details><summary>Hint</summary>
#
# `results.accuracy[0]` is the first accuracy. Two intervals overlap if each one begins before the other one ends.
#
# </details>

# %% answer 00-gain
# --- solution
gain = results.accuracy[0] - results.accuracy[1]
overlap = bool(results.low[0] <= results.high[1] and results.low[1] <= results.high[0])
# --- instead
# gain = ...
# overlap = ...  # True or False
# --- end

# %% check 00-gain
course.check("00-gain", gain, overlap, results=results)

# %% [markdown] notice
# ## What to notice
#
# - **The random control is close.** Under `online` labels the teacher travels along and tells the students of every
#   set the same: much of the accuracy is its doing.
# - **Compare rows 0 and 2**, too: nobody optimised the pixels of the nearest real images.
# - **The interval is over students** of one distilled set. Another synthesis may differ more.

# %% [markdown] next
# ## Summary
#
# You read a whole run: features, barycenters, pixels on their way, an accuracy beside its controls.
#
# Next, [01 Optimal transport by hand](01_transport_by_hand.ipynb) shows what "near" means.
#
# **To read next.** T. Wang et al., *Dataset Distillation* (2018, [arXiv
# 1811.10959](https://arxiv.org/abs/1811.10959)): where the idea comes from. H. Liu et al., *Dataset Distillation via
# the Wasserstein Metric* (ICCV 2025, [arXiv 2311.18531](https://arxiv.org/abs/2311.18531)): the method of this run.
# G. Peyré and M. Cuturi, *Computational Optimal Transport* (2019, [arXiv
# 1803.00567](https://arxiv.org/abs/1803.00567)): the theory, section 9.2 on barycenters.

# %% progress
course.progress("00")
