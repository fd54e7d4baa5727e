# %% [markdown] title
# # 06 Relabel, train a student, evaluate fairly
#
# **Time:** 55 minutes. **You need:** torch, and a little statistics: mean and standard deviation. [00 What is being
# distilled?](00_first_distillation.ipynb) is good to have seen. Two cells train students, for a minute or two.
#
# After it you can
#
# - tell four label regimes apart, and say how many bits of labels each gives away with an image;
# - compute a paired 95 % interval, and say what it is over;
# - say which gain so few seeds could find at all;
# - find what makes a comparison unfair.

# %% [markdown] whose
# ## Whose accuracy is it?
#
# An accuracy is that of images **and** labels **and** training. Who compares two sets holds all but the images equal:
# that is a **protocol**. Labels come in four **regimes**:
#
# | regime | what a student is told | stored with it |
# |---|---|---|
# | `hard` | the class | one of the classes |
# | `soft` | what the teacher says of the image | 16 bits a class |
# | `views` | what it says of $k$ stored views of the image | a view: 16 bits a class, 32 a parameter |
# | `online` | what it says of every new view | the whole teacher, shared among the images |
#
# With $t$ and $s$ the teacher's and the student's logits and a temperature $T$ (here no plan), the loss of a
# view is
#
# $$T^2 \, \mathrm{KL}\big(\mathrm{softmax}(t/T) \,\|\, \mathrm{softmax}(s/T)\big).$$
#
# WMDD's own code leaves $T^2$ out, which only rescales the step.

# %% open
from dataclasses import replace

import numpy as np

import wddkit as wdd
from wddkit import course
from wddkit.augment import PARAMETERS
from wddkit.course import fairness
from wddkit.protocols import protocol_named

split = wdd.load("digits")
recipe = wdd.Config().resolved(split).protocols[0]
steps = 40 if course.fast() else 150  # few, so that you need not wait
quick = replace(recipe, students=2, training=replace(recipe.training, steps=steps))
regimes = ["hard", "soft", "views", "online"]
protocols = tuple(protocol_named(each, quick) for each in regimes)

# %% [markdown] experiment
# ## The experiment
#
# WMDD makes **one** image per class. Its control: as many random real images, with the same labels. Each **seed** is
# another synthesis, other random images and students. Seeds are **paired**: student 0 of either set starts from the
# same weights and sees the same order.

# %% run
seeds = range(3 if course.fast() else 5)
out = course.desk()
config = wdd.Config(
    method=wdd.methods.WMDD(ipc=1, steps=20 if course.fast() else 100), protocols=protocols, controls=("random",)
)
histories = [wdd.run(replace(config, seed=seed), out=out, progress=False) for seed in seeds]
accuracies = fairness.by_seed(histories)
accuracies.round(1)

# %% [markdown] relabel
# ## What a label gives away
#
# To **relabel** is to have the teacher say something of each image. How much is it?

# %% given
distilled = histories[0].distilled
results = histories[0].results.set_index(["labels", "set"])
teacher_bytes = int(results.bytes["online", "wmdd"]) - distilled.images.nbytes
print("images             ", len(distilled))
print("classes            ", len(distilled.classes))
print("stored views       ", protocols[2].views, "an image, under `views`")
print("parameters of a view", PARAMETERS)
print("teacher            ", teacher_bytes, "bytes")

# %% [markdown] exercise 06-bits difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 1: label bits of an image
#
# Compute how many bits of labels a student is told **for each image**, from these numbers and the table of regimes.
#
# <details><summary>Hint 1</summary>
#
# One of *c* equal choices takes log2(c) bits: `np.log2`. It need not be a whole number.
#
# </details>
# <details><summary>Hint 2</summary>
#
# A byte has 8 bits. The teacher stands once beside all images: divide by their number.
#
# </details>

# %% answer 06-bits
bits = {}
# --- solution
bits["hard"] = np.log2(len(distilled.classes))
bits["soft"] = 16 * len(distilled.classes)
bits["views"] = protocols[2].views * (16 * len(distilled.classes) + 32 * PARAMETERS)
bits["online"] = 8 * teacher_bytes / len(distilled)
# --- instead
# bits["hard"] = ...
# bits["soft"] = ...
# bits["views"] = ...
# bits["online"] = ...
# --- end
print(bits)

# %% check 06-bits
course.check("06-bits", bits, distilled=distilled, protocols=protocols, teacher_bytes=teacher_bytes)

# %% [markdown] gain-text
# ## Gain, seed by seed
#
# The **gain** is the accuracy of the distilled set less that of random images. Below, choose labels, and which seeds
# count.

