"""Accuracies seed by seed under several label regimes: which seeds one looks at, and what may be concluded then."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from wddkit.history.tables import interval
from wddkit.views import assets
from wddkit.views.showing import Bundle, Drawn, with_picture


class GainView(anywidget.AnyWidget):
    """Accuracy of a distilled set and of random images for each seed, and the mean gain of the seeds that count.

    `distilled` and `random`: label regime -> accuracy in percent of each seed; the same seed has the same students in
    both. `labels` is the regime that is shown, `seeds` are the seeds that count: positions, at least one. Raises
    ValueError for regimes or seeds that the two do not share.
    """

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module("gains")
    _css = assets.style()

    accuracies = traitlets.Dict().tag(sync=True)  # regime -> [of the distilled set, of random images]
    quantiles = traitlets.List(traitlets.Float()).tag(sync=True)  # of t at 97.5 %, by n - 2: for n = 2, 3, ...
    labels = traitlets.Unicode("").tag(sync=True)
    seeds = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, distilled: Mapping[str, Sequence[float]], random: Mapping[str, Sequence[float]]) -> None:
        counts = {len(own) for each in (distilled, random) for own in each.values()}
        if not distilled or set(distilled) != set(random) or len(counts) != 1 or min(counts) < 2:
            raise ValueError(
                "GainView: expected accuracies of two or more seeds under the same label regimes for both sets, got "
                f"{_shape(distilled)} and {_shape(random)}"
            )
        (count,) = counts
        super().__init__(
            accuracies={name: [[float(x) for x in each[name]] for each in (distilled, random)] for name in distilled},
            quantiles=[_quantile(n) for n in range(2, count + 1)],
            labels=next(iter(distilled)),
            seeds=list(range(count)),
        )

    @property
    def gains(self) -> tuple[float, ...]:
        """Accuracy of the distilled set less that of random images, of each seed that counts, in points."""
        own, random = np.array(self.accuracies[self.labels])[:, self.seeds]
        return tuple(map(float, own - random))

    @property
    def gain(self) -> float:
        """Their mean."""
        return float(np.mean(self.gains))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % t-interval of the mean of the paired gains; NaN for a single seed."""
        return interval(self.gains)

    def form(self) -> assets.Form:
        """What a page needs of the view as it stands now."""
        state = {name: getattr(self, name) for name in ("accuracies", "quantiles", "labels", "seeds")}
        return assets.Form("gains", state, {}, "Gain over random images, seed by seed", self._summary())

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle | None:
        """The widget, and a picture of it for where no widget can live."""
        from wddkit.views.figures.printed.gains import seeds_beside_random

        own, random = self.accuracies[self.labels]

        def drawn() -> Drawn:
            return seeds_beside_random(own, random, self.seeds, said=self._summary())._repr_png_()

        return with_picture(super()._repr_mimebundle_(**kwargs), drawn)

    def _summary(self) -> str:
        low, high = self.interval
        spread = "one seed, no interval" if math.isnan(low) else f"95 % interval {low:.2f} to {high:.2f}"
        return f"Labels {self.labels}: gain over random images {self.gain:+.2f} points, {spread}."

    @traitlets.validate("labels")
    def _valid_labels(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in self.accuracies:
            raise traitlets.TraitError(
                f"labels: expected one of {', '.join(self.accuracies)}, got {proposal['value']!r}"
            )
        return str(proposal["value"])

    @traitlets.validate("seeds")
    def _valid_seeds(self, proposal: dict[str, Any]) -> list[int]:
        chosen, count = sorted(set(proposal["value"])), len(self.quantiles) + 1
        if not chosen or not 0 <= chosen[0] <= chosen[-1] < count:
            raise traitlets.TraitError(f"seeds: expected one or more of 0 to {count - 1}, got {proposal['value']}")
        return chosen


def _quantile(n: int) -> float:
    """The 97.5 % point of t with n - 1 degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975))


def _shape(values: Mapping[str, Sequence[float]]) -> str:
    return ", ".join(f"{name}: {len(own)}" for name, own in values.items()) or "nothing"
