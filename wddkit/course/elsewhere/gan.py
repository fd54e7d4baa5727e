"""A Wasserstein GAN in the plane, small enough to watch (Arjovsky et al. 2017; penalty of Gulrajani et al. 2017)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from wddkit.ot import transport

CRITIC_STEPS = 5  # for each step of the generator, as in both papers: its gap should be near its maximum
HEAD_START = 60  # steps of the critic before the first moment, so that its first gap means something
RATE, BETAS = 1e-3, (0.5, 0.9)  # of Adam, for both networks: found to be calm at this size
SHOWN = 200  # points that a moment holds; their exact W1 costs milliseconds


@dataclass(frozen=True, eq=False)
class Moment:
    """The game after a generator's step.

    `gap` is the critic's estimate of W1, mean f(real) - mean f(generated), `w1` the exact W1 between the generated
    points that are shown and as many real ones. `critic` gives f at points `[k, 2]`.
    """

    step: int
    points: Float64[np.ndarray, "n 2"]
    gap: float
    w1: float
    critic: Callable[[Any], Float64[np.ndarray, " k"]]


def network(sizes: tuple[int, ...], *, seed: int) -> nn.Sequential:
    """Linear layers of these widths with leaky rectifiers between them; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed accelerators too
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    between = [each for layer in layers for each in (layer, nn.LeakyReLU(0.1))]
    return nn.Sequential(*between[:-1])


def wgan(
    real: Float64[np.ndarray, "n 2"], *, steps: int, every: int, seed: int, penalty: float = 1.0, batch: int = 64
) -> Iterator[Moment]:
    """Plays the game: a moment before the generator's first step, after every `every` steps, and after the last one.

        critic     max  mean f(real) - mean f(generated) - penalty mean (|∇f| - 1)²
        generator  max  mean f(generated)

    The slope |∇f| is held near 1 at places between real and generated points. Points are the generator's, of normal
    noise; the same noise in every moment, so that each can be followed.
    """
    draw = torch.Generator().manual_seed(seed)
    points = torch.from_numpy(real).float()
    generator, critic = network((2, 64, 64, 2), seed=seed), network((2, 64, 64, 1), seed=seed + 1)
    played, judged = (torch.optim.Adam(each.parameters(), lr=RATE, betas=BETAS) for each in (generator, critic))
    shown = torch.randn(SHOWN, 2, generator=draw)

    for step in range(steps + 1):
        for _ in range(CRITIC_STEPS if step else HEAD_START):
            of_real = points[torch.randint(len(points), (batch,), generator=draw)]
            made = generator(torch.randn(batch, 2, generator=draw)).detach()
            share = torch.rand(batch, 1, generator=draw)
            between = (share * of_real + (1 - share) * made).requires_grad_()
            (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            held = (slopes.norm(dim=1) - 1).square().mean()
            _descend(judged, critic(made).mean() - critic(of_real).mean() + penalty * held)
        if step % every == 0 or step == steps:
            yield _moment(step, generator, critic, points, shown)
        _descend(played, -critic(generator(torch.randn(batch, 2, generator=draw))).mean())


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def _moment(step: int, generator: nn.Module, critic: nn.Module, real: Tensor, noise: Tensor) -> Moment:
    made, some = generator(noise), real[: len(noise)]
    held = {name: value.clone() for name, value in critic.state_dict().items()}  # training goes on in these tensors

    def judge(places: Any) -> Float64[np.ndarray, " k"]:
        with torch.no_grad():
            at: Float[Tensor, "k 1"] = torch.func.functional_call(
                critic, held, torch.from_numpy(np.asarray(places)).float()
            )
        return at[:, 0].double().numpy()

    gap = float(critic(some).mean() - critic(made).mean())
    points = made.double().numpy()
    return Moment(step, points, gap, transport(points, some.double().numpy(), cost="l2").value, judge)
