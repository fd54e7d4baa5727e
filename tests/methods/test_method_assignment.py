"""Which support point each recorded real image goes to, as methods record it."""

from dataclasses import replace

import numpy as np
import pytest
from method_toys import TEACHER, coloured, grey, plain, run, task_of

import wddkit as wdd
from wddkit.history import real_each
from wddkit.methods import Context
from wddkit.methods.targets import targets
from wddkit.ot import barycenter_steps


@pytest.mark.parametrize("masses", ["free", "uniform"])
def test_the_assignment_is_that_of_the_plan_at_every_step(masses, task):
    context = Context(seed=5)
    found = targets(task, context, ipc=3, masses=masses)
    for c, real in enumerate(task.measures()):
        way = barycenter_steps(real, m=3, masses=masses, seed=context.stream("barycenter") + c)
        for t, step in enumerate(way):
            n = len(real)
            points, shares = (found.steps[c][name][t] for name in ("assignment", "assignment_share"))
            assert (points.dtype, shares.dtype) == (np.int32, np.float32)
            largest = step.plan.max(axis=0) * n
            np.testing.assert_allclose(step.plan[points, np.arange(n)] * n, largest, rtol=1e-6)
            np.testing.assert_allclose(shares, largest, rtol=1e-6)
            assert masses == "uniform" or (shares == 1).all()  # k-means: every image goes to one support point


def test_as_many_images_have_an_assignment_as_are_recorded(tmp_path):
    split = grey()
    task = task_of(split, tmp_path)
    each = real_each(10)
    assert each == 100
    for s in run(plain(ipc=2, steps=1), task)[:10]:
        n = len(task.train.of_class(s.block))
        assert s.arrays["assignment"].shape == (s.step + 1, min(n, each))


@pytest.mark.parametrize(("classes", "each"), [(1, 1000), (3, 333), (10, 100), (1000, 1), (2000, 1)])
def test_a_thousand_real_images_are_shared_among_the_classes(classes, each):
    assert real_each(classes) == each


def test_in_a_run_the_assignment_is_of_the_real_images_that_it_recorded(tmp_path):
    training = wdd.Training(steps=10, batch=16)
    protocol = wdd.Protocol("hard", network=TEACHER.network, training=training, students=1)
    config = wdd.Config(
        dataset="toy", method=plain(ipc=3, steps=2), teacher=TEACHER, protocols=(protocol,), controls=(), snapshots=2
    )
    history = wdd.run(config, split=replace(coloured(), name="toy"), out=tmp_path, progress=False)
    for c, arrays in history.barycenters.items():
        z = history.real.features[history.real.labels == c].astype(float)
        squared = ((z[:, None] - arrays["support"][-1]) ** 2).sum(axis=2)
        assert arrays["assignment"].shape == (len(arrays["value"]), len(z))
        # The cells of k-means; features were recorded in half precision, so that borders may move a little.
        given = squared[np.arange(len(z)), arrays["assignment"][-1]]
        assert (given <= squared.min(axis=1) * 1.02 + 1e-6).all()
    told = {event["event"]: event for event in history.events}
    assert told["asked"]["classes"] == list(coloured().classes)
    assert len(told["layers"]["names"]) == len(history.arrays(-1)[0]["statistics_error"])
