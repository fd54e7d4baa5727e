"""Predictions: a question that is answered before something may be moved."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wddkit.course.places import wanted

if TYPE_CHECKING:
    from wddkit.views.asking import Prediction


def predict(
    question: str, choices: Sequence[str], *, then: Any = None, answer: str | None = None, because: str = ""
) -> "Prediction":
    """A widget that asks for a prediction and shows `then`, another widget, once one has been made.

    Afterwards it tells how the prediction compares with `answer`, one of the choices, and `because` says why; without
    an answer it only reminds of the prediction. Nothing waits for it: the cell is done at once, also where nobody is
    there to answer. WDDKIT_UNLOCK=1 shows everything without asking, for lectures.
    Raises ValueError for fewer than two choices, for equal ones, and for an answer that is none of them.
    """
    from wddkit.views.asking import Prediction

    made = Prediction(question, choices, then=then, answer=answer, because=because)
    if wanted("WDDKIT_UNLOCK"):
        made.unlock()
    return made
