"""Protocols by name: a label regime, as DC and DSA test, and either of them on another network."""

import dataclasses
from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from wddkit.augment import Augment
from wddkit.codec import change, unknown
from wddkit.data.arrays import shown
from wddkit.data.sets import LabelRegime
from wddkit.nets import Network, networks
from wddkit.stages.students import Protocol
from wddkit.stages.training import Training

DSA = "dsa"


def protocol_named(name: str, base: Protocol) -> Protocol:
    """The protocol that a short name means.

    `hard`, `soft`, `views`, `online`: `base`, the recipe of the data set, with these labels. `dsa`: hard labels under
    the convention of DC, DSA and DM, see `dsa`. "hard@resnet-small" is `hard` on the network resnet-small as it is by
    default (see `wddkit.nets.networks`), and so for every pair. Raises ValueError for another name.
    """
    regime, at, network = name.partition("@")
    if regime not in (known := (*get_args(LabelRegime), DSA)):
        raise unknown("protocol", regime, known)
    found = dsa(base) if regime == DSA else replace(change(base, "labels", regime), name="")
    if not at:
        return found
    return cross_architecture(found, [network])[0]


def protocol_given(value: object) -> Protocol | str:
    """The value, if it is a protocol or may be the name of one. Raises ValueError that says what to write."""
    if isinstance(value, (str, Protocol)):
        return value
    raise ValueError(
        f"expected a Protocol or a label regime, got {shown(value)}; write 'hard', or Protocol('hard', ...)"
    )


def cross_architecture(protocol: Protocol, others: Iterable[str | Network]) -> tuple[Protocol, ...]:
    """The protocol on each of these networks, to see whether images that were made with one serve another as well.

    Networks by their names are as they are by default. Each protocol is called "<title>@<network>". Raises ValueError
    for an unknown network.
    """
    chosen = [Network(name=each) if isinstance(each, str) else each for each in others]
    for network in chosen:
        if network.name not in networks():
            raise unknown("network", network.name, networks())
    title = protocol.title.partition("@")[0]
    return tuple(replace(protocol, name=f"{title}@{said(network)}", network=network) for network in chosen)


def dsa(base: Protocol) -> Protocol:
    """Hard labels as DC, DSA and DM test (Zhao and Bilen, ICML 2021, arXiv 2102.08259): their network and training.

    Three layers of 128 channels with instance norm; SGD, lr 0.01 and a tenth of it from half way on, momentum 0.9,
    weight decay 5e-4, 1000 steps of up to 256 images, which are their 1000 epochs for sets of up to 256. Of DSA's views
    crops, shifts, colour and mirroring (as the recipe has it: no digits), not rotation and cutout.
    """
    flip = base.training.augment.flip
    network = Network(depth=3, width=128, growth=1, norm="instance", pooling="flatten")
    training = Training(
        steps=1000,
        batch=256,
        optimiser="sgd",
        lr=0.01,
        weight_decay=5e-4,
        warmup=0.0,
        schedule="step",
        augment=Augment(crop=(0.7, 1.0), ratio=1.2, shift=0.125, flip=flip, jitter=0.5),
    )
    labels: LabelRegime = "hard"
    return replace(base, labels=labels, name=DSA, network=network, training=training)


def said(network: Network) -> str:
    """The network as tables name it: "resnet-small", "convnet(width=32)"."""
    own = [field for field in dataclasses.fields(network) if field.name != "name"]
    values = [f"{each.name}={value}" for each in own if (value := getattr(network, each.name)) != each.default]
    return f"{network.name}({', '.join(values)})" if values else network.name
