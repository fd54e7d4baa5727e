"""Outcomes and progress, predictions, places, the learner's seed."""

import re
import subprocess
import sys
from pathlib import Path

import ipywidgets
import pytest
import traitlets

from wddkit import cli, course
from wddkit.course import registry
from wddkit.course.answers import is_blank
from wddkit.course.outcomes import Outcome
from wddkit.views import TransportLab

W, B = "It grows.", "It shrinks."


def test_an_outcome_says_by_sign_and_word_how_it_is_and_colour_is_never_alone() -> None:
    for status, words in (("passed", "✓ Passed"), ("wrong", "✗ Not yet"), ("blank", "○ Not filled in yet")):
        found = Outcome("01-cost", "The cost matrix", status, "`C[0]` is <b> & 1.")  # type: ignore[arg-type]  # a word of three
        assert repr(found) == f"{words} (01-cost, The cost matrix): `C[0]` is <b> & 1."
        html = found._repr_html_()
        assert f"<b>{words}</b>" in html
        assert "<code>C[0]</code> is &lt;b&gt; &amp; 1." in html
        assert found.passed == (status == "passed")


def test_a_word_between_stars_is_emphasised_and_a_product_is_not() -> None:
    html = Outcome(
        "02-step", "A round", "wrong", "*minus* reg, in *Price (ρ)*: 2 * h * x, `plan * n`, x**2."
    )._repr_html_()
    assert "<em>minus</em> reg, in <em>Price (ρ)</em>: 2 * h * x, <code>plan * n</code>, x**2." in html


def test_progress_lists_every_exercise_and_what_was_found_last() -> None:
    assert course.progress("01").passed == 0
    course.check("01-w1-w2", 1.0, 2.0, left=[[0.0]], right=[[1.0]])
    course.check("01-w1-w2", 1.0, 3.0, left=[[0.0]], right=[[1.0]])
    found = course.progress("01")
    assert [each.status for each in found.outcomes] == ["blank", "blank", "blank", "wrong", "blank"]
    course.check("01-w1-w2", 2.0, 2.0, left=[[0.0]], right=[[2.0]])
    found = course.progress("01")
    assert found.passed == 1
    assert repr(found).startswith("1 of 5 exercises passed\n○ 01-cost")
    assert "✓ Passed</td>" in found._repr_html_()
    with pytest.raises(RuntimeError, match=r"exercises that are not passed: ○ Not filled in yet \(01-cost"):
        found.require_all()


def test_what_an_author_mistypes_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"unknown exercise '01-cots'\. Did you mean '01-cost'\?"):
        course.check("01-cots", 1)
    with pytest.raises(ValueError, match=r"unknown exercise 'nope'\. Known: 00-"):
        course.check("nope", 1)
    with pytest.raises(ValueError, match=r"unknown notebook '77'\. Known: 00, 01"):
        course.progress("77")
    with pytest.raises(ValueError, match=r"check '01-cost': missing a required argument: 'x'; it takes \(C: .*x: .*y"):
        course.check("01-cost", 1)
    with pytest.raises(
        ValueError, match=r"exercise '01-cost' has a check in wddkit\.course\.checks\.transport_by_hand al"
    ):
        registry.exercise("01-cost", "another")(lambda answer: "")


def test_a_check_that_fails_itself_looks_like_no_broken_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(answer: object) -> str:
        raise KeyError("lost")

    registry.exercises("01")
    monkeypatch.setitem(registry._EXERCISES, "01-broken", registry.Exercise("01-broken", "broken", broken))
    found = course.check("01-broken", 1)
    assert found.status == "wrong"
    assert found.message == "this check cannot read your answer (KeyError: 'lost'). Compare it with the task."


def test_what_is_blank() -> None:
    assert all(map(is_blank, [..., None, "", "  ", [...], [[..., None]], {"a": ...}, []]))
    assert not any(map(is_blank, [0, False, "no", [0, ...], {"a": 0}, [[0]]]))


