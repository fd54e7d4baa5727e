"""A pool of networks trained on the real images once, from which one between untrained and trained is drawn a step."""

import torch
from torch import Tensor

from wddkit import codec
from wddkit.methods.base import Arrays, Context, Task
from wddkit.nets import Net, Network, from_arrays, to_arrays
from wddkit.seeds import derive
from wddkit.stages.teacher import freeze
from wddkit.stages.training import Training, hard_loss, pixels, train


class Extractors:
    """`count` networks with both ends of their training; it is the same pool for every seed of the distillation."""

    def __init__(
        self, task: Task, context: Context, network: Network, training: Training, count: int, *, like: Tensor
    ) -> None:
        self.context = context
        self.ends = []  # (untrained, trained)
        for number in range(count):
            untrained = _untrained(task, network, number)
            trained = _untrained(task, network, number)
            from_arrays(trained, _trained(task, network, training, number))
            self.ends.append(tuple(freeze(net.to(like.device, like.dtype)) for net in (untrained, trained)))
        self.between = freeze(_untrained(task, network, 0).to(like.device, like.dtype)).train()

    @property
    def features(self) -> int:
        """The length of a feature vector."""
        return self.between.features

    def drawn(self, step: int) -> tuple[Net, Net]:
        """A network whose weights lie on the line from one's untrained to its trained ones, and the trained one."""
        draw = self.context.generator("extractor", step)
        untrained, trained = self.ends[int(draw.integers(len(self.ends)))]
        share = float(draw.random())
        for w, start, end in zip(*(net.parameters() for net in (self.between, untrained, trained)), strict=True):
            w.copy_(torch.lerp(start, end, share))
        return self.between, trained


def _untrained(task: Task, network: Network, number: int) -> Net:
    return task.network(network, seed=derive(task.teacher_seed, "extractor", number, "weights"))


def _trained(task: Task, network: Network, training: Training, number: int) -> Arrays:
    """The weights at the end of training on the real images, memoised."""

    def train_one() -> Arrays:
        net = _untrained(task, network, number).to(task.device)
        loss = hard_loss(torch.from_numpy(task.train.labels).to(task.device))
        images = pixels(task.train.images, like=next(net.parameters()))
        seed = derive(task.teacher_seed, "extractor", number)
        train(net, images, loss, training, seed=seed, tick=task.tick, stage=f"extractor {number + 1}")
        return to_arrays(net)

    settings = {"network": codec.encode(network), "training": codec.encode(training), "number": number}
    return task.artifact("extractors", settings, train_one)
