# %% [markdown] title
# # 10 Wasserstein elsewhere
#
# **Time:** 75 minutes. **You need:** to know [01](01_transport_by_hand.ipynb) and [03](03_barycenters.ipynb), and to
# have seen a network trained in torch.
#
# After it you can
#
# - move one measure into another along a plan, and tell that from fading;
# - give one photograph the colours of another;
# - write the barycenter's step as a step down the slope of squared W2;
# - say what the critic of a Wasserstein GAN estimates;
# - measure how straight the ways of a flow are.

# %% [markdown] story
# ## The same idea, four times
#
# Distillation moves a few points until they are near many, in squared W2. The same distance moves ink, colours,
# particles and the output of networks. We begin with two clouds, twelve points each, all of the same mass. (They
# come from your seed.)

# %% open
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

import wddkit as wdd
from wddkit import course
from wddkit.course.elsewhere import clouds, gan, matching, pictures

rng = np.random.default_rng(course.student_seed())
x = rng.normal(size=(12, 2))
y = rng.normal(size=(12, 2)) * (0.3, 1.5) + (4, 1)
t = 0.25

# %% [markdown] displacement
# ## On the way
#
# An optimal plan says where mass goes. Let it go there, straight on and at constant speed, and stop at time $t$: mass
# $T_{ij}$ is then at $(1 - t)\,x_i + t\,y_j$. This is **displacement interpolation** (McCann 1997). It is the
# straight line of the Wasserstein distance:
#
# $$W_2(a, \text{at } t) = t \; W_2(a, b).$$

# %% [markdown] exercise 10-between difficulty=2 importance=5 minutes=10 points=3
# ### Exercise 1: on their way
#
# Compute `between`, the twelve points at `t` = 0.25: a quarter of the way from `x` to `y`.
#
# <details><summary>Hint 1</summary>
#
# With equal masses every point has one partner: the place of the largest entry in its row of the plan,
# `plan.argmax(axis=1)`.
#
# </details>
# <details><summary>Hint 2</summary>
#
# `(1 - t) * x + t * y[partner]`. At t = 0 that is x.
#
# </details>

# %% answer 10-between
plan = wdd.ot.transport(x, y).plan
# --- solution
between = (1 - t) * x + t * y[plan.argmax(axis=1)]
# --- instead
# between = ...
# --- end

# %% check 10-between
course.check("10-between", between, x=x, y=y, t=t)

# %% [markdown] registration
# ## Ink on its way
#
# A grey image is a measure too: pixels are points, their grey is mass. Two images of the same thing, taken from
# different places, are brought into line by a plan between them; this is called **registration**. Below are a
# handwritten 5 and a 3, on one canvas. They are moved (displacement), and beside it they are mixed, pixel by pixel.

# %% ink
digits = wdd.load("digits").train
first, last = np.zeros((14, 18)), np.zeros((14, 18))
first[1:9, 1:9] = digits.images[digits.labels == 5][1, 0]
last[5:13, 9:17] = digits.images[digits.labels == 3][2, 0]
a, b = pictures.ink(first), pictures.ink(last)
best = wdd.ot.transport(a, b)

# %% frames
frames = {}
for place in np.linspace(0, 1, 11 if course.fast() else 21).round(2).tolist():
    on_way = pictures.displaced(a, b, best, place)
    told = f"t = {place:.2f}, squared W2 from the start {wdd.ot.w2_squared(a, on_way):.2f}"
    mixed = (1 - place) * pictures.painted(a, first.shape) + place * pictures.painted(b, first.shape)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for each, image, name in zip(axes, (pictures.painted(on_way, first.shape), mixed), ("moved", "mixed"), strict=True):
        each.imshow(image, cmap="gray_r", vmin=0, vmax=0.02)
        each.set(title=name, xticks=[], yticks=[])
    figure.suptitle(told)
    frames[place] = course.embedded(figure, f"Two images, moved and mixed: {told}")
    plt.close(figure)

# %% replay


def replay(name, frames):
    """A slider, and with it the picture that belongs to its value."""
    slider = widgets.SelectionSlider(options=list(frames), description=name, layout={"width": "30em"})
    shown = widgets.HTML(frames[slider.value])
    slider.observe(lambda change: setattr(shown, "value", frames[change["new"]]), names="value")
    return slider, widgets.VBox([slider, shown])


slider, moving = replay("t", frames)

# %% folded ask-moving
course.predict(
    "At t = 0.5, what will the mixed picture on the right show?",
    [
        "One digit in the middle.",
        "Two digits, where they were, each half as dark.",
        "Nothing: they cancel out.",
    ],
    then=moving,
    answer="Two digits, where they were, each half as dark.",
    because="A mean of pixels moves nothing. Moved by the plan, the same ink is in one place, in the middle.",
)

