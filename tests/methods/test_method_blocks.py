"""The same images come out however the work is cut into blocks; draws are equal bit for bit."""

import numpy as np
import pytest
from method_toys import answer, plain, recovered, run

from wddkit.augment import Augment, draw
from wddkit.methods import SRe2L
from wddkit.stages import recover

AUGMENT = Augment(crop=(0.7, 1.0), shift=0.1, flip=0.5, jitter=0.2)
LAYOUTS = [2, 4, 100]  # a class, two classes, all classes


@pytest.mark.parametrize("start", ["noise", "nearest"])
@pytest.mark.parametrize("masses", ["free", "uniform"])
@pytest.mark.parametrize("form", ["normalised", "paper"])
def test_pixels_of_whole_classes_do_not_depend_on_the_block_size(form, masses, start, task):
    ways = [
        run(
            plain(ipc=2, steps=8, form=form, masses=masses, start=start, augment=AUGMENT, block=block),
            task,
            precision="float64",
        )
        for block in LAYOUTS
    ]
    assert [max(s.block for s in way if s.phase == "recover") for way in ways] == [2, 1, 0]
    for other in ways[1:]:
        for step in (0, 1, 4, 7):
            np.testing.assert_allclose(recovered(other, step), recovered(ways[0], step), atol=1e-6, rtol=0)
        np.testing.assert_array_equal(other[-1].distilled.images, ways[0][-1].distilled.images)


@pytest.mark.parametrize(
    "options",
    [
        {"target": "logits"},
        {"target": "logits", "form": "paper"},
        {"statistics": "none"},
        {"cross_entropy": 0.5},
        {"cross_entropy": 0.5, "form": "paper"},
    ],
)
def test_the_block_size_is_free_with_other_targets_and_terms_too(options, task):
    ways = [run(plain(ipc=2, steps=5, block=block, **options), task, precision="float64") for block in LAYOUTS]
    for other in ways[1:]:
        np.testing.assert_allclose(recovered(other, 4), recovered(ways[0], 4), atol=1e-6, rtol=0)


def test_the_official_form_depends_on_the_block_as_its_norm_over_the_batch_does(task):
    one, all_classes = (
        run(plain(ipc=2, steps=8, form="official", block=block), task, precision="float64") for block in (2, 100)
    )
    assert np.abs(recovered(one, 7) - recovered(all_classes, 7)).max() > 1e-3


@pytest.mark.parametrize("start", ["noise", "real", "nearest"])
@pytest.mark.parametrize("blocks", ["by_class", "by_index"])
def test_starts_are_equal_bit_for_bit_whatever_the_blocks(blocks, start, task):
    for precision in ("float32", "float64"):
        first, second = (
            recovered(run(plain(ipc=4, steps=1, start=start, blocks=b, block=block), task, precision=precision), 0)
            for b, block in (("by_class", 100), (blocks, 4))
        )
        assert first.tobytes() == second.tobytes()


def test_a_class_starts_from_the_same_noise_whatever_classes_stand_beside_it_and_however_many_images(task):
    few, many = (recovered(run(plain(ipc=ipc, steps=1, start="noise"), task), 0) for ipc in (2, 3))
    assert few.reshape(3, 2, -1).tobytes() == many.reshape(3, 3, -1)[:, :2].tobytes()


def test_views_are_equal_bit_for_bit_whatever_the_blocks(task, monkeypatch):
    def drawn(**options):
        found = {}

        def note(augment, positions, *, key):
            parameters = draw(augment, positions, key=key)
            found.update({(key, int(p)): row.tobytes() for p, row in zip(positions, parameters, strict=True)})
            return parameters

        with monkeypatch.context() as patch:
            patch.setattr(recover, "draw", note)
            run(plain(ipc=4, steps=3, augment=AUGMENT, **options), task)
        return found

    whole = drawn()
    assert len(whole) == len(set(whole.values())) == 3 * 12  # a view of its own for each step and image
    for options in ({"block": 4}, {"block": 8}, {"block": 3, "blocks": "by_index"}, {"block": 6, "blocks": "by_index"}):
        assert drawn(**options) == whole


