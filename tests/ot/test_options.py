"""What is no number, no yes or no, or no object where one is asked for: a ValueError that names it."""

import numpy as np
import pytest
import torch

from wddkit.ot import (
    Bundle,
    KMeans,
    Lloyd,
    Newton,
    Official,
    Sinkhorn,
    Subgradient,
    barycenter,
    barycenter_steps,
    otdd,
    partial,
)

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:15] + 1


@pytest.mark.parametrize(
    ("solver", "masses", "message"),
    [
        (Lloyd(restarts=1.5), "free", "restarts of lloyd: expected a whole number of at least 1, got 1.5"),
        (Lloyd(steps=None), "free", "steps of lloyd: expected a whole number of at least 1, got None"),
        (Lloyd(restarts=True), "free", "restarts of lloyd: expected a whole number of at least 1, got True"),
        (KMeans(steps=1.5), "free", "steps of kmeans: expected a whole number of at least 1, got 1.5"),
        (KMeans(restarts="few"), "free", "restarts of kmeans: expected a whole number of at least 1, got 'few'"),
        (KMeans(hartigan="no"), "free", "hartigan of kmeans: expected True or False, got 'no'"),
        (Bundle(cuts=1.5), "free", "cuts of bundle: expected a whole number of at least 0, got 1.5"),
        (Bundle(gap="x"), "free", r"gap of bundle, a share of the value: expected a number in \[1e-06, 1\), got 'x'"),
        (Bundle(rest=None), "free", r"rest of bundle: expected a number in \[0, 1\), got None"),
        (Subgradient(rounds=2.5), "free", "rounds of subgradient: expected a whole number of at least 1, got 2.5"),
        (Subgradient(eta=np.inf), "free", "eta of subgradient: expected a positive finite number, got inf"),
        (Official(rounds=1.5), "free", "rounds of official: expected a whole number of at least 1, got 1.5"),
        (Official(theta="half"), "free", r"theta of official: expected a number in \(0, 1\], got 'half'"),
        (Sinkhorn(steps=1.5), "uniform", "steps of sinkhorn: expected a whole number of at least 1, got 1.5"),
        (Sinkhorn(epsilon="x"), "uniform", "epsilon of sinkhorn: expected a positive finite number, got 'x'"),
        (Newton(steps=1.5), "uniform", "newton: steps: expected a whole number of at least 1, got 1.5"),
        (Newton(polish="no"), "uniform", "polish of newton: expected True or False, got 'no'"),
        (Newton(swaps=1), "uniform", "swaps of newton: expected True or False, got 1"),
        (Lloyd, "free", "solver: expected auto, lloyd, .*, or a solver's object, got <class"),
        (3, "free", "solver: expected auto, lloyd, .*, or a solver's object, got 3"),
    ],
)
def test_options_of_solvers_that_are_none_are_refused_at_the_call(solver, masses, message):
    with pytest.raises(ValueError, match=message):
        barycenter_steps(X, m=2, masses=masses, solver=solver)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trim": True}, r"trim: expected the share of the data's mass to leave out, in \[0, 1\), got True"),
        ({"trim": "some"}, "trim: expected the share of the data's mass to leave out, .* got 'some'"),
        ({"m": 2.0}, "m: expected a whole number of at least 1, got 2.0"),
    ],
)
def test_questions_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        barycenter(X, **({"m": 2} | options))


@pytest.mark.parametrize("trim", [np.float32(0.1), np.float64(0.1), 0])
def test_numbers_of_numpy_are_numbers(trim):
    assert barycenter(X, m=2, trim=trim, seed=np.int64(0)).value > 0


def test_lists_of_lists_of_rows_are_told_apart_from_points():
    for lists in ([X.tolist(), Y.tolist()], [X.tolist(), X.tolist()]):
        with pytest.raises(
            ValueError, match=r"points: lists of lists of rows; give one array .* a list of arrays: \[np"
        ):
            barycenter(lists, m=2)
    assert barycenter(X.tolist(), m=2).value == barycenter(X, m=2).value
    assert len(barycenter([X, Y], m=2).plans) == 2


def test_true_is_no_mass():
    with pytest.raises(ValueError, match="mass: expected the share of the mass to carry, from 1e-09 to 1, got True"):
        partial(X, Y, mass=True)


@pytest.mark.parametrize(
    "labels",
    [torch.zeros(20, dtype=torch.bfloat16), torch.zeros(20, requires_grad=True), torch.zeros(20, device="meta")],
)
def test_tensors_that_are_no_arrays_are_no_labels(labels):
    with pytest.raises(ValueError, match="labels_b: expected one number or string for each point; "):
        otdd(X, np.zeros(20), X, labels)
    assert otdd(X, torch.zeros(20), X, torch.zeros(20, dtype=torch.int64)).value < 1e-25
