"""The loop that moves pixels: its steps, its resumption, its bounds and its knobs."""

import itertools
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wddkit.augment import Augment
from wddkit.stages.descent import Descent, descend

FREE = (torch.full((1, 1, 1, 1), -1e9), torch.full((1, 1, 1, 1), 1e9))
TIGHT = (torch.tensor([-1.0, -0.5]).view(1, 2, 1, 1), torch.tensor([1.0, 0.25]).view(1, 2, 1, 1))


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def bowl(u, step):
    """A loss whose bottom moves from step to step."""
    value = (u - noise(*u.shape, seed=step)).square().sum() + u.sin().sum()
    return {"loss": value, "twice": 2 * value}


def slope(u, step):
    """A loss of gradient one."""
    return {"loss": u.sum()}


def run(start, objective, descent, *, bounds=FREE, stops=None, **options):
    stops = frozenset(range(descent.steps + 1)) if stops is None else stops
    return list(
        descend(start, objective, descent, bounds=bounds, stops=stops, knobs=options.pop("knobs", {}), **options)
    )


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_adam_and_sgd_are_those_of_torch(schedule):
    for optimiser in ("adam", "sgd"):
        descent = Descent(steps=7, lr=0.1, optimiser=optimiser, betas=(0.6, 0.95), schedule=schedule)
        u = noise(2, 2, 3, 3).requires_grad_()
        theirs = (
            torch.optim.Adam([u], lr=0.1, betas=(0.6, 0.95))
            if optimiser == "adam"
            else torch.optim.SGD([u], lr=0.1, momentum=0.6)
        )
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, T_max=7)
        for step in range(7):
            theirs.zero_grad()
            bowl(u, step)["loss"].backward()
            theirs.step()
            if schedule == "cosine":
                rate.step()
        ours = run(noise(2, 2, 3, 3), bowl, descent)[-1].images
        torch.testing.assert_close(ours, u.detach(), rtol=1e-5, atol=1e-6)


def test_the_learning_rate_falls_by_a_cosine_or_stays():
    plain = {"optimiser": "sgd", "betas": (0.0, 0.9), "lr": 0.5}
    moved = [float(m.images) for m in run(torch.zeros(1, 1, 1, 1), slope, Descent(steps=8, **plain))]
    np.testing.assert_allclose(-np.diff(moved), [0.25 * (1 + math.cos(math.pi * i / 8)) for i in range(8)], atol=1e-7)
    moved = [
        float(m.images) for m in run(torch.zeros(1, 1, 1, 1), slope, Descent(steps=3, schedule="constant", **plain))
    ]
    np.testing.assert_allclose(-np.diff(moved), [0.5] * 3, atol=1e-7)


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_going_on_from_any_moment_gives_the_same_bits(optimiser, momentum, layout):
    descent = Descent(steps=6, lr=0.3, optimiser=optimiser, betas=(momentum, 0.9))
    start = noise(3, 2, 4, 5).to(memory_format=layout)
    whole = run(start, bowl, descent, bounds=TIGHT)
    assert [moment.step for moment in whole] == list(range(7))
    for moment in whole:
        rest = run(start, bowl, descent, bounds=TIGHT, state=moment.state)
        assert [other.step for other in rest] == list(range(moment.step + 1, 7))
        for other, same in zip(rest, whole[moment.step + 1 :], strict=True):
            assert torch.equal(other.images, same.images)
            assert other.scalars == same.scalars
            assert other.state.keys() == same.state.keys()
            assert all(np.array_equal(other.state[name], same.state[name]) for name in same.state)


def test_a_state_is_a_copy_and_goes_on_as_often_as_one_likes():
    descent = Descent(steps=4, lr=0.3)
    first = next(iter(descend(noise(1, 2, 3, 3), bowl, descent, bounds=TIGHT, stops=frozenset({2}), knobs={})))
    before = {name: value.copy() for name, value in first.state.items()}
    answers = [run(noise(1, 2, 3, 3, seed=9), bowl, descent, bounds=TIGHT, state=first.state)[-1] for _ in range(2)]
    assert torch.equal(answers[0].images, answers[1].images)
    assert all(np.array_equal(first.state[name], value) for name, value in before.items())