# %% [markdown] exercise 10-sixteen difficulty=2 importance=4 minutes=5 points=2
# ### Exercise 2: sixteen times farther
#
# Put the slider where squared W2 **to the end** is 16 times squared W2 **from the start**. Then run the check, which
# reads the slider.
#
# <details><summary>Hint 1</summary>
#
# The whole way is at t = 1. From the start W2 grows as t, so its square as t². What is left to the end?
#
# </details>
# <details><summary>Hint 2</summary>
#
# (1 - t)² = 16 t². Take the root on both sides.
#
# </details>

# %% answer 10-sixteen
# There is nothing to write here: move the slider above, then run the next cell.
# --- solution
slider.value = 0.2
# --- instead
# slider.value
# --- end

# %% check 10-sixteen
course.check("10-sixteen", slider)

# %% [markdown] torn
# Look at the digits on the way: ink arrives whole, but **halfway it is often no digit**. The plan carries pixels one by
# one and knows of no strokes, so it may tear them. Registration in medicine therefore asks for smooth ways besides.

# %% [markdown] colours
# ## Colours on their way
#
# A photograph's colours are a measure as well, in three dimensions. We draw colours of a temple and of a flower, find
# the plan between them, and move each temple colour to the mean of where its mass goes. That mean is its
# **barycentric projection**:
#
# $$\bar y_i = \frac{1}{a_i} \sum_j T_{ij} \, y_j .$$
#
# Pixels that were not drawn follow their nearest drawn colours.

# %% recolour
count = 150 if course.fast() else 400
temple, flower = pictures.photographs()
before, wanted = (pictures.palette(each, count, seed=0) for each in (temple, flower))
projected = count * wdd.ot.transport(before, wanted).plan @ wanted
figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
shown = {
    "temple": temple,
    "flower": flower,
    "temple, halfway": pictures.recoloured(temple, before, projected, t=0.5),
    "temple in the flower's colours": pictures.recoloured(temple, before, projected),
}
for each, (name, image) in zip(axes.flat, shown.items(), strict=True):
    each.imshow(image)
    each.set(title=name, xticks=[], yticks=[])
course.show(figure, "Two photographs, and one of them in the other's colours, halfway and wholly")

# %% [markdown] colours-honest
# It looks like evening. But transport gives away **all** of the flower's colours, in its shares: a temple with much sky
# must turn much sky orange or green. And where neighbours in colour part ways, an edge appears that no photograph had.
# A `reg` softens it, and blends colours: see [02](02_price_of_entropy.ipynb).

# %% [markdown] flow
# ## Distillation as a flow
#
# Now particles $x_1 \dots x_m$, each of mass $1/m$, may move as they like. Where to? Down the slope of
#
# $$F(x) = \tfrac12 W_2^2(x, y).$$
#
# While the plan holds, particle $i$ pays $\tfrac1{2} \sum_j T_{ij} \lVert x_i - y_j \rVert^2$. Its slope, **per
# mass**, is $x_i - \bar y_i$: the way from its barycentric projection. Walking against it is a **gradient flow of the
# Wasserstein distance**; in small steps of length $h$,
#
# $$x_i \leftarrow x_i + h \, (\bar y_i - x_i).$$

# %% [markdown] exercise 10-step difficulty=3 importance=5 minutes=15 points=3
# ### Exercise 3: one step down
#
# Write `euler_step`: it takes particles x `[m, d]`, points y `[n, d]` and h, and returns the particles after one step.
# m and n may differ.
#
# <details><summary>Hint 1</summary>
#
# `plan = wdd.ot.transport(x, y).plan` has m rows, each of sum 1/m. So `len(x) * plan @ y` are the projections.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Add h times the way from x to the projections.
#
# </details>


# %% answer 10-step
def euler_step(x, y, h):
    """Particles after a step of length h down the slope of half of squared W2."""
    # --- solution
    return x + h * (len(x) * wdd.ot.transport(x, y).plan @ y - x)
    # --- end


# %% check 10-step
course.check("10-step", euler_step, x=x, y=np.vstack([y, y + np.array([0, 3])]))

# %% [markdown] flow-run
# Below, 30 particles flow to 300 points. With h = 1 they jump to their projections. That step you know: it is the
# position step of a barycenter with equal masses, here compared with the library's.