# %% folded view
own, random = ({each: accuracies[each, name] for each in regimes} for name in ("wmdd", "random"))
view = wdd.views.GainView(own, random)
hard, online = (float((own[each] - random[each]).mean()) for each in ("hard", "online"))
choices = [
    "It becomes larger.",
    "It stays, within one point.",
    "It becomes smaller.",
]
course.predict(
    "The images stay as they are; labels go from hard to online, for both sets. What becomes of the mean gain?",
    choices,
    then=view,
    answer=choices[int(np.digitize(hard - online, [-1, 1]))],
    because=f"It was {hard:+.1f} points under hard labels and is {online:+.1f} under online ones: images alone against "
    "images with a teacher at hand.",
)

# %% [markdown] interval-text
# ## An interval
#
# Another five seeds would give another mean. With differences $d_1, \dots, d_n$, their mean $\bar d$ and standard
# deviation $s$ (with $n - 1$ in its denominator), the **95 % t-interval** is
#
# $$\bar d \pm t_{n-1} \, s / \sqrt n ,$$
#
# $t_{n-1}$ the 97.5 % point of Student's distribution with $n - 1$ degrees of freedom. One seed has no
# interval, two have a very long one: try it above.

# %% [markdown] exercise 06-interval difficulty=3 importance=5 minutes=10 points=3
# ### Exercise 2: a paired interval by hand
#
# Compute `gain`, `low` and `high` from accuracies seed by seed, `a` of the distilled set, `b` of random images. (Under
# which labels depends on your own seed.)
#
# <details><summary>Hint 1</summary>
#
# Begin with `d = a - b`. Their standard deviation is `d.std(ddof=1)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `from scipy.stats import t`, then `t.ppf(0.975, len(d) - 1)`.
#
# </details>

# %% answer 06-interval
mine = regimes[course.student_seed() % 4]
a, b = own[mine].to_numpy(), random[mine].to_numpy()
# --- solution
from scipy.stats import t

d = a - b
gain = d.mean()
half = t.ppf(0.975, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))
low, high = gain - half, gain + half
# --- instead
# gain = ...
# low = ...
# high = ...
# --- end
print(mine, gain, low, high)

# %% check 06-interval
course.check("06-interval", gain, low, high, own=a, random=b)

# %% [markdown] exercise 06-pick difficulty=1 importance=4 minutes=5 points=2
# ### Exercise 3: two seeds of your choice
#
# Be dishonest, once. In the view above choose **online** labels, and the **two** seeds with which the mean gain looks
# largest. Then run the check.
#
# <details><summary>Hint</summary>
#
# Diamonds on the right are gains. Leave the two that are farthest to the right, and switch off all others.
#
# </details>

# %% answer 06-pick
# There is nothing to write here: choose in the view above, then run the next cell.
# --- solution
view.labels = "online"
view.seeds = np.argsort(own["online"] - random["online"]).to_numpy()[-2:].tolist()
# --- instead
# view.gain
# --- end

# %% check 06-pick
course.check("06-pick", view)

# %% [markdown] any-text
# ## When almost any images do
#
# Under `online` labels the teacher says what it sees in each view, whatever that is. Here are a hundred images, each
# the mean of **two** random digits, in arbitrary classes; and a hundred of pure **noise**.

# %% any
rng = np.random.default_rng(course.student_seed())
first, second = rng.permutation(len(split.train))[:200].reshape(2, 100)
blends = split.train.images[first] // 2 + split.train.images[second] // 2
noise = rng.integers(0, 256, size=blends.shape).astype(np.uint8)
arbitrary = np.repeat(np.arange(10), 10)

# %% folded any-taught
taught = {}
for name, images in (("blends", blends), ("noise", noise)):
    distilled_set = wdd.DistilledSet.from_arrays(images, arbitrary, classes=split.classes)
    for protocol in protocols[::3]:
        one = wdd.evaluate(distilled_set, split, protocol, students=1, progress=False)
        taught[name, protocol.labels] = one.accuracy
choices = [
    "Less than 20 %.",
    "20 to 60 %.",
    "More than 60 %.",
]
course.predict(
    "What do students reach who learned from blends of two digits, under online labels?",
    choices,
    answer=choices[int(np.digitize(taught["blends", "online"], [20, 60]))],
    because=". ".join(f"{name}, {labels} labels: {found:.1f} %" for (name, labels), found in taught.items())
    + ". By chance it would be 10 %; what is above that, the teacher has taught.",
)

# %% [markdown] ten-text
# And with ten images a class that show one digit each? The run of notebook 00, with longer training:

# %% ten
recorded = wdd.History.load(course.recorded("digits-wmdd-10")).results.set_index("set")
gap = recorded.accuracy["whole real set"] - recorded.accuracy["random"]
print(f"random images: {recorded.accuracy['random']:.2f} %, all images: {recorded.accuracy['whole real set']:.2f} %")
print(f"so no distilled set can be expected to gain more than about {gap:.2f} points over random ones here")

