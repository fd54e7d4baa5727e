"""Where the course finds what it needs: recorded runs, the learner's seed, the wish for less work."""

import atexit
import os
import shutil
import tempfile
import unicodedata
from pathlib import Path

from wddkit.seeds import derive

OFF = ("", "0", "false", "no")


def recorded(name: str) -> Path:
    """The folder of a recorded run of the course: `recorded/<name>` beside the notebook, or in a folder above it.

    Raises FileNotFoundError that says where it was looked for.
    """
    here = Path.cwd()
    tried = [folder / part / name for folder in (here, *here.parents) for part in ("recorded", "notebooks/recorded")]
    for place in tried:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"no recorded run {name!r} in {tried[0].parent} or in a folder above it; keep the notebook in its folder "
        "`notebooks`, or start JupyterLab there: wddkit lab"
    )


def student_seed() -> int:
    """The seed of the learner's own data: what WDDKIT_STUDENT says, else the file `student.txt` beside the notebook.

    A whole number is taken as it is, a name is turned into one; with neither, 0. So a class can be given exercises of
    the same kind with other numbers, and everybody's self-check knows theirs.
    """
    file = Path("student.txt")
    return seed_of(os.environ.get("WDDKIT_STUDENT") or (file.read_text("utf-8") if file.is_file() else ""))


def seed_of(said: str) -> int:
    """The seed that a number or a name stands for, 0 for an empty one.

    Spaces around, capitals, an editor's mark at the beginning and the way of writing accents do not matter.
    """
    name = unicodedata.normalize("NFC", said.strip("\ufeff \t\r\n")).strip().casefold()
    if name.isdecimal():
        return int(name)
    return derive(0, "student", name) if name else 0


def desk() -> Path:
    """A new empty folder for what a notebook writes; it is removed when the kernel ends, so save elsewhere to keep."""
    folder = Path(tempfile.mkdtemp(prefix="wddkit-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def fast() -> bool:
    """Whether WDDKIT_FAST asks the notebooks for less work, so that tests end soon."""
    return wanted("WDDKIT_FAST")


def wanted(variable: str) -> bool:
    """Whether an environment variable is set to something other than 0, false or no."""
    return os.environ.get(variable, "").strip().lower() not in OFF
