from collections.abc import Callable

import pytest

from wddkit.nets import Net, Network, build


@pytest.fixture
def make() -> Callable[..., Net]:
    """A network of 10 classes for images of a size and number of channels, with uneven normalisation."""

    def make(name="convnet", *, channels=3, size=8, classes=10, seed=0, **options):
        normalisation = ((0.2, 0.3, 0.4)[:channels], (0.5, 0.6, 0.7)[:channels])
        network = Network(name, **options)
        return build(network, classes=classes, channels=channels, size=size, normalisation=normalisation, seed=seed)

    return make