# %% [markdown] spread-text
# ## What varies: students or syntheses?
#
# Two students of one set differ by their weights; two seeds differ by their images, too. `wdd.compare` tells what
# standard deviation each adds, in points; its intervals are over syntheses. (The runs are there, and only read.)

# %% compare
table = wdd.compare([config], seeds=len(seeds), out=out, progress=False)
table[["protocol", "set", "mean", "gain", "gain_low", "gain_high", "spread_students", "spread_syntheses"]].round(2)

# %% [markdown] detect-text
# An interval over students alone leaves out the second spread, which everybody meets who uses another seed.
#
# ## What could be found at all?
#
# That 0 is inside an interval proves no equality: few seeds miss a real gain. The
# **smallest detectable difference** is the true gain that the paired t-test (at 5 %) finds in 80 of 100 repetitions:
#
# $$\delta = \lambda_n \, s / \sqrt n, \qquad \lambda_3 = 5.65, \quad \lambda_5 = 3.76, \quad \lambda_{10} = 3.15.$$

# %% [markdown] exercise 06-detectable difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 4: the smallest detectable difference
#
# Compute it for `hard` and for `online` labels, from the gains of each seed.
#
# <details><summary>Hint</summary>
#
# `factor * gains.std(ddof=1) / np.sqrt(len(gains))`, where `factor` is given.
#
# </details>

# %% answer 06-detectable
factor = {3: 5.65, 5: 3.76}[len(seeds)]
both = {each: (own[each] - random[each]).to_numpy() for each in ("hard", "online")}
smallest = {}
for each, gains in both.items():
    # --- solution
    smallest[each] = factor * gains.std(ddof=1) / np.sqrt(len(gains))
    # --- instead
    # smallest[each] = ...
    # --- end
print(smallest)

# %% check 06-detectable
course.check("06-detectable", smallest, gains=both)

# %% [markdown] bytes-text
# ## Bits and bytes
#
# From left to right the same images, with more bits of labels. For a teacher's bytes one could also store images:

# %% by-bits
print(f"the teacher takes as many bytes as {teacher_bytes // distilled.images[0].nbytes} images of this size,")
print(f"and the whole real set has {len(split.train)}")
wdd.views.figures.accuracy_by_bits(table)

# %% [markdown] unfair-text
# ## Fair or not?
#
# In a fair comparison nothing but the images differs: equal labels, training, number of images (so bytes), and seeds
# fixed before. Who chooses step, seed or setting by test images has trained on them. Five (invented) comparisons:

# %% comparisons
frame = fairness.comparisons(course.student_seed())
frame

# %% [markdown] exercise 06-unfair difficulty=2 importance=5 minutes=5 points=3
# ### Exercise 5: what is unfair?
#
# For each comparison write the name of the column that makes it unfair, or `"nothing"`. One of them is fair.
#
# <details><summary>Hint</summary>
#
# Read the two rows of a comparison side by side: they differ in one column at most.
#
# </details>

# %% answer 06-unfair
# --- solution
unfair = fairness.differing(frame)
# --- instead
# unfair = {  # each "labels", "steps", "ipc", "seeds" or "nothing"
#     "A": ...,
#     "B": ...,
#     "C": ...,
#     "D": ...,
#     "E": ...,
# }
# --- end

# %% check 06-unfair
course.check("06-unfair", unfair, frame=frame)

# %% [markdown] next
# ## Summary
#
# - An **accuracy** belongs to images, labels and training together; hold all but the images equal.
# - **Online labels** carry a teacher, who teaches with almost any images: compare with random ones under the same
#   labels, or you praise the teacher.
# - An **interval** is over what was repeated; take paired differences over syntheses, and tell all seeds.
# - The **smallest detectable difference** says what the design could have found.
#
# Next, [07 Ablations](07_ablations.ipynb) varies one setting at a time, under these rules.
#
# **To read next.** Z. Shen and E. Xing, *A Fast Knowledge Distillation Framework for Visual Recognition* (ECCV 2022,
# [arXiv 2112.01528](https://arxiv.org/abs/2112.01528)): labels of stored views. T. Qin, Z. Deng and D. Alvarez-Melis,
# *A Label is Worth a Thousand Images in Dataset Distillation* (NeurIPS 2024, [arXiv
# 2406.10485](https://arxiv.org/abs/2406.10485)): how much is the labels' doing. H. Liu et al., *Dataset Distillation
# via the Wasserstein Metric* (ICCV 2025, [arXiv 2311.18531](https://arxiv.org/abs/2311.18531)): read its tables with
# these questions.

# %% progress
course.progress("06")