@settings(max_examples=20)
@given(st.sets(st.integers(0, 9)), st.integers(1, 8))
def test_moments_come_at_the_stops_alone_and_change_nothing(stops, steps):
    descent = Descent(steps=steps, lr=0.2)
    found = run(noise(1, 2, 3, 3), bowl, descent, stops=frozenset(stops))
    whole = run(noise(1, 2, 3, 3), bowl, descent)
    assert [moment.step for moment in found] == sorted(step for step in stops if step <= steps)
    assert all(torch.equal(moment.images, whole[moment.step].images) for moment in found)


def test_step_zero_is_the_start_which_stays_as_it_was():
    start = noise(2, 2, 3, 3)
    before = start.clone()
    found = run(start, bowl, Descent(steps=3))
    assert torch.equal(found[0].images, before)
    assert torch.equal(start, before)
    assert found[0].scalars == {}
    assert not found[-1].images.requires_grad
    assert not torch.equal(found[1].images, found[2].images)  # each moment keeps its own images


def test_scalars_are_the_terms_of_the_last_step():
    found = run(noise(2, 2, 3, 3), bowl, Descent(steps=3))
    for before, after in itertools.pairwise(found):
        assert after.scalars["loss"] == float(bowl(before.images, before.step)["loss"])
        assert after.scalars["twice"] == 2 * after.scalars["loss"]


@settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from(["adam", "sgd"]), st.floats(0.01, 100))
def test_pixels_stay_in_their_bounds(seed, optimiser, lr):
    start = noise(2, 2, 3, 3, seed=seed).clamp(*TIGHT)
    for moment in run(start, bowl, Descent(steps=4, lr=lr, optimiser=optimiser), bounds=TIGHT):
        assert (moment.images >= TIGHT[0]).all()
        assert (moment.images <= TIGHT[1]).all()


def test_a_knob_counts_from_the_next_step_on():
    descent = Descent(steps=6, lr=1.0, optimiser="sgd", betas=(0.0, 0.9), schedule="constant")
    knobs, at = {}, []
    stops = frozenset(range(7))
    for moment in descend(torch.zeros(1, 1, 1, 1), slope, descent, bounds=FREE, stops=stops, knobs=knobs):
        at.append(float(moment.images))
        if moment.step == 2:
            knobs["lr"] = 10.0
        if moment.step == 4:
            del knobs["lr"]
    assert -np.diff(at) == pytest.approx([1, 1, 10, 10, 1, 1])


def test_the_tick_is_told_every_step():
    told = []
    descent = Descent(steps=3)
    run(noise(1, 2, 3, 3), bowl, descent, stage="match", tick=lambda *what: told.append(what))
    assert [(stage, done, total) for stage, done, total, _ in told] == [("match", i, 3) for i in (1, 2, 3)]
    assert all(terms.keys() == {"loss", "twice"} for *_, terms in told)


def test_the_curriculum_takes_the_crop_of_each_step():
    augment = Augment(crop=(0.2, 0.8), shift=0.1)
    plain, schooled = Descent(steps=10, augment=augment), Descent(steps=10, augment=augment, curriculum=True)
    assert plain.augment_at(5) == augment
    assert [schooled.augment_at(step) for step in (0, 5, 10)] == [augment.at(p) for p in (0, 0.5, 1)]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"steps": 0}, "expected steps of at least 1 and lr above 0, got 0 and 0.02"),
        ({"lr": 0.0}, "expected steps of at least 1 and lr above 0, got 300 and 0.0"),
        ({"lr": math.nan}, "got 300 and nan"),
        ({"optimiser": "adamw"}, "unknown optimiser of descent 'adamw'. Did you mean 'adam'? Known: adam, sgd"),
        ({"schedule": "step"}, "unknown schedule of descent 'step'. Known: constant, cosine"),
    ],
)
def test_values_out_of_range_are_refused(bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Descent(**bad)
