"""A question that is answered before something is shown: the prediction that comes before a slider."""

from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets
import traitlets

from wddkit.views import assets


class Question(anywidget.AnyWidget):
    """A question with choices, of which one is kept (`chosen`, -1: none yet) and cannot be changed afterwards."""

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module("ask")
    _css = assets.style()

    question = traitlets.Unicode("").tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Int(-1).tag(sync=True)  # -1: there is none
    because = traitlets.Unicode("").tag(sync=True)
    below = traitlets.Bool(default_value=False).tag(sync=True)  # whether something is shown once it is answered
    chosen = traitlets.Int(-1).tag(sync=True)

    def form(self) -> assets.Form:
        """What a page needs of the question as it stands now."""
        names = ("question", "choices", "answer", "because", "below", "chosen")
        state = {name: getattr(self, name) for name in names}
        return assets.Form("ask", state, {}, "Prediction", " ".join([self.question, *self.choices]))

    @traitlets.validate("chosen")
    def _valid_chosen(self, proposal: dict[str, Any]) -> int:
        if not -1 <= proposal["value"] < len(self.choices):
            raise traitlets.TraitError(
                f"chosen: expected 0 to {len(self.choices) - 1}, or -1 for none, got {proposal['value']}"
            )
        return int(proposal["value"])


class Prediction(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A question, and what is shown once it is answered."""

    def __init__(
        self,
        question: str,
        choices: Sequence[str],
        *,
        then: Any = None,
        answer: str | None = None,
        because: str = "",
    ) -> None:
        if isinstance(choices, str) or len(choices) < 2 or len(set(choices)) < len(choices):
            raise ValueError(f"predict: expected two or more choices that differ, got {choices!r}")
        if answer is not None and answer not in choices:
            raise ValueError(f"predict: the answer {answer!r} is none of the choices {', '.join(map(repr, choices))}")
        if then is not None and not isinstance(then, ipywidgets.DOMWidget):
            raise ValueError(
                f"predict: then is a {type(then).__name__}; expected a widget, such as wdd.TransportLab(), or None"
            )
        self._then = then
        self._question = Question(
            question=question,
            choices=list(choices),
            answer=-1 if answer is None else list(choices).index(answer),
            because=because,
            below=then is not None,
        )
        super().__init__(children=[self._question])
        self.layout.overflow = "visible"  # else the rings around what has the focus are cut off
        self._question.observe(lambda change: self.unlock(), names=["chosen"])

    @property
    def chosen(self) -> str | None:
        """The prediction that was made; None before it."""
        at = self._question.chosen
        return None if at < 0 else str(self._question.choices[at])

    @property
    def then(self) -> Any:
        """What waits for the answer; None if nothing does."""
        return self._then

    def form(self) -> assets.Form:
        """What a page needs of the question as it stands now."""
        return self._question.form()

    def unlock(self) -> None:
        """Shows what waits for the answer."""
        if self._then is not None:
            self.children = [self._question, self._then]
