# %% [markdown] title
# # 04 Features: from images to a cloud
#
# **Time:** 70 minutes. **You need:** NumPy, and [01 Optimal transport by hand](01_transport_by_hand.ipynb). A little
# torch helps, but a few lines are all there is.
#
# After it you can
#
# - take features of any images from a network, and see a class as a measure;
# - compare feature space with pixel space, by neighbours and by W2;
# - say what a picture in two dimensions keeps of a cloud, and where it lies;
# - find outliers by hand, and read them in the next cell;
# - compute a normalisation layer's statistics, class by class.

# %% [markdown] squeeze
# ## A tiny teacher
#
# Distillation begins with **squeeze**: a **teacher**, here a small convolutional network, is trained on the real set.
# Ours is tiny, trained for seconds, and kept in a cache.

# %% open
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

import wddkit as wdd
from wddkit import course
from wddkit.course import features as lesson
from wddkit.experiment import task_of
from wddkit.stages.teacher import accuracy

split = wdd.load("digits")
train, val = split.train, split.val
teacher = wdd.Teacher(wdd.Network(width=8), wdd.Training(steps=200, batch=64, lr=4e-3))
task = task_of(wdd.Config(teacher=teacher), split)
net = task.teacher()
print(f"accuracy of the teacher on {len(val)} validation images: {accuracy(net, val.images, val.labels):.1f} %")
net

# %% [markdown] embed
# ## The last but one
#
# Read the list from top to bottom. Three times: `conv` makes maps, `norm` rescales them, `relu` cuts off what is
# negative, `pool` halves their size. `features` takes the mean of each map, and `head`, a linear layer, makes ten
# logits of these means:
#
# $$x \;\longmapsto\; z = \mathrm{embed}(x) \in \mathbb{R}^d \;\longmapsto\; s = W z + b .$$
#
# The **features** $z$ are the penultimate vector. A linear layer can tell classes apart only if they lie apart
# already, so training pushes each class into a region of its own.

# %% [markdown] exercise 04-means difficulty=2 importance=5 minutes=10 points=2
# ### Exercise 1: features and class means
#
# Compute `features` of all training images, a row an image, and `means`, the mean feature of each digit, a row a
# class.
#
# <details><summary>Hint 1</summary>
#
# `train.images` are whole numbers from 0 to 255; the network takes floats from 0 to 1. Make a tensor of them with
# `torch.from_numpy`, and call `net.embed`, not `net`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `features[train.labels == 3].mean(axis=0)` is the row of class 3. With `.numpy()` a tensor becomes an array.
#
# </details>

# %% answer 04-means
# --- solution
features = net.embed(torch.from_numpy(train.images) / 255).numpy()
means = np.stack([features[train.labels == c].mean(axis=0) for c in range(10)])
# --- instead
# features = ...  # [900, d]
# means = ...  # [10, d]
# --- end

# %% check 04-means
course.check("04-means", features, means, net=net, images=train)

# %% [markdown] measure
# ## A class is a measure
#
# The features of one class are points in $\mathbb{R}^d$, each with mass $1/n$: a **measure**. All that
# [01](01_transport_by_hand.ipynb) said holds for it. Its mean is its barycenter with one support point, and the squared
# W2 from the class to its mean is its variance, the sum of the variances of its coordinates.
#
# Pixels make a cloud too: 64 numbers an image. The two spaces have different units, so compare W2 with the classes'
# own spread:
#
# $$\mathrm{separation}(c, d) = \frac{W_2^2(c, d)}{\mathrm{var}(c) + \mathrm{var}(d)} .$$

# %% clouds
labels = train.labels
pixels = train.images.reshape(len(train), -1) / 255
cloud = task.features  # the same as yours
rng = np.random.default_rng(course.student_seed())
first, second = sorted(rng.choice(10, size=2, replace=False).tolist())
print("pixels  ", pixels.shape)
print("features", cloud.shape)
print("your classes:", first, "and", second)

# %% [markdown] exercise 04-separation difficulty=2 importance=4 minutes=10 points=3
# ### Exercise 2: how far apart are two classes?
#
# Compute the separation of the classes `first` and `second`, which your seed has drawn, `in_pixels` and
# `in_features`.
#
# <details><summary>Hint 1</summary>
#
# `wdd.ot.w2_squared(a, b)` takes two arrays of points, all of the same mass.
#
# </details>
# <details><summary>Hint 2</summary>
#
# The variance of a cloud is `a.var(axis=0).sum()`. Do the same twice: with `pixels`, and with `cloud`.
#
# </details>

