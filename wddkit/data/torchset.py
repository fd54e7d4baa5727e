"""A distilled set as a torch Dataset. The only module here that imports torch."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.utils.data import Dataset

from wddkit.augment import apply
from wddkit.codec import unknown
from wddkit.data.sets import DistilledSet, ImageSet, LabelRegime

Item = tuple[Float[Tensor, "c h w"], Shaped[Tensor, "..."]]


class LabelledImages(Dataset[Item]):
    """Pairs of an image (float32 in [0, 1]) and its label: an int64 scalar, or a float32 row of `labels`."""

    def __init__(self, images: ImageSet, labels: Shaped[Tensor, "n ..."]) -> None:
        self.images = torch.from_numpy(images.images)
        self.labels = labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item:
        return self.images[index].float() / 255, self.labels[index]


class LabelledViews(Dataset[Item]):
    """Item i v + j is training image i, cut by its stored view j, with the teacher's logits for that view."""

    def __init__(
        self, images: ImageSet, parameters: Float[Tensor, "n v p"], logits: Float[Tensor, "n v classes"]
    ) -> None:
        self.images = torch.from_numpy(images.images)
        self.parameters = parameters
        self.logits = logits

    def __len__(self) -> int:
        return len(self.images) * self.parameters.shape[1]

    def __getitem__(self, index: int) -> Item:
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        image, view = divmod(index % len(self), self.parameters.shape[1])
        pixels = self.images[image : image + 1].float() / 255
        return apply(pixels, self.parameters[image, view][None])[0], self.logits[image, view]


def torch_dataset(distilled: DistilledSet, labels: LabelRegime = "hard") -> LabelledImages | LabelledViews:
    """The training images (tiles apart, with `formation` above 1) under a label regime.

    `hard`: int64 class numbers; `soft`: rows of `soft`; `views`: every stored view with its logits. Raises ValueError
    if the set holds no such labels, and for `online`, whose labels need the teacher at hand.
    """
    images = distilled.training
    if labels == "hard":
        return LabelledImages(images, torch.from_numpy(images.labels))
    if labels == "soft":
        if distilled.soft is None:
            raise ValueError(
                "the set has no soft labels: distill under the label regime 'soft', give soft=... to "
                "DistilledSet.from_arrays, or use labels='hard'"
            )
        return LabelledImages(images, torch.from_numpy(distilled.soft))
    if labels == "views":
        if distilled.views is None:
            raise ValueError(
                "the set has no stored views: distill under the label regime 'views', or use labels='hard'"
            )
        parameters, logits = distilled.views.parameters, distilled.views.logits
        return LabelledViews(images, torch.from_numpy(parameters), torch.from_numpy(logits).float())
    if labels == "online":
        raise ValueError(
            "labels='online' are made by the teacher while a student trains, so no data set holds them; "
            "evaluate under a protocol with that label regime, or use 'hard', 'soft' or 'views'"
        )
    raise unknown("label regime", labels, ("hard", "soft", "views", "online"))
