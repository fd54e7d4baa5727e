"""The command `wddkit`: what the library does, from a terminal. `wddkit --version` tells which it is."""

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from wddkit import __version__
from wddkit.designs import Design, as_text, distilled_at, jobs_of, keep, sets_of
from wddkit.options import EXAMPLES, Folder, Quiet, Run, gathered, grid_of, job_of, option
from wddkit.summary import known_methods, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; what a caller can mend is one line on standard error and exit code 2."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments == ["--version"]:
        print(f"wddkit {__version__}")
        return 0
    if not sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a pipe sees each line as it comes
    try:
        for name, example in EXAMPLES.items():
            arguments = gathered(arguments, name, example)
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            tyro.extras.subcommand_cli_from_dict(
                _COMMANDS,
                prog="wddkit",
                args=arguments or ["--help"],
                description=__doc__,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except BrokenPipeError:  # the reader has seen enough: `wddkit methods | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError) as error:
        print(f"wddkit: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"\nwddkit: {' '.join(getattr(error, '__notes__', [])) or 'Interrupted.'}", file=sys.stderr)
        return 130
    return 0


def demo(*, out: Folder = Path("runs"), quiet: Quiet = False) -> None:
    """Distil the digits, ten images a class, show the result and write a page about it (a minute)."""
    from wddkit import Config, History, run
    from wddkit.views import Explorer

    print("Distilling 900 real digits into 100 images: teacher, barycenters, images, students, controls.")
    history: History = run(Config(), out=out, progress=not quiet)
    show(history)
    page = Explorer(history).to_html(_page(history))
    print(f"\nThe run:  {history.path}\nThe page: {page.resolve()}\nOpen the page in a browser; it needs no network.")


def run(run: Annotated[Run, tyro.conf.OmitArgPrefixes]) -> None:
    """Distil, relabel, evaluate and record; a killed run goes on where it was."""
    from wddkit.experiment import run as run_config

    config, split = job_of(run)
    if run.dry_run:
        from wddkit.estimate import estimate

        print(estimate(config, split))
        return
    history = run_config(config, out=run.out, split=split, progress=not run.quiet)
    show(history)
    print(f"\nThe run: {history.path}")


def compare(
    methods: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(
            help="methods (see `wddkit methods`)", help_behavior_hint="(at least one)", metavar="METHOD [...]"
        ),
    ],
    run: Annotated[Run, tyro.conf.OmitArgPrefixes],
    design: Annotated[Design, tyro.conf.OmitArgPrefixes],
) -> None:
    """Run several methods with several synthesis seeds, one table with intervals and gains over random images.

    A field of a method in --set is set for those methods that have it. What was run before is reused, so that an
    interrupted comparison goes on when the same command is given again.
    """
    from wddkit.comparison import compare as compare_configs
    from wddkit.estimate import estimate

    if not methods and not design.sets:
        raise ValueError(
            "compare: expected methods to compare; write `wddkit compare wmdd random` (see `wddkit methods`)"
        )
    jobs = jobs_of(methods or ("random",), run)
    if run.dry_run:
        for name, job in zip(methods, jobs, strict=False):
            print(f"{name}, one synthesis:\n{estimate(*job)}")
        return
    frame = compare_configs(
        [config for config, _ in jobs],
        seeds=design.seeds,
        teachers=design.teachers,
        tune=design.tune,
        sets=sets_of(design.sets, jobs[0][1]),
        out=run.out,
        split=jobs[0][1],
        progress=not run.quiet,
    )
    print(as_text(frame))
    keep(frame, design)


def ablate(
    run: Annotated[Run, tyro.conf.OmitArgPrefixes],
    *,
    grid: Annotated[
        tuple[str, ...],
        option("values of which every combination is run: method.ipc=1,10 seed=0,1", "none", "FIELD=V,W [...]"),
    ] = (),
    seeds: Annotated[int, tyro.conf.arg(help="syntheses of each combination, seeds --seed and up")] = 1,
    workers: Annotated[int, tyro.conf.arg(help="processes that share the cores")] = 1,
) -> None:
    """Run every combination of changes; a sweep that was interrupted goes on where it was.

    The sweep is the folder --out, in place of runs sweeps/<dataset>-<method>-<fields>: its runs, and the table
    sweep.parquet.
    """
    from wddkit.ablation import ablate as ablate_config
    from wddkit.config import method_name
    from wddkit.estimate import estimate

    config, split = job_of(run)
    if run.dry_run:
        print(f"One of the runs:\n{estimate(config, split)}")
        return
    changes = grid_of(grid)
    parts = [config.dataset, method_name(config.method), *(field.removeprefix("method.") for field in changes)]
    name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts))
    out = Path("sweeps") / name if run.out == Run().out else run.out
    sweep = ablate_config(config, changes, out=out, seeds=seeds, workers=workers, progress=not run.quiet)
    columns = [*sweep.fields, "seed", "protocol", "accuracy", "gain", "w2_squared_heldout", "seconds"]
    print(sweep.frame[columns].to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print(f"\nThe sweep: {sweep.path}")


def evaluate(
    path: Annotated[
        Path, tyro.conf.Positional, tyro.conf.arg(help="a run, a saved distilled set, or images in folders by class")
    ],
    *,
    dataset: Annotated[str | None, option("the real set to test on", "the run's own, else digits", "NAME")] = None,
    size: Annotated[int | None, option("side in pixels that real images are brought to", "as they are", "INT")] = None,
    split_seed: Annotated[int, tyro.conf.arg(help="seed by which the real set is cut")] = 0,
    labels: Annotated[
        str, tyro.conf.arg(help="protocol: hard, soft, views, online, dsa, or on another network hard@resnet-small")
    ] = "online",
    students: Annotated[int | None, option("students to train", "the protocol's", "INT")] = None,
    seed: Annotated[int | None, option("seed of the students", "the run's own, else 0", "INT")] = None,
    quiet: Quiet = False,
) -> None:
    """Train students on a distilled set and test them; a run is evaluated as it was itself."""
    from wddkit.config import Config
    from wddkit.experiment import evaluate as evaluate_set
    from wddkit.experiment import load_split

    config = Config(size=size, split_seed=split_seed)
    if dataset is None and (path / "config.json").is_file():
        config = Config.load(path)
    config = replace(config, dataset=dataset or config.dataset)
    split = load_split(config)
    found = evaluate_set(
        distilled_at(path, split.classes),
        split,
        next((protocol for protocol in config.protocols or () if protocol.labels == labels), labels),
        students=students,
        seed=config.seed if seed is None else seed,
        teacher=config.teacher,
        teacher_seed=config.teacher_seed,
        name=path.name,
        progress=not quiet,
    )
    print(repr(found))


def explore(
    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(help="a run")],
    *,
    page: Annotated[Path | None, option("file to write", "beside the run", "FILE")] = None,
) -> None:
    """Write the self-contained page of a run."""
    from wddkit import History
    from wddkit.views import Explorer

    history = History.load(path)
    print(Explorer(history).to_html(page or _page(history)).resolve())


