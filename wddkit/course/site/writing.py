"""All pages in a folder, with their style, scripts and index. What a site no longer has is removed from it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from wddkit.course.site import searching
from wddkit.course.site.executing import Executed, executed
from wddkit.course.site.pages import WEB, Page, page_of, scripts_of, whole
from wddkit.history.folder import write_file
from wddkit.views import assets, embed

OWN = ("site.css", "search.js", "views.js", "site.js")
FIRST = "index"
MARK = "site.js"  # in whose presence a folder is known as an earlier site
Told = Callable[[str, int, int], None]


def notebooks_in(folder: Path) -> list[Path]:
    """The notebooks of a course in their order, the index first; FileNotFoundError if there is no index."""
    found = sorted(folder.glob("*.ipynb"), key=lambda path: (path.stem != FIRST, path.stem))
    if not found or found[0].stem != FIRST:
        raise FileNotFoundError(f"no {FIRST}.ipynb in {folder}; make the notebooks first: make notebooks")
    return found


def pages_of(
    notebooks: Sequence[Path],
    cache: Path,
    *,
    again: bool = False,
    told: Told,
    done: Callable[[str, Executed], None],
) -> list[Page]:
    """The pages of notebooks, run where something has changed, see `executed`.

    `told(stem, cell, of)` hears of every cell that is run, `done(stem, executed)` of every notebook that is ready.
    Raises RuntimeError and ValueError that name the notebook and the cell.
    """
    stems = [path.stem for path in notebooks]
    made = []
    for path in notebooks:
        found = executed(path, cache, again=again, told=partial(told, path.stem))
        made.append(page_of(path.stem, found, pages=stems, folder=path.parent))
        done(path.stem, found)
    return made


def write(pages: Sequence[Page], folder: Path) -> list[Path]:
    """Writes a site; returns its files. Pages and scripts of an earlier one that this one does not have are removed.

    Raises ValueError, before anything is written, for a folder with pages that are no earlier site.
    """
    static = folder / "static"
    earlier = [*folder.glob("*.html"), *static.glob("*")]
    if earlier and not (static / MARK).is_file():
        raise ValueError(f"{earlier[0]} would be lost: {folder} is no site of this course; name a new or empty folder")
    static.mkdir(parents=True, exist_ok=True)
    files = {folder / f"{page.stem}.html": whole(page, pages) for page in pages}
    files |= {static / name: (WEB / name).read_text("utf-8") for name in OWN}
    files[static / "views.js"] += assets.host()
    files[static / "views.css"] = assets.style()
    files[static / "index.js"] = searching.script([each for page in pages for each in page.sections])
    needed = {name for page in pages for name in scripts_of(page)}
    files |= {static / f"view-{view}.js": embed.script(view) for view in assets.VIEWS if f"view-{view}.js" in needed}
    if "plotly.min.js" in needed:
        files[static / "plotly.min.js"] = embed.plotly_script()
    for path, text in files.items():
        write_file(path, text.encode("utf-8"))
    for old in earlier:
        if old not in files and old.is_file():
            old.unlink()
    return sorted(files)
