"""A writer records nothing that could not be read again."""

from pathlib import Path

import numpy as np
import pytest
from history_toys import CONFIG, ENVIRONMENT, walk

from wddkit.history import Fields, History, Writer


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"phase": "match"}, "phase 'match', step 4 would overwrite phase 'recover', step 4"),
        ({"step": 5, "arrays": {}}, r"phase 'recover', step 5, block 1: expected the arrays 'images' and 'indices'"),
        (
            {"step": 5, "arrays": {"images": np.zeros((2, 2, 8, 8), "u1"), "indices": np.arange(2)}},
            "1 or 3, size",
        ),
        ({"step": -1}, "phase 'recover': step -1, block 1; expected numbers from 0 on"),
        ({"step": 5, "scalars": {"seconds": 1.0}}, "a scalar cannot be called 'seconds'"),
        (
            {
                "step": 5,
                "arrays": {
                    "images": np.zeros((1, 1, 8, 8), "u1"),
                    "indices": np.arange(1),
                    "features": np.full((1, 2), np.nan),
                },
            },
            "features holds NaN or infinite values; nothing of it was recorded",
        ),
    ],
)
def test_a_writer_refuses_what_could_not_be_read_again(tmp_path: Path, changed: dict[str, object], text: str) -> None:
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        *_, last = walk(None)
        writer.snapshot(**last)
        with pytest.raises(ValueError, match=text):
            writer.snapshot(**{**last, **changed})
        with pytest.raises(ValueError, match="a run without a distilled set is not complete"):
            writer.complete()
        with pytest.raises(ValueError, match=r"results x: expected a row with 'set' and 'accuracies'"):
            writer.results("x", {"protocol": {"name": "p"}, "rows": [{"set": "s", "accuracies": []}]})
        with pytest.raises(ValueError, match="1001 real samples; expected at most 1000"):
            writer.real(np.zeros((1001, 1, 8, 8), np.uint8), None, np.zeros(1001, int), np.zeros(1001, int))


def test_a_snapshot_that_is_recorded_already_is_left_as_it_is(tmp_path: Path) -> None:
    with Writer.open(tmp_path / "run", config=CONFIG, environment=ENVIRONMENT) as writer:
        *_, last = walk(None)
        writer.snapshot(**last)
        writer.snapshot(**last)
    assert len(History.load(tmp_path / "run", partial=True).scalars) == 1


def test_fields_are_read_by_attribute_and_by_item_and_cannot_be_changed() -> None:
    plain = {"dataset": "digits", "method": {"ipc": 10, "layers": [1, 2]}, "rows": [{"a": 1}], "items": 3}
    fields = Fields(plain)
    assert fields.method.ipc == fields["method"]["ipc"] == 10
    assert fields.method.layers == (1, 2)
    assert fields.rows[0].a == 1
    assert fields["items"] == 3
    assert fields == plain == fields.as_dict()
    assert fields.method == {"ipc": 10, "layers": [1, 2]}
    assert fields != {**plain, "dataset": "mnist"}
    assert fields.as_dict()["method"]["layers"] == [1, 2]
    with pytest.raises(AttributeError, match=r"unknown field 'metod'. Did you mean 'method'\?"):
        _ = fields.metod
    with pytest.raises(AttributeError):
        fields.dataset = "mnist"
    with pytest.raises(TypeError):
        fields["dataset"] = "mnist"
