"""What the notebooks of the course lean on: self-checks, predictions, progress, places. `source` makes the notebooks.

check(id, answer, ...)      what is right or wrong about a learner's answer, in words; never an error for a wrong one
progress("01")              which exercises of a notebook are passed
predict(question, choices)  asks for a prediction, and shows what moves only then
recorded(name)              the folder of a recorded run, from wherever the notebook is
student_seed()              a seed of the learner's own, 0 unless WDDKIT_STUDENT or a file student.txt says otherwise
show(figure, words)         a matplotlib figure with its alt text; `embedded` gives the same as HTML
desk()                      an empty folder that is removed when the kernel ends
fast()                      whether WDDKIT_FAST asks for less work, as tests do
"""

from wddkit.course.outcomes import Outcome, Progress
from wddkit.course.places import desk, fast, recorded, student_seed
from wddkit.course.predictions import predict
from wddkit.course.registry import check, progress
from wddkit.views.showing import embedded, show

__all__ = [
    "Outcome",
    "Progress",
    "check",
    "desk",
    "embedded",
    "fast",
    "predict",
    "progress",
    "recorded",
    "show",
    "student_seed",
]
