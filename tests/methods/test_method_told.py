"""Passes of the teacher over many images are told batch by batch, and change nothing."""

import numpy as np
import pytest
from method_toys import TEACHER, coloured, task_of

from wddkit.methods import base
from wddkit.stages.statistics import class_statistics
from wddkit.stages.teacher import features


@pytest.mark.parametrize("many", [10, 10_000])
def test_features_and_statistics_of_many_images_tell_how_far_they_are(many, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "_MANY", many)
    split, told = coloured(train=700), []
    task = task_of(split, tmp_path, tick=lambda *what: told.append(what[:3]))
    assert task.features.shape == (len(split.train), task.teacher().features)
    statistics = task.statistics()
    n = len(split.train)
    ways = [(name, min(500 * i, n), n) for name in ("features", "statistics") for i in range(1, -(-n // 500) + 1)]
    assert [what for what in told if what[0] != "squeeze"] == (ways if many < n else [])
    plain = task.teacher()
    np.testing.assert_array_equal(task.features, features(plain, split.train.images).astype(np.float32))
    expected = class_statistics(plain, split.train.images, split.train.labels, classes=len(split.classes))
    for name, moments in expected.items():
        np.testing.assert_array_equal(statistics[name].mean, moments.mean)
        np.testing.assert_array_equal(statistics[name].variance, moments.variance)
    assert len(told) == TEACHER.training.steps + (len(ways) if many < n else 0)  # nobody counts any more


def test_whoever_is_told_may_end_it(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "_MANY", 10)

    def tick(stage, done, *_):
        if stage == "features":
            raise KeyboardInterrupt

    task = task_of(coloured(), tmp_path, tick=tick)
    with pytest.raises(KeyboardInterrupt):
        _ = task.features
    assert not task.teacher().backbone._forward_hooks