def test_a_prediction_shows_what_may_be_moved_once_it_is_made_and_cannot_be_changed() -> None:
    lab = TransportLab()
    asked = course.predict("What happens to it?", [W, B], then=lab, answer=B, because="So it is.")
    (question,) = asked.children
    assert asked.chosen is None
    assert (question.choices, question.answer, question.because, question.below) == ([W, B], 1, "So it is.", True)
    question.chosen = 0  # as the browser does
    assert asked.children == (question, lab)
    assert asked.chosen == W
    with pytest.raises(traitlets.TraitError, match=r"chosen: expected 0 to 1, or -1 for none, got 2"):
        question.chosen = 2


def test_a_prediction_without_answer_or_anything_below_only_asks() -> None:
    asked = course.predict("?", [W, B])
    (question,) = asked.children
    question.chosen = 1
    assert asked.children == (question,)
    assert (question.answer, question.below) == (-1, False)


def test_a_lecturer_can_unlock_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = ipywidgets.IntSlider()
    for value, count in (("1", 2), ("0", 1), ("", 1)):
        monkeypatch.setenv("WDDKIT_UNLOCK", value)
        assert len(course.predict("?", [W, B], then=shown).children) == count


def test_a_prediction_that_cannot_be_made_is_an_error() -> None:
    for choices in ([W], [W, W], "ab"):
        with pytest.raises(ValueError, match="predict: expected two or more choices that differ, got"):
            course.predict("?", choices)
    with pytest.raises(ValueError, match=r"predict: the answer 'x' is none of the choices 'It grows.', 'It shrinks.'"):
        course.predict("?", [W, B], answer="x")
    with pytest.raises(ValueError, match=r"predict: then is a list; expected a widget, such as wdd.TransportLab\(\)"):
        course.predict("?", [W, B], then=[1])


def test_a_recorded_run_is_found_from_the_notebooks_and_from_the_folders_around_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "notebooks" / "recorded" / "a-run"
    run.mkdir(parents=True)
    (tmp_path / "notebooks" / "solved").mkdir()
    for place in ("", "notebooks", "notebooks/solved"):
        monkeypatch.chdir(tmp_path / place)
        assert course.recorded("a-run") == run
    with pytest.raises(FileNotFoundError, match=rf"no recorded run 'b' in {re.escape(str(tmp_path))}.*: wddkit lab"):
        course.recorded("b")


def test_the_learners_seed_is_a_number_or_made_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WDDKIT_STUDENT", raising=False)
    assert course.student_seed() == 0
    (tmp_path / "student.txt").write_text(" 17\n")
    assert course.student_seed() == 17
    monkeypatch.setenv("WDDKIT_STUDENT", "Ada Lovelace")  # the variable goes before the file
    ada = course.student_seed()
    assert 0 <= ada < 2**63
    monkeypatch.setenv("WDDKIT_STUDENT", "ada lovelace ")
    assert course.student_seed() == ada
    monkeypatch.setenv("WDDKIT_STUDENT", "Emmy Noether")
    assert course.student_seed() not in (0, 17, ada)


def test_less_work_is_done_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected in (("1", True), ("yes", True), ("0", False), ("", False), ("False", False)):
        monkeypatch.setenv("WDDKIT_FAST", value)
        assert course.fast() is expected
    monkeypatch.delenv("WDDKIT_FAST")
    assert course.fast() is False


def test_the_command_lab_opens_the_index_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "call", lambda command: commands.append(command) or 0)
    for _ in range(2):
        with pytest.raises(SystemExit, match="0"):
            cli.lab(notebooks=tmp_path)
        (tmp_path / "index.ipynb").touch()
    without, with_index = commands
    assert with_index == [*without, "--LabApp.default_url=/lab/tree/index.ipynb"]


def test_a_desk_is_empty_and_gone_when_the_kernel_ends() -> None:
    code = "from wddkit import course; desk = course.desk(); (desk / 'a.txt').write_text('a'); print(desk)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()).name.startswith("wddkit-course-")
    assert not Path(done.stdout.strip()).exists()
    assert list(course.desk().iterdir()) == []
