"""A module that an objective trains on the way, and all it remembers, as arrays that a snapshot's state can hold."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from wddkit.methods.base import Arrays, State
from wddkit.nets import from_arrays, to_arrays

_MEMORY = ("step", "exp_avg", "exp_avg_sq")  # what Adam remembers of a tensor

Module = TypeVar("Module", bound=nn.Module)


def save_weights(name: str, module: nn.Module) -> Arrays:
    """Copies of parameters and buffers, under keys that begin with the name."""
    return {f"{name}|{key}": value for key, value in to_arrays(module).items()}


def restore_weights(name: str, module: nn.Module, state: State) -> None:
    """Goes back to what was saved under this name; other keys are left alone."""
    prefix = f"{name}|"
    from_arrays(module, {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)})


class Learner(Generic[Module]):
    """A module under Adam."""

    def __init__(self, module: Module, *, lr: float):
        # Contiguous, as gradients and what is restored: the fused optimiser walks all of them side by side.
        self.module = module.to(memory_format=torch.contiguous_format)
        self._adam = torch.optim.Adam(module.parameters(), lr=lr, fused=True)

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of the loss in the module's parameters, and in nothing else."""
        self.apply(torch.autograd.grad(loss, list(self.module.parameters())))

    def apply(self, gradients: Sequence[Tensor], *, lr: float | None = None) -> None:
        """One step along gradients of the parameters, in their order; with `lr` at another rate from now on."""
        if lr is not None:
            self._adam.param_groups[0]["lr"] = lr
        for parameter, gradient in zip(self.module.parameters(), gradients, strict=True):
            parameter.grad = gradient.contiguous()
        self._adam.step()

    def save(self, name: str) -> Arrays:
        """Copies of parameters, buffers and moments, under keys that begin with the name."""
        out = save_weights(name, self.module)
        for parameter, tensor in self.module.named_parameters():
            for key in _MEMORY if tensor in self._adam.state else ():
                out[f"{name} adam|{parameter}|{key}"] = self._adam.state[tensor][key].detach().cpu().numpy().copy()
        return out

    def restore(self, name: str, state: State) -> None:
        """Goes back to what was saved under this name, if nothing was learned since it was made."""
        restore_weights(name, self.module, state)
        for parameter, tensor in self.module.named_parameters():
            saved = {key: state.get(f"{name} adam|{parameter}|{key}") for key in _MEMORY}
            if saved["step"] is not None:
                self._adam.state[tensor] = {
                    key: torch.from_numpy(np.array(value)).to(tensor.device) for key, value in saved.items()
                }
