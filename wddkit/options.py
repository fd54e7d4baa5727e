"""The options of the command `wddkit`, and the config that they describe."""

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import tyro

from wddkit import codec

# Options that take several values, and how one is given.
EXAMPLES = {
    "--set": "method.steps=500",
    "--labels": "hard",
    "--grid": "method.ipc=1,10",
    "--sets": "theirs=made/by/them",
}

Folder: TypeAlias = Annotated[Path, tyro.conf.arg(help="folder that runs are kept in")]
Quiet: TypeAlias = Annotated[bool, tyro.conf.arg(help="no progress bars")]


def option(help_: str, default: str, metavar: str | None = None) -> Any:
    """Help of an option that has no value of its own, with what then holds."""
    return tyro.conf.arg(help=help_, help_behavior_hint=f"(default: {default})", metavar=metavar)


@dataclass(frozen=True)
class Run:
    """What is to be run; everything left out comes from --config, the config's defaults and the data set's recipe."""

    dataset: Annotated[
        str | None, option("a data set (see `wddkit datasets`), npz:FILE or folder:PATH", "digits", "NAME")
    ] = None
    method: Annotated[str | None, option("a method (see `wddkit methods`)", "wmdd", "NAME")] = None
    ipc: Annotated[int | None, option("stored images per class", "10", "INT")] = None
    seed: Annotated[int | None, option("seed of the synthesis", "0", "INT")] = None
    set: Annotated[
        tuple[str, ...],
        option("other fields by their dotted names: method.steps=500 teacher_seed=1", "none", "FIELD=VALUE [...]"),
    ] = ()
    labels: Annotated[
        tuple[str, ...],
        option(
            "protocols to evaluate under: hard, soft, views, online (what labels students get), dsa (hard, as DC and "
            "DSA test); any of them on another network: hard@resnet-small",
            "the recipe's",
            "NAME [...]",
        ),
    ] = ()
    students: Annotated[int | None, option("students a row", "the recipe's", "INT")] = None
    config: Annotated[Path | None, option("a JSON config, or a run folder, to start from", "none", "PATH")] = None
    out: Folder = Path("runs")
    quiet: Quiet = False
    dry_run: Annotated[bool, tyro.conf.arg(help="only tell time, memory, disk and label bytes")] = False


def job_of(run: Run, split: Any = None) -> tuple[Any, Any]:
    """The config that the options describe, and its data set unless that is given."""
    from wddkit.config import change_field, recipe_protocols
    from wddkit.experiment import load_split

    config = config_of(run)
    split = split or load_split(config)
    for field, value in _assignments(run.set):
        if field.startswith("teacher."):
            config = change_field(config if config.teacher else config.resolved(split), field, value)
    protocols = recipe_protocols(config, split=split, labels=run.labels, students=run.students)
    return replace(config, protocols=protocols), split


def config_of(run: Run) -> Any:
    """The config that the options describe, but for a teacher that the data set's recipe has yet to give."""
    from wddkit.config import Config, change_field, method_name
    from wddkit.methods import METHODS

    config = Config.load(run.config) if run.config else Config()
    if run.method is not None and run.method not in METHODS:
        raise codec.unknown("method", run.method, METHODS)
    if run.method is not None and run.method != method_name(config.method):
        config = replace(config, method=METHODS[run.method](ipc=config.method.ipc))  # type: ignore[call-arg]  # all have it
    options = {"method.ipc": run.ipc, "dataset": run.dataset, "seed": run.seed}
    given = [(field, value) for field, value in options.items() if value is not None]
    for field, value in [*given, *_assignments(run.set)]:
        if field == "method":
            raise ValueError(
                f"--set method={value}: expected a field of the method; the method itself is --method NAME"
            )
        if not field.startswith("teacher."):
            config = change_field(config, field, value)
    return config


def settings_of(settings: tuple[str, ...], name: str, among: tuple[str, ...]) -> tuple[str, ...]:
    """Those --set of several methods that are one method's: its own fields, and all that is not a method's."""
    from wddkit.methods import METHODS

    own = {method: set(getattr(METHODS.get(method), "__dataclass_fields__", ())) for method in among}
    kept = []
    for setting in settings:
        head, _, field = setting.partition("=")[0].partition(".")
        field = field.partition(".")[0]
        if head == "method" and field not in set.union(*own.values()):
            raise codec.unknown(f"field of {', '.join(among)}", field, set.union(*own.values()))
        if head != "method" or field in own[name]:
            kept.append(setting)
    return tuple(kept)


def grid_of(settings: tuple[str, ...]) -> dict[str, list[object]]:
    """Values by field: FIELD=V,W or, for values with commas in them, FIELD=[V, W] as JSON."""
    found: dict[str, list[object]] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not text:
            raise ValueError(f"--grid {setting}: expected FIELD=VALUE,VALUE, such as method.ipc=1,10")
        values = _value(text) if text.startswith("[") else [_value(each) for each in text.split(",")]
        if name in found:
            raise ValueError(f"--grid {name} is given twice; name all its values at once")
        found[name] = values if isinstance(values, list) else [values]
    return found


def _assignments(settings: tuple[str, ...]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set {setting}: expected FIELD=VALUE, such as method.steps=500")
        found.append((name, _value(text)))
    return found


def _value(text: str) -> object:
    """JSON, or a Python literal such as (0.1, 0.03) or None; what is neither is a string."""
    readers: tuple[Callable[[str], object], ...] = (json.loads, ast.literal_eval)
    for read in readers:
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError):
            continue
    return text


def gathered(arguments: list[str], name: str, example: str) -> list[str]:
    """The arguments with the option of this name once, before all of its values: given twice, the last would win.

    Raises ValueError for one without a value.
    """
    for argument, after in zip(arguments, [*arguments[1:], "--"], strict=False):
        if argument == name and after.startswith("-") and not {"-h", "--help"} & {*arguments}:
            raise ValueError(f"{name}: expected a value after it, such as {name} {example}")
    values: list[str] = []
    others: list[str] = []
    takes = False
    for argument in arguments:
        takes = argument == name or (takes and not argument.startswith("-"))
        if not takes:
            others.append(argument)
        elif argument != name:
            values.append(argument)
    return [*others, name, *values] if values else arguments
