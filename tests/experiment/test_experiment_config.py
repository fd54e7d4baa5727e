"""A config is one value: written, read, changed, hashed, and completed by the recipe of its data set."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_toys import CONFIG, HARD, SOFT, TEACHER, arrays, run, start, toy_split

import wddkit as wdd
from wddkit.augment import Augment
from wddkit.config import recipe_protocols
from wddkit.methods import METHODS, SRe2L


@pytest.mark.parametrize("name", METHODS)
def test_a_config_comes_back_from_json_with_its_method_by_name(name: str) -> None:
    method = METHODS[name](ipc=3)  # type: ignore[call-arg]  # each has an ipc, which the Protocol cannot say
    config = replace(CONFIG, method=method, size=8, controls=("whole",), protocols=(HARD, SOFT), device="cpu")
    text = json.dumps(config.to_json())
    assert json.loads(text)["method"]["kind"] == name
    assert wdd.Config.from_json(json.loads(text)) == config


def test_a_config_of_defaults_is_an_empty_object() -> None:
    assert wdd.Config.from_json({}) == wdd.Config()
    assert wdd.Config.from_json({"method": {"kind": "sre2l"}}).method == SRe2L()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"metod": {}}, r"unknown field of config 'metod'\. Did you mean 'method'\?"),
        ({"method": {"kind": "wmd"}}, r"unknown config\.method 'wmd'\. Did you mean 'wmdd'\?"),
        (
            {"method": {"kind": "wmdd", "stepps": 3}},
            r"unknown field of config\.method 'stepps'\. Did you mean 'steps'\?",
        ),
        ({"method": "wmdd"}, r"config\.method: expected fields with 'kind', one of ccs, cda, dc"),
        ({"teacher": {"training": {"lr": "fast"}}}, r"config\.teacher\.training\.lr: expected float, got 'fast'"),
        ({"protocols": [{"labels": "softt"}]}, r"'softt'\. Did you mean 'soft'\?"),
        ([], r"config: expected the fields of Config, got \[\]"),
    ],
)
def test_a_field_that_is_not_known_is_named_with_the_nearest(data: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wdd.Config.from_json(data)  # type: ignore[arg-type]  # wrong on purpose


def test_a_config_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG.to_json()))
    assert wdd.Config.load(file) == CONFIG


def test_a_file_that_is_no_config_is_named(tmp_path: Path) -> None:
    for text, message in (("{", "Expecting property name"), ('{"sed": 1}', r"'sed'\. Did you mean 'seed'\?")):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ValueError, match=rf"x\.json: .*{message}"):
            wdd.Config.load(tmp_path / "x.json")
    with pytest.raises(ValueError, match=r"nowhere: expected a JSON config or a run folder"):
        wdd.Config.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"config\.json: expected a JSON config or a run folder"):
        wdd.Config.load(tmp_path)


@pytest.mark.slow
def test_a_run_folder_gives_the_config_that_was_run(tmp_path: Path) -> None:
    config = replace(CONFIG, method=METHODS["random"](), protocols=(HARD,), controls=("nearest",))  # type: ignore[call-arg]  # as above
    path = run(tmp_path, config).path
    assert path is not None
    assert wdd.Config.load(path) == config
    assert run(tmp_path, wdd.Config.load(path)).path == path
    more = replace(config, protocols=(SOFT, HARD), controls=("random", "whole"))
    run(tmp_path, more)
    assert wdd.Config.load(path) == more


def test_a_dotted_field_is_changed_in_a_copy() -> None:
    changed = CONFIG.change(method__ipc=1, seed=4, teacher__training__steps=7)
    assert (changed.method.ipc, changed.seed) == (1, 4)
    assert changed.teacher == replace(TEACHER, training=replace(TEACHER.training, steps=7))
    assert CONFIG.method.ipc == 3
    assert changed.change(method=METHODS["dm"]()).method == METHODS["dm"]()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method__stepps": 3}, r"unknown field of WMDD 'stepps'\. Did you mean 'steps'\?"),
        ({"sed": 3}, r"unknown field of Config 'sed'\. Did you mean 'seed'\?"),
        ({"seed__x": 3}, r"cannot set 'seed\.x': a int has no fields"),
        ({"method__ipc": 1.5}, r"method\.ipc: expected int, got 1\.5"),
    ],
)
def test_a_change_of_what_is_not_there_is_an_error(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CONFIG.change(**fields)


def test_a_teacher_that_is_left_to_the_recipe_has_no_fields_yet() -> None:
    with pytest.raises(ValueError, match=r"cannot set 'teacher\.network\.width': the teacher is left to the recipe of"):
        wdd.Config().change(teacher__network__width=8)
    split = toy_split()
    changed = wdd.Config().resolved(split).change(teacher__network__width=8)
    assert changed.teacher is not None
    assert changed.teacher.network.width == 8


SAME = [
    {"protocols": None},
    {"controls": ()},
    {"device": "cpu"},
    {"method": replace(CONFIG.method, lr=CONFIG.method.lr * 1)},
]
OTHER = [
    {"method": replace(CONFIG.method, statistics_weight=0.5)},
    {"method": METHODS["sre2l"](ipc=3)},  # type: ignore[call-arg]  # as above
    {"teacher": replace(TEACHER, training=replace(TEACHER.training, steps=61))},
    {"seed": 1},
    {"split_seed": 1},
    {"teacher_seed": 1},
    {"precision": "float64"},
    {"snapshots": 9},
]


@pytest.mark.parametrize("fields", SAME, ids=str)
def test_what_decides_only_accuracies_does_not_change_the_hash(fields: dict[str, object]) -> None:
    split = toy_split()
    assert replace(CONFIG, **fields).run_hash(split) == CONFIG.run_hash(split)


@pytest.mark.parametrize("fields", OTHER, ids=lambda fields: next(iter(fields)))
def test_what_decides_the_distilled_set_changes_the_hash(fields: dict[str, object]) -> None:
    split = toy_split()
    assert replace(CONFIG, **fields).run_hash(split) != CONFIG.run_hash(split)


def test_other_data_change_the_hash_and_another_place_does_not() -> None:
    split = toy_split()
    images, labels = arrays()
    images[0, 0, 0, 0] ^= 1
    other = wdd.Split.from_arrays(images, labels, *arrays(60, seed=1), name="toy", val=0.15)
    assert CONFIG.run_hash(other) != CONFIG.run_hash(split)
    assert replace(CONFIG, dataset="elsewhere").run_hash(split) == CONFIG.run_hash(split)


def test_one_and_one_point_nought_are_the_same_run() -> None:
    split = toy_split()
    a, b = (replace(CONFIG, method=replace(CONFIG.method, statistics_weight=value)) for value in (1, 1.0))
    assert a.checked(split).run_name(split) == b.checked(split).run_name(split)


def hash_of_the_toy() -> str:
    return CONFIG.run_hash(toy_split())


@pytest.mark.slow
def test_a_hash_is_the_same_in_every_process(tmp_path: Path) -> None:
    # the other process has another seed for Python's own hashes
    assert start(tmp_path, hash_of_the_toy).end() == ("done", hash_of_the_toy())


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("npz:/some/place/my data.npz", "npz-some-place-my-data-npz"), ("folder:" + "x" * 90, "x" * 40), ("🦊", "data")],
)
def test_any_data_set_gives_a_name_that_a_folder_can_have(dataset: str, name: str) -> None:
    found = replace(CONFIG, dataset=dataset).run_name(toy_split())
    assert found == f"{name}-wmdd-3-{CONFIG.run_hash(toy_split())[:8]}"


@pytest.mark.parametrize(
    ("dataset", "flip"),
    [("digits", 0.0), ("mnist", 0.0), ("kmnist", 0.0), ("fashion-mnist", 0.5), ("cifar10", 0.5), ("folder:x", 0.5)],
)
def test_a_recipe_mirrors_images_but_not_those_that_a_mirror_makes_another_class(dataset: str, flip: float) -> None:
    known = wdd.Config(dataset=dataset).resolved(toy_split())
    assert known.teacher is not None
    assert known.protocols is not None
    augments = [known.teacher.training.augment, *(protocol.training.augment for protocol in known.protocols)]
    assert [augment.flip for augment in augments] == [flip] * len(augments)


def test_a_recipe_fills_in_only_what_is_left_open() -> None:
    split = toy_split()
    assert CONFIG.resolved(split) == CONFIG
    known = replace(CONFIG, teacher=None).resolved(split)
    assert known.protocols == CONFIG.protocols
    assert known.teacher not in (None, TEACHER)
    assert known.resolved(split) == known


def test_protocols_are_changed_in_regime_and_students() -> None:
    split = toy_split()
    assert recipe_protocols(CONFIG, split=split) == CONFIG.protocols
    found = recipe_protocols(CONFIG, split=split, labels=("soft", "online"), students=7)
    assert found == (replace(HARD, labels="soft", students=7), replace(HARD, labels="online", students=7))
    with pytest.raises(ValueError, match=r"'hrad'\. Did you mean 'hard'\?"):
        recipe_protocols(CONFIG, split=split, labels=("hrad",))


def test_checking_reads_numbers_as_a_file_would_hold_them() -> None:
    split = toy_split()
    loose = replace(CONFIG, teacher=replace(TEACHER, training=replace(TEACHER.training, augment=Augment(crop=[1, 1]))))
    assert loose.checked(split) == CONFIG
    assert np.iterable(loose.checked(split).teacher.training.augment.crop)  # type: ignore[union-attr]  # resolved: not None
