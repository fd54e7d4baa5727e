"""Packs the course for students, without solutions: `python notebooks/release.py [--students FILE] [--out FOLDER]`.

dist/wddkit-course.zip holds the exercise notebooks as their sources make them (nobody's outputs), the recorded runs
that they open, a README and what installs wddkit. With --students, a list with one name or number a line, there is
instead one zip for each, wddkit-course-NAME.zip, whose student.txt gives the exercises data of their own. A zip that
differs from one that is there already takes its place only with --replace. Equal input gives equal bytes.
"""

import argparse
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from build import made
from wddkit.course import roster

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TOP = "wddkit-course"
OPENED = re.compile(r"\brecorded\((?:['\"](?P<name>[\w./-]+)['\"]\))?")
SHOWN = re.compile(r"\brecorded/[\w./-]+\.png")
ENVIRONMENT = """# conda env create -f environment.yml: wddkit and the versions that the course was tested with.
name: wddkit-course
dependencies:
  - python=3.12
  - pip
  - pip:
      - -c constraints.txt
      - ./library
"""


def contents() -> dict[str, bytes]:
    """Path within the zip -> content, of all that every student gets."""
    notebooks = {path.name: text for path, text in made().items() if path.parent == HERE}
    files = {f"notebooks/{name}": text.encode() for name, text in notebooks.items()}
    files |= {f"notebooks/{path.relative_to(HERE).as_posix()}": path.read_bytes() for path in _recorded(notebooks)}
    files |= {f"library/{path.relative_to(ROOT).as_posix()}": path.read_bytes() for path in _library()}
    files["README.md"] = (HERE / "STUDENTS.md").read_bytes()
    files["constraints.txt"] = (ROOT / "constraints.txt").read_bytes()
    files["environment.yml"] = ENVIRONMENT.encode()
    return files


def _recorded(notebooks: Mapping[str, str]) -> Iterator[Path]:
    """The files of recorded runs that the notebooks open, all runs if a name is computed, and the pictures they show.

    Raises ValueError for a notebook that needs what is not there.
    """
    wanted: set[Path] = set()
    for notebook, text in notebooks.items():
        sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"]]
        names = {f"recorded/{call['name'] or ''}" for source in sources for call in OPENED.finditer(source)}
        for name in names | {name for source in sources for name in SHOWN.findall(source)}:
            if not (HERE / name).exists():
                raise ValueError(f"{notebook} needs {name}, which is not there")
            wanted.add(HERE / name)
    files = {file for path in wanted for file in ([path] if path.is_file() else path.rglob("*"))}
    yield from sorted(file for file in files if file.is_file() and file.suffix != ".py" and file.name[0] != ".")


def _library() -> Iterator[Path]:
    """The files that `pip install ./library` needs: the package and what describes it."""
    yield from (ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE"))
    for path in (ROOT / "wddkit").rglob("*"):
        if path.is_file() and (path.suffix in (".py", ".typed") or path.parent.name == "web"):
            yield path


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files in one folder: names sorted, no times, so that equal files give equal bytes."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{TOP}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as Unix says it, on every system
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, compresslevel=9)
    return held.getvalue()


def releases(students: list[str]) -> dict[str, bytes]:
    """Name of a zip -> its bytes: one for each student, or one for all if none is named."""
    files = contents()
    if not students:
        return {f"{TOP}.zip": packed(files)}
    return {f"{TOP}-{name}.zip": packed({**files, "notebooks/student.txt": f"{name}\n".encode()}) for name in students}


def write(made: Mapping[str, bytes], folder: Path, *, replace: bool) -> list[Path]:
    """The zips that were written into the folder; those that hold the same bytes already are left as they are.

    Raises ValueError, before anything is written, if another file would be lost or the folder cannot be one.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder: --out FOLDER")
    new = [name for name in made if not (folder / name).is_file() or (folder / name).read_bytes() != made[name]]
    if kept := [name for name in new if (folder / name).exists() and not replace]:
        more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        raise ValueError(f"{folder / kept[0]}{more} would be lost; name another folder with --out, or add --replace")
    folder.mkdir(parents=True, exist_ok=True)
    for name in new:
        half = folder / f"{name}.part"
        half.write_bytes(made[name])
        half.replace(folder / name)  # nobody finds half a zip
    return [folder / name for name in new]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="release.py", description="Pack the course for students, without solutions.")
    parser.add_argument("--students", type=Path, metavar="FILE", help="one name or number a line: a zip for each")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=ROOT / "dist", help="default: dist")
    parser.add_argument("--replace", action="store_true", help="write over zips that are there already")
    asked = parser.parse_args(arguments)
    try:
        made = releases(roster.read(asked.students) if asked.students else [])
        written = write(made, asked.out, replace=asked.replace)
    except (ValueError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    for name, content in made.items():
        state = "written" if asked.out / name in written else "was there already"
        print(f"{asked.out / name}: {len(content) / 1e6:.1f} MB, {state}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