# %% flow-figure
target = clouds.moons(300, seed=0)
start = np.random.default_rng(0).normal(size=(30, 2))
walk = [pair for pair, _ in zip(clouds.gradient_flow(start, target, h=0.2), range(21), strict=False)]
ways = np.stack([particles for particles, _ in walk])
figure, axes = plt.subplots(figsize=(6, 3.4))
axes.scatter(*target.T, s=6, c="#999999", label="points y")
axes.plot(*ways.transpose(2, 0, 1), c="#0072B2", lw=0.8)
axes.scatter(*ways[-1].T, s=30, c="#D55E00", marker="s", label="particles at the end")
axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
print("squared W2, every fifth step:", *[f"{value:.3f}" for _, value in walk[::5]])
(_, jumped) = (particles for (particles, _), _ in zip(clouds.gradient_flow(start, target, h=1), "ab", strict=False))
steps = wdd.ot.barycenter_steps(target, m=30, masses="uniform", solver="lloyd", start=start)
_, step = next(steps), next(steps)
print("h = 1 is the barycenter's step:", np.allclose(jumped, step.support))
course.show(figure, "Thirty particles on their ways from a round cloud to two moons of points")

# %% [markdown] flow-pixels
# Recover ([05](05_recover.ipynb)) goes on with this flow in another place: pixels move so that their features follow.
# What distillation adds is masses, a network between pixels and points, and terms that keep images plausible.

# %% [markdown] gan-text
# ## A critic instead of a plan
#
# For a network that draws new points all the time, no plan can be kept. Its dual can: W1 is the largest gap that a
# function with slopes of at most 1 sees between the two,
#
# $$W_1(a, b) = \max_{\lvert \nabla f \rvert \le 1} \; \text{mean } f(\text{real}) - \text{mean } f(\text{generated}).$$
#
# In a **Wasserstein GAN** a second network, the **critic**, plays $f$. The generator moves its points where f is high.
# To hold slopes near 1 the critic pays a **gradient penalty**.

