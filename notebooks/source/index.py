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
#
# Planned, not written yet:
#
# - 02 Sinkhorn and the price of entropy
# - 03 Barycenters: where to put m points
# - 04 Features: from images to a cloud
# - 05 Recover: images that hit the barycenter
# - 06 Relabel, train a student, evaluate fairly
# - 07 Ablations
# - 08 Other distillation methods
# - 09 Limits: cost, outliers, other costs
# - 10 The metric elsewhere: GANs and registration
# - 11 Capstone: distil your own data

# %% [markdown] how
# ## How the notebooks work
#
# **Run** a cell with Shift+Enter, from top to bottom. **Predict** before you move anything: what can be moved appears
# once you have kept a prediction. A wrong one teaches most. **Exercises** have a cell to fill in and, after it, a
# check that says what is wrong; hints unfold with a click. The last cell shows what you have passed. Solved notebooks
# are in the folder `solved`: look there last.
#
# **Your own numbers.** Where an exercise draws data, it draws them from your seed. Write a number or your name into a
# file `student.txt` beside the notebooks and restart the kernel; everybody's checks know their own.

# %% ready
import wddkit as wdd
from wddkit import course

print("wddkit", wdd.__version__, "is ready; your seed is", course.student_seed())
