# %% [markdown] title
# # 11 Distil your own data
#
# **Time:** 75 minutes. **You need:** to have done [00](00_first_distillation.ipynb), and
# [06](06_fair_evaluation.ipynb) on what an accuracy may claim. Large data take longer.
#
# After it you can
#
# - turn a folder of pictures, or arrays, into a valid split;
# - say beforehand how small a distilled set will be;
# - run the whole way and judge the result beside its controls;
# - save the distilled set, and share the run as one page.

# %% [markdown] story
# ## Bring a folder
#
# All you need is a folder with **one folder a class**, full of pictures: PNG, JPEG and a few more. So that this
# notebook runs alone, it draws some: circles, crosses, squares and triangles, noisy and turned. (They come from your
# seed.)
#
# **For your own pictures** write the folder's path into `mine`, and change nothing else. Small is good to begin with:
# a few classes, some hundred images, `size=32`.

# %% open
import matplotlib.pyplot as plt
import numpy as np

import wddkit as wdd
from wddkit import course
from wddkit.course import own

desk = course.desk()  # a folder that is removed when the kernel ends
mine = None  # such as "/home/ada/pictures"; mine = None draws some
each = 60 if course.fast() else 150
folder = mine or own.draw_pictures(desk / "pictures", each=each, seed=course.student_seed())
real = wdd.load(f"folder:{folder}", size=None if mine is None else 32)
print("classes:", *real.classes)
print("images: ", len(real.train), "train,", len(real.val), "val,", len(real.test), "test")
print("each:   ", *real.train.images.shape[1:], "(channels, height, width), 8 bits")

# %% [markdown] look-text
# **Look before you train.** Six of each class: are they what their folder says, all one way up, none empty?

# %% look
count = min(len(real.classes), 8)
figure, axes = plt.subplots(count, 6, figsize=(6, count), squeeze=False)
for label, row in enumerate(axes):
    for each, image in zip(row, real.train.images[real.train.of_class(label)], strict=False):
        each.imshow(image.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=255)
        each.set(xticks=[], yticks=[])
    row[0].set_ylabel(real.classes[label], rotation=0, ha="right", va="center")
course.show(figure, f"Up to six images each of {', '.join(real.classes[:count])}")

# %% [markdown] cuts
# A folder without parts is cut for you: a fifth for **test**, a tenth of the rest for **validation**. If you have an
# official test set, keep it: `train/<class>/` and `test/<class>/`. Then count, and look for copies:

# %% count
parts = {"train": real.train, "val": real.val, "test": real.test}
for label, name in enumerate(real.classes):
    counts = [f"{len(images.of_class(label)):5} {part}" for part, images in parts.items()]
    print(f"{name:10}", *counts)
seen = {image.tobytes() for image in real.train.images}
for part in ("val", "test"):
    copied = sum(image.tobytes() in seen for image in parts[part].images)
    print(f"images of {part} that are in train too: {copied}")
flat = sum(int(image.min() == image.max()) for image in real.train.images)
print(f"images of one colour alone: {flat}")

# %% [markdown] exercise 11-split difficulty=3 importance=5 minutes=20 points=4
# ### Exercise 1: a valid split from untidy arrays
#
# Somebody gives you arrays: `x`, grey images as floats from 0 to 255, and `y`, names of classes. They are sorted by
# class, and some images are there twice. Make a `split` of them with `wdd.Split.from_arrays`: each image once, all
# classes in the test set, a fifth or so for testing.
#
# <details><summary>Hint 1</summary>
#
# `np.unique(x.reshape(len(x), -1), axis=0, return_index=True)` gives the positions of the different images. Then
# shuffle these positions.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `names, numbers = np.unique(y, return_inverse=True)` turns names into numbers. Floats should be between 0 and 1:
# divide by 255.
#
# </details>
# <details><summary>Hint 3</summary>
#
# `wdd.Split.from_arrays(x_train, y_train, x_test, y_test, classes=names.tolist())`.
#
# </details>

# %% untidy
x, y = own.untidy_arrays(each=30, copies=20, seed=course.student_seed())
print(x.shape, x.dtype, "from", x.min(), "to", x.max(), "and names such as", y[0])