# %% gan-train
real = clouds.ring(1000, seed=0)
steps = 60 if course.fast() else 400
moments = list(gan.wgan(real, steps=steps, every=steps // 10, seed=0))
for moment in moments[::5]:
    print(f"step {moment.step:3}: the critic's gap {moment.gap:.2f}, exact W1 {moment.w1:.2f}")

# %% gan-frames
grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 41)] * 2), axis=-1)
played = {}
for moment in moments:
    told = f"step {moment.step}, the critic's gap {moment.gap:.2f}, exact W1 {moment.w1:.2f}"
    figure, axes = plt.subplots(figsize=(6, 4.6), layout="constrained")
    surface = axes.contourf(*grid.T, moment.critic(grid.reshape(-1, 2)).reshape(41, 41).T, levels=12, cmap="cividis")
    figure.colorbar(surface, label="critic f: generated points climb")
    axes.scatter(*real[:200].T, s=14, c="white", edgecolors="black", linewidths=0.5, label="real")
    axes.scatter(*moment.points.T, s=16, marker="s", c="#D55E00", edgecolors="black", linewidths=0.4, label="generated")
    axes.set(title=told, xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    axes.legend(loc="upper right")
    played[moment.step] = course.embedded(figure, "Real and generated points over the critic's surface")
    plt.close(figure)

# %% folded ask-gan
course.predict(
    "Both networks go on learning. What becomes of the gap that the critic sees?",
    ["It grows, as the critic learns.", "It falls, as W1 does.", "It stays as it is."],
    then=replay("step", played)[1],
    answer="It falls, as W1 does." if moments[-1].gap < moments[0].gap else "It grows, as the critic learns.",
    because=f"From {moments[0].gap:.2f} to {moments[-1].gap:.2f}, W1 from {moments[0].w1:.2f} to {moments[-1].w1:.2f}. "
    "A gap estimates W1, roughly: slopes are only near 1, and the critic is never at its maximum.",
)

# %% [markdown] exercise 10-critic difficulty=3 importance=4 minutes=10 points=3
# ### Exercise 4: what the critic minimises
#
# Write the critic's loss. It is given f on real and on generated points, the slopes |∇f| at places between them, and
# how much the penalty weighs. Its penalty is the mean squared distance of a slope from 1.
#
# <details><summary>Hint 1</summary>
#
# The critic wants a large gap, mean on real minus mean on generated. A loss is minimised: which sign?
#
# </details>
# <details><summary>Hint 2</summary>
#
# `penalty * ((slopes - 1) ** 2).mean()` is added.
#
# </details>


# %% answer 10-critic
def critic_loss(on_real, on_made, slopes, penalty):
    """What the critic of a Wasserstein GAN minimises."""
    # --- solution
    return on_made.mean() - on_real.mean() + penalty * ((slopes - 1) ** 2).mean()
    # --- end


# %% check 10-critic
course.check("10-critic", critic_loss)

# %% [markdown] matching-text
# ## Straight ways: flow matching
#
# Today's generators learn a **velocity field**: draw noise x, a real point y and a time t, and teach the field to say
# y - x at the place between. Then noise follows the field. Pairs drawn by chance cross, and where they cross the field
# can only learn the mean: ways bend. Pairing each small batch by its **optimal plan** removes crossings.

# %% matching-train
noise, goal = np.random.default_rng(1).normal(size=(1000, 2)), clouds.moons(1000, seed=1)
lessons = 150 if course.fast() else 800
flows = {}
for pairs in ("chance", "transport"):
    field = matching.flow_matching(noise, goal, pairs=pairs, steps=lessons, seed=0)
    flows[pairs] = {steps: matching.followed(field, noise[:150], steps=steps) for steps in (1, 40)}

# %% matching-figure
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for each, (pairs, flown) in zip(axes, flows.items(), strict=True):
    each.scatter(*goal[:300].T, s=6, c="#bbbbbb", label="real points")
    each.plot(*flown[40][:, :60].transpose(2, 0, 1), c="#0072B2", lw=0.7)
    each.scatter(*flown[40][-1].T, s=10, c="#D55E00", marker="s", label="where ways end")
    each.legend(loc="upper right")
    each.set(title=f"pairs by {pairs}", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
course.show(figure, "Ways of sixty points from a round cloud to the real points, under two rules of pairing")

# %% [markdown] exercise 10-detour difficulty=2 importance=3 minutes=10 points=3
# ### Exercise 5: how straight?
#
# Write `detour`. It takes ways `[k, n, 2]`, the places of n points at k times. It returns the mean over points of the
# length of a way divided by the distance of its two ends.
#
# <details><summary>Hint 1</summary>
#
# `np.diff(ways, axis=0)` are the steps; `np.linalg.norm(..., axis=2)` their lengths.
#
# </details>
# <details><summary>Hint 2</summary>
#
# Sum lengths over time, axis 0. Divide each by the norm of `ways[-1] - ways[0]`, then take the mean.
#
# </details>


# %% answer 10-detour
def detour(ways):
    """How many times longer than the straight way points travel."""
    # --- solution
    lengths = np.linalg.norm(np.diff(ways, axis=0), axis=2).sum(axis=0)
    return (lengths / np.linalg.norm(ways[-1] - ways[0], axis=1)).mean()
    # --- end


# %% check 10-detour
course.check("10-detour", detour)

# %% [markdown] matching-read
# Straight ways can be walked in few steps. How near to real points does each flow end, after 40 steps and after one?
# The last row is the floor: as many fresh real points.

# %% matching-measure
for pairs, flown in flows.items():
    after = {steps: wdd.ot.w2_squared(ways[-1], goal[:300]) for steps, ways in flown.items()}
    print(f"{pairs:10} detour {matching.detour(flown[40]):.3f}, squared W2 {after[40]:.3f}, in one step {after[1]:.3f}")
print(f"real points: squared W2 {wdd.ot.w2_squared(clouds.moons(150, seed=2), goal[:300]):.3f}")

# %% [markdown] matching-honest
# A plan of a small batch is not the plan of the whole: its pairs are straight only nearly, and training pays for a plan
# in every step. In many dimensions batches are sparse, and the gain shrinks.

# %% [markdown] next
# ## Summary
#
# - **Displacement** moves mass along a plan; mixing only fades.
# - **Barycentric projection** takes colours, and support points, where their mass goes.
# - The barycenter's position step is a **gradient flow** of half of squared W2, with h = 1.
# - A **critic** estimates W1 from samples, by its dual.
# - **Pairs by transport** make ways straighter.
#
# Next: [11 Distil your own data](11_own_data.ipynb).
#
# **To read next.** M. Arjovsky et al., *Wasserstein GAN* (2017, [arXiv 1701.07875](https://arxiv.org/abs/1701.07875)),
# and I. Gulrajani et al. on the penalty (2017, [arXiv 1704.00028](https://arxiv.org/abs/1704.00028)). A. Tong et al.,
# *Improving and generalizing flow-based generative models with minibatch optimal transport* (2024, [arXiv
# 2302.00482](https://arxiv.org/abs/2302.00482)). S. Ferradans et al., *Regularized discrete optimal transport* (2014,
# [arXiv 1307.5551](https://arxiv.org/abs/1307.5551)): colours. G. Peyré, *Optimal Transport for Machine Learners*
# (2025, [arXiv 2505.06589](https://arxiv.org/abs/2505.06589)): flows and duals.

# %% progress
course.progress("10")