# %% answer 04-separation
# --- solution
both = []
for points in (pixels, cloud):
    a, b = points[labels == first], points[labels == second]
    both.append(wdd.ot.w2_squared(a, b) / (a.var(axis=0).sum() + b.var(axis=0).sum()))
in_pixels, in_features = both
# --- instead
# in_pixels = ...
# in_features = ...
# --- end

# %% check 04-separation
course.check(
    "04-separation", in_pixels, in_features, pixels=pixels, cloud=cloud, labels=labels, first=first, second=second
)

# %% [markdown] near-text
# ## Who is near whom?
#
# Another question to a space: is the nearest training image of a validation image a digit of the same class? And
# what if we move the image by one pixel, which changes nothing of what it means?

# %% folded neighbours
spaces = {"pixels": lambda x: x.reshape(len(x), -1) / 255, "features": lambda x: wdd.embed(net, x)}
asked = {"as they are": val.images, "moved by a pixel": lesson.shifted(val.images)}
nearest = {
    (how, name): cdist(space(x), space(train.images)).argmin(axis=1)
    for how, x in asked.items()
    for name, space in spaces.items()
}
right = {key: 100 * np.mean(labels[found] == val.labels) for key, found in nearest.items()}
choices = ["More than 90 %.", "70 to 90 %.", "Less than 70 %."]
course.predict(
    "In pixels, and with every validation image moved by one pixel to the right: how many of the 180 have a nearest "
    "training image of their own class?",
    choices,
    answer=choices[int(np.digitize(-right["moved by a pixel", "pixels"], [-90, -70]))],
    because=f"It is {right['moved by a pixel', 'pixels']:.0f} %. Below stand the numbers for features as well.",
)

# %% near-numbers
for (how, name), share in right.items():
    print(f"{how:17} {name:9} {share:5.1f} % have a nearest image of their class")

# %% [markdown] near-figure-text
# Eight moved images, each over its nearest training image in pixels and in features, with their classes:

# %% near-figure
rows = [("moved", asked["moved by a pixel"], val.labels)]
for name in spaces:
    found = nearest["moved by a pixel", name]
    rows.append((f"in {name}", train.images[found], labels[found]))
figure, panels = plt.subplots(3, 8, figsize=(9, 4.2), layout="constrained")
for line, (name, images, classes) in zip(panels, rows, strict=True):
    line[0].set_ylabel(name)
    for axes, image, label in zip(line, images, classes, strict=False):
        axes.imshow(image[0], cmap="gray")
        axes.set(xticks=[], yticks=[], title=f"{label}")
course.show(figure, "Eight moved digits, and below each its nearest image by pixels and by features, with its class")

# %% [markdown] near-honest
# Digits are easy: as they are, pixels do just as well as the features of so small a teacher. The second
# half differs: pooling takes means of neighbours, and so features mind a small move less, without being blind to it.

# %% [markdown] planes-text
# ## From *d* dimensions to two
#
# To see a cloud we have to flatten it. **PCA** takes the plane in which the points vary most. **LDA** takes the plane
# in which class means lie farthest apart, measured by the spread within classes. Both are linear maps, fixed once,
# so a move in the picture is a move in space. **t-SNE** is no map: it arranges points until near ones are near. Ours
# is run once and then *frozen*; a new image has no place in it.

# %% [markdown] exercise 04-explained difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 3: what a plane keeps
#
# Which share of the variance of `cloud` lies in its PCA plane? Compute `explained`, from 0 to 1, with NumPy.
#
# <details><summary>Hint 1</summary>
#
# Subtract the mean of each column first. `np.linalg.svd(centred, compute_uv=False)` gives singular values, the
# largest first.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Squared singular values are the variances along the principal directions, times *n*. Which share have the first
# two?
#
# </details>

# %% answer 04-explained
# --- solution
squares = np.linalg.svd(cloud - cloud.mean(axis=0), compute_uv=False) ** 2
explained = squares[:2].sum() / squares.sum()
# --- instead
# explained = ...
# --- end

# %% check 04-explained
course.check("04-explained", explained, cloud=cloud)

# %% make-view
history = lesson.as_history(train, cloud, classes=split.classes, name="digits, as features")
view = wdd.Explorer(history)
pictures = lesson.pictures(history, steps=300 if course.fast() else 1000)
kept = {name: lesson.neighbours_kept(places, cloud) for name, places in pictures.items()}

