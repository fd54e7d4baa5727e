# %% [markdown] title
# # Dataset distillation via the Wasserstein metric: the course
#
# Twelve notebooks, each for one sitting, in which you see feature distributions, barycenters and distilled images
# change while a data set is being distilled. Begin at the top. Each says how long it takes and what it needs.

# %% [markdown] contents
# | notebook | what you learn | minutes | needs |
# |---|---|---|---|
# | [00 What is being distilled?](00_first_distillation.ipynb) | what goes in and comes out | 40 | Python |
# | [01 Optimal transport by hand](01_transport_by_hand.ipynb) | cost, plan, W1 and W2 | 50 | NumPy |
# | [02 Sinkhorn and the price of entropy](02_price_of_entropy.ipynb) | bias against speed, debiasing | 60 | NumPy |
# | [03 Barycenters: where to put m points](03_barycenters.ipynb) | its two steps, k-means, starts | 60 | NumPy |
# | [04 Features: from images to a cloud](04_features.ipynb) | what a network makes of images | 70 | a little torch |
# | [05 Recover: images that meet the barycenter](05_recover.ipynb) | both terms of the loss, live | 70 | 04, torch |
# | [06 Relabel, train a student, evaluate fairly](06_fair_evaluation.ipynb) | labels, controls, seeds | 55 | torch |
# | [07 Ablations](07_ablations.ipynb) | which part does the work, and how sure one is | 75 | 06, pandas |
# | [08 Other distillation methods](08_other_methods.ipynb) | five families at equal compute | 60 | 06, torch |
# | [09 Limits: cost, outliers, other costs](09_limits.ipynb) | when not to trust the number | 75 | 01, 02 |
# | [10 Wasserstein elsewhere](10_elsewhere.ipynb) | ink, colours, GANs and flows | 75 | 01, 03, a little torch |
# | [11 Distil your own data](11_own_data.ipynb) | your pictures, from folder to page | 75 | 00, 06, pictures |
#
# What our own runs say about the method stands in [Findings](findings.ipynb): gains against label bits, ablations
# beside the paper's, and whether nearer sets make better students.

# %% [markdown] how
# ## How the notebooks work
#
# **Run** a cell with Shift+Enter, from top to bottom. **Predict** before you move anything: what can be moved appears
# once you have kept a prediction. A wrong one teaches most. **Exercises** have a cell to fill in and, after it, a
# check that says what is wrong; hints unfold with a click. The last cell shows what you have passed. Solved notebooks
# are in a folder `solved`, unless your teacher keeps them: look there last.
#
# **Your own numbers.** Where an exercise draws data, it draws them from your seed. Write a number or your name into a
# file `student.txt` beside the notebooks and restart the kernel; everybody's checks know their own.

# %% ready
import wddkit as wdd
from wddkit import course

print("wddkit", wdd.__version__, "is ready; your seed is", course.student_seed())
