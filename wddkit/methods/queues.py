"""Improved distribution matching: features of a queue of networks that are trained while images are matched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from wddkit.augment import Augment, stream
from wddkit.methods.base import Arrays, Context, Family, Fidelity, Snapshot, State, Task
from wddkit.methods.formation import expand, factor_for, move_formation
from wddkit.methods.learner import restore_weights, save_weights
from wddkit.methods.matching import class_views, mean_distance
from wddkit.methods.pixels import class_entropy, fresh_network
from wddkit.nets import Net, Network
from wddkit.stages.descent import Descent
from wddkit.stages.teacher import freeze
from wddkit.stages.training import Training, hard_loss, pixels, train


@dataclass(frozen=True)
class IDM:
    """Improved distribution matching (Zhao et al., CVPR 2023, arXiv 2307.09927).

    min_S E_theta sum_c | mean_i psi_theta(A(x_ci)) - mean_j psi_theta(A(s_cj)) |^2
                        + cross_entropy p_theta mean_j CE(theta(A(s_cj)), c)
    with three changes to DM. Partition and expansion: a stored image holds `factor` x `factor` tiles, each enlarged to
    a whole image s_cj; where it is None, 2 for images above 16 px. A queue of networks: every `interval` steps an
    untrained one is added, of more than `queue` the oldest goes; each step `trained` of them learn the real images
    further, and one drawn at random is matched in. The regularisation towards the own class: the cross-entropy of the
    images, weighted by p_theta, the share of real images that the network knows.

    Differs from the authors' code, where what the paper leaves open stands: p_theta there is a running accuracy in
    percent since the last evaluation, here that of the step's own real images; a network's momentum there goes on from
    step to step, here it begins anew, so that a network is its weights; steps there are plain, here Adam's, which do
    not grow with the features. They run 20 000 steps with lr 0.2, queues of 100 with a new network every 30 steps,
    one matched in, two trained each step by 10 batches of 256, and cross_entropy 50 for a share (0.5 for percent).
    """

    grouping: ClassVar[Literal["class", "joint"]] = "class"
    family: ClassVar[Family] = "distribution"
    fidelity: ClassVar[Fidelity] = "checked"
    paper: ClassVar[str] = "Zhao et al., CVPR 2023, arXiv 2307.09927"
    step_cost: ClassVar[str] = "training a network of the queue; one over the images and a batch of real ones a class"

    ipc: int = 10
    steps: int = 200
    lr: float = 0.01
    batch: int = 128  # real images a class and step
    factor: int | None = None
    cross_entropy: float = 1.0
    queue: int = 8
    interval: int = 20
    trained: int = 1
    network: Network = Network(width=64, growth=1, norm="instance", pooling="flatten")
    # what a step trains a network by
    training: Training = Training(
        steps=2, batch=64, optimiser="sgd", lr=0.05, weight_decay=5e-4, warmup=0.0, schedule="constant"
    )
    augment: Augment = Augment(crop=(0.8, 1.0), shift=0.1, shared=True)

    def __post_init__(self) -> None:
        for name, least in (("queue", 1), ("interval", 1), ("trained", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} of idm is {getattr(self, name)}; expected at least {least}")
        if not 0 <= self.cross_entropy < float("inf"):
            raise ValueError(f"cross_entropy of idm is {self.cross_entropy}; expected at least 0")

    def check(self, task: Task) -> None:
        """Raises ValueError where the factor does not divide the images or a class has too few."""
        factor_for(task, self.ipc, self.factor)

    def distill(self, task: Task, context: Context, resume: State | None = None) -> Iterator[Snapshot]:
        """Snapshots of one optimisation over all classes."""
        factor = factor_for(task, self.ipc, self.factor)
        queue = Queue(self, task, context)

        def terms(u: Tensor, step: int) -> dict[str, Tensor]:
            net = queue.advance(step)
            x_s = class_views(task, context, expand(u, factor), step, batch=self.batch, augment=self.augment)
            features = [(net.backbone(x), net.backbone(s)) for x, s in x_s]
            return matching_terms(net.head, features, self.cross_entropy)

        descent = Descent(steps=self.steps, lr=self.lr)
        return move_formation(
            task, context, self.ipc, factor, terms, descent, method="idm", resume=resume, memory=queue
        )


def matching_terms(
    head: nn.Linear, features: Sequence[tuple[Tensor, Tensor]], cross_entropy: float
) -> dict[str, Tensor]:
    """IDM's objective for the features (real, own) of each class in turn, and its parts."""
    distance = torch.stack([mean_distance(x, s) for x, s in features]).sum()
    known = [(head(x).argmax(dim=1) == c).to(x.dtype).mean() for c, (x, _) in enumerate(features)]
    entropy = torch.stack([class_entropy(head(s), c) for c, (_, s) in enumerate(features)]).sum()
    accuracy = torch.stack(known).mean()
    loss = distance + cross_entropy * accuracy * entropy
    return {"loss": loss, "distance": distance, "entropy": entropy, "queue accuracy": accuracy}


class Queue:
    """The networks of the moment, the oldest first: all that a step depends on beside the images."""

    def __init__(self, method: IDM, task: Task, context: Context) -> None:
        self.method, self.task, self.context = method, task, context
        self.like = next(task.teacher(context.precision).parameters())
        self.nets: list[Net] = []

    def advance(self, step: int) -> Net:
        """Adds a network where one is due, trains a few, and draws the one that a step is matched in."""
        if step % self.method.interval == 0:
            self.nets = [*self.nets, self._fresh(step // self.method.interval)][-self.method.queue :]
        draw = self.context.generator("queue", step)
        for slot in draw.permutation(len(self.nets))[: self.method.trained].tolist():
            self._train(self.nets[slot], step, slot)
        return self.nets[int(draw.integers(len(self.nets)))]

    def save(self) -> Arrays:
        """The weights by place and name."""
        return {key: v for i, net in enumerate(self.nets) for key, v in save_weights(f"queue|{i}", net).items()}

    def restore(self, state: State) -> None:
        """Goes back to saved weights."""
        places = {key.split("|")[1] for key in state if key.startswith("queue|")}
        self.nets = [self._fresh(0) for _ in places]
        for i, net in enumerate(self.nets):
            restore_weights(f"queue|{i}", net, state)

    def _fresh(self, number: int) -> Net:
        return fresh_network(self.task, self.context, self.method.network, number, like=self.like).eval()

    def _train(self, net: Net, step: int, slot: int) -> None:
        real, training = self.task.train, self.method.training
        count = min(training.steps * training.batch, len(real))
        at = stream(len(real), step * count, count, key=self.context.stream("queue images", slot))
        loss = hard_loss(torch.from_numpy(real.labels[at]).to(self.like.device))
        seed = self.context.stream("queue training", step, slot)
        train(net.requires_grad_(), pixels(real.images[at], like=self.like), loss, training, seed=seed)
        freeze(net)
