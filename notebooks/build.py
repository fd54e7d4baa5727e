"""Makes the notebooks of notebooks/source: `python notebooks/build.py [--check] [--run]`.

With --check it writes nothing and ends with 1 if a notebook differs from what its source makes. With --run it then
executes the solved ones and prints each one's time: with less work, unless WDDKIT_FAST=0 asks for all of it.
`wddkit/course/source.py` tells how a source is written.
"""

import os
import sys
import time
from pathlib import Path

from wddkit.course.source import build, dumps, parse

HERE = Path(__file__).resolve().parent


def made() -> dict[Path, str]:
    """File -> content, of every notebook that the sources make."""
    files = {}
    for source in sorted((HERE / "source").glob("*.py")):
        try:
            cells = parse(source.read_text("utf-8"))
            files[HERE / f"{source.stem}.ipynb"] = dumps(build(cells, "exercises", notebook=source.stem))
            if any(cell.kind == "check" for cell in cells):
                solved = HERE / "solved" / f"{source.stem}.ipynb"
                files[solved] = dumps(build(cells, "solved", notebook=source.stem))
        except ValueError as error:
            raise ValueError(f"{source.name}: {error}") from None
    return files


def committed() -> set[Path]:
    """Every notebook that is there."""
    return {path for folder in (HERE, HERE / "solved") for path in folder.glob("*.ipynb")}


def differing() -> list[Path]:
    """Notebooks that are not what the sources make, and those that no source makes."""
    files = made()
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]
    return sorted([*stale, *(committed() - set(files))])


def run(path: Path) -> float:
    """Seconds that a notebook takes; an error of nbclient if a cell fails."""
    import nbformat
    from nbclient import NotebookClient

    begin = time.perf_counter()
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(nbformat.read(path, as_version=4), timeout=600, resources=resources).execute()
    return time.perf_counter() - begin


def main(arguments: list[str]) -> int:
    if unknown := set(arguments) - {"--check", "--run"}:
        print(f"{', '.join(sorted(unknown))}: expected --check, --run or nothing")
        return 2
    if "--check" in arguments:
        for path in differing():
            print(f"{path.relative_to(HERE)} is not what its source makes; run: make notebooks")
        return int(bool(differing()))
    for path, text in made().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    for path in sorted(committed() - set(made())):
        print(f"{path.relative_to(HERE)} has no source")
    os.environ.setdefault("WDDKIT_FAST", "1")
    for path in sorted((HERE / "solved").glob("*.ipynb")) if "--run" in arguments else ():
        print(f"{run(path):6.1f} s  {path.relative_to(HERE)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
