"""A notebook run from top to bottom, and kept: what did not change is not run again."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wddkit.course.places import fast

LONGEST = 1800  # seconds that a cell may take: the machine may have other things to do
KEPT_AS = 1  # to be raised when what is kept is written in another way
# The kernel of a page: every prediction asks, numbers are those of no learner, figures are data and not scripts.
ROOM = {"WDDKIT_UNLOCK": "0", "WDDKIT_STUDENT": "0", "PLOTLY_RENDERER": "plotly_mimetype", "TQDM_DISABLE": "1"}
# Run after the last cell. What the notebook has loaded is asked first, before this loads more.
ASKED = """
import json as _json, sys as _sys
_loaded = sorted(
    module.__file__ for name, module in list(_sys.modules.items())
    if name.partition(".")[0] == "wddkit" and getattr(module, "__file__", None)
)
from wddkit.views.embed import embedded as _embedded
with open({path!r}, "w", encoding="utf-8") as _file:
    _json.dump({{"loaded": _loaded, "shown": _embedded({identifiers!r})}}, _file)
"""


@dataclass(frozen=True, eq=False)
class Executed:
    """A notebook with its outputs, and what its views need by the ids of their models, see `wddkit.views.embed`."""

    notebook: Mapping[str, Any]
    shown: Mapping[str, Mapping[str, Any]]
    seconds: float  # that it took
    fresh: bool  # run now, not before


def executed(path: Path, cache: Path, *, again: bool = False, told: Callable[[int, int], None]) -> Executed:
    """A notebook as it was run: now, or before if neither it nor what it used has changed since.

    What it used are the modules of wddkit that it loaded, the recorded runs beside it, and whether WDDKIT_FAST asks for
    less work. `told` hears before every cell which one of how many it is, and nothing where nothing is run; `again`
    runs it in any case. Raises RuntimeError with the name of the notebook and of the cell that went wrong.
    """
    kept = cache / f"{path.stem}.json"
    known = _read(kept)
    if not again and known is not None and _unchanged(known["made"], path):
        return Executed(known["notebook"], known["shown"], known["seconds"], fresh=False)
    begin = time.perf_counter()
    cache.mkdir(parents=True, exist_ok=True)
    notebook, answer = _run(path, cache / f"{path.stem}.shown.json", told)
    seconds = time.perf_counter() - begin
    made = {**_wanted(path), "modules": {name: _sum(Path(name)) for name in answer["loaded"]}}
    text = json.dumps({"made": made, "notebook": notebook, "shown": answer["shown"], "seconds": seconds})
    kept.write_text(text, "utf-8")
    return Executed(notebook, answer["shown"], seconds, fresh=True)


def _read(kept: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    except (OSError, ValueError):  # not there, or only half of it: it is made again
        return None
    return found if {"made", "notebook", "shown", "seconds"} <= set(found) else None


def _unchanged(made: Mapping[str, Any], path: Path) -> bool:
    now = _wanted(path)
    modules: dict[str, str] = made.get("modules", {})
    same = all(made.get(name) == value for name, value in now.items())
    return same and all(_sum(Path(name)) == value for name, value in modules.items())


def _wanted(path: Path) -> dict[str, Any]:
    """All that a notebook depends on but the modules that it loads, which only running it tells."""
    runs = path.parent / "recorded"
    recorded = {each.relative_to(runs).as_posix(): _sum(each) for each in runs.rglob("*") if each.is_file()}
    return {"kept_as": KEPT_AS, "notebook": _sum(path), "fast": fast(), "recorded": recorded}


def _sum(file: Path) -> str:
    """A sum over the bytes of a file; of one that is not there, over nothing."""
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()


def _run(path: Path, answer: Path, told: Callable[[int, int], None]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The notebook with its outputs, and what its kernel told at the end."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    code = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    client = NotebookClient(
        notebook,
        timeout=LONGEST,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that its ports on this machine are plain
    )
    cell = None
    try:
        with client.setup_kernel(env={**os.environ, **ROOM}):
            for number, (i, cell) in enumerate(code, 1):
                told(number, len(code))
                client.execute_cell(cell, i)
            cell = _asked(notebook, answer)
            client.execute_cell(cell, len(notebook.cells) - 1)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        named = "its beginning" if cell is None else f"cell {cell.id!r}"
        raise RuntimeError(f"{path.name}, {named}: {_why(error)}") from None
    notebook.cells.pop()
    found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    answer.unlink()
    return notebook, found


def _asked(notebook: Any, answer: Path) -> Any:
    """A last cell that writes what the views shown so far need without a kernel."""
    from nbformat.v4 import new_code_cell

    outputs: Iterable[Any] = (each for cell in notebook.cells for each in cell.get("outputs", ()))
    views = (each.get("data", {}).get("application/vnd.jupyter.widget-view+json") for each in outputs)
    identifiers = list(dict.fromkeys(view["model_id"] for view in views if view))
    cell = new_code_cell(ASKED.format(path=str(answer.resolve()), identifiers=identifiers), id="for-the-pages")
    notebook.cells.append(cell)
    return cell


def _why(error: Any) -> str:
    """What went wrong, in a line or two: without the colours and frames of a traceback."""
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    return f"{name}: {value}" if name else str(error).strip().splitlines()[-1]