# %% answer 11-split
# --- solution
names, numbers = np.unique(y, return_inverse=True)
_, kept = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)
kept = np.random.default_rng(0).permutation(kept)
test, train = np.split(kept, [len(kept) // 5])
pixels = x / 255
split = wdd.Split.from_arrays(pixels[train], numbers[train], pixels[test], numbers[test], classes=names.tolist())
# --- instead
# split = ...
# --- end

# %% check 11-split
course.check("11-split", split, x=x, y=y)

# %% [markdown] leak
# A copy on both sides is **leakage**: the student is asked what it was told. Frames of one film, or pictures of one
# patient, leak as well, and no check finds them: cut by film, by patient. Arrays may also wait in one file:

# %% npz
np.savez(
    desk / "mine.npz",
    x_train=real.train.images.transpose(0, 2, 3, 1),  # validation is cut anew
    y_train=real.train.labels,
    x_test=real.test.images.transpose(0, 2, 3, 1),
    y_test=real.test.labels,
)
filed = wdd.load(f"npz:{desk / 'mine.npz'}", classes=real.classes)
print(filed.classes, len(filed.train), "train,", len(filed.val), "val,", len(filed.test), "test")

# %% [markdown] choose
# ## Choose, then run
#
# A `Config` says all that decides the result. **ipc** first: images per class. With one, the support
# point is the class mean; ten take longer. Three suit simple shapes. Students learn from `hard` labels here, so that no
# teacher whispers to them.

# %% config
quick = course.fast()
ipc = 3
training = wdd.Training(steps=80 if quick else 300, batch=32, lr=4e-3)
config = wdd.Config(
    dataset="own",
    method=wdd.methods.WMDD(ipc=ipc, steps=60 if quick else 200),
    teacher=wdd.Teacher(wdd.Network(width=16), training),
    protocols=(wdd.Protocol("hard", network=wdd.Network(width=16), training=training, students=2 if quick else 5),),
    snapshots=8 if quick else 16,
)

# %% [markdown] exercise 11-bytes difficulty=1 importance=3 minutes=5 points=2
# ### Exercise 2: how small will it be?
#
# Before anything runs: how many bytes will the distilled images have, uncompressed (`pixels`)? Which `share` is that
# of the training images' bytes?
#
# <details><summary>Hint</summary>
#
# `real.train.images.shape` is (n, channels, height, width), and a channel of a pixel is one byte. There will be `ipc`
# images of each of `len(real.classes)`.
#
# </details>

# %% answer 11-bytes
# --- solution
pixels = ipc * len(real.classes) * real.train.images[0].size
share = pixels / real.train.images.size
# --- instead
# pixels = ...
# share = ...
# --- end

# %% check 11-bytes
course.check("11-bytes", pixels, share, split=real, ipc=ipc)

# %% [markdown] run-text
# One call goes the whole way: it trains the teacher, finds barycenters, recovers images, trains students, also for the
# controls. Stopped on the way, it goes on where it was. First ask what it will cost, above all with many images:

# %% estimate
from wddkit.estimate import estimate

print(estimate(config, real))

# %% run
history = wdd.run(config, split=real, out=desk / "runs", progress=False)
results = history.results[["set", "labels", "accuracy", "low", "high", "n", "bytes"]]
view = wdd.Explorer(history)

# %% folded outcome
own_row, random_row = results.iloc[0], results.iloc[1]
apart = own_row.low > random_row.high or random_row.low > own_row.high
outcomes = {
    "Yes: their interval lies above.": apart and own_row.accuracy > random_row.accuracy,
    "No: their interval lies below.": apart and own_row.accuracy < random_row.accuracy,
    "One cannot tell: the intervals overlap.": not apart,
}
course.predict(
    f"Students learn from {ipc} distilled images a class, others from {ipc} random ones. Are the distilled better?",
    list(outcomes),
    then=view,
    answer=next(name for name, holds in outcomes.items() if holds),
    because=f"Distilled {own_row.accuracy:.1f} % [{own_row.low:.1f}, {own_row.high:.1f}], random "
    f"{random_row.accuracy:.1f} % [{random_row.low:.1f}, {random_row.high:.1f}].",
)

# %% [markdown] explore
# Above, small marks are real images, discs support points, squares distilled images. Click a disc, look at its real
# images: do they belong together? Below, each class at the start (a real image each) and at the end:

# %% gallery
first, last = history.images(0), history.distilled.images
figure, axes = plt.subplots(2, len(last), figsize=(len(last), 2.4), squeeze=False)
for row, images in zip(axes, (first, last), strict=True):
    for each, image in zip(row, images, strict=True):
        each.imshow(image.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=255)
        each.set(xticks=[], yticks=[])
for row, name in zip(axes, ("start", "end"), strict=True):
    row[0].set_ylabel(name)
for each, label in zip(axes[0], history.distilled.labels, strict=True):
    each.set_title(real.classes[label], fontsize=8)
course.show(figure, "Each distilled image: above where it started, below where it ended")

# %% [markdown] exercise 11-lightest difficulty=2 importance=4 minutes=10 points=2
# ### Exercise 3: what stands for least?
#
# Select, in the Explorer, the distilled image with the smallest **mass** of all classes, and move the slider to the
# last snapshot. Then run the check, which reads the Explorer.
#
# <details><summary>Hint 1</summary>
#
# The smallest disc. A sentence beside the picture says what a selected one stands for; *Follow* lists all images.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `history.distilled.masses` are the masses in the list's order.
#
# </details>

# %% answer 11-lightest
# There is nothing to write here: select in the Explorer above, then run the next cell.
# --- solution
view.selected = int(history.distilled.masses.argmin())
view.step = -1
# --- instead
# view.selection()
# --- end

# %% check 11-lightest
course.check("11-lightest", view, history=history)

# %% [markdown] judge
# ## Judge it
#
# Beside the distilled set stand its **controls**: random real images, the real ones nearest to the support points, and
# the whole real set, as a rule the ceiling. `low` to `high` is a 95 % interval over students.

# %% table
results.round(2)

# %% [markdown] exercise 11-claim difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 4: what may be claimed?
#
# Compute `gain`, by how many points the distilled set (row 0) is above random real images (row 1). Then state a
# `claim`: "higher" or "lower" if the intervals lie apart, "open" if they overlap.
#
# <details><summary>Hint</summary>
#
# `results.accuracy[0]` is the first accuracy. Two intervals overlap if each one begins before the other one ends.
#
# </details>

# %% answer 11-claim
# --- solution
gain = results.accuracy[0] - results.accuracy[1]
overlap = results.low[0] <= results.high[1] and results.low[1] <= results.high[0]
claim = "open" if overlap else "higher" if gain > 0 else "lower"
# --- instead
# gain = ...
# claim = ...  # "higher", "lower" or "open"
# --- end

# %% check 11-claim
course.check("11-claim", gain, claim, results=results)

# %% [markdown] claim-text
# "Open" is a result: more students are needed, or a few random images do as well. **Never** change the config until
# test likes it; choose on validation ([06](06_fair_evaluation.ipynb)), and say how many you tried.

# %% [markdown] keep-text
# ## Keep it, share it
#
# The distilled set is saved as pictures with their labels and a card, for anybody's training loop. The run becomes one
# page that needs neither Python nor a network.

# %% save
history.distilled.save(desk / "distilled")
again = wdd.DistilledSet.load(desk / "distilled")
print("the same pixels:", np.array_equal(again.images, history.distilled.images))
print(*sorted(path.name for path in (desk / "distilled").iterdir()))

# %% [markdown] exercise 11-page difficulty=1 importance=3 minutes=5 points=1
# ### Exercise 5: a page to share
#
# Write the Explorer as a page into `desk`, and keep its path as `page`. Open it in a browser.
#
# <details><summary>Hint</summary>
#
# `view.to_html(desk / "my-run.html")` returns the path.
#
# </details>

# %% answer 11-page
# --- solution
page = view.to_html(desk / "my-run.html")
# --- instead
# page = ...
# --- end
print("your desk:", desk)

# %% check 11-page
course.check("11-page", page)

# %% [markdown] checklist
# ## Before you show it to others
#
# Tick off honestly.
#
# - [ ] **May I?** The pictures are mine, or their licence allows it. The page shows thumbnails of real images, too.
# - [ ] **Labels.** I have looked at some images of every class.
# - [ ] **No leakage.** No copies, no relatives on both sides of the cut.
# - [ ] **Controls** beside every number, with the same labels and students.
# - [ ] **Intervals** named with what they are over: students, or syntheses too (`wdd.compare(..., seeds=3)`).
# - [ ] **Cost.** I say what teacher and run cost, not only how few images are left.
# - [ ] **Again.** Somebody else gets the same from `config.json`, data and version.
#
# All seven: show it. Fewer than five: go back first.

# %% [markdown] next
# ## Summary
#
# - A folder a class, or arrays: `wdd.load("folder:...")`, `wdd.Split.from_arrays`.
# - Copies go **before** the cut.
# - One `Config`, one `wdd.run`; the result counts beside its controls.
# - `save` for machines, `to_html` for people.
#
# This was the last notebook. To go on: other methods on your data ([08](08_other_methods.ipynb)), or an ablation
# ([07](07_ablations.ipynb)).
#
# **To read next.** R. Yu et al., *Dataset Distillation: A Comprehensive Review* (2023, [arXiv
# 2301.07014](https://arxiv.org/abs/2301.07014)). T. Gebru et al., *Datasheets for Datasets* (2018, [arXiv
# 1803.09010](https://arxiv.org/abs/1803.09010)): what to tell of a data set. H. Liu et al., *Dataset Distillation via
# the Wasserstein Metric* (ICCV 2025, [arXiv 2311.18531](https://arxiv.org/abs/2311.18531)).

# %% progress
course.progress("11")