def export(
    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(help="a run")],
    to: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(help="folder to write")],
) -> None:
    """Copy a run's distilled set to a folder of PNGs with labels and a card."""
    from wddkit import History

    History.load(path).distilled.save(to)
    print(to.resolve())


def runs(
    *,
    out: Folder = Path("runs"),
    table: Annotated[Path | None, option("file to write their results and distances to", "none", "FILE.csv")] = None,
) -> None:
    """List the runs in a folder."""
    from wddkit import History, gather

    if not out.is_dir():
        raise ValueError(f"there is no folder {out}; `wddkit run` makes it, or name another: wddkit runs --out PATH")
    found = sorted(file.parent for file in out.glob("*/config.json"))
    if not found:
        print(f"No runs in {out}.")
    for path in found:
        if not (path / "complete.json").exists():
            print(f"{path}  unfinished; run the same config again to go on: wddkit run --config {path} --out {out}")
            continue
        try:
            results = History.load(path).results
        except ValueError as error:  # the others are still to be listed
            print(f"{path}  damaged: {error}")
            continue
        print(f"{path}  " + ", ".join(f"{r.set} {r.accuracy:.1f} % ({r.protocol})" for r in results.itertuples()))
    if table:
        gather(out).to_csv(table, index=False)
        print(f"\nThe table: {table}")


def datasets() -> None:
    """List the data sets."""
    from wddkit.data.sources import PATTERNS, SOURCES, data_folder

    for name, source in SOURCES.items():
        print(f"{name:15} {source.about}")
    print(f"{', '.join(PATTERNS)}: your own.\nFiles are looked for in {data_folder()} (WDDKIT_DATA).")


def methods() -> None:
    """List the methods by family: where they come from, how faithful they are, what a step takes, their defaults."""
    print("\n".join(known_methods()))


def lab(
    *, notebooks: Annotated[Path, tyro.conf.arg(help="folder that the notebooks are in")] = Path("notebooks")
) -> None:
    """Open the notebooks in JupyterLab, at their index if they have one."""
    if not notebooks.is_dir():
        raise ValueError(f"no folder {notebooks} here; name it: wddkit lab --notebooks PATH")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebooks.resolve()}"]
    if (notebooks / "index.ipynb").is_file():
        command.append("--LabApp.default_url=/lab/tree/index.ipynb")
    sys.exit(subprocess.call(command))


def show(history: Any) -> None:
    """Prints what a run came to."""
    print(summary(history))


def _page(history: Any) -> Path:
    path: Path = history.path.resolve()
    return path.with_name(f"{path.name}.html")


def _one_line(error: Exception) -> str:
    from wddkit.history import StorageError

    text = error.strerror if isinstance(error, StorageError) else str(error)  # without the system's number
    return " ".join(" ".join([str(text), *getattr(error, "__notes__", [])]).split())


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"wddkit: warning: {message}", file=sys.stderr)


_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "run": run,
    "compare": compare,
    "ablate": ablate,
    "evaluate": evaluate,
    "explore": explore,
    "export": export,
    "runs": runs,
    "datasets": datasets,
    "methods": methods,
    "lab": lab,
}
