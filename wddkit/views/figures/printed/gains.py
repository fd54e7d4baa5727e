"""Accuracies seed by seed, for print."""

from collections.abc import Collection, Sequence

from wddkit.views.figures.printed.picture import Picture, caption, paper, picture
from wddkit.views.figures.words import BLUE


def seeds_beside_random(
    own: Sequence[float], random: Sequence[float], chosen: Collection[int], *, said: str
) -> Picture:
    """A line for each seed from the accuracy of random images to that of the set; dashed: seeds that do not count."""
    with paper():
        figure = picture(4.6, 3.4)
        axes = figure.add_subplot(title="Accuracy of each seed", ylabel="accuracy, %")
        for seed, ends in enumerate(zip(random, own, strict=True)):
            counts = seed in chosen
            axes.plot((0, 1), ends, "o-" if counts else "o--", color=BLUE if counts else "#767676", linewidth=1.2)
            axes.annotate(f"seed {seed}", (1, ends[1]), (6, 0), textcoords="offset points", va="center")
        axes.set_xticks((0, 1), ("random images", "distilled"))
        axes.set_xlim(-0.2, 1.4)
        caption(figure, said)
    figure.alt = said
    return figure
