"""What a source becomes: an exercise form without solutions, a solved form, equal bytes every time."""

import nbformat
import pytest

from wddkit.course.source import PLACEHOLDER, build, dumps, parse

SOURCE = """\
# %% [markdown] title
# # 01 A title
#
# See [00](00_other.ipynb), [a picture](recorded/x.png), [theory](https://example.org/a) and [below](#later).

# %% folded ask
print("answer")

# %% open
import numpy as np

# %% [markdown] exercise 01-sum difficulty=2 importance=3 minutes=5 points=4
# ### Exercise 1: a sum
#
# Add them.

# %% answer 01-sum
numbers = np.arange(3)
# --- solution
total = numbers.sum()
# --- end
print(total if False else numbers)

# %% check 01-sum
print("01-sum")

# %% [markdown] exercise 01-loop difficulty=1 importance=1 minutes=1 points=1
# ### Exercise 2: a loop

# %% answer 01-loop
for i in range(2):
    # --- solution
    secret = i + 1
    # --- instead
    # secret = ...
    # if i:
    #     pass
    # --- end
    print(secret)

# %% check 01-loop
print("01-loop")
"""


def cells(form: str, source: str = SOURCE) -> dict[str, str]:
    made = build(parse(source), form, notebook="01_title")
    nbformat.validate(nbformat.from_dict(made))
    return {cell["id"]: "".join(cell["source"]) for cell in made["cells"]}


def test_the_exercise_form_has_a_placeholder_where_the_solution_was() -> None:
    found = cells("exercises")
    assert found["01-sum-answer"] == f"numbers = np.arange(3)\n{PLACEHOLDER}\nprint(total if False else numbers)"
    assert found["01-loop-answer"] == (
        "for i in range(2):\n    secret = ...\n    if i:\n        pass\n    print(secret)"
    )


def test_the_solved_form_has_the_solution_and_no_mark() -> None:
    found = cells("solved")
    assert "total = numbers.sum()" in found["01-sum-answer"]
    assert found["01-loop-answer"] == "for i in range(2):\n    secret = i + 1\n    print(secret)"
    assert "# ---" not in "".join(found.values())
    assert PLACEHOLDER not in "".join(found.values())


def test_the_solved_form_says_that_it_is_solved_and_fails_unless_all_checks_passed() -> None:
    found = cells("solved")
    assert list(found)[1] == "solved"
    assert "](../01_title.ipynb)" in found["solved"]
    assert found["all-passed"].endswith('course.progress("01").require_all()')
    assert "all-passed" not in cells("exercises")


def test_relative_links_of_the_solved_form_lead_one_folder_up() -> None:
    text = (
        "[00](../00_other.ipynb), [a picture](../recorded/x.png), [theory](https://example.org/a) and [below](#later)"
    )
    assert text in cells("solved")["title"]


def test_the_numbers_of_an_exercise_stand_under_its_heading_and_in_its_metadata() -> None:
    made = build(parse(SOURCE), "exercises", notebook="01_title")
    by_id = {cell["id"]: cell for cell in made["cells"]}
    heading, empty, told, *_ = "".join(by_id["01-sum-exercise"]["source"]).splitlines()
    assert (heading, empty) == ("### Exercise 1: a sum", "")
    assert told == "*Difficulty 2 of 5, importance 3 of 5, about 5 minutes.*"
    kept = {"exercise": "01-sum", "difficulty": 2, "importance": 3, "minutes": 5, "points": 4, "role": "exercise"}
    assert by_id["01-sum-exercise"]["metadata"] == {"wddkit": kept}
    assert by_id["ask"]["metadata"] == {"jupyter": {"source_hidden": True}}
    for role in ("answer", "check"):
        assert by_id[f"01-sum-{role}"]["metadata"] == {"wddkit": {"exercise": "01-sum", "role": role}}


@pytest.mark.parametrize("form", ["exercises", "solved"])
def test_equal_sources_give_equal_bytes_which_are_those_that_nbformat_would_write(form: str) -> None:
    once, again = (dumps(build(parse(SOURCE), form, notebook="01_title")) for _ in range(2))
    assert once == again
    assert nbformat.writes(nbformat.reads(once, as_version=4)) + "\n" == once


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n# %% a\ny", r"line 1: expected a cell's mark first, such as '# %% \[markdown\] title', got 'x = 1'"),
        ("# %%\nx", r"line 1: expected '# %% NAME' or '# %% \[markdown\] NAME', got '# %%'"),
        ("# %% a\nx\n# %% a\ny", "two cells have the same name: a"),
        ("# %% a\n\n", "line 1: cell 'a' is empty"),
        ("# %% [markdown] a\n# text\nx = 1", "cell 'a': every line of a text begins with '# ', got 'x = 1'"),
        (
            "# %% [markdown] exercise 01-a minutes=2\n# text",
            "'01-a': expected difficulty, importance, minutes, points for",
        ),
        (
            "# %% a minutes=2\nx",
            "expected difficulty, importance, minutes, points for an exercise and for no other cell",
        ),
        ("# %% exercise 01-a difficulty=1 importance=1 minutes=1 points=1\nx", r"expected \[markdown\] with exercise"),
        ("# %% [markdown] answer 01-a\n# x", r"expected \[markdown\] with exercise, and without it for answer"),
        ("# %% answer 01-a\nx = 1", "an answer needs the marks '# --- solution' and '# --- end'"),
        ("# %% answer 01-a\n# --- solution\nx = 1", "cell '01-a': the mark '# --- end' is missing"),
        ("# %% answer 01-a\n# --- instead\nx = 1", "cell '01-a': the mark '# --- instead' is out of order"),
        ("# %% answer 01-a\n# --- solution\n# --- solution\nx", "the mark '# --- solution' is out of order"),
        ("# %% answer 01-a\n# --- solution\nx\n# --- instead\ny\n# --- end", "every line is a comment, got 'y'"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error_that_names_the_place(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(source)


def test_a_mark_of_a_solution_in_another_cell_is_an_error() -> None:
    with pytest.raises(ValueError, match="cell 'open': the mark '# --- solution' is out of order"):
        build(parse("# %% open\n# --- solution\nx\n# --- end"), "exercises", notebook="01_title")
