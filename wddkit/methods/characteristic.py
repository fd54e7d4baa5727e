"""Neural characteristic function matching: features compared frequency by frequency, at learned frequencies."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from wddkit.augment import Augment
from wddkit.methods.base import Arrays, Context, Family, Fidelity, Snapshot, State, Task
from wddkit.methods.extractors import Extractors
from wddkit.methods.formation import expand, factor_for, move_formation
from wddkit.methods.learner import restore_weights, save_weights
from wddkit.methods.matching import class_views
from wddkit.methods.pixels import class_entropy
from wddkit.nets import Network
from wddkit.stages.descent import Descent
from wddkit.stages.training import Training

_NOISE = 64  # numbers that a frequency is made of


@dataclass(frozen=True)
class NCFM:
    """Neural characteristic function matching (Wang et al., CVPR 2025, arXiv 2502.20653).

    min_S max_psi sum_c E_t sqrt( alpha (|Phi_x| - |Phi_s|)^2 + (1 - alpha) 2 |Phi_x| |Phi_s| (1 - cos(a_x - a_s)) ),
    Phi(t) = mean_j exp(i t f_j) with the angle a the characteristic function of features f of length 1 on either side;
    `amplitude` is alpha, the weight of diversity against realism. With alpha 1/2 the root is |Phi_x - Phi_s| / sqrt 2.
    The frequencies t = psi(noise), in [-1, 1]^d, come from a network psi that climbs the same sum as the images descend
    it. Features are those of a network between untrained and trained: one of a pool, its weights drawn between both
    ends each step. To 300 times the sum the cross-entropy of the images under the trained end is added, `calibration`.

    Source of what the paper leaves open: the authors' code, with psi of three layers, batch-normalised, and the weights
    of 300 and 1. Theirs descends both terms one after the other and class by class; here they are one sum, and psi is
    64 wide inside. The paper has 20 networks, 1024 to 4096 frequencies, 1024 real images, 20 000 steps of AdamW with
    lr 0.01, and formations of `factor` 2; where it is None, ours has them for images above 16 px.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "joint"  # psi is one for all classes
    family: ClassVar[Family] = "distribution"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Wang et al., CVPR 2025, arXiv 2502.20653"
    step_cost: ClassVar[str] = "a network over the images and a batch of real ones a class; a pool is trained before"

    ipc: int = 10
    steps: int = 200
    lr: float = 0.01
    batch: int = 128  # real images a class and step
    frequencies: int = 256
    amplitude: float = 0.5
    sampling_lr: float = 0.03  # of psi, for the sum without its 300 (theirs: 0.3); 0 leaves psi as it was drawn
    calibration: float = 1.0
    pool: int = 4
    factor: int | None = None
    network: Network = Network(width=64, growth=1, norm="instance", pooling="flatten")
    training: Training = Training(steps=200, batch=64, augment=Augment(crop=(0.8, 1.0), shift=0.1))  # of the pool
    augment: Augment = Augment(crop=(0.8, 1.0), shift=0.1, shared=True)

    def __post_init__(self) -> None:
        if self.frequencies < 2 or self.pool < 1:
            raise ValueError(
                f"ncfm: expected at least 2 frequencies and a pool of at least 1 network, got {self.frequencies} and "
                f"{self.pool}"
            )
        if not 0 <= self.amplitude <= 1:
            raise ValueError(f"ncfm: expected amplitude, a weight, in [0, 1], got {self.amplitude}")
        if not (0 <= self.sampling_lr < float("inf") and 0 <= self.calibration < float("inf")):
            raise ValueError(
                f"ncfm: expected sampling_lr and calibration of at least 0, got {self.sampling_lr} and "
                f"{self.calibration}"
            )

    def check(self, task: Task) -> None:
        """Raises ValueError where the factor does not divide the images or a class has too few."""
        factor_for(task, self.ipc, self.factor)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        factor = factor_for(task, self.ipc, self.factor)
        like = next(task.teacher(context.precision).parameters())
        pool = Extractors(task, context, self.network, self.training, self.pool, like=like)
        psi = Sampler(pool.features, seed=context.stream("psi"), like=like)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            between, trained = pool.drawn(step)
            t = psi.frequencies(self.frequencies, context, step)
            mismatch, entropy, ascent = u.new_zeros(()), u.new_zeros(()), u.new_zeros(())
            views = class_views(task, context, expand(u, factor), step, batch=self.batch, augment=self.augment)
            for c, (x, s) in enumerate(views):
                f_x, f_s = (F.normalize(between.backbone(each)) for each in (x, s))
                mismatch = mismatch + discrepancy(f_x, f_s, t.detach(), self.amplitude)
                if self.sampling_lr:
                    ascent = ascent + discrepancy(f_x, f_s.detach(), t, self.amplitude)
                if self.calibration:
                    entropy = entropy + class_entropy(trained.head(trained.backbone(s)), c)
            if self.sampling_lr:
                psi.climb(ascent, self.sampling_lr)
            return {"loss": 300 * mismatch + self.calibration * entropy, "discrepancy": mismatch, "entropy": entropy}

        descent = Descent(steps=self.steps, lr=self.lr)
        return move_formation(task, context, self.ipc, factor, terms, descent, method="ncfm", resume=resume, memory=psi)


