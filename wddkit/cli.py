"""The command `wddkit`: what the library does, from a terminal."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from wddkit import codec


@dataclass(frozen=True)
class Run:
    """What is to be run; everything left out comes from the config's defaults and the data set's recipe."""

    dataset: str = "digits"
    """name of a data set (see `wddkit datasets`), npz:FILE or folder:PATH"""
    method: str = "wmdd"
    """name of a method (see `wddkit methods`)"""
    ipc: int = 10
    """stored images per class"""
    set: tuple[str, ...] = ()
    """any other field by its dotted name, as in --set method.steps=500 teacher_seed=1"""
    labels: tuple[str, ...] = ()
    """label regimes to evaluate under: hard, soft, views, online (default: the recipe's)"""
    students: int | None = None
    """students a row"""
    seed: int = 0
    """seed of the synthesis"""
    config: Path | None = None
    """a JSON config, or a run folder, to start from in place of the defaults"""
    out: Path = Path("runs")
    """folder that runs are kept in"""
    quiet: bool = False
    """no progress bars"""
    dry_run: bool = False
    """only tell time, memory, disk and label bytes"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; what a caller can mend is one line on standard error and exit code 2."""
    if sys.stdout.isatty() is False:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a pipe sees each line as it comes
    try:
        tyro.extras.subcommand_cli_from_dict(_COMMANDS, prog="wddkit", args=arguments, description=__doc__)
    except (ValueError, OSError) as error:
        print(f"wddkit: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"\nwddkit: {' '.join(getattr(error, '__notes__', [])) or 'Interrupted.'}", file=sys.stderr)
        return 130
    return 0


def demo(out: Path = Path("runs"), quiet: bool = False) -> None:  # noqa: FBT001, FBT002  # an option of the command
    """Distil the digits, ten images a class, show the result and write a page about it (a minute)."""
    from wddkit import Config, History, run
    from wddkit.views import RunView

    print("Distilling 900 real digits into 100 images: teacher, barycenters, images, students, controls.")
    history: History = run(Config(), out=out, progress=not quiet)
    show(history)
    assert history.path is not None
    page = RunView(history).to_html(history.path.with_suffix(".html"))
    print(f"\nThe run:  {history.path}\nThe page: {page.resolve()}\nOpen the page in a browser; it needs no network.")


def run(run: Annotated[Run, tyro.conf.OmitArgPrefixes]) -> None:
    """Distil, relabel, evaluate and record; a killed run goes on where it was."""
    from wddkit.experiment import load_split
    from wddkit.experiment import run as run_config

    config = config_of(run)
    split = load_split(config)
    config = _with_protocols(config, run, split)
    if run.dry_run:
        from wddkit.estimate import estimate

        print(estimate(config, split))
        return
    history = run_config(config, out=run.out, split=split, progress=not run.quiet)
    show(history)
    print(f"\nThe run: {history.path}")


def compare(
    methods: Annotated[tuple[str, ...], tyro.conf.Positional],
    run: Annotated[Run, tyro.conf.OmitArgPrefixes],
    seeds: int = 3,
    csv: Path | None = None,
) -> None:
    """Run several methods with several synthesis seeds, one table with intervals and gains over random images."""
    from wddkit.experiment import compare as compare_configs
    from wddkit.experiment import load_split

    configs = [config_of(replace(run, method=name)) for name in methods]
    split = load_split(configs[0])
    configs = [_with_protocols(config, run, split) for config in configs]
    frame = compare_configs(configs, seeds=seeds, out=run.out, split=split, progress=not run.quiet)
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    if csv:
        frame.to_csv(csv, index=False)


def evaluate(
    path: Annotated[Path, tyro.conf.Positional],
    dataset: str = "digits",
    labels: str = "online",
    students: int = 3,
    seed: int = 0,
) -> None:
    """Train students on a distilled set (a saved one, a run, or a folder of images by class) and test them."""
    from wddkit import Split, load
    from wddkit.experiment import evaluate as evaluate_set

    split: Split = load(dataset)
    found = evaluate_set(_distilled(path, split.classes), split, labels, students=students, seed=seed)
    low, high = found.interval
    print(
        f"{found.accuracy:.2f} % ({low:.2f} to {high:.2f}, {students} students, labels {labels}, {found.bytes} bytes)"
    )


def explore(path: Annotated[Path, tyro.conf.Positional], page: Path | None = None) -> None:
    """Write the self-contained page of a run."""
    from wddkit import History
    from wddkit.views import RunView

    history = History.load(path)
    print(RunView(history).to_html(page or path.with_suffix(".html")).resolve())


def export(path: Annotated[Path, tyro.conf.Positional], to: Annotated[Path, tyro.conf.Positional]) -> None:
    """Copy a run's distilled set to a folder of PNGs with labels and a card."""
    from wddkit import History

    History.load(path).distilled.save(to)
    print(to.resolve())


def runs(out: Path = Path("runs")) -> None:
    """List the runs in a folder."""
    from wddkit import History

    found = sorted(file.parent for file in out.glob("*/config.json"))
    if not found:
        print(f"No runs in {out}.")
    for path in found:
        if not (path / "complete.json").exists():
            print(f"{path}  unfinished; run the same config again to go on")
            continue
        results = History.load(path).results
        print(f"{path}  " + ", ".join(f"{r.set} {r.accuracy:.1f} % ({r.protocol})" for r in results.itertuples()))


def datasets() -> None:
    """List the data sets."""
    from wddkit.data.sources import PATTERNS, SOURCES, data_folder

    for name, source in SOURCES.items():
        print(f"{name:15} {source.about}")
    print(f"{', '.join(PATTERNS)}: your own.\nFiles are looked for in {data_folder()} (WDDKIT_DATA).")


def methods() -> None:
    """List the methods with their fields and defaults."""
    from wddkit.methods import METHODS

    for name, kind in METHODS.items():
        print(f"{name:10} {(kind.__doc__ or '').strip().splitlines()[0]}")
        print(" " * 11 + ", ".join(f"{f.name}={getattr(kind(), f.name)!r}" for f in fields(kind)))  # type: ignore[arg-type]


def lab(notebooks: Path = Path("notebooks")) -> None:
    """Open the notebooks in JupyterLab."""
    if not notebooks.is_dir():
        raise ValueError(f"no folder {notebooks} here; name it: wddkit lab --notebooks PATH")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebooks.resolve()}"]
    sys.exit(subprocess.call(command))


def config_of(run: Run) -> Any:
    """The config that the options describe."""
    from wddkit.config import Config
    from wddkit.methods import METHODS

    if run.config is not None:
        config = Config.load(run.config)
    else:
        if run.method not in METHODS:
            raise codec.unknown("method", run.method, METHODS)
        config = Config(dataset=run.dataset, method=METHODS[run.method](ipc=run.ipc), seed=run.seed)  # type: ignore[call-arg]
    for assignment in run.set:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set {assignment}: expected field=value")
        config = codec.change(config, name, _value(text))
    return config


def _with_protocols(config: Any, run: Run, split: Any) -> Any:
    from wddkit.config import recipe_protocols

    return replace(config, protocols=recipe_protocols(config, split=split, labels=run.labels, students=run.students))


def show(history: Any) -> None:
    """Prints the table of a run: accuracy, interval, label regime, bytes, squared W2, seconds a stage."""
    frame = history.results
    print(
        f"\n{'set':16} {'labels':7} {'accuracy':>9} {'95 % interval':>16} "
        f"{'bytes':>11} {'W2^2 train':>11} {'held-out':>9}"
    )
    for row in frame.itertuples():
        distances = [f"{v:.3f}" if v is not None and v == v else "-" for v in (row.w2_squared, row.w2_squared_heldout)]
        print(
            f"{row.set:16} {row.labels:7} {row.accuracy:7.2f} % {row.low:7.2f} -{row.high:6.2f} "
            f"{row.bytes:11,} {distances[0]:>11} {distances[1]:>9}"
        )
    stages = {e["name"]: e["seconds"] for e in history.events if e["event"] == "stage"}
    print(
        "Intervals: over students of one synthesis. W2^2: squared Wasserstein distance of features, mean over classes."
    )
    print("Seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))


def _distilled(path: Path, classes: tuple[str, ...]) -> Any:
    from wddkit import DistilledSet, History

    if (path / "complete.json").exists():
        return History.load(path).distilled
    if (path / "card.json").exists():
        return DistilledSet.load(path)
    return DistilledSet.from_folder(path, classes=classes)


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "run": run,
    "compare": compare,
    "evaluate": evaluate,
    "explore": explore,
    "export": export,
    "runs": runs,
    "datasets": datasets,
    "methods": methods,
    "lab": lab,
}