def test_all_images_of_a_step_share_a_view_where_the_augmentation_says_so(task, monkeypatch):
    found = []
    monkeypatch.setattr(recover, "draw", lambda a, at, *, key: found.append(draw(a, at, key=key)) or found[-1])
    run(plain(ipc=2, steps=2, augment=Augment(crop=(0.5, 1.0), shared=True), block=2), task)
    by_step = np.array(found).reshape(3, 2, 2, 8)  # block, step, image
    assert (by_step == by_step[:1, :, :1]).all()
    assert (by_step[0, 0, 0] != by_step[0, 1, 0]).any()


def test_the_curriculum_begins_with_whole_images_and_crops_more_and_more(task, monkeypatch):
    found = []
    monkeypatch.setattr(recover, "draw", lambda a, at, *, key: found.append(draw(a, at, key=key)) or found[-1])
    run(plain(ipc=2, steps=6, augment=Augment(crop=(0.1, 1.0), ratio=1.0), curriculum=True), task)
    # The first view is the image itself and is not drawn; then the smallest area falls as a cosine does.
    assert len(found) == 5
    area = [(4 * rows[:, 2] * rows[:, 3]).min() for rows in found]
    bounds = [1 - 0.9 * (1 - np.cos(np.pi * step / 6)) / 2 for step in range(1, 6)]
    assert all(bound - 1e-6 <= smallest < 1 for smallest, bound in zip(area, bounds, strict=True))
    assert area[-1] < bounds[1]


@pytest.mark.parametrize(("block", "expected"), [(3, [1, 1, 1, 1, 1]), (6, [2, 2, 1]), (8, [2, 2, 1]), (100, [5])])
def test_blocks_by_index_hold_the_same_indices_of_every_class(block, expected, task):
    snapshots = run(SRe2L(ipc=5, steps=1, block=block), task)
    blocks = {s.block: s.arrays["indices"] for s in snapshots}
    assert [len(indices) // 3 for indices in blocks.values()] == expected
    assert sorted(np.concatenate(list(blocks.values()))) == list(range(15))
    for indices in blocks.values():
        own = np.unique(indices % 5)
        assert sorted(indices) == sorted(c * 5 + i for c in range(3) for i in own)


@pytest.mark.parametrize(("block", "expected"), [(1, [1, 1, 1]), (9, [1, 1, 1]), (10, [2, 1]), (15, [3])])
def test_blocks_by_class_hold_whole_classes(block, expected, task):
    snapshots = run(plain(ipc=5, steps=1, block=block), task)
    blocks = {s.block: s.arrays["indices"] for s in snapshots if s.phase == "recover"}
    assert [len(indices) / 5 for indices in blocks.values()] == expected
    assert np.concatenate(list(blocks.values())).tolist() == list(range(15))


def test_while_one_block_moves_the_others_stand_at_their_end_or_their_start(task):
    snapshots = [s for s in run(plain(ipc=2, steps=3, block=2, lr=0.2), task) if s.phase == "recover"]
    start, end = snapshots[0].distilled.images, snapshots[-1].distilled.images
    assert (start != end).any(axis=(1, 2, 3)).all()
    for s in snapshots:
        at = 2 * s.block
        np.testing.assert_array_equal(s.distilled.images[:at], end[:at])
        np.testing.assert_array_equal(s.distilled.images[at + 2 :], start[at + 2 :])


def test_global_statistics_of_one_block_are_those_of_all_its_images(task):
    by_class = answer(SRe2L(ipc=2, steps=4, blocks="by_class", block=2), task)
    by_index = answer(SRe2L(ipc=2, steps=4), task)
    assert (by_class.images != by_index.images).any()
