"""The interactive view of a recorded run: a widget in a notebook, the same thing as a page."""

import base64
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from wddkit.history import History
from wddkit.views import assets
from wddkit.views.payload import payload
from wddkit.views.scene import Scene


class RunView(anywidget.AnyWidget):
    """A run to look at: features, images, results and losses, with one slider over its snapshots.

    `step` is the snapshot shown, a position in `history.frames`; `selected` the image followed, a position in
    `history.distilled` (-1: none); `classes` the labels shown ([]: all). All three can be read and set. Everything is
    sent to the browser once, so that moving the slider asks nothing of the kernel.
    """

    # As text: a path would be watched for changes by something that never lets go of the widget.
    _esm = assets.module()
    _css = assets.style()

    meta = traitlets.Dict().tag(sync=True)
    buffers = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    selected = traitlets.Int(-1).tag(sync=True)
    classes = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, history: History, *, step: int = 0, selected: int = -1) -> None:
        self._history = history
        self._scene = Scene.of(history)
        sent = payload(self._scene)
        super().__init__(meta=dict(sent.meta), buffers=dict(sent.buffers), step=step, selected=selected)

    @traitlets.validate("step")
    def _valid_step(self, proposal: dict[str, Any]) -> int:
        frames = len(self._scene.frames)
        if not -frames <= proposal["value"] < frames:
            raise traitlets.TraitError(
                f"step {proposal['value']} of a run of {frames} snapshots; expected 0 to {frames - 1}"
            )
        return int(proposal["value"]) % frames

    @traitlets.validate("selected")
    def _valid_selected(self, proposal: dict[str, Any]) -> int:
        if proposal["value"] != -1 and proposal["value"] not in self._scene.indices:
            raise traitlets.TraitError(
                f"selected is {proposal['value']}; expected the position of a recorded image of the distilled set, "
                f"or -1 for none"
            )
        return int(proposal["value"])

    @traitlets.validate("classes")
    def _valid_classes(self, proposal: dict[str, Any]) -> list[int]:
        known = len(self._scene.classes)
        if wrong := [label for label in proposal["value"] if not 0 <= label < known]:
            raise traitlets.TraitError(
                f"classes: no label {wrong[0]}; expected labels from 0 to {known - 1}, or [] for all"
            )
        return sorted(set(proposal["value"]))

    def to_html(self, path: Path | str) -> Path:
        """Writes the view as one file that needs neither kernel nor network, as it stands now; returns its path."""
        path = Path(path)
        state = {"meta": self.meta, "step": self.step, "selected": self.selected, "classes": self.classes}
        title = f"Distillation: {self._scene.title}"
        path.write_text(assets.page(state, self.buffers, title=title, summary=_summary(self._scene)), encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and a picture of it for where no widget can live."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        from wddkit.views.figures import overview

        png, about = overview(self._history)._repr_png_()
        return {**bundle[0], "image/png": base64.b64encode(png).decode()}, {**bundle[1], "image/png": about}


def _summary(scene: Scene) -> str:
    """A run in a few sentences."""
    results = [
        f"{result.set}, labels {result.labels or 'not named'}: accuracy {result.accuracy:.1f} %"
        for result in scene.results
    ]
    lines = [
        f"{scene.title}: {len(scene.indices)} distilled images of {len(scene.classes)} classes, "
        f"{len(scene.frames)} snapshots.",
        *(f"{line}." for line in results),
        *scene.missing,
    ]
    return " ".join(lines)
