"""Real images chosen by how hard they were to learn: forgetting events, early errors and margins along a training."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from wddkit.methods.base import Arrays, Context, Family, Fidelity, Snapshot, State, Task, check_ipc
from wddkit.methods.selection import chosen
from wddkit.seeds import derive
from wddkit.stages.training import Schedule, hard_loss, pixels, predict, train


@dataclass(frozen=True)
class Forgetting:
    """An empirical study of example forgetting (Toneva et al., ICLR 2019, arXiv 1812.05159).

    score(x) = sum_t [ acc_t(x) > acc_{t+1}(x) ]: how often an image that was classified rightly when it stood in a
    batch is classified wrongly the next time it does; as many as its presentations for one that never was right. The
    most forgettable images of each class are taken, as in the tables of dataset distillation; equal counts, of which
    there are many, are taken at random. The paper counts over 200 epochs and prunes the *least* forgettable images,
    keeping 70 % and more: at a few images a class the rest is mostly odd ones, and worse than random.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Toneva et al., ICLR 2019, arXiv 1812.05159"
    step_cost: ClassVar[str] = "nothing, after training `nets` networks for `epochs` epochs on the real images"

    ipc: int = 10
    epochs: int = 20
    nets: int = 1

    def __post_init__(self) -> None:
        _check(epochs=self.epochs, nets=self.nets)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the mean count of the images taken."""
        check_ipc(task, self.ipc)
        seen = observe(task, nets=self.nets, epochs=self.epochs)
        score = forgetting_events(seen["margins"] > 0).sum(axis=0)
        positions = hardest(score, task, context, self.ipc)
        yield chosen(task, task.train.images[positions], method="forgetting", scalars=_mean(score, positions))


@dataclass(frozen=True)
class EL2N:
    """Deep learning on a data diet (Paul et al., NeurIPS 2021, arXiv 2107.07075).

    score(x, y) = E | softmax(f(x)) - onehot(y) |_2 over networks f early in training. The images of the largest scores
    of each class are taken. The paper averages 10 networks after 20 of 200 epochs and prunes about half of the images;
    at a few images a class the hardest ones are worse than random. The networks belong to the teacher's seed and not
    to the synthesis's: only equal scores are drawn among.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Paul et al., NeurIPS 2021, arXiv 2107.07075"
    step_cost: ClassVar[str] = "nothing, after training `nets` networks for `epochs` epochs on the real images"

    ipc: int = 10
    epochs: int = 3
    nets: int = 5

    def __post_init__(self) -> None:
        _check(epochs=self.epochs, nets=self.nets)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the mean score of the images taken."""
        check_ipc(task, self.ipc)
        # A constant rate: the beginning of a long training, not a short one that has come to rest.
        score = observe(task, nets=self.nets, epochs=self.epochs, schedule="constant")["errors"].mean(axis=0)
        positions = hardest(score, task, context, self.ipc)
        yield chosen(task, task.train.images[positions], method="el2n", scalars=_mean(score, positions))


@dataclass(frozen=True)
class CCS:
    """Coverage-centric coreset selection for high pruning rates (Zheng et al., ICLR 2023, arXiv 2210.15809).

    Scores are AUM = sum_t (p_t(y) - max_{i != y} p_t(i)), the margin of the predicted probabilities summed over the
    presentations t of a training (Pleiss et al. 2020 take logits; their code takes probabilities). The share `beta` of
    lowest AUM, mislabelled or too hard, is pruned; the rest is cut into `strata` ranges of equal length, each gets an
    equal part of the budget, what small ones cannot use goes to larger ones, and images are drawn at random within.
    Here that is done in each class for itself with budget ipc, which the paper does over all classes at once; an ipc
    below the number of ranges leaves one image each to the fullest. The paper trains 200 epochs, has 50 ranges and
    finds beta by a grid search: 0.3 to keep a tenth of CIFAR-10.
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "selection"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Zheng et al., ICLR 2023, arXiv 2210.15809"
    step_cost: ClassVar[str] = "nothing, after training `nets` networks for `epochs` epochs on the real images"

    ipc: int = 10
    epochs: int = 20
    nets: int = 1
    beta: float = 0.3
    strata: int = 50

    def __post_init__(self) -> None:
        _check(epochs=self.epochs, nets=self.nets, strata=self.strata)
        if not 0 <= self.beta < 1:
            raise ValueError(f"beta: expected a share in [0, 1) of the hardest images to prune, got {self.beta}")

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """A single snapshot; its scalar is the mean AUM of the images taken."""
        check_ipc(task, self.ipc)
        aum = observe(task, nets=self.nets, epochs=self.epochs)["margins"].sum(axis=1).mean(axis=0)
        taken = []
        for c in range(len(task.classes)):
            at = task.train.of_class(c)
            generator = context.generator("strata", c)
            taken.append(at[stratified(aum[at], self.ipc, beta=self.beta, strata=self.strata, generator=generator)])
        positions = np.concatenate(taken)
        yield chosen(task, task.train.images[positions], method="ccs", scalars=_mean(aum, positions))


