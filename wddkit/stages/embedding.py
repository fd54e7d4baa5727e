"""Features of images under any torch module, also one that is not ours."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from wddkit.codec import unknown
from wddkit.data import ImageSet
from wddkit.nets import Net
from wddkit.stages.training import pixels


@torch.no_grad()
def embed(module: nn.Module, images: Any, layer: str | None = None, *, batch: int = 500) -> Float[np.ndarray, "n d"]:
    """Features [n, d] of images: the output of the layer of this name, flattened.

    Without a layer: a network of ours gives its penultimate vector, any other module the input of its last linear
    layer, or its output if it has none. `images`: an ImageSet, 8-bit images (divided by 255), or floats given as they
    are. The module is called in evaluation mode on the device of its parameters and left in the mode it was in. Raises
    ValueError for a layer that is not there.
    """
    x = images.images if isinstance(images, ImageSet) else images
    x = torch.as_tensor(np.asarray(x) if not isinstance(x, Tensor) else x)
    reference = next(module.parameters(), torch.zeros(1))
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        out = []
        for start in range(0, max(len(x), 1), batch):
            block = x[start : start + batch]
            block = pixels(block, like=reference) if block.dtype == torch.uint8 else block.to(reference)
            out.append(_captured(module, block, layer).flatten(1).float().cpu())
        return torch.cat(out).numpy()
    finally:
        for part, mode in modes.items():  # each its own: some may have been frozen in evaluation mode
            part.training = mode


def _captured(module: nn.Module, x: Tensor, layer: str | None) -> Tensor:
    if layer is None and isinstance(module, Net):
        return module.embed(x)
    layers = dict(module.named_modules())
    linear = [name for name, part in layers.items() if isinstance(part, nn.Linear)]
    if layer is not None and layer not in layers:
        raise unknown("layer", layer, [name for name in layers if name])
    if layer is None and not linear:
        output: Tensor = module(x)
        return output
    name = linear[-1] if layer is None else layer
    found: list[Tensor] = []

    def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found.append(output if layer is not None else inputs[0])

    handle = layers[name].register_forward_hook(hook)
    try:
        module(x)
    finally:
        handle.remove()
    if not found:
        raise ValueError(f"layer {name!r} was not called by the module's forward pass; choose another layer")
    return found[-1]
