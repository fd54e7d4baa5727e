"""WMDD and its relatives: one recovery with other values."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from wddkit.augment import Augment
from wddkit.methods.base import Family, Fidelity
from wddkit.methods.inversion import Inversion, Start, Statistics
from wddkit.methods.targets import Masses
from wddkit.stages.objective import Form


@dataclass(frozen=True)
class WMDD(Inversion):
    """Dataset distillation via the Wasserstein metric (Liu et al., ICCV 2025, arXiv 2311.18531).

    Each image's features z_j are drawn to one support point b_j of its class's Wasserstein barycenter, with that
    point's mass w_j, and each class's moments to the real ones:

    sum_c [ sum_j w_j |z_j - b_j|^2 / tv_c + lambda mean_l mean_k W(l, k) / v*_k ],    W = (mu - mu*)^2 + (s - s*)^2

    over layers l and their channels k, mu, s and v = s^2 the moments, * of the real images, tv_c the total variance of
    the class's real features, lambda `statistics_weight`. So it is `normalised`; see `wddkit.stages.objective` for the
    other two forms. `form="paper"`, `start="noise"` is the printed method; `form="official", masses="uniform"` is what
    the authors' code runs. The defaults were chosen on validation images of digits, shapes and Fashion-MNIST (`make
    defaults`): on all three only a `committee` adds to them, for several times the time. The best on average is
    `WMDD(committee=(0.1, 0.03), statistics_weight=100)`.
    """

    family: ClassVar[Family] = "decoupled"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Liu et al., ICCV 2025, arXiv 2311.18531"
    step_cost: ClassVar[str] = "the teacher over the images; one barycenter a class before"

    target: Literal["support", "logits"] = "support"
    statistics: Statistics = "class"
    blocks: Literal["by_class", "by_index"] = "by_class"
    form: Form = "normalised"
    statistics_weight: float = 1.0
    start: Start = "nearest"
    lr: float = 0.03
    augment: Augment | None = None
    masses: Masses = "free"


@dataclass(frozen=True)
class SRe2L(Inversion):
    """Squeeze, Recover and Relabel (Yin et al., NeurIPS 2023, arXiv 2306.13092).

    mean_j CE(phi(x_j), y_j) + lambda sum_l (|mu_l - mu*_l| + |v_l - v*_l|): images are drawn to their label's
    cross-entropy under the teacher phi and, all classes together, to the moments (mu*, v*) of the whole real set in
    every normalisation layer l, which count lambda, `statistics_weight`. Ours takes exact moments of the training
    images where the authors take the running averages in the teacher.
    """

    family: ClassVar[Family] = "decoupled"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Yin et al., NeurIPS 2023, arXiv 2306.13092"
    step_cost: ClassVar[str] = "the teacher over the images"


@dataclass(frozen=True)
class CDA(Inversion):
    """Dataset distillation via curriculum data synthesis in large data era (Yin and Shen, TMLR 2024, arXiv 2311.18838).

    L(A_t(x)), SRe2L's objective L on random crops A_t whose smallest area falls from the whole image to a, which is
    `augment.crop[0]`, by a cosine, 1 - (1 - a) (1 - cos(pi t / T)) / 2 in step t of T, so that images become whole
    first and rich in detail later: easy to hard. One crop is shared by all images of a step, as in the authors' code.
    The paper takes 4000 steps with lr 0.25 on ImageNet-1K (0.4 on Tiny-ImageNet) and a smallest area of 8 %, mirrors
    half of the views and shifts them by up to 32 of 224 px, and counts the first layer's statistics tenfold. Here: none
    of the last three, as in our SRe2L, so that the two differ in the curriculum alone.
    """

    family: ClassVar[Family] = "decoupled"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Yin and Shen, TMLR 2024, arXiv 2311.18838"
    step_cost: ClassVar[str] = "the teacher over a crop of the images"

    augment: Augment | None = Augment(crop=(0.08, 1.0), shared=True)
    curriculum: bool = True


@dataclass(frozen=True)
class EDC(Inversion):
    """Elucidating the design space of dataset condensation (Shao et al., NeurIPS 2024, arXiv 2404.13733).

    CE + r [alpha S(all images) + (1 - alpha) sum_c p(c) S(class c)] + f KL(phi(x_ema) || phi(x)), S the distance of the
    moments in every normalisation layer (soft category-aware matching, eq. 5; alpha is `balance`, 0.5), phi the
    teacher's softened logits and x_ema the images' moving average (flatness, eq. 7, f = 0.25), on mild crops, from
    RDED's images, one crop each. The paper takes 2000 steps with lr 0.05 and r = 0.01, for teachers of more layers than
    ours, over which S is a sum.

    Left out: the several teachers taken in turn and the moments of convolutions and patches (from G-VBSM), the moving
    average of the moments over steps and blocks, the tenfold first layer and the mirrored views; and all that belongs
    to students (their averaged weights, slower schedule and smaller batches), which a protocol decides.
    """

    family: ClassVar[Family] = "decoupled"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Shao et al., NeurIPS 2024, arXiv 2404.13733"
    step_cost: ClassVar[str] = "the teacher over a crop of the images, and once more without gradient"

    statistics: Statistics = "soft"
    blocks: Literal["by_class", "by_index"] = "by_class"
    statistics_weight: float = 0.1
    start: Start = "crops"
    lr: float = 0.05
    augment: Augment | None = Augment(crop=(0.5, 1.0), shared=True)
    balance: float = 0.5
    flatness: float = 0.25
