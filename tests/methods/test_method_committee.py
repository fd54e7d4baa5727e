"""A committee: a teacher and networks of other ages, whose features stand side by side."""

import numpy as np
import pytest
import torch
from method_toys import EveryStep, answer, bits, plain, run

from wddkit.methods import WMDD, Context, Task
from wddkit.methods.targets import targets
from wddkit.nets import committee
from wddkit.ot import Measure, w2_squared
from wddkit.seeds import derive
from wddkit.stages.teacher import features, squeeze

SHARES = (0.5, 0.05)


@pytest.fixture(scope="module")
def joined(task: Task) -> Task:
    return task.with_committee(SHARES)


def test_members_features_stand_side_by_side_and_logits_are_their_mean(task, joined):
    members = [task.teacher(), *(joined._member(i).teacher() for i in range(2))]
    x = torch.from_numpy(task.train.images[:5]).float() / 255
    net = joined.teacher()
    torch.testing.assert_close(net.embed(x), torch.cat([member.embed(x) for member in members], dim=1))
    torch.testing.assert_close(net(x), torch.stack([member(x) for member in members]).mean(dim=0))
    assert joined.own_features == task.teacher().features == net.features // 3


def test_a_committee_of_one_is_the_network_itself(task):
    x = torch.from_numpy(task.train.images[:5]).float() / 255
    torch.testing.assert_close(committee([task.teacher()])(x), task.teacher()(x))


def test_a_member_is_trained_from_its_own_seed_for_its_share_of_the_steps(task, joined):
    member = joined._member(1)
    assert member.teacher_config.training.steps == 1  # a twentieth of 20
    again = squeeze(
        task.train,
        member.teacher_config,
        classes=3,
        normalisation=task.normalisation,
        seed=derive(task.teacher_seed, "committee", 1),
        device=task.device,
    )
    x = torch.from_numpy(task.train.images[:5]).float() / 255
    torch.testing.assert_close(member.teacher()(x), again.eval()(x))


def test_statistics_are_those_of_all_members(task, joined):
    own, all_ = task.statistics(), joined.statistics()
    assert len(all_) == 3 * len(own)
    for (_, alone), (_, among) in zip(own.items(), all_.items(), strict=False):  # the teacher's come first
        np.testing.assert_allclose(among.mean, alone.mean, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(among.variance, alone.variance, rtol=1e-4, atol=1e-6)


def test_the_barycenter_is_of_all_features_and_what_is_recorded_of_the_teachers_own(task, joined):
    found, d = targets(joined, Context(), ipc=3, masses="free"), task.teacher().features
    assert found.support.shape == (9, 3 * d)
    for c in range(3):
        own = slice(3 * c, 3 * c + 3)
        real = Measure.of(task.features[task.train.of_class(c)])
        assert found.steps[c]["support"].shape[2] == d
        value = w2_squared(Measure(found.support[own, :d], found.masses[own]), real)
        assert found.values[c] == pytest.approx(value, rel=1e-6)
        whole = w2_squared(Measure(found.support[own], found.masses[own]), joined.measures()[c])
        assert found.steps[c]["transport_cost"][-1] == pytest.approx(whole, rel=1e-6)


def test_recorded_features_are_the_teachers_own(task):
    last = run(plain(ipc=2, steps=2, committee=SHARES), task)[-1]
    expected = features(task.teacher(), last.distilled.images)
    np.testing.assert_allclose(last.arrays["features"], expected, rtol=2e-3, atol=2e-3)  # recorded in half precision


def test_images_come_nearer_to_what_all_members_see(task, joined):
    first, *_, last = (s for s in run(plain(ipc=2, steps=40, committee=SHARES), task) if s.phase == "recover")
    support = targets(joined, Context(), ipc=2, masses="free").support
    gaps = [((features(joined.teacher(), s.distilled.images) - support) ** 2).sum() for s in (first, last)]
    assert gaps[1] < 0.5 * gaps[0]


@pytest.mark.slow
def test_without_members_nothing_changes(task):
    assert task.with_committee(()) is task
    np.testing.assert_array_equal(answer(plain(committee=()), task).images, answer(plain(), task).images)
    assert (answer(plain(committee=SHARES), task).images != answer(plain(), task).images).any()


def test_an_interrupted_run_with_a_committee_ends_with_the_same_bits(task):
    method = plain(ipc=2, steps=6, committee=SHARES)
    whole = run(method, task)
    middle = next(s for s in whole if s.phase == "recover" and s.step == 3)
    *_, resumed = method.distill(task, EveryStep(), resume=middle.state)
    assert bits(resumed) == bits(whole[-1])


@pytest.mark.parametrize("shares", [(0.0,), (1.2,), (0.5, -1.0)])
def test_shares_outside_of_0_to_1_are_refused(shares):
    with pytest.raises(ValueError, match=r"committee: expected shares of the teacher's training in \(0, 1\], got"):
        WMDD(committee=shares)