def discrepancy(
    f_x: Float[Tensor, "b d"], f_s: Float[Tensor, "m d"], t: Float[Tensor, "k d"], amplitude: float
) -> Float[Tensor, ""]:
    """Mean over the frequencies t of the root of the weighted differences in amplitude and phase; see NCFM."""
    (re_x, im_x), (re_s, im_s) = (
        (torch.cos(angle).mean(dim=0), torch.sin(angle).mean(dim=0)) for angle in (f_x @ t.T, f_s @ t.T)
    )
    # Clamped before each root, whose gradient at 0 is not finite.
    size_x, size_s = ((re.square() + im.square()).clamp_min(1e-24).sqrt() for re, im in ((re_x, im_x), (re_s, im_s)))
    phase = 2 * (size_x * size_s - re_x * re_s - im_x * im_s)
    whole = amplitude * (size_x - size_s).square() + (1 - amplitude) * phase
    return whole.clamp_min(1e-12).sqrt().mean()


class Sampler:
    """The network psi that makes frequencies of noise, and all that a method remembers of it."""

    def __init__(self, features: int, *, seed: int, like: Tensor) -> None:
        widths = (_NOISE, _NOISE, _NOISE, features)
        layers: list[nn.Module] = []
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # not torch.manual_seed: that would seed accelerators as well
            for i, (width, after) in enumerate(pairwise(widths)):
                # Normalised by the noise of the step alone, so that there are no averages to remember.
                norm = nn.BatchNorm1d(after, track_running_stats=False)
                layers += [nn.Linear(width, after), norm, nn.Tanh() if i == 2 else nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers).to(like.device, like.dtype)
        self.like = like

    def frequencies(self, count: int, context: Context, step: int) -> Float[Tensor, "count d"]:
        """Those of one step."""
        noise = context.generator("frequencies", step).standard_normal((count, _NOISE))
        t: Tensor = self.net(torch.from_numpy(noise).to(self.like.device, self.like.dtype))
        return t

    def climb(self, value: Tensor, lr: float) -> None:
        """One step up the gradient of a value of the frequencies."""
        weights = tuple(self.net.parameters())
        with torch.no_grad():
            for w, g in zip(weights, torch.autograd.grad(value, weights), strict=True):
                w.add_(g, alpha=lr)

    def save(self) -> Arrays:
        """The weights by name."""
        return save_weights("psi", self.net)

    def restore(self, state: State) -> None:
        """Goes back to saved weights."""
        restore_weights("psi", self.net, state)
