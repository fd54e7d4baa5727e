"""Any distilled set is evaluated alike: ours, saved and read again, or made elsewhere."""

import html.parser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiment_toys import CLASSES, CONFIG, HARD, NETWORK, ONLINE, SOFT, TEACHER, arrays, run, start, toy_split
from PIL import Image
from scipy import stats

import wddkit as wdd
from wddkit.experiment import task_of
from wddkit.methods import KIP, WMDD, Tiled
from wddkit.nets import size_bytes

VIEWS = replace(HARD, labels="views", views=3)
REGIMES = (HARD, SOFT, VIEWS, ONLINE)
CASES = {"wmdd": WMDD(ipc=2, steps=6), "kip": KIP(ipc=2, steps=3), "tiled": Tiled(2, factor=2)}


def evaluate(distilled: wdd.DistilledSet, protocol: wdd.Protocol | str, **options: object) -> wdd.Evaluation:
    return wdd.evaluate(distilled, toy_split(), protocol, **{"teacher": TEACHER, "progress": False, **options})


def evaluate_saved(folder: Path, seed: int) -> list[tuple[object, ...]]:
    """What a fresh process finds of a set that was saved."""
    distilled = wdd.DistilledSet.load(folder)
    found = [evaluate(distilled, protocol, seed=seed) for protocol in REGIMES]
    return [(each.accuracies, each.w2_squared, each.w2_squared_heldout, each.bytes) for each in found]


