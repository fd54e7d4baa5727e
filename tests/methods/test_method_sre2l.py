"""SRe2L: the same recovery, drawn to labels and to the moments of all classes together."""

import numpy as np
import pytest
import torch
from method_toys import answer, coloured, run, small, task_of

from wddkit.methods import WMDD, SRe2L
from wddkit.nets import Network
from wddkit.stages.recover import to_normalised
from wddkit.stages.teacher import Teacher
from wddkit.stages.training import Training, accuracy


def test_no_barycenter_is_computed(tmp_path):
    task = task_of(coloured(), tmp_path)
    snapshots = run(small("sre2l"), task)
    assert {s.phase for s in snapshots} == {"recover"}
    assert not (tmp_path / "barycenters").exists()
    assert "gap" not in snapshots[-1].arrays
    assert snapshots[-1].distilled.masses.tolist() == [0.5] * 6


def test_a_nearest_start_asks_for_the_barycenter_but_keeps_masses_uniform(task):
    snapshots = run(small("sre2l", start="nearest"), task)
    assert snapshots[0].phase == "barycenter"
    assert snapshots[-1].distilled.masses.tolist() == [0.5] * 6


def test_the_teacher_comes_to_see_the_labels_in_noise(kept):
    better = Teacher(Network(width=8, depth=2), Training(steps=100, batch=24, lr=1e-2))
    task = task_of(coloured(), kept, teacher_config=better)
    snapshots = run(SRe2L(ipc=4, steps=60, statistics_weight=0.0), task)
    seen = [accuracy(task.teacher(), s.distilled.images, s.distilled.labels) for s in (snapshots[0], snapshots[-1])]
    assert seen[0] < 60
    assert seen[1] == 100


def test_the_first_loss_is_the_cross_entropy_and_the_distance_to_the_moments_of_all_training_images(task):
    method = SRe2L(ipc=4, steps=1)
    start, after = run(method, task)
    net, inputs = task.teacher(), {}
    for name in ("norm1", "norm2"):  # inputs of the layers, real and synthetic
        getattr(net.backbone, name).register_forward_pre_hook(lambda _, x, name=name: inputs.update({name: x[0]}))
    net.backbone(to_normalised(net, task.train.images))
    real = {name: x.double() for name, x in inputs.items()}
    u = torch.from_numpy(start.state["u"])
    logits = net.head(net.backbone(u))
    for layer in net.backbone.modules():
        layer._forward_pre_hooks.clear()
    expected = 0.0
    for name, x in inputs.items():
        for moment in (lambda v: v.mean(dim=(0, 2, 3)), lambda v: v.var(dim=(0, 2, 3), correction=0)):
            expected += float((moment(x.double()) - moment(real[name])).norm())
    labels = torch.from_numpy(start.distilled.labels)
    cross_entropy = float(torch.nn.functional.cross_entropy(logits, labels))
    assert after.scalars["feature"] == pytest.approx(cross_entropy, rel=1e-5)
    assert after.scalars["statistics"] == pytest.approx(expected, rel=1e-4)
    assert after.scalars["loss"] == pytest.approx(cross_entropy + 0.01 * expected, rel=1e-5)


def test_it_is_wmdd_with_other_values(task):
    values = vars(SRe2L()) | {"ipc": 2, "steps": 4}
    as_wmdd, as_sre2l = (answer(kind(**values), task) for kind in (WMDD, SRe2L))
    np.testing.assert_array_equal(as_wmdd.images, as_sre2l.images)
    assert (as_wmdd.about, as_sre2l.about) == ({"method": "wmdd"}, {"method": "sre2l"})
