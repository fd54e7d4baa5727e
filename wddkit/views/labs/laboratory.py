"""What both laboratories are: a situation that a lesson or somebody's hand has set, and attributes that are known."""

import inspect
from typing import Any, ClassVar

import anywidget
import traitlets

from wddkit.codec import unknown
from wddkit.views.labs import pages
from wddkit.views.labs.checks import lesson_of
from wddkit.views.labs.lessons import Lesson

NOT_OURS = ("layout", "tabbable", "tooltip", "lessons")  # traits of all widgets, and one that nobody sets


class Laboratory(anywidget.AnyWidget):
    """Abstract: points that are a lesson's, until they are changed, and the lesson that is named as long as they are.

    Setting `lesson` loads it, points and settings; other points make it "", somebody's own.
    """

    LESSONS: ClassVar[tuple[Lesson, ...]]
    POINTS: ClassVar[str]  # the trait that holds them
    HINTS: ClassVar[dict[str, str]] = {}  # of arguments that cannot be set: what can
    _ready = False

    lesson = traitlets.Unicode("").tag(sync=True)
    lessons = traitlets.List(traitlets.Dict()).tag(sync=True)
    presenter = traitlets.Bool(default_value=False).tag(sync=True)

    def __init__(self, **state: Any) -> None:
        try:
            super().__init__(**state, lessons=[each.sent() for each in self.LESSONS])
        except traitlets.TraitError as error:
            raise ValueError(str(error)) from None
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "lesson" and self._ready and value:
            self._load(value)
        elif name.startswith("_") or self._takes(name):
            super().__setattr__(name, value)
        else:
            raise AttributeError(self._refused(name), name=name, obj=self)

    def _takes(self, name: str) -> bool:
        """Whether there is such an attribute, and not one that follows from others."""
        found = inspect.getattr_static(type(self), name, None)  # static: some of a widget's warn when they are read
        return found.fset is not None if isinstance(found, property) else found is not None

    def _refused(self, name: str) -> str:
        kind = type(self).__name__
        ours = [base for base in type(self).__mro__ if issubclass(base, Laboratory)]
        known = {each for base in ours for each, held in vars(base).items() if isinstance(held, property)}
        known |= {each for each in self.traits(sync=True) if not each.startswith("_")} - set(NOT_OURS)
        settable = sorted(filter(self._takes, known))
        if name in self.HINTS:
            return f"{name} cannot be set on a {kind}: {self.HINTS[name]}"
        if name in known:
            return f"{name} of a {kind} follows from the rest and cannot be set; set one of {', '.join(settable)}"
        return str(unknown(f"attribute of a {kind}", name, settable))

    def _load(self, name: Any) -> None:
        with pages.as_trait_errors():
            chosen = lesson_of(name, self.LESSONS)
        # One message to the browser, and checks once all of it is there.
        with self.hold_sync(), self.hold_trait_notifications():
            for key, value in chosen.state.items():
                self.set_trait(key, value)
            self.set_trait("lesson", chosen.name)

    @traitlets.validate("lesson")
    def _valid_lesson(self, proposal: dict[str, Any]) -> str:
        name = proposal["value"]
        with pages.as_trait_errors():
            return str(name and lesson_of(name, self.LESSONS).name)

    @traitlets.observe("sides", "data", "lesson")
    def _own(self, _: Any) -> None:
        """Points that are not, or no longer, the lesson's are somebody's own."""
        if self.lesson and lesson_of(self.lesson, self.LESSONS).state[self.POINTS] != getattr(self, self.POINTS):
            self.set_trait("lesson", "")