# %% [markdown] look-text
# ## Look around
#
# In the Explorer each small mark is an image at its features, each disc a class's mean. Point at a mark to see the
# image. Switch the *Projection*, and hide classes by their buttons. Under the picture stands what the plane holds:
# that sentence is part of the picture.

# %% folded look
choices = ["Hardly one or two.", "Two to five.", "More than five."]
course.predict(
    "Take an image and its ten nearest ones among the features. How many of these, on average, are also among its ten "
    "nearest in the plane of PCA?",
    choices,
    then=view,
    answer=choices[int(np.digitize(10 * kept["PCA"], [2, 5]))],
    because=f"It is {10 * kept['PCA']:.1f} of ten. Neighbours in the picture are mostly not neighbours.",
)

# %% [markdown] lies-text
# ## Which one lies?
#
# All of them, each in its way. W2 between the 45 pairs of classes, in the picture and in space:

# %% lies
pairs = np.tril_indices(10, -1)
true = lesson.w2_between(cloud, labels)[pairs]
figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for axes, (name, places) in zip(panels, pictures.items(), strict=True):
    drawn = lesson.w2_between(places, labels)[pairs]
    axes.scatter(true, drawn, s=14)
    axes.set(title=name, xlabel="W2 in space", ylabel="W2 in the picture", ylim=(0, None))
    print(f"{name:6} rank correlation {spearmanr(true, drawn).statistic:5.2f}, neighbours kept {kept[name]:.0%}")
course.show(figure, "A dot for each pair of classes: distance in the picture against distance in space")

# %% [markdown] lies-read
# A dot is a pair of classes; in an honest picture all would lie on one rising line. PCA can only shorten: it is an
# orthogonal projection, so W2 in its plane is never larger than in space, but some pairs lose most of it. LDA
# stretches what tells classes apart. t-SNE keeps neighbours best and sizes not at all: how wide an island is, and
# how far it lies from the next, says little. Here they are, one mark and colour a class:

# %% planes
figure, panels = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for axes, (name, places) in zip(panels, pictures.items(), strict=True):
    axes.set(title=name, xticks=[], yticks=[])
    for c, middle in enumerate(lesson.class_means(places, labels)):
        marker = wdd.views.figures.MARKERS[c % 9]
        axes.scatter(*places[labels == c].T, s=9, color=wdd.views.figures.COLOURS[c], marker=marker)
        axes.annotate(str(c), middle, weight="bold", bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 1})
course.show(figure, "The features of ten classes, drawn in the plane in three ways")

# %% [markdown] outliers
# ## Outliers in pixels
#
# Now the same images as a cloud of pixels. Some lie nearer to the mean of another class than to their own's.

# %% make-pixel-view
pixel_view = wdd.Explorer(lesson.as_history(train, pixels, classes=split.classes, name="digits, as pixels"))

# %% folded predict-outliers
astray = {
    name: int((cdist(points, lesson.class_means(points, labels)).argmin(axis=1) != labels).sum())
    for name, points in (("pixels", pixels), ("features", cloud))
}
choices = ["More than in pixels.", "About as many, or half as many.", "Less than half as many."]
course.predict(
    f"Of the 900 training images, {astray['pixels']} lie nearer to another class's mean in pixels. How many do so in "
    "features?",
    choices,
    then=pixel_view,
    answer=choices[int(np.digitize(-astray["features"], [-astray["pixels"], -astray["pixels"] / 2]))],
    because=f"It is {astray['features']}. The teacher was trained on these very images, and pulled them in.",
)

# %% [markdown] exercise 04-lasso difficulty=3 importance=3 minutes=10 points=3
# ### Exercise 4: catch three
#
# In the pixel Explorer, circle at least three images **of one class** that lie nearer to another class's mean. Circle
# twelve images at most. Then run the check, which reads what you circled.
#
# <details><summary>Hint 1</summary>
#
# Switch *lasso* on, or hold Shift, and draw around some marks. Show few classes: their buttons are above the
# picture. Classes 1 and 9 are good ones to try, alone.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Show a class together with its rivals first, and see which disc its stragglers lie at. Then show the class alone,
# and circle a handful at that place.
#
# </details>