def observe(task: Task, *, nets: int, epochs: int, schedule: Schedule | None = None) -> Arrays:
    """What `nets` networks said of the training images while they learned them.

    "margins" [nets, epochs, n]: the probability of an image's label less the largest other one, of each view that stood
    in a batch, before the step; "errors" [nets, n]: |softmax - onehot| of the images themselves, after the last step.
    The networks are trained as the teacher is, but for seeds, length and, where given, the schedule of the rate. Their
    seeds come from the teacher's: as in the papers, scores are made once, whatever is then drawn.
    """
    schedule = schedule or task.teacher_config.training.schedule
    each = [_observed(task, i, nets=nets, epochs=epochs, schedule=schedule) for i in range(nets)]
    return {name: np.stack([seen[name] for seen in each]).astype(np.float64) for name in ("margins", "errors")}


def _observed(task: Task, number: int, *, nets: int, epochs: int, schedule: Schedule) -> Arrays:
    def train_and_look() -> Arrays:
        n, seed = len(task.train), derive(task.teacher_seed, "difficulty", number)
        net = task.network(task.teacher_config.network, seed=derive(seed, "weights")).to(task.device)
        labels = torch.from_numpy(task.train.labels).to(task.device)
        entropy, margins = hard_loss(labels), torch.zeros(epochs, n, device=task.device)

        def loss(logits: Tensor, x: Tensor, positions: np.ndarray, numbers: np.ndarray) -> Tensor:
            first = int((numbers < epochs).sum())  # the last batch may go beyond the last epoch
            margins[numbers[:first], positions[:first]] = margin(logits.detach(), labels[positions])[:first]
            return entropy(logits, x, positions, numbers)

        def shown(_: str, done: int, total: int, scalars: Mapping[str, Any]) -> None:
            task.tick("score", number * total + done, nets * total, scalars)

        recipe = task.teacher_config.training
        steps = math.ceil(epochs * n / min(recipe.batch, n))
        training = replace(recipe, steps=steps, schedule=schedule)
        train(net, pixels(task.train.images, like=margins), loss, training, seed=seed, tick=shown)
        errors = error_norm(predict(net, task.train.images), labels)
        return {"margins": margins.cpu().numpy(), "errors": errors.cpu().numpy()}

    settings = {"number": number, "epochs": epochs, "schedule": schedule}
    return task.artifact("difficulty", settings, train_and_look)


def margin(logits: Float[Tensor, "b classes"], labels: Int64[Tensor, " b"]) -> Float[Tensor, " b"]:
    """p(y) - max_{i != y} p(i) of each image; above 0 where it is classified rightly."""
    p = logits.softmax(dim=1)
    own = p.gather(1, labels.unsqueeze(1))
    other = p.scatter(1, labels.unsqueeze(1), -1).max(dim=1).values
    return own.squeeze(1) - other


def error_norm(logits: Float[Tensor, "b classes"], labels: Int64[Tensor, " b"]) -> Float[Tensor, " b"]:
    """| softmax - onehot(y) |_2 of each image."""
    error = logits.softmax(dim=1) - torch.nn.functional.one_hot(labels, logits.shape[1])
    norms: Tensor = torch.linalg.vector_norm(error, dim=1)
    return norms


def forgetting_events(right: Bool[np.ndarray, "... t n"]) -> Int64[np.ndarray, "... n"]:
    """How often each image went from right to wrong; as many as its t presentations for one that never was right."""
    events = (right[..., :-1, :] & ~right[..., 1:, :]).sum(axis=-2)
    counts: Int64[np.ndarray, "... n"] = np.where(right.any(axis=-2), events, right.shape[-2])
    return counts


def hardest(score: np.ndarray, task: Task, context: Context, ipc: int) -> Int64[np.ndarray, " k"]:
    """The `ipc` training images of each class with the largest scores, of equal ones any."""
    taken = []
    for c in range(len(task.classes)):
        at = context.generator("ties", c).permutation(task.train.of_class(c))
        taken.append(at[np.argsort(-score[at], kind="stable")[:ipc]])
    return np.concatenate(taken)


def stratified(
    aum: Float[np.ndarray, " n"], budget: int, *, beta: float, strata: int, generator: np.random.Generator
) -> Int64[np.ndarray, " budget"]:
    """Positions that coverage-centric selection takes of one class: algorithm 1 of the paper."""
    # Never so many that the budget could not be met.
    pruned = min(int(beta * len(aum)), len(aum) - budget)
    kept = np.argsort(aum, kind="stable")[pruned:]
    low, high = aum[kept[0]], aum[kept[-1]]
    share = (aum[kept] - low) / (high - low) if high > low else np.zeros(len(kept))
    stratum = np.minimum((share * strata).astype(np.int64), strata - 1)
    counts = np.bincount(stratum, minlength=strata)
    drawn = [generator.permutation(kept[stratum == i])[:part] for i, part in enumerate(budgets(counts, budget)) if part]
    return np.concatenate(drawn)


def budgets(counts: Int64[np.ndarray, " strata"], budget: int) -> Int64[np.ndarray, " strata"]:
    """How many to draw from each stratum: from the emptiest on, all of it or an equal part of what is left."""
    parts, left = np.zeros_like(counts), budget
    for done, i in enumerate(np.argsort(counts, kind="stable")):
        parts[i] = min(counts[i], left // (len(counts) - done))
        left -= parts[i]
    return parts


def _mean(score: np.ndarray, positions: np.ndarray) -> dict[str, float]:
    return {"score": float(score[positions].mean())}


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
