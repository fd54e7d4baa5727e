"""Recover: optimise pixels until their features meet the targets and their statistics meet the real ones."""

import functools
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from wddkit.augment import Augment, colour, draw, geometry
from wddkit.nets import Net
from wddkit.seeds import derive
from wddkit.stages.descent import Descent, Moment, descend
from wddkit.stages.flatness import Average, flatness
from wddkit.stages.objective import Block, Weights, objective, statistics_errors
from wddkit.stages.statistics import Capture
from wddkit.stages.training import Tick, pixels, silent


def recover(
    net: Net,
    start: Float[Tensor, "b c h w"],
    block: Block,
    weights: Weights,
    descent: Descent,
    *,
    seed: int,
    stops: frozenset[int],
    knobs: MutableMapping[str, float],
    precision: str = "float32",
    state: Mapping[str, np.ndarray] | None = None,
    tick: Tick = silent,
    stage: str = "recover",
) -> Iterator[Moment]:
    """Moments of one block's optimisation; see `wddkit.stages.descent.descend`.

    The views of a step are drawn by (seed, step, position in the distilled set), whatever the block. The knob
    `statistics_weight`, where set, replaces the config's value from the next step on.
    """
    capture = Capture(net)
    average = Average(start, state) if weights.flatness else None

    def terms(u: Tensor, step: int) -> dict[str, Tensor]:
        active = replace(weights, statistics=knobs.get("statistics_weight", weights.statistics))
        views = functools.partial(
            view, net, augment=descent.augment_at(step), positions=block.indices, key=derive(seed, "views", step)
        )
        averaged = None if average is None else views(average.images)
        found = _terms(net, capture, views(u), block, active, precision, averaged)
        if average is not None:
            average.update(u)
        return found

    moments = descend(
        start, terms, descent, bounds=bounds(net), stops=stops, knobs=knobs, state=state, tick=tick, stage=stage
    )
    if average is None:
        return moments
    return (replace(moment, state={**moment.state, **average.save()}) for moment in moments)


def _terms(
    net: Net,
    capture: Capture,
    x: Tensor,
    block: Block,
    weights: Weights,
    precision: str,
    averaged: Tensor | None,
) -> dict[str, Tensor]:
    """The objective of normalised images x; statistics and losses stay in x's own precision under bf16.

    `averaged`: the same views of the images' moving average, where flatness counts.
    """
    half = torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bf16")
    with capture as found:
        with half:
            z = net.backbone(x)
        z = z.to(x.dtype)
        needs_logits = block.targets is None or weights.cross_entropy != 0 or averaged is not None
        moments = {name: each.to(x.dtype) for name, each in found.items()}
        logits = net.head(z) if needs_logits else None
        terms = objective(block, z, logits, moments, weights)
    if averaged is None or logits is None:
        return terms
    with torch.no_grad(), half:
        z = net.backbone(averaged)
    apart = flatness(logits, net.head(z.to(x.dtype)))
    return {**terms, "flatness": apart, "loss": terms["loss"] + weights.flatness * apart}


def view(net: Net, u: Float[Tensor, "n c h w"], augment: Augment, positions: np.ndarray, *, key: int) -> Tensor:
    """Views of normalised images, in normalised space."""
    if augment.is_identity:
        return u
    parameters = torch.from_numpy(draw(augment, positions, key=key)).to(u.device)
    x = geometry(u, parameters)
    if augment.jitter:
        x = net.normalise(colour(x * net.std + net.mean, parameters))
    return x


@torch.no_grad()
def statistics_error(net: Net, images: UInt8[np.ndarray, "b c h w"], block: Block) -> Float[np.ndarray, " layers"]:
    """Each layer's normalised statistics error of saved images, a mean over the block's groups."""
    u = to_normalised(net, images)
    with Capture(net) as found:
        net.backbone(u)
    if not block.real:
        return np.zeros(0, np.float32)
    moments = {name: each.to(u.dtype) for name, each in found.items()}
    return statistics_errors(block, moments).mean(dim=0).float().cpu().numpy()


@torch.no_grad()
def to_pixels(net: Net, u: Float[Tensor, "n c h w"]) -> UInt8[np.ndarray, "n c h w"]:
    """Normalised images as saved: rounded to 8 bits."""
    return ((u * net.std + net.mean) * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def to_normalised(net: Net, images: UInt8[np.ndarray, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """8-bit images in the network's normalised space, on its device and in its precision."""
    return net.normalise(pixels(images, like=next(net.parameters())))


def bounds(net: Net) -> tuple[Tensor, Tensor]:
    """Black and white in the network's normalised space, by channel."""
    return net.normalise(torch.zeros_like(net.mean)), net.normalise(torch.ones_like(net.mean))
