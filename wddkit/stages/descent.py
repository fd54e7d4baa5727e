"""The one loop in which pixels are moved, by whatever objective."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from wddkit.augment import Augment
from wddkit.codec import unknown
from wddkit.stages.training import Tick, silent

Objective: TypeAlias = Callable[[Tensor, int], dict[str, Tensor]]
"""objective(images in normalised space, step) -> terms by name, of which "loss" is minimised."""

Optimiser: TypeAlias = Literal["adam", "sgd"]
Schedule: TypeAlias = Literal["cosine", "constant"]

_STATE = ("exp_avg", "exp_avg_sq", "momentum_buffer")  # what Adam and SGD remember


@dataclass(frozen=True)
class Descent:
    """How pixels are moved: steps in the teacher's normalised space, clamped to valid pixels after each."""

    steps: int = 300
    lr: float = 0.02
    optimiser: Optimiser = "adam"
    betas: tuple[float, float] = (0.5, 0.9)  # of sgd the first is the momentum
    schedule: Schedule = "cosine"
    augment: Augment = Augment()
    curriculum: bool = False  # CDA: the smallest crop falls from the whole image to augment.crop[0]

    def __post_init__(self) -> None:
        if self.steps < 1 or not self.lr > 0:
            raise ValueError(f"expected steps of at least 1 and lr above 0, got {self.steps} and {self.lr}")
        if self.optimiser not in get_args(Optimiser):
            raise unknown("optimiser of descent", self.optimiser, get_args(Optimiser))
        if self.schedule not in get_args(Schedule):
            raise unknown("schedule of descent", self.schedule, get_args(Schedule))

    def augment_at(self, step: int) -> Augment:
        """The views of one step."""
        return self.augment.at(step / self.steps) if self.curriculum else self.augment

    def lr_at(self, step: int, lr: float) -> float:
        """The learning rate of one step."""
        return lr * 0.5 * (1 + float(np.cos(np.pi * step / self.steps))) if self.schedule == "cosine" else lr


@dataclass(frozen=True, eq=False)
class Moment:
    """Where the images stand after `step` steps."""

    step: int
    images: Float[Tensor, "b c h w"]  # normalised space, clamped to valid pixels
    scalars: Mapping[str, float]  # terms of the last step
    state: Mapping[str, np.ndarray]  # enough to go on from here


def descend(
    start: Float[Tensor, "b c h w"],
    objective: Objective,
    descent: Descent,
    *,
    bounds: tuple[Tensor, Tensor],
    stops: frozenset[int],
    knobs: MutableMapping[str, float],
    state: Mapping[str, np.ndarray] | None = None,
    tick: Tick = silent,
    stage: str = "recover",
) -> Iterator[Moment]:
    """Yields after every step in `stops`: step 0 is the start, the last is the answer.

    From a yielded `state` the rest follows with equal bits. The knob `lr`, where set, replaces the config's value from
    the next step on.
    """
    # Contiguous, as what is restored and as the gradient below: the fused optimisers walk all of them side by side.
    u = start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimiser = _optimiser(u, descent)
    first = 0 if state is None else _restore(u, optimiser, state)
    terms: dict[str, Tensor] = {}
    for step in range(first, descent.steps + 1):
        if step in stops and (state is None or step > first):
            images = u.detach().clone()  # the moment stays as it is while u goes on changing
            yield Moment(step, images, {k: float(v) for k, v in terms.items()}, _state(u, optimiser, step))
        if step == descent.steps:
            return
        optimiser.param_groups[0]["lr"] = descent.lr_at(step, knobs.get("lr", descent.lr))
        terms = objective(u, step)
        u.grad = torch.autograd.grad(terms["loss"], u)[0].contiguous()
        optimiser.step()
        with torch.no_grad():
            torch.clamp(u, *bounds, out=u)
        terms = {name: value.detach() for name, value in terms.items()}
        tick(stage, step + 1, descent.steps, terms)


def _optimiser(u: Tensor, descent: Descent) -> torch.optim.Optimizer:
    if descent.optimiser == "sgd":
        return torch.optim.SGD([u], lr=descent.lr, momentum=descent.betas[0])
    return torch.optim.Adam([u], lr=descent.lr, betas=descent.betas, fused=True)


def _state(u: Tensor, optimiser: torch.optim.Optimizer, step: int) -> dict[str, np.ndarray]:
    memory: Mapping[str, Any] = optimiser.state.get(u, {})
    tensors = {"u": u, **{name: memory[name] for name in _STATE if memory.get(name) is not None}}
    # copies: the tensors go on changing
    return {"step": np.array(step), **{name: value.detach().cpu().numpy().copy() for name, value in tensors.items()}}


def _restore(u: Tensor, optimiser: torch.optim.Optimizer, state: Mapping[str, np.ndarray]) -> int:
    step = int(state["step"])
    with torch.no_grad():
        u.copy_(torch.from_numpy(state["u"].copy()))
    memory = {name: torch.from_numpy(state[name].copy()).to(u.device) for name in _STATE if name in state}
    if memory:
        optimiser.state[u] = {"step": torch.tensor(float(step), device=u.device), **memory}
    return step