# %% answer 04-lasso
# There is nothing to write here: circle in the pixel Explorer above, then run the next cell.
# --- solution
nearer = cdist(pixels, lesson.class_means(pixels, labels)).argmin(axis=1) != labels
most = np.bincount(labels[nearer]).argmax()
pixel_view.real = np.flatnonzero(nearer & (labels == most))[:5].tolist()
# --- instead
# pixel_view.selection()
# --- end

# %% check 04-lasso
course.check("04-lasso", pixel_view, points=pixels, labels=labels)

# %% [markdown] linked-text
# What has become of them? The next cell circles the same images among the features. Go back up to the first
# Explorer: are they at home there?

# %% linked
view.real = pixel_view.real
view.selection()[["label", "x", "y"]]

# %% [markdown] statistics-text
# ## Statistics: what the layers saw on the way
#
# Features are the end of the way. [05 Recover](05_recover.ipynb) also uses what each normalisation layer saw. Its
# input is maps, `[n, k, h, w]`: images, channels, rows, columns. Its **statistics** are, for each class and channel,
# the mean and the variance over all images of the class *and* all positions:
#
# $$\mu_{ck} = \frac{1}{n_c h w} \sum_{i \in c} \sum_{p} x_{ikp}, \qquad
# v_{ck} = \frac{1}{n_c h w} \sum_{i \in c} \sum_{p} (x_{ikp} - \mu_{ck})^2 .$$

# %% maps
maps = rng.integers(0, 10, size=(6, 2, 2, 2)).astype(float)
of = np.array([0, 0, 1, 0, 1, 1])  # the class of each image
print("channel 0 of the first image:", maps[0, 0].tolist())

# %% [markdown] exercise 04-statistics difficulty=3 importance=5 minutes=10 points=3
# ### Exercise 5: statistics of six images
#
# Compute `mean` and `variance` of `maps` by class: two rows, one a class, and two columns, one a channel.
#
# <details><summary>Hint 1</summary>
#
# `maps[of == 0]` are the images of class 0. NumPy's `mean` and `var` take several axes at once: `axis=(0, 2, 3)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Don't average the variances of single images: how far their means lie apart would be lost.
#
# </details>

# %% answer 04-statistics
# --- solution
mean = np.stack([maps[of == c].mean(axis=(0, 2, 3)) for c in range(2)])
variance = np.stack([maps[of == c].var(axis=(0, 2, 3)) for c in range(2)])
# --- instead
# mean = ...  # [2, 2]
# variance = ...  # [2, 2]
# --- end

# %% check 04-statistics
course.check("04-statistics", mean, variance, maps=maps, labels=of)

# %% [markdown] layers-text
# How much does a layer know of the classes? Of a channel's whole variance, a part lies between the class means, the
# rest within classes. Layer by layer, the part between, as a mean over channels:

# %% layers
for name, moments in task.statistics().items():
    between = moments.mean.var(axis=0)
    shares = between / (between + moments.variance.mean(axis=0))
    print(f"{name}: {shares.mean():5.1%} of the variance lies between classes ({len(shares)} channels)")

# %% [markdown] next
# ## Summary
#
# - **Features** are the teacher's penultimate vectors; a class is the measure of its features.
# - Against their own spread, classes lie farther apart in features than in pixels, and features mind small moves
#   less.
# - **A picture** in two dimensions keeps little. Distances in it are not W2: compute W2 in space.
# - **Statistics** are taken over images and positions together, class by class.
#
# Next, [05 Recover](05_recover.ipynb) makes images that have given features and statistics.
#
# **To read next.** H. Liu et al., *Dataset Distillation via the Wasserstein Metric* (ICCV 2025, [arXiv
# 2311.18531](https://arxiv.org/abs/2311.18531)): features as measures. M. Heusel et al., *GANs Trained by a Two
# Time-Scale Update Rule* (2017, [arXiv 1706.08500](https://arxiv.org/abs/1706.08500)): W2 between Gaussians of
# features, to judge generated images. Z. Yin et al., *Squeeze, Recover and Relabel* (2023, [arXiv
# 2306.13092](https://arxiv.org/abs/2306.13092)): statistics of normalisation layers. G. Peyré, *Optimal Transport for
# Machine Learners* (2025, [arXiv 2505.06589](https://arxiv.org/abs/2505.06589)): the theory. M. Wattenberg et al.,
# [*How to Use t-SNE Effectively*](https://distill.pub/2016/misread-tsne/) (2016): what t-SNE pictures do not say.

# %% progress
course.progress("04")
