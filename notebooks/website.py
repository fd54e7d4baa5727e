"""Makes the course as pages: `python notebooks/website.py [FOLDER] [--again]`, FOLDER being `site` unless it is given.

The notebooks are run as they are committed, before anything is filled in, so that no solution is in the pages. What was
run is kept in `build/site`: a notebook is run again only when it, a module that it loads or a recorded run has changed,
or with --again. With WDDKIT_FAST=1 the notebooks do less work.
"""

import sys
from pathlib import Path

from wddkit.course.site.executing import Executed
from wddkit.course.site.writing import notebooks_in, pages_of, write

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / "build" / "site"


def told(stem: str, cell: int, of: int) -> None:
    """Says which cell is run, on one line of a terminal; elsewhere only when a notebook begins."""
    if sys.stdout.isatty():
        print(f"\r{stem}: cell {cell} of {of} ... ", end="", flush=True)
    elif cell == 1:
        print(f"{stem}: {of} cells ...", flush=True)


def done(stem: str, found: Executed) -> None:
    """Says that a notebook is ready."""
    begin = "\r\033[K" if sys.stdout.isatty() else ""
    print(f"{begin}{stem}: {f'run in {found.seconds:.0f} s' if found.fresh else 'unchanged'}", flush=True)


def main(arguments: list[str]) -> int:
    folders = [each for each in arguments if not each.startswith("-")]
    if set(arguments) - {"--again", *folders} or len(folders) > 1:
        print(f"{' '.join(arguments)}: expected at most one folder, and --again or nothing")
        return 2
    out = Path(folders[0]) if folders else HERE.parent / "site"
    try:
        pages = pages_of(notebooks_in(HERE), CACHE, again="--again" in arguments, told=told, done=done)
        size = sum(path.stat().st_size for path in write(pages, out))
    except (RuntimeError, ValueError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    for page in pages:
        for link in dict.fromkeys(page.lost):
            print(f"{page.stem}: the link to {link} leads to no page; its text stays, without the link")
    print(f"{len(pages)} pages, {size / 1e6:.1f} MB. Open {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