@pytest.fixture(scope="module")
def distilled() -> wdd.DistilledSet:
    images, labels = arrays(12, seed=4)
    return wdd.DistilledSet.from_arrays(images, labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "cached"),
    [("wmdd", True), ("wmdd", False), ("tiled", False), pytest.param("kip", False, marks=pytest.mark.slow)],
)
def test_a_set_read_again_in_a_fresh_process_reaches_the_recorded_accuracies(
    method: str, cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WDDKIT_CACHE", str(tmp_path / "cache"))
    config = replace(CONFIG, method=CASES[method], protocols=REGIMES, controls=(), seed=3)
    history = run(tmp_path, config)
    history.distilled.save(tmp_path / "saved")
    cache = tmp_path / ("cache" if cached else "another cache")
    ended, found = start(cache, evaluate_saved, tmp_path / "saved", 3).end()
    assert ended == "done", found
    columns = ["accuracies", "w2_squared", "w2_squared_heldout", "bytes"]
    expected = history.results.set_index("protocol")[columns].loc[[p.labels for p in REGIMES]]
    assert found == [*expected.itertuples(index=False, name=None)]


def test_an_evaluation_has_accuracies_their_mean_and_interval(distilled: wdd.DistilledSet) -> None:
    found = evaluate(distilled, HARD, students=4)
    assert len(found.accuracies) == 4
    assert len(set(found.accuracies)) > 1
    assert float(found) == found.accuracy == pytest.approx(np.mean(found.accuracies))
    expected = stats.ttest_1samp(found.accuracies, 0).confidence_interval(0.95)
    np.testing.assert_allclose(found.interval, expected, rtol=1e-9)
    for accuracy, student in zip(found.accuracies, found.students, strict=True):
        assert np.mean(student.per_class) == pytest.approx(accuracy)  # as many test images of every class


def test_one_student_has_no_interval(distilled: wdd.DistilledSet) -> None:
    found = evaluate(distilled, HARD, students=1)
    assert np.isnan(found.interval).all()
    assert "(one student)" in repr(found)


@pytest.mark.parametrize("protocol", REGIMES, ids=lambda protocol: protocol.labels)
def test_bytes_are_images_labels_and_what_a_student_needs_beside_them(
    protocol: wdd.Protocol, distilled: wdd.DistilledSet
) -> None:
    n, images = 12, 12 * 64
    labels = {
        "hard": n,
        "soft": n * CLASSES * 2,
        "views": n * 3 * (CLASSES * 2 + 8 * 4),
        "online": size_bytes(task_of(CONFIG, toy_split()).teacher()),
    }
    assert evaluate(distilled, protocol).bytes == images + labels[protocol.labels]


@pytest.mark.slow
def test_a_label_regime_by_name_is_the_recipe_under_that_regime(distilled: wdd.DistilledSet) -> None:
    found = evaluate(distilled, "hard", students=1)
    recipe = wdd.Config(dataset="toy").resolved(toy_split()).protocols
    assert recipe is not None
    assert found.protocol == replace(recipe[0], labels="hard", students=1)
    assert found.accuracies == evaluate(distilled, found.protocol).accuracies


def test_a_first_student_is_the_same_however_many_follow(distilled: wdd.DistilledSet) -> None:
    assert evaluate(distilled, HARD, students=3).accuracies[:1] == evaluate(distilled, HARD, students=1).accuracies
    assert evaluate(distilled, HARD, seed=1).accuracies != evaluate(distilled, HARD).accuracies


def test_students_that_are_known_are_not_trained_again(
    distilled: wdd.DistilledSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(distilled, HARD)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("wddkit.evaluation.train_student", refuse)
    again = evaluate(distilled, HARD, name="by another name")
    assert (again.accuracies, again.seconds) == (first.accuracies, first.seconds)
    with pytest.raises(AssertionError, match="trained again"):
        evaluate(wdd.DistilledSet.from_arrays(distilled.images[::-1], distilled.labels[::-1]), HARD)


def test_a_folder_of_images_made_elsewhere_is_evaluated_like_the_arrays_it_shows(
    distilled: wdd.DistilledSet, tmp_path: Path
) -> None:
    order = np.argsort(distilled.labels, kind="stable")
    for i in order:
        folder = tmp_path / str(distilled.labels[i])
        folder.mkdir(exist_ok=True)
        Image.fromarray(distilled.images[i, 0]).save(folder / f"{i:02d}.png")
    read = wdd.DistilledSet.from_folder(tmp_path, classes=distilled.classes)
    same = wdd.DistilledSet.from_arrays(distilled.images[order], distilled.labels[order])
    assert evaluate(read, ONLINE).accuracies == evaluate(same, ONLINE).accuracies


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"classes": ("0", "1", "3", "2")},
            r"class 2 is '3' in the distilled set but '2' in toy; the names are the sam",
        ),
        ({"classes": tuple("0123x")}, r"the distilled set has 5, but toy has 4"),
        ({"images": np.zeros((12, 3, 8, 8), np.uint8)}, r"the distilled set is RGB but toy is grey"),
        ({"images": np.zeros((12, 1, 6, 6), np.uint8)}, r"distilled images are 6 x 6 but those of toy are 8 x 8; load"),
        ({"normalisation": ((0.5,), (0.5,))}, r"normalisation: the distilled set declares mean \(0\.5,\), but that of"),
    ],
)
def test_a_set_that_does_not_fit_the_real_one_is_refused(
    options: dict[str, object], message: str, distilled: wdd.DistilledSet
) -> None:
    fields = {"images": distilled.images, "labels": distilled.labels, **options}
    foreign = wdd.DistilledSet.from_arrays(fields.pop("images"), fields.pop("labels"), **fields)
    with pytest.raises(ValueError, match=message):
        evaluate(foreign, HARD)


def test_a_protocol_that_cannot_be_is_refused_before_the_teacher_is_trained(distilled: wdd.DistilledSet) -> None:
    with pytest.raises(ValueError, match=r"'onlin'\. Did you mean 'online'\?"):
        evaluate(distilled, "onlin")
    with pytest.raises(ValueError, match=r"unknown network 'convnett'"):
        evaluate(distilled, replace(HARD, network=replace(NETWORK, name="convnett")))
    with pytest.raises(ValueError, match="students of at least 1"):
        evaluate(distilled, HARD, students=0)


class Cells(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.cells.append(data)


def test_an_evaluation_shows_what_one_wants_to_know(distilled: wdd.DistilledSet) -> None:
    found = evaluate(distilled, HARD, name="mine <b>")
    low, high = found.interval
    accuracy = f"{found.accuracy:.2f} % ({low:.2f} to {high:.2f}, 95 % over students)"
    students = ", ".join(f"{value:.2f}" for value in found.accuracies)
    assert repr(found) == f"Evaluation(mine <b>: accuracy {accuracy}, students {students}, labels hard, bytes 780)"
    assert Cells(found._repr_html_()).cells == [
        "set", "mine <b>", "accuracy", accuracy, "students", students, "labels", "hard", "bytes", "780"
    ]  # fmt: skip
