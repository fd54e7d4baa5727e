"""The search of the pages: which section comes first, by hand and in general."""

import json
import math

import pytest

from wddkit.course.site.searching import Section, index, script, words

SHOWN = [
    Section("01", "01 Optimal transport", "01 Optimal transport", "top", "a plan says who goes where", ""),
    Section("01", "01 Optimal transport", "The plan", "plan", "rows sum to masses", "best = transport(x, y)"),
    Section("02", "02 Sinkhorn", "Entropy", "entropy", "entropy entropy entropy makes it smooth", ""),
    Section("02", "02 Sinkhorn", "Summary", "summary", "a plan and its entropy", ""),
]


def test_words_are_compared_without_accents_and_capitals() -> None:
    assert words("Cafés: W2², Peyré's λ_i") == ["cafes", "w22", "peyre", "s", "λ", "i"]


def test_weights_are_those_worked_out_by_hand() -> None:
    found = index(SHOWN)
    # "plan" is in three of four sections: once in a text, in a heading, once in a text.
    rare = math.log(1 + 4 / 3)
    assert found["plan"] == {0: round(rare / 2, 2), 1: round(3 * rare, 2), 3: round(rare / 2, 2)}
    # "transport": heading of the first section; code alone, once, in the second.
    rare = math.log(1 + 4 / 2)
    assert found["transport"] == {0: round(3 * rare, 2), 1: round(rare / 4, 2)}


def test_a_heading_counts_more_than_any_number_of_mentions() -> None:
    text = " ".join(["entropy"] * 1000)
    found = index([Section("a", "a", "other", "", text, ""), Section("b", "b", "entropy", "", "", "")])["entropy"]
    assert found[1] > found[0]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    found = index(SHOWN)
    assert found["smooth"][2] > found["a"][0]


def test_the_title_of_a_page_alone_says_nothing_of_its_sections() -> None:
    assert "sinkhorn" not in index(SHOWN)


def test_the_order_of_the_sections_changes_no_weight_of_single_pages() -> None:
    alone = [Section(str(i), f"t{i}", f"h{i}", "", text, "") for i, text in enumerate(["a b", "b c c", "c a"])]
    forth, back = index(alone), index(alone[::-1])
    turned = {word: {2 - s: weight for s, weight in found.items()} for word, found in back.items()}
    assert forth == turned


@pytest.mark.parametrize("text", ["</script>", 'a "quoted" word', "line\nbreak", "\u2028"])
def test_the_index_is_a_script_whatever_is_in_a_text(text: str) -> None:
    made = script([Section("a", "a", "h", "", text, "")])
    begin, held = made.split(" = ", 1)
    assert begin == "globalThis.wddIndex"
    assert json.loads(held.rstrip(";\n"))["sections"][0][4] == text
